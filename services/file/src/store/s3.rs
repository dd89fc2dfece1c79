//! Files in a server that speaks S3: Amazon's, MinIO and others with conditional writes.
//!
//! Bytes lie in the bucket of their purpose, under the path without its first part. What is known of a file lies twice in the private
//! bucket: `records/once/<bucket>/<digest>/<owner>.json`, which is written only if it is not there yet and so decides which file a
//! content is, and before that `records/id/<id>.json`, by which it is found. Nothing is ever changed, so both always agree, and as many
//! processes as like may share the buckets. When a process ends between the two, a record stays whose id nobody was told.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use bytes::Bytes;
use fault::Fault;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use ids::FileId;

use super::{FileStore, Keys};
use crate::domain::{BlobPath, Bucket, Digest, File, Owner};

mod address;
mod backup;
mod buckets;
mod error;
mod objects;
mod records;
mod remote;
mod transfer;

use address::Address;
use error::Error;
use objects::{Object, Objects, signed};
pub(super) use remote::{fetch, upload};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(1);
/// The region of servers that have none.
const REGION: &str = "us-east-1";
/// Records read at once.
const AT_ONCE: usize = 16;

/// An address never changes its content.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// What is private is kept by the browser of whoever was let in, for an hour.
const PRIVATE: &str = "private, max-age=3600";

pub(super) struct S3Store {
    objects: Objects,
    /// Signs addresses at which others reach the server.
    public: Option<Client>,
    region: String,
    prefix: String,
}

impl S3Store {
    /// Prepares the store. A server that is away is waited for; one without the buckets is refused.
    pub(super) async fn open(address: &str, keys: &Keys) -> anyhow::Result<Self> {
        let store = Self::new(address, keys)?;
        match store.check().await {
            Err(error @ Error::Missing(_)) => Err(anyhow::Error::new(error).context("file.store")),
            Err(error) => {
                let error = Fault::from(error).causes();
                tracing::warn!(
                    error,
                    "the server of files is away; it is tried again with each use"
                );
                Ok(store)
            }
            Ok(()) => Ok(store),
        }
    }

    /// Makes the buckets as they have to be.
    pub(super) async fn migrate(address: &str, keys: &Keys) -> anyhow::Result<()> {
        Self::new(address, keys)?.prepare().await
    }

    fn new(address: &str, keys: &Keys) -> anyhow::Result<Self> {
        let address = Address::parse(address, keys)?;
        Ok(Self {
            objects: Objects::new(address.client(&address.endpoint)),
            public: address.public.as_deref().map(|endpoint| address.client(endpoint)),
            region: address.region,
            prefix: address.prefix,
        })
    }

    fn bucket(&self, bucket: Bucket) -> String {
        format!("{}{}", self.prefix, bucket.as_str())
    }

    /// Where records are kept.
    fn home(&self) -> String {
        self.bucket(Bucket::Documents)
    }

    async fn record(&self, key: &str) -> Result<Option<File>, Error> {
        let content = self.objects.get(&self.home(), key).await?;
        content.as_ref().map(records::decode).transpose()
    }

    async fn put_blob(&self, path: &BlobPath, content: Bytes) -> Result<(), Error> {
        let public = path.bucket.is_public();
        let blob = Object {
            content,
            content_type: path.form.content_type(),
            cache: if public { FOREVER } else { PRIVATE },
            disposition: (!public).then_some("attachment"),
        };
        // What is there already is the same.
        self.objects.put(&self.bucket(path.bucket), &key(path), &blob).await.map(drop)
    }

    async fn insert(&self, file: File) -> Result<File, Error> {
        let (home, record) = (self.home(), records::encode(&file)?);
        let by_id = records::by_id(file.id);
        self.objects.put(&home, &by_id, &record).await?;
        let once = records::once(file.bucket, &file.digest, file.owner);
        if self.objects.put(&home, &once, &record).await? {
            return Ok(file);
        }
        let known = self.record(&once).await?;
        let known =
            known.ok_or_else(|| Error::Broken("a record is there and is not found".into()))?;
        if known.id != file.id
            && let Err(error) = self.objects.remove(&home, &by_id).await
        {
            tracing::warn!(%error, key = by_id, "a record that nobody knows of is left behind");
        }
        Ok(known)
    }
}

/// The part of a path that is a name within its bucket.
fn key(path: &BlobPath) -> String {
    let path = path.to_string();
    path.split_once('/').map(|(_, key)| key.to_owned()).unwrap_or_default()
}

#[async_trait]
impl FileStore for S3Store {
    async fn put_blobs(&self, blobs: Vec<(BlobPath, Bytes)>) -> Result<(), Fault> {
        self.objects.admit()?;
        let puts = blobs.iter().map(|(path, content)| self.put_blob(path, content.clone()));
        futures::future::try_join_all(puts).await?;
        Ok(())
    }

    async fn get_blob(&self, path: &BlobPath) -> Result<Option<Bytes>, Fault> {
        self.objects.admit()?;
        Ok(self.objects.get(&self.bucket(path.bucket), &key(path)).await?)
    }

    async fn link(&self, path: &BlobPath, life: Duration) -> Result<Option<String>, Fault> {
        let Some(public) = &self.public else { return Ok(None) };
        let bucket = self.bucket(path.bucket);
        Ok(Some(signed(public, &bucket, &key(path), life).await?))
    }

    async fn add(&self, file: File) -> Result<File, Fault> {
        self.objects.admit()?;
        Ok(self.insert(file).await?)
    }

    async fn find_same(
        &self,
        bucket: Bucket,
        digest: &Digest,
        owner: Owner,
    ) -> Result<Option<File>, Fault> {
        self.objects.admit()?;
        Ok(self.record(&records::once(bucket, digest, owner)).await?)
    }

    async fn batch(&self, ids: &[FileId]) -> Result<Vec<File>, Fault> {
        self.objects.admit()?;
        let keys: Vec<String> = ids.iter().map(|id| records::by_id(*id)).collect();
        let record = |key: String| async move { self.record(&key).await };
        let records = stream::iter(keys).map(record).buffered(AT_ONCE);
        Ok(records.try_filter_map(|file| std::future::ready(Ok(file))).try_collect().await?)
    }

    async fn ping(&self) -> Result<(), Fault> {
        self.objects.admit()?;
        Ok(self.check().await?)
    }

    async fn close(&self) {}
}
