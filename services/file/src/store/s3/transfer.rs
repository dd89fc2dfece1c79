//! Files on their way to a bucket and back, piece by piece: never is one held in memory as a whole.

use std::{io::Write, path::Path, time::Duration};

use anyhow::Context as _;
use aws_sdk_s3::{
    primitives::{ByteStream, Length},
    types::{CompletedMultipartUpload, CompletedPart},
};

use super::{
    Error, Objects,
    objects::{CHECKSUM, PATIENCE},
};

/// How long a part, or an object that is none, may take to its place; and how long the next bytes of one may take to come.
pub(super) const TRANSFER: Duration = Duration::from_mins(5);
/// Bytes of a part of a large file; there may be ten thousand.
pub(super) const PART: u64 = 32 * 1024 * 1024;

/// What is said of an object, beside its bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    pub(super) content_type: Option<String>,
    pub(super) cache_control: Option<String>,
    pub(super) content_disposition: Option<String>,
}

impl Objects {
    /// Writes the content of a file, over whatever is there.
    pub(super) async fn send(
        &self,
        (bucket, key): (&str, &str),
        path: &Path,
        said: Said,
    ) -> anyhow::Result<()> {
        let size = tokio::fs::metadata(path).await?.len();
        if size > PART {
            return Box::pin(self.send_in_parts((bucket, key), (path, size), said)).await;
        }
        let put = self.client.put_object().bucket(bucket).key(key);
        let put = put
            .set_content_type(said.content_type)
            .set_cache_control(said.cache_control)
            .set_content_disposition(said.content_disposition)
            .checksum_algorithm(CHECKSUM)
            .body(ByteStream::from_path(path).await?);
        let sent = self.ask(TRANSFER, Box::pin(put.send())).await;
        Ok(sent.map(drop).map_err(|error| error.about(bucket))?)
    }

    async fn send_in_parts(
        &self,
        (bucket, key): (&str, &str),
        (path, size): (&Path, u64),
        said: Said,
    ) -> anyhow::Result<()> {
        let create = self.client.create_multipart_upload().bucket(bucket).key(key);
        let create = create
            .set_content_type(said.content_type)
            .set_cache_control(said.cache_control)
            .set_content_disposition(said.content_disposition);
        let created = self.ask(TRANSFER, create.send()).await;
        let created = created.map_err(|error| error.about(bucket))?;
        let upload = created.upload_id().unwrap_or_default();
        let sent = self.send_parts((bucket, key, upload), path, size).await;
        if sent.is_err() {
            let abort = self.client.abort_multipart_upload().bucket(bucket).key(key);
            // The first error is what counts.
            drop(self.ask(PATIENCE, abort.upload_id(upload).send()).await);
        }
        sent
    }

    async fn send_parts(
        &self,
        (bucket, key, upload): (&str, &str, &str),
        path: &Path,
        size: u64,
    ) -> anyhow::Result<()> {
        let mut parts = Vec::new();
        let (mut start, mut number) = (0, 1);
        while start < size {
            let length = PART.min(size - start);
            let body = ByteStream::read_from().path(path).offset(start);
            let body = body.length(Length::Exact(length)).build().await?;
            let put = self.client.upload_part().bucket(bucket).key(key).upload_id(upload);
            let put = self.ask(TRANSFER, put.part_number(number).body(body).send()).await?;
            let part = CompletedPart::builder().part_number(number);
            parts.push(part.set_e_tag(put.e_tag().map(str::to_owned)).build());
            start += length;
            number += 1;
        }
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let complete = self.client.complete_multipart_upload().bucket(bucket).key(key);
        let complete = complete.upload_id(upload).multipart_upload(parts).send();
        self.ask(TRANSFER, complete).await?;
        Ok(())
    }
}

/// Writes what comes, as it comes.
pub(super) async fn pour(mut from: ByteStream, to: &mut impl Write) -> anyhow::Result<()> {
    loop {
        let bytes = tokio::time::timeout(TRANSFER, from.try_next()).await;
        let bytes = bytes.map_err(|_| Error::Silent)?.map_err(|error| Error::Broken(error.into()));
        let Some(bytes) = bytes? else { return Ok(()) };
        to.write_all(&bytes).context("what came cannot be written")?;
    }
}
