//! What can be done with files.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use clock::Clock;
use fault::Fault;
use ids::{FileId, MerchantId};
use mesh::{Caller, Kind, StaffRole};
use pictures::Spoiled;
use sha2::{Digest as _, Sha256};
use telemetry::{HistogramVec, Metrics};
use tokio::sync::Semaphore;

use crate::{
    domain::{self, BlobPath, Bucket, Digest, File, Form, Format, MAX_BATCH, MAX_BYTES, Owner},
    error::Error,
    forms::{self, Forms},
    store::FileStore,
};

/// How long an address outside of the platform is good: long enough to follow it.
const LINK: Duration = Duration::from_mins(1);

/// Where pictures are worked on: as many at once as there are processors, so that uploads never starve everything else.
#[derive(Clone)]
pub(crate) struct Workshop {
    benches: Arc<Semaphore>,
    seconds: HistogramVec,
}

impl Workshop {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let help = "Time to decode a picture and make its forms, by outcome.";
        let seconds = metrics.histogram("file_picture_duration_seconds", help, &["outcome"]);
        Self { benches: Arc::new(Semaphore::new(cores)), seconds }
    }

    /// Makes the forms of a picture on a thread of its own.
    async fn forms(&self, content: Bytes, format: Format, fit: (u32, u32)) -> Result<Forms, Error> {
        let bench = Arc::clone(&self.benches).acquire_owned().await.map_err(Fault::internal)?;
        let started = std::time::Instant::now();
        let work = tokio::task::spawn_blocking(move || {
            let forms = forms::forms(&content, format, fit);
            // Held to the end of the work, even when nobody waits for it any more.
            drop(bench);
            forms
        });
        let outcome = work.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a decoder panicked");
            Err(Spoiled::Broken)
        });
        let label = if outcome.is_ok() { "ok" } else { "refused" };
        self.seconds.with_label_values(&[label]).observe(started.elapsed().as_secs_f64());
        Ok(outcome?)
    }
}

/// An upload as it arrives.
pub(crate) struct Upload {
    pub(crate) name: String,
    pub(crate) content: Bytes,
    pub(crate) bucket: String,
    /// Whom a service acts for.
    pub(crate) merchant: String,
}

/// Files. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Files {
    store: Arc<dyn FileStore>,
    clock: Clock,
    workshop: Workshop,
}

impl Files {
    pub(crate) fn new(store: Arc<dyn FileStore>, clock: Clock, workshop: Workshop) -> Self {
        Self { store, clock, workshop }
    }

    /// Keeps an upload. The same content again is the same file.
    pub(crate) async fn upload(&self, caller: &Caller, upload: Upload) -> Result<File, Error> {
        let bucket = Bucket::parse(&upload.bucket).ok_or_else(|| {
            Error::field("bucket", "INVALID", "expected products, avatars or documents")
        })?;
        let owner = owner(caller, bucket, &upload.merchant)?;
        if upload.content.is_empty() {
            return Err(Error::field("content", "REQUIRED", "the file is empty"));
        }
        if upload.content.len() > MAX_BYTES {
            return Err(Error::TooManyBytes);
        }
        let format = Format::sniff(&upload.content).filter(|format| bucket.takes(*format));
        let format = format.ok_or(Error::Unsupported)?;

        let digest = digest(upload.content.clone()).await?;
        if let Some(known) = self.store.find_same(bucket, &digest, owner).await? {
            return Ok(known);
        }
        let mut file = File {
            id: FileId::new(),
            bucket,
            owner,
            digest,
            name: domain::clean_name(&upload.name),
            size: 0,
            picture: None,
            created_at: self.clock.now(),
        };
        let blobs = if format == Format::Pdf {
            vec![(Form::Pdf, upload.content)]
        } else {
            let forms = self.workshop.forms(upload.content, format, bucket.fit()).await?;
            file.picture = Some(forms.picture);
            forms.blobs
        };
        let size = blobs.first().map_or(0, |(_, content)| content.len());
        file.size = u64::try_from(size).unwrap_or(u64::MAX);
        let blobs = blobs.into_iter().map(|(form, content)| (file.path(form), content)).collect();
        // Bytes first: a record never points to nothing.
        self.store.put_blobs(blobs).await?;
        Ok(self.store.add(file).await?)
    }

    /// The bytes behind an address, if the caller may see them.
    pub(crate) async fn read(
        &self,
        caller: &Caller,
        path: &str,
    ) -> Result<(BlobPath, Bytes), Error> {
        let path = self.readable(caller, path).await?;
        let content = self.store.get_blob(&path).await?.ok_or(Error::FileNotFound)?;
        Ok((path, content))
    }

    /// An address of the store's own for what the caller may see; none when the store gives out none.
    pub(crate) async fn link(&self, caller: &Caller, path: &str) -> Result<Option<String>, Error> {
        let path = self.readable(caller, path).await?;
        Ok(self.store.link(&path, LINK).await?)
    }

    /// The path that a text spells, if the caller may see what is there.
    async fn readable(&self, caller: &Caller, path: &str) -> Result<BlobPath, Error> {
        let path: BlobPath = path.parse().map_err(|_| Error::FileNotFound)?;
        if !path.bucket.is_public() && !caller.is_service() && !caller.is_admin() {
            let Some((merchant, _)) = caller.merchant else { return Err(Error::FileNotFound) };
            let owner = Owner::Merchant(merchant);
            let own = self.store.find_same(path.bucket, &path.digest, owner).await?;
            own.ok_or(Error::FileNotFound)?;
        }
        Ok(path)
    }

    /// What is known of the caller's files, in the order asked.
    pub(crate) async fn batch(
        &self,
        caller: &Caller,
        ids: Vec<String>,
    ) -> Result<Vec<File>, Error> {
        if ids.len() > MAX_BATCH {
            return Err(Error::field("ids", "TOO_MANY", "at most 100 files at once"));
        }
        let ids: Vec<FileId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        let mut files = self.store.batch(&ids).await?;
        if !caller.is_service() && !caller.is_admin() {
            files.retain(|file| match file.owner {
                Owner::Merchant(owner) => caller.merchant.is_some_and(|(id, _)| id == owner),
                Owner::User(owner) => caller.user == Some(owner),
            });
        }
        Ok(files)
    }
}

/// Whose an upload of this caller is, if the caller may make it.
fn owner(caller: &Caller, bucket: Bucket, merchant: &str) -> Result<Owner, Error> {
    let merchant_of_service = || {
        let id: Result<MerchantId, _> = merchant.parse();
        id.map_err(|_| Error::field("merchant_id", "REQUIRED", "the merchant to act for"))
    };
    match bucket {
        Bucket::Avatars => Ok(Owner::User(caller.require_user()?)),
        Bucket::Products | Bucket::Documents if caller.is_service() => {
            Ok(Owner::Merchant(merchant_of_service()?))
        }
        Bucket::Products => {
            caller.require_scope("products:write")?;
            Ok(Owner::Merchant(caller.require_merchant(StaffRole::Operator)?))
        }
        Bucket::Documents => {
            if caller.kind == Kind::ApiKey {
                return Err(Fault::forbidden("documents are for people, not for keys").into());
            }
            Ok(Owner::Merchant(caller.require_merchant(StaffRole::Operator)?))
        }
    }
}

/// Computed beside: ten megabytes take a while.
async fn digest(content: Bytes) -> Result<Digest, Error> {
    let sum = move || Sha256::new().chain_update(forms::RECIPE).chain_update(&content).finalize();
    let sum = tokio::task::spawn_blocking(sum).await.map_err(Fault::internal)?;
    Ok(Digest::new(&sum))
}
