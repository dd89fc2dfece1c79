//! Files in a folder: bytes under `blobs/`, what is known of them in `files.db`, half-written ones in `incoming/`.

use std::{
    collections::BTreeSet,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use async_trait::async_trait;
use bytes::Bytes;
use fault::{Code, Fault};
use ids::FileId;

use super::{FileStore, sqlite::Records};
use crate::domain::{BlobPath, Bucket, Digest, File, Owner};

pub(super) struct FolderStore {
    records: Records,
    blobs: Arc<Path>,
    incoming: Arc<Path>,
}

impl FolderStore {
    pub(super) async fn open(folder: &Path) -> anyhow::Result<Self> {
        let (blobs, incoming) = (folder.join("blobs"), folder.join("incoming"));
        let prepare = || {
            // What a crash left half written was never acknowledged.
            match std::fs::remove_dir_all(&incoming) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            std::fs::create_dir_all(&blobs)?;
            std::fs::create_dir_all(&incoming)
        };
        prepare().with_context(|| format!("file.store: {} cannot be written", folder.display()))?;
        let database = format!("sqlite:{}", folder.join("files.db").display());
        let records = Records::open(&database).await?;
        Ok(Self { records, blobs: blobs.into(), incoming: incoming.into() })
    }
}

#[async_trait]
impl FileStore for FolderStore {
    async fn put_blobs(&self, blobs: Vec<(BlobPath, Bytes)>) -> Result<(), Fault> {
        let (home, incoming) = (Arc::clone(&self.blobs), Arc::clone(&self.incoming));
        let write = move || put(&home, &incoming, &blobs);
        tokio::task::spawn_blocking(write).await.map_err(Fault::internal)?.map_err(away)
    }

    async fn get_blob(&self, path: &BlobPath) -> Result<Option<Bytes>, Fault> {
        match tokio::fs::read(self.blobs.join(path.to_string())).await {
            Ok(content) => Ok(Some(content.into())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(away(error)),
        }
    }

    async fn link(&self, _: &BlobPath, _: Duration) -> Result<Option<String>, Fault> {
        Ok(None)
    }

    async fn add(&self, file: File) -> Result<File, Fault> {
        self.records.add(file).await
    }

    async fn find_same(
        &self,
        bucket: Bucket,
        digest: &Digest,
        owner: Owner,
    ) -> Result<Option<File>, Fault> {
        self.records.find_same(bucket, digest, owner).await
    }

    async fn batch(&self, ids: &[FileId]) -> Result<Vec<File>, Fault> {
        self.records.batch(ids).await
    }

    async fn ping(&self) -> Result<(), Fault> {
        tokio::fs::metadata(&self.blobs).await.map_err(away)?;
        self.records.ping().await
    }

    async fn close(&self) {
        self.records.close().await;
    }
}

/// Writes beside, makes it durable, and moves it into place: a reader sees all of a blob or nothing.
fn put(home: &Path, incoming: &Path, blobs: &[(BlobPath, Bytes)]) -> std::io::Result<()> {
    // Names that are new, by their folder: the forms of a picture share one.
    let mut folders = BTreeSet::new();
    for (path, content) in blobs {
        let place = home.join(path.to_string());
        if place.exists() {
            continue;
        }
        let folder: PathBuf = place.parent().map_or_else(|| home.to_owned(), Path::to_owned);
        if !folder.exists() {
            std::fs::create_dir_all(&folder)?;
            folders.extend(folder.parent().map(Path::to_owned));
        }
        // A name of its own: two uploads of the same content do not write into one another.
        let draft = incoming.join(FileId::new().to_string());
        let written = write(&draft, content).and_then(|()| std::fs::rename(&draft, &place));
        if written.is_err() {
            // The error is what counts; what cannot be removed goes at the next start.
            drop(std::fs::remove_file(&draft));
        }
        written?;
        folders.insert(folder);
    }
    // The new names themselves.
    folders.iter().try_for_each(|folder| std::fs::File::open(folder)?.sync_data())
}

fn write(draft: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::create_new(draft)?;
    file.write_all(content)?;
    file.sync_data()
}

fn away(error: std::io::Error) -> Fault {
    let fault = Fault::new(Code::Unavailable, "STORE_FAILED", "the store of files is away");
    Fault { source: Some(Arc::new(error)), ..fault }
}
