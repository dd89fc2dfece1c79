//! What stands after the question mark, and in the path.

use axum::extract::{FromRequestParts, Query};
use fault::{Fault, Field};
use http::request::Parts;
use proto::{
    product::{ProductFilter, ProductSort},
    value::PageRequest,
};

use crate::problem::Problem;

/// The parameters of a query, in order.
#[derive(Debug)]
pub(crate) struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        pairs.map(|Query(pairs)| Self(pairs)).map_err(|_| wrong("query", "cannot be read"))
    }
}

fn wrong(field: &str, message: &str) -> Problem {
    Problem(Fault::invalid(vec![Field::new(field, "INVALID", message)]))
}

impl Params {
    /// The value of a parameter that is there and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }

    fn parsed<T: std::str::FromStr>(&self, name: &str, what: &str) -> Result<Option<T>, Problem> {
        let parse = |value: &str| value.parse().map_err(|_| wrong(name, what));
        self.get(name).map(parse).transpose()
    }

    /// `limit`, `after` and `count`.
    pub(crate) fn page(&self) -> Result<PageRequest, Problem> {
        let limit: u32 = self.parsed("limit", "expected 1 to 100")?.unwrap_or(20);
        if !(1..=100).contains(&limit) {
            let field = Field::new("limit", "OUT_OF_RANGE", "expected 1 to 100");
            return Err(Problem(Fault::invalid(vec![field])));
        }
        let count = match self.get("count") {
            None | Some("none") => false,
            Some("exact" | "estimated") => true,
            Some(_) => return Err(wrong("count", "expected exact, estimated or none")),
        };
        Ok(PageRequest { limit, after: self.text("after"), count })
    }

    /// What products to show.
    pub(crate) fn filter(&self) -> Result<ProductFilter, Problem> {
        let attribute = |(key, value): &(String, String)| {
            let name = key.strip_prefix("attr.")?;
            (!name.is_empty() && !value.is_empty()).then(|| (name.to_owned(), value.clone()))
        };
        Ok(ProductFilter {
            category: self.text("category"),
            brand: self.text("brand"),
            seller_id: self.text("merchant"),
            price_gte: self.price("price_gte")?,
            price_lte: self.price("price_lte")?,
            in_stock: self.parsed("in_stock", "expected true or false")?,
            attributes: self.0.iter().filter_map(attribute).collect(),
            own: false,
        })
    }

    fn price(&self, name: &str) -> Result<Option<i64>, Problem> {
        let what = "expected a whole number of tiyin";
        match self.parsed::<i64>(name, what)? {
            Some(price) if price < 0 => Err(wrong(name, what)),
            price => Ok(price),
        }
    }

    /// In which order.
    pub(crate) fn sort(&self) -> Result<ProductSort, Problem> {
        Ok(match self.get("sort") {
            None => ProductSort::Unspecified,
            Some("-created_at") => ProductSort::Newest,
            Some("price") => ProductSort::Price,
            Some("-price") => ProductSort::PriceDesc,
            Some("rating" | "-rating") => ProductSort::Rating,
            Some("popularity" | "-popularity") => ProductSort::Popularity,
            Some(_) => {
                let what = "expected -created_at, price, -price, rating or popularity";
                return Err(wrong("sort", what));
            }
        })
    }
}

/// The id in a path, or "not found": a name of another kind names nothing here.
pub(crate) fn named<K: ids::Kind>(text: String, what: &str) -> Result<String, Problem> {
    match text.parse::<ids::Id<K>>() {
        Ok(_) => Ok(text),
        Err(_) => Err(Problem(Fault::not_found(what))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(query: &str) -> Params {
        let uri: http::Uri = format!("/x?{query}").parse().unwrap();
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&uri).unwrap();
        Params(pairs)
    }

    fn refused<T: std::fmt::Debug>(result: Result<T, Problem>) -> String {
        result.unwrap_err().0.fields[0].field.clone()
    }

    #[test]
    fn filters_are_read() {
        let filter = params("category=phones&attr.memory=256+GB&in_stock=true&price_gte=100");
        let filter = filter.filter().unwrap();
        assert_eq!(filter.category, "phones");
        assert_eq!(filter.attributes["memory"], "256 GB");
        assert_eq!((filter.in_stock, filter.price_gte), (Some(true), Some(100)));
    }

    #[test]
    fn nonsense_names_its_parameter() {
        assert_eq!(refused(params("limit=101").page()), "limit");
        assert_eq!(refused(params("limit=0").page()), "limit");
        assert_eq!(refused(params("limit=ten").page()), "limit");
        assert_eq!(refused(params("count=all").page()), "count");
        assert_eq!(refused(params("price_lte=-1").filter()), "price_lte");
        assert_eq!(refused(params("in_stock=ha").filter()), "in_stock");
        assert_eq!(refused(params("sort=colour").sort()), "sort");
        assert_eq!(params("").page().unwrap().limit, 20);
    }
}
