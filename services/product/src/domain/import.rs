//! Many products from a table: jobs, and what a row means.

use clock::Timestamp;
use ids::{JobId, MerchantId};
use serde::{Deserialize, Serialize};

use super::{AskedTerms, Draft, Fiscal, Product, Status, Sum, Text, VariantDraft, Violation};

/// The first line of every file, exactly.
pub const HEADER: [&str; 12] = [
    "sku",
    "title_uz",
    "title_ru",
    "title_en",
    "category",
    "brand",
    "price",
    "stock",
    "mxik",
    "package_code",
    "vat_percent",
    "image_url",
];
/// Errors that a job keeps at most.
pub const MAX_ERRORS: usize = 1000;

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStatus {
    /// It waits for its turn.
    Queued,
    /// Rows are being imported.
    Running,
    /// Every row was imported or has its error.
    Done,
    /// It was given up.
    Failed,
}

impl JobStatus {
    /// The name in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// Reads the name in stores.
    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::Queued, Self::Running, Self::Done, Self::Failed];
        all.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether nothing more happens.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

/// An import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// For whom.
    pub merchant: MerchantId,
    /// How far.
    pub status: JobStatus,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// What is done.
    pub progress: Progress,
}

/// What an import has done so far. Written with the products of each batch, so that it goes on where it stopped.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Rows in the file.
    pub total: u32,
    /// Rows imported.
    pub imported: u32,
    /// The last line that was looked at; 0 before the first.
    pub line: u64,
    /// The first [`MAX_ERRORS`].
    pub errors: Vec<JobError>,
}

impl Progress {
    /// Notes an error, unless there are too many.
    pub fn note(&mut self, line: u64, field: &str, code: &str, message: impl Into<String>) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(JobError {
                line: u32::try_from(line).unwrap_or(u32::MAX),
                field: field.to_owned(),
                code: code.to_owned(),
                message: message.into(),
            });
        }
    }

    /// Notes what is wrong with a row, by the names of its columns.
    pub fn note_all(&mut self, line: u64, violations: Vec<Violation>) {
        for violation in violations {
            self.note(line, column(&violation.field), violation.code, violation.message);
        }
    }
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobError {
    /// The header is line 1.
    pub line: u32,
    /// Name of the column.
    pub field: String,
    /// Stable.
    pub code: String,
    /// For people.
    pub message: String,
}

/// One product as a line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The header is line 1.
    pub line: u64,
    /// The merchant's name for it; an existing one is updated.
    pub sku: String,
    /// Slug or id.
    pub category: String,
    /// Where its picture is.
    pub image_url: String,
    title: Text,
    brand: String,
    price: String,
    stock: String,
    mxik: String,
    package_code: String,
    vat_percent: String,
}

impl Row {
    /// Reads the values of a line; None when there are more or fewer than columns.
    pub fn read<'a>(line: u64, values: impl Iterator<Item = &'a str>) -> Option<Self> {
        let values: Vec<String> = values.map(|value| value.trim().to_owned()).collect();
        let values: [String; HEADER.len()] = values.try_into().ok()?;
        let [
            sku,
            uz,
            ru,
            en,
            category,
            brand,
            price,
            stock,
            mxik,
            package_code,
            vat_percent,
            image_url,
        ] = values;
        Some(Self {
            line,
            sku,
            title: Text { uz, ru, en },
            category,
            brand,
            price,
            stock,
            mxik,
            package_code,
            vat_percent,
            image_url,
        })
    }

    /// The product that the row asks for. On an existing one, empty optional columns and whatever has no column stay as they are.
    pub fn draft(&self, existing: Option<&Product>) -> Result<Draft, Violation> {
        let mut draft = existing.map_or_else(Draft::default, Draft::of);
        let fill = |place: &mut String, value: &String| {
            if !value.is_empty() {
                place.clone_from(value);
            }
        };
        draft.title.uz.clone_from(&self.title.uz);
        fill(&mut draft.title.ru, &self.title.ru);
        fill(&mut draft.title.en, &self.title.en);
        fill(&mut draft.brand, &self.brand);
        draft.category.clone_from(&self.category);
        draft.status.get_or_insert(Status::Active);
        let fiscal = draft.fiscal.get_or_insert_with(Fiscal::default);
        fiscal.mxik.clone_from(&self.mxik);
        fiscal.package_code.clone_from(&self.package_code);
        // What is no number is no rate and no stock that could be accepted either.
        fiscal.vat_percent = self.vat_percent.parse().unwrap_or(u32::MAX);
        let amount = money::parse_decimal(&self.price).map_err(|error| Violation {
            field: "price".to_owned(),
            code: "INVALID",
            message: error.to_string(),
        })?;
        let offer = Some(AskedTerms {
            price: Some(Sum { amount, currency: "UZS".to_owned() }),
            compare_at_price: None,
            stock: self.stock.parse().unwrap_or(-1),
        });
        match draft.variants.iter_mut().find(|variant| variant.sku == self.sku) {
            Some(variant) => variant.offer = offer,
            None => {
                let sku = self.sku.clone();
                draft.variants.push(VariantDraft { sku, offer, ..VariantDraft::default() });
            }
        }
        Ok(draft)
    }
}

/// The column behind a field of a draft.
fn column(field: &str) -> &str {
    match field {
        "title.uz" => "title_uz",
        "title.ru" => "title_ru",
        "title.en" => "title_en",
        "fiscal.mxik" => "mxik",
        "fiscal.package_code" => "package_code",
        "fiscal.vat_percent" => "vat_percent",
        other => match other.rsplit_once('.') {
            Some((_, column @ ("sku" | "price" | "stock"))) => column,
            _ => other,
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection, prelude::*};

    use super::*;

    const LINE: [&str; 12] = [
        "CH-1",
        "Choynak",
        "Чайник",
        "",
        "idishlar",
        "Artel",
        "50000.50",
        "7",
        "06912001001000000",
        "1234567",
        "12",
        "",
    ];

    fn row(change: impl FnOnce(&mut [&'static str; 12])) -> Row {
        let mut line = LINE;
        change(&mut line);
        Row::read(2, line.into_iter()).unwrap()
    }

    #[test]
    fn a_row_is_a_product() {
        let checked = row(|_| ()).draft(None).unwrap().check(&[]).unwrap();
        assert_eq!(checked.status, Status::Active);
        assert_eq!(checked.content.brand, "Artel");
        let terms = checked.offers[0].terms.as_ref().unwrap();
        assert_eq!((terms.price.amount, terms.stock), (5_000_050, 7));
    }

    #[test]
    fn errors_name_columns() {
        let columns = |at: usize, value: &'static str| {
            let mut progress = Progress::default();
            match row(|line| line[at] = value).draft(None) {
                Err(violation) => progress.note_all(2, vec![violation]),
                Ok(draft) => progress.note_all(2, draft.check(&[]).unwrap_err()),
            }
            progress.errors.iter().map(|error| error.field.clone()).collect::<Vec<_>>()
        };
        for (at, wrong) in
            [(0, ""), (1, ""), (6, "1,5"), (6, "0"), (7, "many"), (8, "1"), (9, "x"), (10, "20")]
        {
            assert_eq!(columns(at, wrong), [HEADER[at]]);
        }
        assert_eq!(Row::read(2, LINE.into_iter().take(11)), None);
        assert_eq!(Row::read(2, LINE.into_iter().chain(["more"])), None);
    }

    #[test]
    fn errors_are_kept_up_to_a_limit() {
        let mut progress = Progress::default();
        for line in 0..2000 {
            progress.note(line, "sku", "REQUIRED", "");
        }
        assert_eq!(progress.errors.len(), MAX_ERRORS);
    }

    proptest! {
        #[test]
        fn no_row_breaks_it(values in collection::vec(".{0,30}", 12)) {
            let row = Row::read(2, values.iter().map(String::as_str)).unwrap();
            if let Ok(draft) = row.draft(None) {
                let _ = draft.check(&[]);
            }
        }
    }
}
