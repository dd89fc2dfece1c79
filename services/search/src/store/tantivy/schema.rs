//! Terms as tantivy's documents, and back.

use fault::Fault;
use ids::ProductId;
use tantivy::{
    TantivyDocument, Term,
    schema::{
        FAST, Field as Handle, INDEXED, IndexRecordOption, STORED, STRING, Schema,
        TextFieldIndexing, TextOptions, Value as _,
    },
};

use crate::{
    domain::Document,
    terms::{Field, Terms},
};

/// Changes when the fields or the text analysis do: an index of another version is built anew.
pub(super) const VERSION: u32 = 1;

/// Names of the columns.
pub(super) mod column {
    pub(crate) const ID_HIGH: &str = "id_high";
    pub(crate) const ID_LOW: &str = "id_low";
    pub(crate) const PRICE: &str = "price";
    pub(crate) const IN_STOCK: &str = "in_stock";
    pub(crate) const RATING: &str = "rating";
    pub(crate) const POPULARITY: &str = "popularity";
    pub(crate) const CREATED_AT: &str = "created_at";
    pub(crate) const FACET: &str = "facet";
    pub(crate) const TITLE: &str = "title_label";
    pub(crate) const CATEGORY: &str = "category_label";
    pub(crate) const BRAND: &str = "brand_label";
}

/// Handles of the fields.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    pub(super) id: Handle,
    pub(super) price: Handle,
    document: Handle,
    tokens: Vec<(Field, Handle)>,
    numbers: Numbers,
    labels: Labels,
}

#[derive(Debug, Clone)]
struct Numbers {
    id_high: Handle,
    id_low: Handle,
    in_stock: Handle,
    rating: Handle,
    popularity: Handle,
    created_at: Handle,
}

#[derive(Debug, Clone)]
struct Labels {
    facet: Handle,
    title: Handle,
    category: Handle,
    brand: Handle,
}

impl Fields {
    /// The schema and its handles; both are always made together, so handles fit.
    pub(super) fn schema() -> (Schema, Self) {
        let mut builder = Schema::builder();
        // Each token is added as a value of its own, so no tokenizer has a say.
        let plain = TextFieldIndexing::default()
            .set_tokenizer("raw")
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::Basic);
        let plain = TextOptions::default().set_indexing_options(plain);
        let column = TextOptions::default().set_fast("raw");
        let fields = Self {
            id: builder.add_text_field("id", STRING),
            price: builder.add_i64_field(column::PRICE, FAST | INDEXED),
            document: builder.add_bytes_field("document", STORED),
            tokens: Field::ALL
                .into_iter()
                .map(|field| (field, builder.add_text_field(field.name(), plain.clone())))
                .collect(),
            numbers: Numbers {
                id_high: builder.add_u64_field(column::ID_HIGH, FAST),
                id_low: builder.add_u64_field(column::ID_LOW, FAST),
                in_stock: builder.add_bool_field(column::IN_STOCK, FAST),
                rating: builder.add_u64_field(column::RATING, FAST),
                popularity: builder.add_i64_field(column::POPULARITY, FAST),
                created_at: builder.add_i64_field(column::CREATED_AT, FAST),
            },
            labels: Labels {
                facet: builder.add_text_field(column::FACET, column.clone()),
                title: builder.add_text_field(column::TITLE, column.clone()),
                category: builder.add_text_field(column::CATEGORY, column.clone()),
                brand: builder.add_text_field(column::BRAND, column),
            },
        };
        (builder.build(), fields)
    }

    /// A token of a field.
    pub(super) fn term(&self, field: Field, token: &str) -> Term {
        Term::from_field_text(self.handle(field), token)
    }

    /// The handle of a field.
    pub(super) fn handle(&self, field: Field) -> Handle {
        // Every field is in the list; the id's handle only satisfies the compiler.
        self.tokens.iter().find(|(known, _)| *known == field).map_or(self.id, |(_, handle)| *handle)
    }

    /// The token that a product is replaced by.
    pub(super) fn key(&self, id: ProductId) -> Term {
        Term::from_field_text(self.id, &id.to_string())
    }

    /// What tantivy indexes of a product.
    pub(super) fn encode(&self, document: &Document) -> Result<TantivyDocument, Fault> {
        let terms = Terms::of(document);
        let mut row = TantivyDocument::new();
        row.add_text(self.id, document.id.to_string());
        row.add_bytes(self.document, &serde_json::to_vec(document).map_err(Fault::internal)?);
        let (high, low) = halves(document.id.as_u128());
        row.add_u64(self.numbers.id_high, high);
        row.add_u64(self.numbers.id_low, low);
        for (field, token) in &terms.tokens {
            row.add_text(self.handle(*field), token);
        }
        for facet in &terms.facets {
            row.add_text(self.labels.facet, facet);
        }
        row.add_i64(self.price, terms.numbers.price);
        row.add_bool(self.numbers.in_stock, terms.numbers.in_stock);
        row.add_u64(self.numbers.rating, terms.numbers.rating);
        row.add_i64(self.numbers.popularity, terms.numbers.popularity);
        row.add_i64(self.numbers.created_at, terms.numbers.created_at);
        for (handle, label) in [
            (self.labels.title, &terms.labels.title),
            (self.labels.category, &terms.labels.category),
            (self.labels.brand, &terms.labels.brand),
        ] {
            if !label.is_empty() {
                row.add_text(handle, label);
            }
        }
        Ok(row)
    }

    /// The product as it was given.
    pub(super) fn decode(&self, row: &TantivyDocument) -> Result<Document, Fault> {
        let bytes =
            row.get_first(self.document).and_then(|value| value.as_bytes()).unwrap_or_default();
        serde_json::from_slice(bytes).map_err(Fault::internal)
    }
}

/// The two halves of an id, for columns.
fn halves(id: u128) -> (u64, u64) {
    let mask = u128::from(u64::MAX);
    (u64::try_from(id >> 64).unwrap_or(u64::MAX), u64::try_from(id & mask).unwrap_or(u64::MAX))
}
