//! A batch of an import: all its products, each with its own events, and the progress of the job, in one transaction.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use ids::{CategoryId, EventId, JobId, ProductId};
use mongo::{Aborted, Error as Failure, Work};
use mongodb::{
    ClientSession, Database,
    bson::{Document, doc},
};
use serde::Deserialize;

use super::{FILES, JOBS, MongoProducts, PRODUCTS, card::Card, jobs, places::Place};
use crate::{
    domain::import::{JobStatus, Progress},
    error::Error,
    store::Write,
};

#[derive(Debug, Deserialize)]
struct Named {
    slug: String,
}

impl MongoProducts {
    pub(super) async fn import_batch(
        &self,
        job: JobId,
        status: JobStatus,
        progress: &Progress,
        writes: Vec<Write>,
    ) -> Result<(), Error> {
        let mut ids: Vec<CategoryId> = writes.iter().map(|it| it.product.category).collect();
        ids.sort_unstable();
        ids.dedup();
        let places = self.places(&ids).await?;
        let (new, changed): (Vec<Write>, Vec<Write>) =
            writes.into_iter().partition(|write| write.product.version == 1);
        let batch = Batch {
            job,
            status,
            progress,
            holder: self.holder,
            new: self.new_cards(new, &places).await?,
            changed: self.changed_cards(changed, &places).await?,
        };
        self.database.transaction(&batch).await.map_err(|aborted| match aborted {
            Aborted::Store(error) if error.violates("products_slug") => Error::SlugTaken,
            // Somebody has written what this batch would have made.
            Aborted::Store(error) if error.violates("products_skus") || error.violates("_id_") => {
                Error::VersionMismatch
            }
            other => other.told(),
        })?;
        for (_, id, _) in &batch.changed {
            self.tidy(*id).await?;
        }
        Ok(self.confirm(&places).await?)
    }

    /// Products to be made. A slug that is taken gives way to the spare one before anything is written: within a transaction a
    /// refusal of the server would end all of it.
    async fn new_cards(&self, writes: Vec<Write>, places: &[Place]) -> Result<Vec<Card>, Error> {
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        let slugs: Vec<&str> = writes.iter().map(|write| write.product.slug.as_str()).collect();
        let products = self.database.collection::<Named>(PRODUCTS).await?;
        let these = products.find(doc! { "slug": { "$in": slugs } });
        let taken = self.database.all(these.projection(doc! { "slug": 1 })).await?;
        let mut taken: HashSet<String> = taken.into_iter().map(|named| named.slug).collect();
        let mut cards = Vec::with_capacity(writes.len());
        for mut write in writes {
            if !taken.insert(write.product.slug.clone()) {
                let spare = write.spare_slug.take().ok_or(Error::SlugTaken)?;
                taken.insert(spare.clone());
                write.product.slug = spare;
            }
            let place = place(places, write.product.category)?;
            let mut card = Card::new(&write.product, place.path.clone(), place.moves);
            card.outbox = self.letters(&write, &write.product);
            cards.push(card);
        }
        Ok(cards)
    }

    /// Products to be changed: as they were seen, which, and the change.
    async fn changed_cards(
        &self,
        writes: Vec<Write>,
        places: &[Place],
    ) -> Result<Vec<(Document, ProductId, Document)>, Error> {
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<String> = writes.iter().map(|write| write.product.id.to_string()).collect();
        let old = self.find_cards(doc! { "_id": { "$in": ids } }).await?;
        let mut old: HashMap<ProductId, Card> = old.into_iter().map(|it| (it.id, it)).collect();
        let mut changed = Vec::with_capacity(writes.len());
        for write in writes {
            let card = old.remove(&write.product.id).ok_or(Error::VersionMismatch)?;
            let place = place(places, write.product.category)?;
            let (same, card) = self.succeed(card, &write, place).await?;
            let letters = self.letters(&write, &card.clone().product()?);
            changed.push((same, card.id, card.write(&letters)?));
        }
        Ok(changed)
    }
}

fn place(places: &[Place], category: CategoryId) -> Result<&Place, Failure> {
    let found = places.iter().find(|place| place.id == category);
    found.ok_or_else(|| Failure::value(format!("no category {category}")))
}

struct Batch<'a> {
    job: JobId,
    status: JobStatus,
    progress: &'a Progress,
    holder: EventId,
    new: Vec<Card>,
    changed: Vec<(Document, ProductId, Document)>,
}

#[async_trait]
impl Work for Batch<'_> {
    type Output = ();
    type Refusal = Error;

    async fn run(
        &self,
        database: &Database,
        session: &mut ClientSession,
    ) -> Result<(), Aborted<Error>> {
        // First of all: another process that works on the same job stops here.
        let behind = jobs::behind(self.job, self.status, self.progress)?;
        let noted = jobs::noted(self.holder, self.status, self.progress)?;
        let jobs = database.collection::<Document>(JOBS);
        let outcome = jobs.update_one(behind, noted).session(&mut *session).await?;
        if outcome.matched_count != 1 {
            return Err(Aborted::Refused(Error::VersionMismatch));
        }
        if self.status.has_ended() {
            let files = database.collection::<Document>(FILES);
            let this = doc! { "_id": self.job.to_string() };
            files.delete_one(this).session(&mut *session).await?;
        }
        let products = database.collection::<Card>(PRODUCTS);
        if !self.new.is_empty() {
            products.insert_many(&self.new).session(&mut *session).await?;
        }
        let updates: Vec<_> =
            self.changed.iter().map(|(same, _, update)| (same.clone(), update.clone())).collect();
        let all = u64::try_from(updates.len()).unwrap_or(u64::MAX);
        if mongo::update_each(database, session, PRODUCTS, updates).await? != all {
            return Err(Aborted::Refused(Error::VersionMismatch));
        }
        Ok(())
    }
}
