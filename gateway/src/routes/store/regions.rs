//! Regions and districts of Uzbekistan with their SOATO codes (`gateway/data/regions.json`).

use std::sync::LazyLock;

use axum::response::IntoResponse;
use http::header;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    reply::{List, Meta},
};

const TEXT: &str = include_str!("../../../data/regions.json");

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(regions))
}

/// A region with its districts.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Region {
    /// SOATO, four digits.
    code: String,
    name: Names,
    districts: Vec<District>,
}

/// A district or a city of regional rank.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct District {
    /// SOATO, seven digits.
    code: String,
    name: Names,
}

/// A name in the languages that have one.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Names {
    uz: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ru: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    en: Option<String>,
}

static ANSWER: LazyLock<String> = LazyLock::new(|| {
    let data: Vec<Region> = serde_json::from_str(TEXT).unwrap_or_default();
    serde_json::to_string(&List { data, meta: Meta::default() }).unwrap_or_default()
});

/// Where things can be delivered to.
#[utoipa::path(get, path = "/v1/store/regions", tag = "catalogue", responses((status = 200, body = List<Region>)))]
async fn regions() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], ANSWER.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_soato_codes() {
        let regions: Vec<Region> = serde_json::from_str(TEXT).unwrap();
        assert_eq!(regions.len(), 14);
        let mut seen = std::collections::HashSet::new();
        for region in &regions {
            assert!(region.code.len() == 4 && region.code.starts_with("17"), "{}", region.code);
            assert!(region.name.ru.is_some() && region.name.en.is_some());
            assert!(region.districts.len() >= 11);
            for district in &region.districts {
                assert!(district.code.len() == 7 && district.code.starts_with(&region.code));
                assert!(seen.insert(district.code.clone()), "{}", district.code);
            }
        }
    }
}
