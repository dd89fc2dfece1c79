//! Reviews, and the rating that follows from them: both in one transaction. The product
//! comes last, so that it is held from others for a moment only; when it has changed since it was read, all of it begins anew.

use async_trait::async_trait;
use clock::Timestamp;
use ids::{ProductId, ReviewId, UserId};
use mongo::{Aborted, Error as Failure, Work, moment, timestamp};
use mongodb::{
    ClientSession, Database,
    bson::{DateTime, Document, doc, serialize_to_document},
};
use serde::{Deserialize, Serialize};

use super::{MongoProducts, PRODUCTS, REVIEWS, card::rating_key, limit, outbox};
use crate::{
    domain::{Event, Rating, Review},
    error::Error,
    store::{Encode, ReviewsOf},
};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Opinion {
    #[serde(rename = "_id")]
    id: ReviewId,
    product: ProductId,
    user: UserId,
    author: String,
    rating: i64,
    text: String,
    created_at: DateTime,
}

impl Opinion {
    fn of(review: &Review) -> Self {
        Self {
            id: review.id,
            product: review.product,
            user: review.user,
            author: review.author.clone(),
            rating: i64::from(review.rating),
            text: review.text.clone(),
            created_at: moment(review.created_at),
        }
    }

    fn review(self) -> Result<Review, Failure> {
        Ok(Review {
            id: self.id,
            product: self.product,
            user: self.user,
            author: self.author,
            rating: u8::try_from(self.rating).map_err(Failure::value)?,
            text: self.text,
            created_at: timestamp(self.created_at),
        })
    }
}

/// What a product knows of its rating.
#[derive(Debug, Deserialize)]
struct Rated {
    #[serde(rename = "rating_sum")]
    sum: i64,
    #[serde(rename = "rating_count")]
    count: i64,
    #[serde(rename = "rating_version")]
    version: i64,
}

impl MongoProducts {
    pub(super) async fn write_review(&self, review: Review) -> Result<Review, Error> {
        let put = Put { review, encode: self.encode };
        let review = self.database.transaction(&put).await.map_err(Aborted::told::<Error>)?;
        self.tidy(review.product).await?;
        Ok(review)
    }

    pub(super) async fn remove_review(&self, id: ReviewId, now: Timestamp) -> Result<(), Failure> {
        let remove = Remove { id, now, encode: self.encode };
        match self.database.transaction(&remove).await.map_err(Aborted::told::<Failure>)? {
            Some(product) => self.tidy(product).await,
            None => Ok(()),
        }
    }

    pub(super) async fn review(&self, id: ReviewId) -> Result<Option<Review>, Failure> {
        let reviews = self.database.collection::<Opinion>(REVIEWS).await?;
        let this = reviews.find_one(doc! { "_id": id.to_string() });
        self.database.bounded(this).await?.map(Opinion::review).transpose()
    }

    pub(super) async fn page_of_reviews(
        &self,
        of: ReviewsOf,
        after: Option<(Timestamp, ReviewId)>,
        most: u32,
    ) -> Result<Vec<Review>, Failure> {
        let mut these = whose(of);
        if let Some((at, id)) = after {
            these.insert("created_at", doc! { "$lte": moment(at) });
            these.insert(
                "$or",
                [
                    doc! { "created_at": { "$lt": moment(at) } },
                    doc! { "_id": { "$lt": id.to_string() } },
                ],
            );
        }
        let reviews = self.database.collection::<Opinion>(REVIEWS).await?;
        let newest = reviews.find(these).sort(doc! { "created_at": -1, "_id": -1 });
        let found = self.database.all(newest.limit(limit(most))).await?;
        found.into_iter().map(Opinion::review).collect()
    }

    pub(super) async fn count_reviews_of(&self, of: ReviewsOf) -> Result<u64, Failure> {
        let reviews = self.database.collection::<Opinion>(REVIEWS).await?;
        self.database.bounded(reviews.count_documents(whose(of))).await
    }
}

fn whose(of: ReviewsOf) -> Document {
    match of {
        ReviewsOf::Product(product) => doc! { "product": product.to_string() },
        ReviewsOf::User(user) => doc! { "user": user.to_string() },
    }
}

struct Put {
    review: Review,
    encode: Encode,
}

#[async_trait]
impl Work for Put {
    type Output = Review;
    type Refusal = Error;

    async fn run(
        &self,
        database: &Database,
        session: &mut ClientSession,
    ) -> Result<Review, Aborted<Error>> {
        let Review { product, user, created_at, .. } = self.review;
        let active = doc! { "_id": product.to_string(), "status": "active" };
        let rated = rated(database, session, active).await?;
        let rated = rated.ok_or(Aborted::Refused(Error::ProductNotFound))?;
        let reviews = database.collection::<Opinion>(REVIEWS);
        let one = doc! { "product": product.to_string(), "user": user.to_string() };
        let old = reviews.find_one(one).session(&mut *session).await?;
        let mut new = Opinion::of(&self.review);
        let (sum, count) = match old {
            Some(old) => {
                new.id = old.id;
                let this = doc! { "_id": old.id.to_string() };
                reviews.replace_one(this, &new).session(&mut *session).await?;
                (rated.sum - old.rating + new.rating, rated.count)
            }
            None => {
                let insert = reviews.insert_one(&new).session(&mut *session);
                match insert.await.map_err(Failure::from) {
                    // The same user has just said the first thing elsewhere: this replaces it.
                    Err(error) if error.violates("reviews_one") => return Err(Aborted::Again),
                    outcome => drop(outcome?),
                }
                (rated.sum + new.rating, rated.count + 1)
            }
        };
        let told = Told { product, sum, count, version: rated.version + 1, at: created_at };
        told.write(database, session, self.encode).await?;
        Ok(new.review()?)
    }
}

struct Remove {
    id: ReviewId,
    now: Timestamp,
    encode: Encode,
}

#[async_trait]
impl Work for Remove {
    type Output = Option<ProductId>;
    type Refusal = Failure;

    async fn run(
        &self,
        database: &Database,
        session: &mut ClientSession,
    ) -> Result<Option<ProductId>, Aborted<Failure>> {
        let reviews = database.collection::<Opinion>(REVIEWS);
        let this = doc! { "_id": self.id.to_string() };
        let Some(old) = reviews.find_one_and_delete(this).session(&mut *session).await? else {
            return Ok(None);
        };
        let product = old.product;
        let of = doc! { "_id": product.to_string() };
        let Some(rated) = rated(database, session, of).await? else { return Ok(None) };
        let (sum, count) = (rated.sum - old.rating, rated.count - 1);
        let told = Told { product, sum, count, version: rated.version + 1, at: self.now };
        told.write(database, session, self.encode).await?;
        Ok(Some(product))
    }
}

/// The rating of a product.
async fn rated(
    database: &Database,
    session: &mut ClientSession,
    product: Document,
) -> Result<Option<Rated>, mongodb::error::Error> {
    let products = database.collection::<Rated>(PRODUCTS);
    let fields = doc! { "rating_sum": 1, "rating_count": 1, "rating_version": 1 };
    products.find_one(product).projection(fields).session(session).await
}

/// A rating as it is now.
struct Told {
    product: ProductId,
    sum: i64,
    count: i64,
    version: i64,
    at: Timestamp,
}

impl Told {
    /// Writes it, with its event.
    async fn write(
        self,
        database: &Database,
        session: &mut ClientSession,
        encode: Encode,
    ) -> Result<(), Failure> {
        let unsigned = |count: i64| u32::try_from(count).map_err(Failure::value);
        let rating = Rating { sum: unsigned(self.sum)?, count: unsigned(self.count)? };
        let Self { product, version, at, .. } = self;
        let event = Event::Reviewed { product, rating, version, at };
        let letters = outbox::letters(&encode(&event), at);
        let letters = letters.iter().map(serialize_to_document).collect::<Result<Vec<_>, _>>()?;
        let update = doc! {
            "$set": {
                "rating_sum": self.sum,
                "rating_count": self.count,
                "rating_version": version,
                "rating": rating_key(self.sum, self.count),
            },
            "$push": { "outbox": { "$each": letters } },
        };
        let this = doc! { "_id": product.to_string() };
        let products = database.collection::<Document>(PRODUCTS);
        products.update_one(this, update).session(session).await?;
        Ok(())
    }
}
