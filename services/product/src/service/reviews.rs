//! What shoppers say.

use clock::Timestamp;
use fault::Fault;
use ids::{ProductId, ReviewId, UserId};
use mesh::Caller;

use super::Catalogue;
use crate::{
    domain::{Review, Violation},
    error::Error,
    store::ReviewsOf,
};

/// A review as it was sent.
#[derive(Debug)]
pub(crate) struct NewReview {
    pub(crate) product: ProductId,
    pub(crate) rating: u32,
    pub(crate) text: String,
    pub(crate) author: String,
    /// Whose it is when a service sends it.
    pub(crate) user: String,
}

/// Part of a list.
pub(crate) struct ReviewPage {
    pub(crate) reviews: Vec<Review>,
    pub(crate) more: bool,
    pub(crate) count: Option<u64>,
}

impl Catalogue {
    /// Writes the caller's review of an active product, or replaces it.
    pub(crate) async fn put_review(
        &self,
        caller: &Caller,
        new: NewReview,
    ) -> Result<Review, Error> {
        let user: UserId = if caller.is_service() {
            let bad = |_| Error::field("user_id", "INVALID", "a service names the user");
            new.user.parse().map_err(bad)?
        } else {
            caller.require_user()?
        };
        let rating = check(&new).map_err(Error::Invalid)?;
        let review = Review {
            id: ReviewId::new(),
            product: new.product,
            user,
            author: new.author.trim().to_owned(),
            rating,
            text: new.text.trim().to_owned(),
            created_at: self.clock.now(),
        };
        let review = self.store.put_review(review).await?;
        self.relay.wake();
        Ok(review)
    }

    /// Takes a review away: its author, the platform owner, services.
    pub(crate) async fn delete_review(&self, caller: &Caller, id: ReviewId) -> Result<(), Error> {
        let may_any = caller.is_service() || caller.is_admin();
        let user = if may_any { None } else { Some(caller.require_user()?) };
        let review = self.store.find_review(id).await?.ok_or(Error::ReviewNotFound)?;
        if user.is_some_and(|user| user != review.user) {
            return Err(Error::ReviewNotFound);
        }
        self.store.delete_review(id, self.clock.now()).await?;
        self.relay.wake();
        Ok(())
    }

    /// Reviews of a product that the caller may see, or the caller's own.
    pub(crate) async fn reviews(
        &self,
        caller: &Caller,
        of: ReviewsOf,
        after: Option<(Timestamp, ReviewId)>,
        (limit, count): (u32, bool),
    ) -> Result<ReviewPage, Error> {
        match of {
            ReviewsOf::Product(product) => drop(self.get(caller, &product.to_string()).await?),
            ReviewsOf::User(user) => {
                if !caller.is_service() && !caller.is_admin() && caller.require_user()? != user {
                    return Err(Fault::not_found("USER").into());
                }
            }
        }
        let mut reviews = self.store.reviews(of, after, limit + 1).await?;
        let count = if count { Some(self.store.count_reviews(of).await?) } else { None };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = reviews.len() > limit;
        reviews.truncate(limit);
        Ok(ReviewPage { reviews, more, count })
    }
}

/// The rating, or what is wrong.
fn check(new: &NewReview) -> Result<u8, Vec<Violation>> {
    let mut wrong = Vec::new();
    let mut length = |field: &str, text: &str, most: usize| {
        let (code, message) = match text.trim().chars().take(most + 1).count() {
            0 => ("REQUIRED", "must not be empty".to_owned()),
            count if count > most => ("LENGTH", format!("at most {most} characters")),
            _ => return,
        };
        wrong.push(Violation { field: field.to_owned(), code, message });
    };
    length("text", &new.text, 2000);
    length("author", &new.author, 100);
    let rating = u8::try_from(new.rating).ok().filter(|rating| (1..=5).contains(rating));
    match rating {
        Some(rating) if wrong.is_empty() => Ok(rating),
        Some(_) => Err(wrong),
        None => {
            let message = "expected 1 to 5".to_owned();
            wrong.push(Violation { field: "rating".to_owned(), code: "OUT_OF_RANGE", message });
            Err(wrong)
        }
    }
}
