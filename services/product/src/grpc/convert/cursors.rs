//! Places in lists as text.

use clock::Timestamp;
use ids::ReviewId;

use crate::{
    domain::Review,
    error::Error,
    store::{After, Sort},
};

/// Tells the lists apart, so that a cursor of one is not taken for a place in another.
const fn mark(sort: Sort) -> &'static str {
    match sort {
        Sort::Newest => "n",
        Sort::Price => "p",
        Sort::PriceDesc => "d",
        Sort::Rating => "r",
        Sort::Popularity => "s",
    }
}

fn bad() -> Error {
    Error::field("after", "INVALID", "not a cursor of this list")
}

pub(in crate::grpc) fn product(sort: Sort, after: After) -> String {
    format!("{}{}.{}", mark(sort), after.key, after.product)
}

pub(in crate::grpc) fn parse_product(sort: Sort, text: &str) -> Result<Option<After>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let after = text.strip_prefix(mark(sort)).and_then(|rest| {
        let (key, product) = rest.split_once('.')?;
        Some(After { key: key.parse().ok()?, product: product.parse().ok()? })
    });
    after.map(Some).ok_or_else(bad)
}

pub(in crate::grpc) fn review(review: &Review) -> String {
    format!("{}.{}", review.created_at.millis(), review.id)
}

pub(in crate::grpc) fn parse_review(text: &str) -> Result<Option<(Timestamp, ReviewId)>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let after = text.split_once('.').and_then(|(at, review)| {
        Some((Timestamp::from_millis(at.parse().ok()?), review.parse().ok()?))
    });
    after.map(Some).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use ids::ProductId;

    use super::*;

    #[test]
    fn a_cursor_belongs_to_its_list() {
        let after = After { key: -7, product: ProductId::new() };
        let text = product(Sort::Price, after);
        assert_eq!(parse_product(Sort::Price, &text).unwrap(), Some(after));
        assert!(parse_product(Sort::Rating, &text).is_err());
        assert!(parse_product(Sort::Price, "p1").is_err());
        assert_eq!(parse_product(Sort::Price, "").unwrap(), None);
    }
}
