//! Who may rebuild: a note in the index behind the alias, renewed while its owner lives.
//!
//! A note that nobody renews is taken over. How long it has stood still is measured here, by whoever looks at it, so that no two clocks
//! have to agree. The note goes with the index: a rebuild that has swapped leaves none behind.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use ids::EventId;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::{
    admin::Admin,
    client::{Call, Failure, READ},
    documents::{self, Seen},
    names::Index,
    schema::field,
};
use crate::{domain::Rebuild, store::Progress};

/// The id of the note; products have others.
const NOTE: &str = "rebuild";
/// How often it is renewed.
pub(super) const BEAT: Duration = Duration::from_secs(3);
/// After how long without a renewal its owner counts as gone.
const GONE: Duration = Duration::from_secs(15);

/// The right to rebuild, as one process sees it.
#[derive(Debug)]
pub(super) struct Lease {
    owner: String,
    gone: Duration,
    watched: Mutex<Option<Watched>>,
}

#[derive(Debug)]
struct Watched {
    index: Index,
    seen: Seen,
    since: Instant,
}

#[derive(Debug, Deserialize)]
struct Source {
    document: Note,
}

#[derive(Debug, Deserialize)]
struct Note {
    owner: String,
    /// How far its owner had come; none of one that builds nothing.
    #[serde(default)]
    rebuild: Option<Rebuild>,
}

#[derive(Debug, Deserialize)]
struct Put {
    #[serde(rename = "_seq_no")]
    seq_no: i64,
    #[serde(rename = "_primary_term")]
    primary_term: i64,
}

impl Lease {
    pub(super) fn new() -> Self {
        Self::patient(GONE)
    }

    /// A lease that waits so long for an owner that is gone.
    pub(super) fn patient(gone: Duration) -> Self {
        Self { owner: EventId::new().to_string(), gone, watched: Mutex::default() }
    }

    /// Whether somebody holds it, or has left it behind.
    pub(super) async fn is_noted(&self, admin: &Admin, index: &Index) -> Result<bool, Failure> {
        Ok(read(admin, index).await?.is_some())
    }

    /// How far another process had come when it last renewed it; none when no other builds.
    pub(super) async fn told(
        &self,
        admin: &Admin,
        index: &Index,
    ) -> Result<Option<Rebuild>, Failure> {
        let Some((note, seen)) = read(admin, index).await? else { return Ok(None) };
        let gone = note.owner == self.owner || self.stands_still(index, seen);
        Ok(note.rebuild.filter(|_| !gone))
    }

    /// Takes it; [`Failure::Rebuilding`] while somebody else holds it. Whoever asks does not hold it already.
    pub(super) async fn take(
        &self,
        admin: &Admin,
        index: &Index,
        told: Option<&Progress>,
    ) -> Result<Seen, Failure> {
        match self.put(admin, index, None, told).await {
            Ok(Some(seen)) => return Ok(seen),
            Ok(None) => {}
            Err(failure) if failure.is_blocked() => {}
            Err(failure) => return Err(failure),
        }
        let Some((note, seen)) = read(admin, index).await? else {
            return Err(Failure::Rebuilding);
        };
        if note.owner != self.owner && !self.stands_still(index, seen) {
            return Err(Failure::Rebuilding);
        }
        // Its owner may have ended between the block and the swap.
        admin.unblock(index).await?;
        tracing::warn!(%index, "a rebuild was broken off; its remains are removed");
        self.put(admin, index, Some(seen), told).await?.ok_or(Failure::Rebuilding)
    }

    /// Shows that its owner lives. Fails when it was taken over.
    pub(super) async fn renew(
        &self,
        admin: &Admin,
        index: &Index,
        seen: Seen,
        told: Option<&Progress>,
    ) -> Result<Seen, Failure> {
        self.put(admin, index, Some(seen), told).await?.ok_or(Failure::Rebuilding)
    }

    /// Gives it back.
    pub(super) async fn release(
        &self,
        admin: &Admin,
        index: &Index,
        seen: Seen,
    ) -> Result<(), Failure> {
        let guard = format!("if_seq_no={}&if_primary_term={}", seen.seq_no, seen.primary_term);
        let path = format!("{}/_doc/{NOTE}?{guard}", index.writing());
        admin.client.done(Call::once(Method::DELETE, path, READ)).await
    }

    /// Whether the note has been as it is for so long that its owner must be gone.
    fn stands_still(&self, index: &Index, seen: Seen) -> bool {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        match watched.as_ref() {
            Some(known) if known.index == *index && known.seen == seen => {
                known.since.elapsed() >= self.gone
            }
            _ => {
                *watched = Some(Watched { index: index.clone(), seen, since: Instant::now() });
                false
            }
        }
    }

    /// Writes the note if it is as it was seen, or if there is none; none when somebody else was quicker.
    async fn put(
        &self,
        admin: &Admin,
        index: &Index,
        seen: Option<Seen>,
        told: Option<&Progress>,
    ) -> Result<Option<Seen>, Failure> {
        let guard = match seen {
            None => "op_type=create".to_owned(),
            Some(seen) => {
                format!("if_seq_no={}&if_primary_term={}", seen.seq_no, seen.primary_term)
            }
        };
        let path = format!("{}/_doc/{NOTE}?require_alias=true&{guard}", index.writing());
        let rebuild = told.map(Progress::now);
        let note = json!({ field::DOCUMENT: { "owner": self.owner, "rebuild": rebuild } });
        match admin.client.call::<Put>(Call::once(Method::PUT, path, READ).json(&note)).await {
            Ok(put) => Ok(Some(Seen { seq_no: put.seq_no, primary_term: put.primary_term })),
            Err(Failure::Refused { status: 409, .. }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

/// The note and where it stands.
async fn read(admin: &Admin, index: &Index) -> Result<Option<(Note, Seen)>, Failure> {
    let rows = documents::rows::<Source>(&admin.client, index, &[NOTE]).await?;
    Ok(rows.into_iter().find_map(|row| {
        let seen = row.seen();
        row.source.map(|source| (source.document, seen))
    }))
}

#[cfg(test)]
mod tests {
    use super::{super::names, *};

    #[test]
    fn a_note_that_moves_has_an_owner() {
        let (_, names) = names::parse("http://h:1/um").unwrap();
        let (index, other) = (names.fresh(), names.read("um-products-v1-1").unwrap());
        let lease = Lease::patient(Duration::ZERO);
        let seen = |seq_no| Seen { seq_no, primary_term: 1 };
        assert!(!lease.stands_still(&index, seen(1)), "seen for the first time");
        assert!(lease.stands_still(&index, seen(1)));
        assert!(!lease.stands_still(&index, seen(2)), "it was renewed");
        assert!(!lease.stands_still(&other, seen(2)), "another index, another note");
        let patient = Lease::new();
        assert!(!patient.stands_still(&index, seen(1)));
        assert!(!patient.stands_still(&index, seen(1)), "not for long enough");
    }
}
