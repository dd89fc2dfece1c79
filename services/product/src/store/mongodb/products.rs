//! Products as they are written: each change is one document, with its events.

use async_trait::async_trait;
use clock::Timestamp;
use ids::ProductId;
use mongo::{Aborted, Error as Failure, Work, moment};
use mongodb::{
    ClientSession, Database,
    bson::{Document, doc},
};
use serde::Deserialize;

use super::{
    INBOX, MongoProducts, PRODUCTS, TRIES,
    card::Card,
    outbox::{self, Envelope, Letter},
    places::Place,
};
use crate::{
    domain::{Event, OfferState, Product, Status},
    error::Error,
    store::Write,
};

#[derive(Debug, Deserialize)]
pub(super) struct Waiting {
    pub(super) outbox: Vec<Envelope>,
}

impl MongoProducts {
    pub(super) async fn create_product(&self, mut write: Write) -> Result<Product, Error> {
        let products = self.database.collection::<Card>(PRODUCTS).await?;
        let place = self.place(write.product.category).await?;
        loop {
            let mut card = Card::new(&write.product, place.path.clone(), place.moves);
            card.outbox = self.letters(&write, &write.product);
            match self.database.bounded(products.insert_one(&card)).await {
                Ok(_) => break,
                Err(error) if error.violates("products_slug") => {
                    write.product.slug = write.spare_slug.take().ok_or(Error::SlugTaken)?;
                }
                Err(error) => return Err(self.why(error, &write.product).await?),
            }
        }
        self.confirm(&[place]).await?;
        Ok(write.product)
    }

    pub(super) async fn replace_product(&self, write: Write) -> Result<Product, Error> {
        let products = self.database.collection::<Card>(PRODUCTS).await?;
        for _ in 0..TRIES {
            let place = self.place(write.product.category).await?;
            let old = self.current(write.product.id).await?.ok_or(Error::VersionMismatch)?;
            let (same, card) = self.succeed(old, &write, &place).await?;
            let letters = self.letters(&write, &card.clone().product()?);
            let update = products.update_one(same, card.write(&letters)?);
            match self.database.bounded(update).await {
                Ok(outcome) if outcome.matched_count == 1 => {
                    self.tidy(write.product.id).await?;
                    self.confirm(&[place]).await?;
                    return Ok(card.product()?);
                }
                // Somebody was faster; if it was the merchant, the next look at the version says so.
                Ok(_) => {}
                Err(error) => return Err(self.why(error, &write.product).await?),
            }
        }
        Err(Error::Contended)
    }

    /// What replaces a card, and the filter that finds it only as it was seen.
    pub(super) async fn succeed(
        &self,
        old: Card,
        write: &Write,
        place: &Place,
    ) -> Result<(Document, Card), Error> {
        if old.version != write.product.version - 1 || old.is_archived() {
            return Err(Error::VersionMismatch);
        }
        if !outbox::has_room(&self.waiting(old.id).await?) {
            let message = "the product's last changes have not reached everybody yet";
            return Err(fault::Fault::unavailable(message).into());
        }
        let same = doc! {
            "_id": old.id.to_string(), "version": old.version, "revision": old.revision,
        };
        Ok((same, old.replaced(&write.product, place.path.clone(), place.moves)))
    }

    /// The product without its events.
    pub(super) async fn current(&self, id: ProductId) -> Result<Option<Card>, Failure> {
        let products = self.database.collection::<Card>(PRODUCTS).await?;
        let this = products.find_one(doc! { "_id": id.to_string() });
        self.database.bounded(this.projection(doc! { "outbox": 0 })).await
    }

    async fn waiting(&self, id: ProductId) -> Result<Vec<Envelope>, Failure> {
        let products = self.database.collection::<Waiting>(PRODUCTS).await?;
        let this = products.find_one(doc! { "_id": id.to_string() });
        let found = self.database.bounded(this.projection(outbox::envelopes())).await?;
        Ok(found.map(|found| found.outbox).unwrap_or_default())
    }

    /// Takes out events that newer ones make superfluous, when a subscriber was away for long.
    pub(super) async fn tidy(&self, id: ProductId) -> Result<(), Failure> {
        let rows = outbox::superseded(&self.waiting(id).await?);
        if !rows.is_empty() {
            let products = self.database.collection::<Document>(PRODUCTS).await?;
            let this = doc! { "_id": id.to_string() };
            self.database.bounded(products.update_one(this, outbox::without(&rows))).await?;
        }
        Ok(())
    }

    /// The event of a merchant's change.
    pub(super) fn letters(&self, write: &Write, product: &Product) -> Vec<Letter> {
        let (product, category) = (product.clone(), write.category.clone());
        let now = product.updated_at;
        let event = if product.status == Status::Archived {
            Event::Deleted { product, category }
        } else {
            Event::Changed { product, category, offers: write.offers.clone() }
        };
        outbox::letters(&(self.encode)(&event), now)
    }

    /// What an error of a write means.
    async fn why(&self, error: Failure, product: &Product) -> Result<Error, Failure> {
        if error.violates("products_slug") {
            return Ok(Error::SlugTaken);
        }
        if error.violates("_id_") {
            return Ok(Error::VersionMismatch);
        }
        if error.violates("products_skus") {
            return self.taken(product).await;
        }
        Err(error)
    }

    /// Which SKU it was.
    async fn taken(&self, product: &Product) -> Result<Error, Failure> {
        let skus: Vec<&str> =
            product.content.variants.iter().map(|variant| variant.sku.as_str()).collect();
        let known = self.find_products_by_sku(product.merchant, &skus).await?;
        let other = |sku: &&str| known.get(*sku).is_some_and(|other| other.id != product.id);
        let at = skus.iter().position(other).unwrap_or(0);
        let sku = skus.get(at).copied().unwrap_or_default().to_owned();
        Ok(Error::SkuTaken { at, sku })
    }

    pub(super) async fn note_offers(
        &self,
        product: ProductId,
        offers: &OfferState,
        version: i64,
    ) -> Result<bool, Failure> {
        let products = self.database.collection::<Document>(PRODUCTS).await?;
        for _ in 0..TRIES {
            let Some(old) = self.current(product).await? else { return Ok(false) };
            if old.offers_version >= version {
                return Ok(false);
            }
            let same = doc! { "_id": product.to_string(), "revision": old.revision };
            let update = products.update_one(same, old.offered(offers, version).offer()?);
            if self.database.bounded(update).await?.matched_count == 1 {
                return Ok(true);
            }
        }
        Err(mongo::contended())
    }

    pub(super) async fn note_sales(
        &self,
        event: &str,
        pieces: Vec<(ProductId, i64)>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let sales = Sales { event, pieces, now };
        match self.database.transaction(&sales).await {
            // It has taken effect before.
            Err(Aborted::Store(error)) if error.violates("_id_") => Ok(()),
            outcome => outcome.map_err(Aborted::told),
        }
    }

    pub(super) async fn forget_sales(&self, before: Timestamp, limit: u32) -> Result<u64, Failure> {
        let inbox = self.database.collection::<Receipt>(INBOX).await?;
        let old = inbox.find(doc! { "at": { "$lt": moment(before) } });
        let old = old.projection(doc! { "_id": 1 }).limit(i64::from(limit));
        let old: Vec<String> =
            self.database.all(old).await?.into_iter().map(|receipt| receipt.event).collect();
        if old.is_empty() {
            return Ok(0);
        }
        let forget = inbox.delete_many(doc! { "_id": { "$in": old } });
        Ok(self.database.bounded(forget).await?.deleted_count)
    }
}

/// What tells that an event has taken effect.
#[derive(Debug, Deserialize)]
struct Receipt {
    #[serde(rename = "_id")]
    event: String,
}

/// Pieces sold by one order.
struct Sales<'a> {
    event: &'a str,
    pieces: Vec<(ProductId, i64)>,
    now: Timestamp,
}

#[async_trait]
impl Work for Sales<'_> {
    type Output = ();
    type Refusal = Failure;

    async fn run(
        &self,
        database: &Database,
        session: &mut ClientSession,
    ) -> Result<(), Aborted<Failure>> {
        let received = doc! { "_id": self.event, "at": moment(self.now) };
        let inbox = database.collection::<Document>(INBOX);
        inbox.insert_one(received).session(&mut *session).await?;
        let add = |(product, pieces): &(ProductId, i64)| {
            (doc! { "_id": product.to_string() }, doc! { "$inc": { "popularity": *pieces } })
        };
        let updates: Vec<_> = self.pieces.iter().map(add).collect();
        mongo::update_each(database, session, PRODUCTS, updates).await?;
        Ok(())
    }
}
