//! The port to the store.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use fault::Fault;
use ids::FileId;
use secrecy::SecretString;

use crate::domain::{BlobPath, Bucket, Digest, File, Owner};

pub mod backup;
mod folder;
mod s3;
mod sqlite;

/// Files: what is known of them, and their bytes.
#[async_trait]
pub trait FileStore: Send + Sync + 'static {
    /// Keeps bytes, all of them durably or an error. A path's bytes never change, so writing them again changes nothing.
    async fn put_blobs(&self, blobs: Vec<(BlobPath, Bytes)>) -> Result<(), Fault>;
    /// Reads bytes.
    async fn get_blob(&self, path: &BlobPath) -> Result<Option<Bytes>, Fault>;
    /// An address outside of the platform at which whoever has it reads the bytes for so long; none when the store gives out none.
    async fn link(&self, path: &BlobPath, life: Duration) -> Result<Option<String>, Fault>;

    /// Records a file whose bytes are kept. For content that the owner has in this bucket already, that file is returned instead.
    async fn add(&self, file: File) -> Result<File, Fault>;
    /// The owner's file with this content.
    async fn find_same(
        &self,
        bucket: Bucket,
        digest: &Digest,
        owner: Owner,
    ) -> Result<Option<File>, Fault>;
    /// Files in the order asked; unknown ones are left out.
    async fn batch(&self, ids: &[FileId]) -> Result<Vec<File>, Fault>;

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), Fault>;
    /// Writes what is pending and lets go.
    async fn close(&self);
}

/// Who we are to a server of files whose address does not say it.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// The name of the key.
    pub access: String,
    /// What only we and the server know.
    pub secret: SecretString,
}

/// Opens the store behind an address.
pub async fn open(address: &str, keys: &Keys) -> anyhow::Result<Arc<dyn FileStore>> {
    match place(address)? {
        Place::Folder(path) => Ok(Arc::new(folder::FolderStore::open(path.as_ref()).await?)),
        Place::S3 => Ok(Arc::new(s3::S3Store::open(address, keys).await?)),
    }
}

/// Prepares what stands behind an address for [`open`]. Again, or several times at once, changes nothing more.
pub async fn migrate(address: &str, keys: &Keys) -> anyhow::Result<()> {
    match place(address)? {
        // The embedded store brings itself up to date when it is opened.
        Place::Folder(_) => Ok(()),
        Place::S3 => s3::S3Store::migrate(address, keys).await,
    }
}

/// The version of the schema that this program works with behind an address; 0 where there is none.
pub fn schema(address: &str) -> i64 {
    backup::schema(address)
}

enum Place<'a> {
    Folder(&'a str),
    S3,
}

fn place(address: &str) -> anyhow::Result<Place<'_>> {
    match address.split_once(':') {
        Some(("file", path)) if !path.trim_start_matches('/').is_empty() => {
            // Both `file:data/files` and `file:///var/lib/files`.
            Ok(Place::Folder(path.strip_prefix("//").unwrap_or(path)))
        }
        Some(("s3", _)) => Ok(Place::S3),
        _ => anyhow::bail!("file.store: expected file:<folder> or s3://<host>"),
    }
}
