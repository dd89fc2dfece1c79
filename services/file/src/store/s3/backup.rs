//! Copies of all objects.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use archive::Part;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};

use super::{Error, S3Store, records};
use crate::{domain::Bucket, store::Keys};

/// What is known of the objects, one a line.
const LIST: &str = "objects.jsonl";
/// Where their bytes are.
const FOLDER: &str = "objects";
/// Objects on their way at once.
const AT_ONCE: usize = 8;
/// How long the bytes of one object, or of one part of a backup, may take.
pub(super) const TRANSFER: Duration = Duration::from_mins(5);

/// An object without its bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Known {
    bucket: String,
    key: String,
    content_type: Option<String>,
    cache_control: Option<String>,
    content_disposition: Option<String>,
}

impl Known {
    fn place(&self) -> String {
        format!("{FOLDER}/{}/{}", self.bucket, self.key)
    }
}

impl S3Store {
    /// Without a look at the server.
    pub(in crate::store) fn connect(address: &str, keys: &Keys) -> anyhow::Result<Self> {
        Self::new(address, keys)
    }

    pub(in crate::store) async fn copy(&self, part: &mut Part) -> anyhow::Result<()> {
        let mut list = part.sheet(LIST)?;
        for bucket in Bucket::ALL {
            let keys = self.keys(bucket).await?;
            let mut objects = stream::iter(keys)
                .map(|key| async move { self.fetch(bucket, key).await })
                .buffered(AT_ONCE);
            let mut count = 0;
            // One that is gone was the record of an upload that lost against another: nobody knows of it.
            while let Some(fetched) = objects.try_next().await? {
                let Some((known, bytes)) = fetched else { continue };
                let mut sheet = part.sheet(&known.place())?;
                sheet.put(&bytes)?;
                part.keep(sheet)?;
                let mut line = serde_json::to_vec(&known)?;
                line.push(b'\n');
                list.put(&line)?;
                count += 1;
            }
            drop(objects);
            part.count(bucket.as_str(), count);
        }
        Ok(part.keep(list)?)
    }

    pub(in crate::store) async fn is_filled(&self) -> anyhow::Result<bool> {
        for bucket in Bucket::ALL {
            match self.keys(bucket).await {
                Ok(keys) if keys.is_empty() => {}
                Ok(_) => return Ok(true),
                // The bucket is yet to be made.
                Err(Error::Missing(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(false)
    }

    pub(in crate::store) async fn clear(&self) -> anyhow::Result<()> {
        for bucket in Bucket::ALL {
            let keys = match self.keys(bucket).await {
                Err(Error::Missing(_)) => continue,
                keys => keys?,
            };
            let name = self.bucket(bucket);
            let name = name.as_str();
            stream::iter(keys.into_iter().map(Ok::<_, Error>))
                .try_for_each_concurrent(AT_ONCE, |key| async move {
                    self.objects.remove(name, &key).await
                })
                .await?;
        }
        Ok(())
    }

    pub(in crate::store) async fn load(&self, folder: &Path) -> anyhow::Result<()> {
        let list = std::fs::read_to_string(folder.join(LIST)).context(LIST)?;
        let known = list.lines().map(serde_json::from_str::<Known>);
        let known = known.collect::<Result<Vec<_>, _>>().context(LIST)?;
        let put = |known: Known| async move { self.put_back(folder, known).await };
        stream::iter(known.into_iter().map(Ok)).try_for_each_concurrent(AT_ONCE, put).await
    }

    async fn put_back(&self, folder: &Path, known: Known) -> anyhow::Result<()> {
        let bucket = Bucket::parse(&known.bucket).context("a bucket that is none of ours")?;
        let bytes = tokio::fs::read(folder.join(known.place())).await?;
        let put = self.objects.client.put_object().bucket(self.bucket(bucket)).key(&known.key);
        let put = put
            .set_content_type(known.content_type)
            .set_cache_control(known.cache_control)
            .set_content_disposition(known.content_disposition)
            .checksum_algorithm(super::objects::CHECKSUM)
            .body(ByteStream::from(bytes));
        self.objects.ask(TRANSFER, Box::pin(put.send())).await?;
        Ok(())
    }

    /// All keys of a bucket but the one that `migrate` leaves.
    async fn keys(&self, bucket: Bucket) -> Result<Vec<String>, Error> {
        let name = self.bucket(bucket);
        let (mut keys, mut next) = (Vec::new(), None);
        loop {
            let list = self.objects.client.list_objects_v2().bucket(&name);
            let page = self.objects.ask(TRANSFER, list.set_continuation_token(next).send()).await;
            let page = page.map_err(|error| error.about(&name))?;
            keys.extend(page.contents.unwrap_or_default().into_iter().filter_map(|one| one.key));
            next = page.next_continuation_token;
            if next.is_none() {
                break;
            }
        }
        keys.retain(|key| key != records::PROBE);
        Ok(keys)
    }

    async fn fetch(&self, bucket: Bucket, key: String) -> Result<Option<(Known, Bytes)>, Error> {
        let get = self.objects.client.get_object().bucket(self.bucket(bucket)).key(&key);
        let get = get.checksum_mode(aws_sdk_s3::types::ChecksumMode::Enabled).send();
        let answer = match self.objects.ask(TRANSFER, get).await {
            Err(error) if error.is(404) => return Ok(None),
            answer => answer?,
        };
        let known = Known {
            bucket: bucket.as_str().to_owned(),
            key,
            content_type: answer.content_type,
            cache_control: answer.cache_control,
            content_disposition: answer.content_disposition,
        };
        let bytes = tokio::time::timeout(TRANSFER, answer.body.collect()).await;
        let bytes = bytes.map_err(|_| Error::Silent)?;
        let bytes = bytes.map_err(|error| Error::Broken(error.into()))?.into_bytes();
        Ok(Some((known, bytes)))
    }
}
