//! Objects in buckets: written once, never changed.

use std::time::Duration;

use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::create_multipart_upload::CreateMultipartUploadOutput,
    presigning::PresigningConfig,
    primitives::ByteStream,
    types::{
        ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart,
    },
};
use bytes::Bytes;
use fault::Breaker;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::error::Error;

/// How long the server may take to begin an answer, and for anything small.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// How long the bytes of an object may take to arrive here, or a part of one there.
const TRANSFER: Duration = Duration::from_secs(10);
/// What is larger goes in parts.
const LARGE: usize = 8 * 1024 * 1024;
/// Bytes of a part; the protocol asks for 5 MiB at least.
const PART: usize = 5 * 1024 * 1024;
/// Parts on their way at once.
const AT_ONCE: usize = 4;
/// Verified by the server when it comes and by us when it is read; of the whole object also when it came in parts.
pub(super) const CHECKSUM: ChecksumAlgorithm = ChecksumAlgorithm::Crc64Nvme;
/// There is nothing under this key yet.
const NOTHING: &str = "*";

/// What is written.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) content: Bytes,
    pub(super) content_type: &'static str,
    pub(super) cache: &'static str,
    /// How a browser shows it.
    pub(super) disposition: Option<&'static str>,
}

/// Calls to the server, each bounded in time.
pub(super) struct Objects {
    pub(super) client: Client,
    breaker: Breaker,
}

impl Objects {
    pub(super) fn new(client: Client) -> Self {
        Self { client, breaker: Breaker::default() }
    }

    /// Writes what is not there yet; whether it was not.
    pub(super) async fn put(&self, bucket: &str, key: &str, what: &Object) -> Result<bool, Error> {
        let mut pause = Duration::from_millis(20);
        loop {
            match self.try_put(bucket, key, what).await {
                // Somebody is writing the same at this moment; whether they will succeed is not known yet.
                Err(error) if error.is(409) && pause < PATIENCE => tokio::time::sleep(pause).await,
                Err(error) if error.is(412) => return Ok(false),
                other => return other.map(|()| true).map_err(|error| error.about(bucket)),
            }
            pause *= 2;
        }
    }

    async fn try_put(&self, bucket: &str, key: &str, what: &Object) -> Result<(), Error> {
        if what.content.len() > LARGE {
            return Box::pin(self.put_in_parts(bucket, key, what)).await;
        }
        let put = self.client.put_object().bucket(bucket).key(key).if_none_match(NOTHING);
        let put = put.content_type(what.content_type).cache_control(what.cache);
        let put = put.set_content_disposition(what.disposition.map(str::to_owned));
        let put = put.checksum_algorithm(CHECKSUM).body(ByteStream::from(what.content.clone()));
        self.ask(TRANSFER, Box::pin(put.send())).await.map(drop)
    }

    async fn put_in_parts(&self, bucket: &str, key: &str, what: &Object) -> Result<(), Error> {
        let create = self.client.create_multipart_upload().bucket(bucket).key(key);
        let create = create.content_type(what.content_type).cache_control(what.cache);
        let create = create.set_content_disposition(what.disposition.map(str::to_owned));
        let create = create.checksum_algorithm(CHECKSUM).checksum_type(ChecksumType::FullObject);
        let created: CreateMultipartUploadOutput = self.ask(PATIENCE, create.send()).await?;
        let upload = created.upload_id().unwrap_or_default();
        let written = self.put_parts(bucket, key, upload, &what.content).await;
        if written.is_err() {
            let abort = self.client.abort_multipart_upload();
            let abort = abort.bucket(bucket).key(key).upload_id(upload).send();
            if let Err(error) = self.ask(PATIENCE, abort).await {
                tracing::warn!(%error, bucket, key, "parts of an upload are left behind");
            }
        }
        written
    }

    async fn put_parts(
        &self,
        bucket: &str,
        key: &str,
        upload: &str,
        content: &Bytes,
    ) -> Result<(), Error> {
        let starts = (0..content.len()).step_by(PART);
        let parts = (1..).zip(starts).map(|(number, start)| async move {
            let part = content.slice(start..content.len().min(start + PART));
            let put = self.client.upload_part().bucket(bucket).key(key).upload_id(upload);
            let put = put.part_number(number).checksum_algorithm(CHECKSUM);
            let put = self.ask(TRANSFER, put.body(ByteStream::from(part)).send()).await?;
            let part = CompletedPart::builder().part_number(number);
            let part = part.set_e_tag(put.e_tag().map(str::to_owned));
            Ok::<_, Error>(part.set_checksum_crc64_nvme(put.checksum_crc64_nvme).build())
        });
        let parts: Vec<CompletedPart> = stream::iter(parts).buffered(AT_ONCE).try_collect().await?;
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let complete = self.client.complete_multipart_upload().bucket(bucket).key(key);
        let complete = complete.upload_id(upload).multipart_upload(parts).if_none_match(NOTHING);
        let complete = complete.checksum_type(ChecksumType::FullObject);
        self.ask(TRANSFER, complete.send()).await.map(drop)
    }

    /// Reads an object.
    pub(super) async fn get(&self, bucket: &str, key: &str) -> Result<Option<Bytes>, Error> {
        let get = self.client.get_object().bucket(bucket).key(key);
        let get = get.checksum_mode(ChecksumMode::Enabled).send();
        let answer = match self.ask(PATIENCE, get).await {
            Err(Error::Failed { code, .. }) if code == "NoSuchKey" => return Ok(None),
            other => other.map_err(|error| error.about(bucket))?,
        };
        let content = tokio::time::timeout(TRANSFER, answer.body.collect()).await;
        let content = content.map_err(|_| {
            self.breaker.silent();
            Error::Silent
        })?;
        Ok(Some(content.map_err(|error| Error::Broken(error.into()))?.into_bytes()))
    }

    /// Removes an object.
    pub(super) async fn remove(&self, bucket: &str, key: &str) -> Result<(), Error> {
        let remove = self.client.delete_object().bucket(bucket).key(key).send();
        self.ask(PATIENCE, remove).await.map(drop).map_err(|error| error.about(bucket))
    }

    /// Refuses while the server's last silence is fresh. Asked once for each use, since the calls of one use go side by side.
    pub(super) fn admit(&self) -> Result<(), Error> {
        if self.breaker.may_try() { Ok(()) } else { Err(Error::Silent) }
    }

    /// Makes a call and remembers whether there was an answer.
    pub(super) async fn ask<T, E>(
        &self,
        patience: Duration,
        call: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<T, Error>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let answer = tokio::time::timeout(patience, call).await;
        let answer = answer.map_or(Err(Error::Silent), |answer| answer.map_err(Error::from));
        match &answer {
            Err(Error::Silent) => self.breaker.silent(),
            _ => self.breaker.answered(),
        }
        answer
    }
}

/// An address that `client` signs, with which an object may be read for so long.
pub(super) async fn signed(
    client: &Client,
    bucket: &str,
    key: &str,
    life: Duration,
) -> Result<String, Error> {
    let terms = PresigningConfig::expires_in(life).map_err(|error| Error::Broken(error.into()))?;
    let signed = client.get_object().bucket(bucket).key(key).presigned(terms).await?;
    Ok(signed.uri().to_owned())
}
