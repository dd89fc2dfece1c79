//! Products in an index: read by id, written if nobody else has written them meanwhile.

use std::collections::{BTreeMap, HashMap};

use ids::ProductId;
use reqwest::Method;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{
    client::{Call, Client, Failure, PAUSE, READ, WRITE},
    names::Index,
    schema::{self, Source},
};
use crate::domain::Document;

/// Products in one call.
pub(super) const BATCH: usize = 500;
/// Bytes in one call, about.
const BYTES: usize = 4 << 20;
/// Times that products are read and written anew because somebody else was quicker.
const ROUNDS: usize = 20;

/// Where in an index's history a row stands. A row is only replaced by who has seen it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) seq_no: i64,
    pub(super) primary_term: i64,
}

/// A product, and where it stands.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) document: Document,
    pub(super) seen: Seen,
}

#[derive(Debug, Deserialize)]
struct Rows<S> {
    docs: Vec<Row<S>>,
}

/// A row, and where it stands; without a source when there is none.
#[derive(Debug, Deserialize)]
pub(super) struct Row<S> {
    #[serde(rename = "_seq_no", default)]
    seq_no: i64,
    #[serde(rename = "_primary_term", default)]
    primary_term: i64,
    #[serde(rename = "_source")]
    pub(super) source: Option<S>,
    error: Option<Problem>,
}

impl<S> Row<S> {
    pub(super) fn seen(&self) -> Seen {
        Seen { seq_no: self.seq_no, primary_term: self.primary_term }
    }
}

#[derive(Debug, Default, Deserialize)]
struct Problem {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    reason: String,
}

#[derive(Debug, Deserialize)]
struct Written {
    items: Vec<BTreeMap<String, Item>>,
}

#[derive(Debug, Deserialize)]
struct Item {
    status: u16,
    error: Option<Problem>,
}

/// What became of the rows of a call.
#[derive(Debug, Default, PartialEq, Eq)]
struct Verdict {
    /// Places of those that somebody else has written meanwhile.
    overtaken: Vec<usize>,
}

/// Reads rows by id, as they are now: searches may not see them yet.
pub(super) async fn rows<S: DeserializeOwned>(
    client: &Client,
    index: &Index,
    ids: &impl Serialize,
) -> Result<Vec<Row<S>>, Failure> {
    let parts = "docs._seq_no,docs._primary_term,docs._source,docs.error.type,docs.found";
    let path = format!("{}/_mget?filter_path={parts}", index.writing());
    let mut tries = 0;
    loop {
        let call = Call::again(Method::POST, &*path, READ).json(&json!({ "ids": ids }));
        let mut rows: Rows<S> = client.call(call).await?;
        match rows.docs.iter_mut().find_map(|row| row.error.take()) {
            None => return Ok(rows.docs),
            Some(error) if error.kind == "index_not_found_exception" => {
                return Err(problem(404, error));
            }
            // The answer as a whole succeeds even when no shard could be asked.
            Some(_) if tries == 0 => tokio::time::sleep(PAUSE).await,
            Some(error) => return Err(problem(503, error)),
        }
        tries += 1;
    }
}

/// What there is of some products, by id; those that the index does not have are left out.
pub(super) async fn read(
    client: &Client,
    index: &Index,
    ids: &[ProductId],
) -> Result<HashMap<ProductId, Known>, Failure> {
    let mut known = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(BATCH) {
        for row in rows::<Source>(client, index, &ids).await? {
            let seen = row.seen();
            if let Some(Source { document }) = row.source {
                known.insert(document.id, Known { document, seen });
            }
        }
    }
    Ok(known)
}

/// Replaces products by what `make` makes of what there is; nothing when it makes nothing. Who is overtaken by another writer reads
/// again. `fresh` spares the first reading in an index that most likely has none of them. Ids of what is done are removed from `ids`,
/// also when it fails.
pub(super) async fn replace(
    client: &Client,
    index: &Index,
    ids: &mut Vec<ProductId>,
    fresh: bool,
    mut make: impl FnMut(ProductId, Option<Document>) -> Option<Document> + Send,
) -> Result<(), Failure> {
    let mut fresh = fresh;
    for _ in 0..ROUNDS {
        let mut overtaken = Vec::new();
        while !ids.is_empty() {
            let batch: Vec<ProductId> = ids.iter().take(BATCH).copied().collect();
            let mut known =
                if fresh { HashMap::new() } else { read(client, index, &batch).await? };
            let mut rows = Vec::new();
            for id in &batch {
                let (document, seen) = known
                    .remove(id)
                    .map_or((None, None), |known| (Some(known.document), Some(known.seen)));
                if let Some(document) = make(*id, document) {
                    rows.push((*id, seen, schema::encode(&document).map_err(Failure::Unwritable)?));
                }
            }
            overtaken.extend(write(client, index, rows).await?);
            ids.drain(..batch.len());
        }
        if overtaken.is_empty() {
            return Ok(());
        }
        *ids = overtaken;
        fresh = false;
    }
    Err(Failure::Overtaken)
}

/// Writes rows in calls of a bearable size; tells who was overtaken.
async fn write(
    client: &Client,
    index: &Index,
    rows: Vec<(ProductId, Option<Seen>, Vec<u8>)>,
) -> Result<Vec<ProductId>, Failure> {
    let mut overtaken = Vec::new();
    let (mut lines, mut ids) = (Vec::new(), Vec::new());
    let mut rows = rows.into_iter().peekable();
    while let Some((id, seen, row)) = rows.next() {
        let what = match seen {
            None => json!({ "create": { "_id": id } }),
            Some(seen) => json!({ "index": {
                "_id": id, "if_seq_no": seen.seq_no, "if_primary_term": seen.primary_term,
            } }),
        };
        lines.extend_from_slice(what.to_string().as_bytes());
        lines.push(b'\n');
        lines.extend_from_slice(&row);
        lines.push(b'\n');
        ids.push(id);
        if rows.peek().is_some() && lines.len() < BYTES {
            continue;
        }
        let verdict = bulk(client, index, std::mem::take(&mut lines)).await?;
        overtaken.extend(verdict.overtaken.iter().filter_map(|at| ids.get(*at)));
        ids.clear();
    }
    Ok(overtaken)
}

async fn bulk(client: &Client, index: &Index, lines: Vec<u8>) -> Result<Verdict, Failure> {
    let parts = "items.*.status,items.*.error.type,items.*.error.reason";
    let path = format!("{}/_bulk?require_alias=true&filter_path={parts}", index.writing());
    // Made once: whoever sent the news sends it again when the answer is lost, and what is known then is no news.
    let written: Written = client.call(Call::once(Method::POST, path, WRITE).lines(lines)).await?;
    judge(written)
}

/// Reads the answer row by row: the call as a whole succeeds even when every row fails.
fn judge(written: Written) -> Result<Verdict, Failure> {
    let mut verdict = Verdict::default();
    for (place, item) in written.items.into_iter().enumerate() {
        for item in item.into_values() {
            match item.status {
                200..=299 => {}
                409 => verdict.overtaken.push(place),
                status => return Err(problem(status, item.error.unwrap_or_default())),
            }
        }
    }
    Ok(verdict)
}

fn problem(status: u16, problem: Problem) -> Failure {
    let reason = problem.reason.chars().take(300).collect();
    Failure::Refused { status, kind: problem.kind, reason }
}

#[cfg(test)]
mod tests {
    use fault::Fault;
    use serde_json::Value;

    use super::*;

    fn written(items: &Value) -> Written {
        serde_json::from_value(json!({ "items": items })).unwrap()
    }

    #[test]
    fn each_row_has_its_own_outcome() {
        let verdict = judge(written(&json!([
            { "create": { "status": 201 } },
            { "create": { "status": 409, "error": { "type": "version_conflict_engine_exception", "reason": "x" } } },
            { "index": { "status": 200 } },
            { "index": { "status": 409 } },
        ])));
        assert_eq!(verdict.unwrap().overtaken, [1, 3]);
    }

    #[test]
    fn a_row_that_is_refused_fails_the_call() {
        let refused = |status: u16, kind: &str| {
            judge(written(&json!([
                { "create": { "status": 201 } },
                { "create": { "status": status, "error": { "type": kind, "reason": "because" } } },
            ])))
            .unwrap_err()
        };
        let blocked = refused(403, "cluster_block_exception");
        assert!(blocked.is_blocked());
        assert_eq!(Fault::from(blocked).code, fault::Code::Unavailable);
        assert!(refused(404, "index_not_found_exception").is_missing());
        assert_eq!(
            Fault::from(refused(429, "es_rejected_execution_exception")).code,
            fault::Code::Unavailable
        );
        let ours = Fault::from(refused(400, "strict_dynamic_mapping_exception"));
        assert_eq!(ours.code, fault::Code::Internal);
        assert!(ours.causes().contains("strict_dynamic_mapping_exception"), "{}", ours.causes());
    }
}
