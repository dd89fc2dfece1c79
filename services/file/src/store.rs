//! The port to the store.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use fault::Fault;
use ids::FileId;

use crate::domain::{BlobPath, Bucket, Digest, File, Owner};

mod folder;
mod sqlite;

/// Files: what is known of them, and their bytes.
#[async_trait]
pub trait FileStore: Send + Sync + 'static {
    /// Keeps bytes, all of them durably or an error. A path's bytes never change, so writing them again changes nothing.
    async fn put_blobs(&self, blobs: Vec<(BlobPath, Bytes)>) -> Result<(), Fault>;
    /// Reads bytes.
    async fn get_blob(&self, path: &BlobPath) -> Result<Option<Bytes>, Fault>;

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

/// Opens the store behind an address.
pub async fn open(address: &str) -> anyhow::Result<Arc<dyn FileStore>> {
    match address.split_once(':') {
        Some(("file", path)) if !path.trim_start_matches('/').is_empty() => {
            // Both `file:data/files` and `file:///var/lib/files`.
            let path = path.strip_prefix("//").unwrap_or(path);
            Ok(Arc::new(folder::FolderStore::open(path.as_ref()).await?))
        }
        _ => anyhow::bail!("file.store: expected file:<folder>"),
    }
}
