//! Many products from a file.

use std::collections::HashSet;

use ids::{JobId, MerchantId};
use mesh::{Caller, StaffRole};
use tokio_util::sync::CancellationToken;

use super::{Catalogue, TRIES, products, reader};
use crate::{
    domain::import::{HEADER, Job, JobStatus, Progress, Row},
    error::Error,
    store::Write,
};

/// Bytes of a file at most.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// Products written in one go.
const BATCH: usize = 100;
/// Receipts of events forgotten in one go.
const RECEIPTS: u32 = 1000;
/// Columns by their place in errors of whole lines.
const WHOLE_LINE: &str = "";

impl Catalogue {
    /// Takes a file for the caller's merchant; it is imported later.
    pub(crate) async fn start_import(&self, caller: &Caller, csv: &[u8]) -> Result<Job, Error> {
        caller.require_scope("products:write")?;
        let merchant = caller.require_merchant(StaffRole::Operator)?;
        if csv.len() > MAX_BYTES {
            return Err(Error::field("csv", "TOO_LARGE", "at most 8 MiB"));
        }
        let text = std::str::from_utf8(csv)
            .map_err(|_| Error::field("csv", "NOT_UTF8", "the file is not UTF-8"))?;
        // Spreadsheets put a byte order mark in front.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let total = count(text)?;
        let job = Job {
            id: JobId::new(),
            merchant,
            status: if total == 0 { JobStatus::Done } else { JobStatus::Queued },
            created_at: self.clock.now(),
            progress: Progress { total, ..Progress::default() },
        };
        self.store.add_job(job.clone(), text.as_bytes().to_vec()).await?;
        self.imports.notify_one();
        Ok(job)
    }

    /// A job of the caller's merchant.
    pub(crate) async fn job(&self, caller: &Caller, id: JobId) -> Result<Job, Error> {
        let merchant = reader(caller)?;
        let job = self.store.find_job(id).await?.filter(|job| job.merchant == merchant);
        job.ok_or(Error::JobNotFound)
    }

    /// Runs imports, one after the other, until it is told to stop, and forgets old receipts of events between them. One that was interrupted goes on after its last batch.
    pub(crate) async fn run_imports(self, stop: CancellationToken) -> anyhow::Result<()> {
        while !stop.is_cancelled() {
            if let Some((job, csv)) = self.store.next_job().await? {
                self.run(job, &csv, &stop).await?;
                continue;
            }
            let received = self.clock.now().minus(outbox::REMEMBERED);
            while self.store.forget_received(received, RECEIPTS).await? == u64::from(RECEIPTS) {}
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.imports.notified() => {}
                () = tokio::time::sleep(std::time::Duration::from_secs(5)) => {}
            }
        }
        Ok(())
    }

    async fn run(&self, job: Job, csv: &[u8], stop: &CancellationToken) -> anyhow::Result<()> {
        let mut lines = Lines::new(csv, job.progress.line);
        let mut progress = job.progress;
        while !stop.is_cancelled() {
            let batch = lines.next_batch();
            let ended = batch.lines.is_empty();
            let status = if ended { JobStatus::Done } else { JobStatus::Running };
            progress = self.write(job.id, job.merchant, status, &batch, progress).await?;
            if ended {
                return Ok(());
            }
            self.changed().await;
        }
        Ok(())
    }

    /// Writes a batch with the progress that it makes; again when somebody changed one of its products meanwhile.
    async fn write(
        &self,
        job: JobId,
        merchant: MerchantId,
        status: JobStatus,
        batch: &Batch,
        progress: Progress,
    ) -> anyhow::Result<Progress> {
        for _ in 0..TRIES {
            let mut next = progress.clone();
            next.line = batch.last.unwrap_or(next.line);
            let writes = self.plan(merchant, batch, &mut next).await?;
            match self.store.import(job, status, &next, writes).await {
                Ok(()) => return Ok(next),
                Err(Error::VersionMismatch | Error::SkuTaken { .. } | Error::SlugTaken) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Contended.into())
    }

    /// What a batch asks for, and what is wrong with it.
    async fn plan(
        &self,
        merchant: MerchantId,
        batch: &Batch,
        progress: &mut Progress,
    ) -> Result<Vec<Write>, Error> {
        if batch.lines.is_empty() {
            return Ok(Vec::new());
        }
        let rows = || batch.lines.iter().filter_map(|line| line.as_ref().ok());
        let skus: Vec<&str> = rows().map(|row| row.sku.as_str()).collect();
        let known = self.store.find_skus(merchant, &skus).await?;
        let tree =
            self.tree_with(|tree| rows().all(|row| tree.find(&row.category).is_some())).await?;
        let now = self.clock.now();
        let mut writes = Vec::with_capacity(batch.lines.len());
        for line in &batch.lines {
            let row = match line {
                Ok(row) => row,
                Err((line, code, message)) => {
                    progress.note(*line, WHOLE_LINE, code, message);
                    continue;
                }
            };
            let existing = known.get(&row.sku);
            let draft = row.draft(existing).map_err(|violation| vec![violation]);
            let write = draft.and_then(|draft| match existing {
                Some(old) => products::changed(&tree, old, draft, now),
                None => products::new(&tree, merchant, draft, now),
            });
            match write {
                Ok(write) => {
                    writes.push(write);
                    progress.imported += 1;
                    if !row.image_url.is_empty() {
                        let message = "the product was imported without its picture: upload it";
                        progress.note(row.line, "image_url", "IMAGE_NOT_FETCHED", message);
                    }
                }
                Err(violations) => progress.note_all(row.line, violations),
            }
        }
        Ok(writes)
    }
}

fn table(csv: &[u8]) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(csv)
}

/// How many rows there are, if the header is the right one.
fn count(text: &str) -> Result<u32, Error> {
    let bad_header = || {
        let expected = format!("the first line must be: {}", HEADER.join(","));
        Error::field("csv", "CSV_HEADER", expected)
    };
    let mut reader = table(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let unreadable = |error: csv::Error| Error::field("csv", "CSV_SYNTAX", error.to_string());
    if !reader.read_record(&mut record).map_err(unreadable)? || record != HEADER[..] {
        return Err(bad_header());
    }
    let mut total = 0;
    while reader.read_record(&mut record).map_err(unreadable)? {
        total += 1;
    }
    Ok(total)
}

/// A line that can be read, or its number and why not.
type Line = Result<Row, (u64, &'static str, String)>;

/// Lines that are written together: no two with the same SKU, so that the later one finds what the earlier one wrote.
struct Batch {
    lines: Vec<Line>,
    /// Number of the last one.
    last: Option<u64>,
}

/// The lines of a file that are still to do.
struct Lines<'a> {
    records: csv::StringRecordsIntoIter<&'a [u8]>,
    done: u64,
    held: Option<(u64, Line)>,
}

impl<'a> Lines<'a> {
    fn new(csv: &'a [u8], done: u64) -> Self {
        // The header is line 1.
        Self { records: table(csv).into_records(), done: done.max(1), held: None }
    }

    fn next_batch(&mut self) -> Batch {
        let mut batch = Batch { lines: Vec::new(), last: None };
        let mut skus = HashSet::new();
        while batch.lines.len() < BATCH {
            let Some((number, line)) = self.held.take().or_else(|| self.next_line()) else { break };
            if let Ok(row) = &line
                && !skus.insert(row.sku.clone())
            {
                self.held = Some((number, line));
                break;
            }
            batch.lines.push(line);
            batch.last = Some(number);
        }
        batch
    }

    fn next_line(&mut self) -> Option<(u64, Line)> {
        loop {
            let record = self.records.next()?;
            let number = match &record {
                Ok(record) => record.position().map_or(0, csv::Position::line),
                Err(_) => self.done + 1,
            };
            if number <= self.done {
                continue;
            }
            let line = match record {
                Ok(record) => Row::read(number, record.iter()).ok_or_else(|| {
                    let expected = format!("expected {} columns", HEADER.len());
                    (number, "COLUMN_COUNT", expected)
                }),
                Err(error) => Err((number, "CSV_SYNTAX", error.to_string())),
            };
            return Some((number, line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(skus: &[&str]) -> String {
        let rows = skus.iter().map(|sku| format!("{sku},{}\n", ",".repeat(10)));
        format!("{}\n{}", HEADER.join(","), rows.collect::<String>())
    }

    fn numbers(batch: &Batch) -> Vec<u64> {
        batch.lines.iter().map(|line| line.as_ref().unwrap().line).collect()
    }

    #[test]
    fn headers_are_exact() {
        assert_eq!(count(&file(&["a", "b"])).unwrap(), 2);
        assert_eq!(count(&HEADER.join(",")).unwrap(), 0);
        for wrong in ["", "sku", "sku;title_uz\n1;2"] {
            assert!(count(wrong).is_err(), "{wrong:?}");
        }
        assert!(count(&file(&[]).replace("stock", "Stock")).is_err());
    }

    #[test]
    fn a_sku_that_comes_again_waits_for_the_next_batch() {
        let file = file(&["a", "b", "a", "c"]);
        let mut lines = Lines::new(file.as_bytes(), 0);
        assert_eq!(numbers(&lines.next_batch()), [2, 3]);
        assert_eq!(numbers(&lines.next_batch()), [4, 5]);
        assert!(lines.next_batch().lines.is_empty());
    }

    #[test]
    fn work_goes_on_after_the_last_line_done() {
        let file = file(&["a", "b", "c"]);
        let mut lines = Lines::new(file.as_bytes(), 3);
        let batch = lines.next_batch();
        assert_eq!((numbers(&batch), batch.last), (vec![4], Some(4)));
    }

    #[test]
    fn short_and_long_lines_are_errors_of_their_own() {
        let file = format!("{}\na,b\n", HEADER.join(","));
        let batch = Lines::new(file.as_bytes(), 0).next_batch();
        assert_eq!(batch.lines[0].as_ref().unwrap_err().1, "COLUMN_COUNT");
    }
}
