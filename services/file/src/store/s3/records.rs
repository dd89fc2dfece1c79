//! What is known of files, as small objects of JSON in the private bucket.

use bytes::Bytes;
use clock::Timestamp;
use ids::FileId;
use serde::{Deserialize, Serialize};

use super::{error::Error, objects::Object};
use crate::domain::{Bucket, Digest, File, Owner, Picture};

pub(super) const CONTENT_TYPE: &str = "application/json";
pub(super) const CACHE: &str = "private, no-store";
/// What `migrate` tries conditional writes on.
pub(super) const PROBE: &str = "records/probe.json";

/// The record of one id.
pub(super) fn by_id(id: FileId) -> String {
    format!("records/id/{id}.json")
}

/// The record that there can be once for the same content of one owner in one bucket.
pub(super) fn once(bucket: Bucket, digest: &Digest, owner: Owner) -> String {
    format!("records/once/{}/{}/{owner}.json", bucket.as_str(), digest.as_str())
}

/// Fields may be added; readers pass over what they do not know.
#[derive(Serialize, Deserialize)]
struct Record {
    id: FileId,
    bucket: String,
    owner: String,
    digest: String,
    name: String,
    size: u64,
    picture: Option<Picture>,
    created_at_ms: i64,
}

pub(super) fn encode(file: &File) -> Result<Object, Error> {
    let record = Record {
        id: file.id,
        bucket: file.bucket.as_str().to_owned(),
        owner: file.owner.to_string(),
        digest: file.digest.as_str().to_owned(),
        name: file.name.clone(),
        size: file.size,
        picture: file.picture.clone(),
        created_at_ms: file.created_at.millis(),
    };
    let content = serde_json::to_vec(&record).map_err(|error| Error::Broken(error.into()))?;
    Ok(Object {
        content: content.into(),
        content_type: CONTENT_TYPE,
        cache: CACHE,
        disposition: None,
    })
}

pub(super) fn decode(content: &Bytes) -> Result<File, Error> {
    let broken = |field: &str| Error::Broken(format!("the {field} of a record").into());
    let record: Record =
        serde_json::from_slice(content).map_err(|error| Error::Broken(error.into()))?;
    Ok(File {
        id: record.id,
        bucket: Bucket::parse(&record.bucket).ok_or_else(|| broken("bucket"))?,
        owner: record.owner.parse().map_err(|_| broken("owner"))?,
        digest: Digest::parse(&record.digest).ok_or_else(|| broken("digest"))?,
        name: record.name,
        size: record.size,
        picture: record.picture,
        created_at: Timestamp::from_millis(record.created_at_ms),
    })
}
