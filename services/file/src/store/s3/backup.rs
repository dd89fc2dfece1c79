//! Copies of all objects, each piece by piece: however many and however large they are, little of them is in memory at once.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
};

use anyhow::Context as _;
use archive::{Part, Sheet};
use futures::{TryStreamExt as _, future::try_join_all, stream};
use serde::{Deserialize, Serialize};

use super::{
    Error, S3Store, records,
    transfer::{Said, TRANSFER, pour},
};
use crate::{domain::Bucket, store::Keys};

/// What is known of the objects, one a line.
const LIST: &str = "objects.jsonl";
/// Where their bytes are.
const FOLDER: &str = "objects";
/// Objects on their way at once.
const AT_ONCE: usize = 8;

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

/// Some keys of a bucket, and where to go on; none at the end.
struct Page {
    keys: Vec<String>,
    next: Option<String>,
}

impl S3Store {
    /// Without a look at the server.
    pub(in crate::store) fn connect(address: &str, keys: &Keys) -> anyhow::Result<Self> {
        Self::new(address, keys)
    }

    pub(in crate::store) async fn copy(&self, part: &mut Part) -> anyhow::Result<()> {
        let mut list = part.sheet(LIST)?;
        for bucket in Bucket::ALL {
            let (mut count, mut after) = (0, None);
            loop {
                let page = self.page(bucket, after).await?;
                for keys in page.keys.chunks(AT_ONCE) {
                    let fetches = keys.iter().map(|key| self.fetch(bucket, key, part));
                    let fetched = try_join_all(fetches).await?;
                    // One that is gone was the record of an upload that lost against another: nobody knows of it.
                    for (known, sheet) in fetched.into_iter().flatten() {
                        part.keep(sheet)?;
                        let mut line = serde_json::to_vec(&known)?;
                        line.push(b'\n');
                        list.put(&line)?;
                        count += 1;
                    }
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            part.count(bucket.as_str(), count);
        }
        Ok(part.keep(list)?)
    }

    pub(in crate::store) async fn is_filled(&self) -> anyhow::Result<bool> {
        for bucket in Bucket::ALL {
            let mut after = None;
            loop {
                let page = match self.page(bucket, after).await {
                    // The bucket is yet to be made.
                    Err(Error::Missing(_)) => break,
                    page => page?,
                };
                if !page.keys.is_empty() {
                    return Ok(true);
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(false)
    }

    pub(in crate::store) async fn clear(&self) -> anyhow::Result<()> {
        for bucket in Bucket::ALL {
            let (name, mut after) = (self.bucket(bucket), None);
            let name = name.as_str();
            loop {
                let page = match self.page(bucket, after).await {
                    Err(Error::Missing(_)) => break,
                    page => page?,
                };
                stream::iter(page.keys.into_iter().map(Ok::<_, Error>))
                    .try_for_each_concurrent(AT_ONCE, |key| async move {
                        self.objects.remove(name, &key).await
                    })
                    .await?;
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    pub(in crate::store) async fn load(&self, folder: &Path) -> anyhow::Result<()> {
        let list = File::open(folder.join(LIST)).context(LIST)?;
        let known = BufReader::new(list).lines().map(|line| {
            let known: Known = serde_json::from_str(&line.context(LIST)?).context(LIST)?;
            Ok(known)
        });
        let put = |known: Known| async move { self.put_back(folder, known).await };
        stream::iter(known).try_for_each_concurrent(AT_ONCE, put).await
    }

    async fn put_back(&self, folder: &Path, known: Known) -> anyhow::Result<()> {
        let bucket = Bucket::parse(&known.bucket).context("a bucket that is none of ours")?;
        let path = folder.join(known.place());
        let said = Said {
            content_type: known.content_type,
            cache_control: known.cache_control,
            content_disposition: known.content_disposition,
        };
        let sent = self.objects.send((&self.bucket(bucket), &known.key), &path, said).await;
        sent.with_context(|| path.display().to_string())
    }

    /// Keys of a bucket but the one that `migrate` leaves.
    async fn page(&self, bucket: Bucket, after: Option<String>) -> Result<Page, Error> {
        let name = self.bucket(bucket);
        let list = self.objects.client.list_objects_v2().bucket(&name);
        let page = self.objects.ask(TRANSFER, list.set_continuation_token(after).send()).await;
        let page = page.map_err(|error| error.about(&name))?;
        let keys = page.contents.unwrap_or_default().into_iter().filter_map(|one| one.key);
        let keys = keys.filter(|key| key != records::PROBE).collect();
        Ok(Page { keys, next: page.next_continuation_token })
    }

    /// Copies an object to a sheet of its own; none when it is gone.
    async fn fetch(
        &self,
        bucket: Bucket,
        key: &str,
        part: &Part,
    ) -> anyhow::Result<Option<(Known, Sheet)>> {
        let get = self.objects.client.get_object().bucket(self.bucket(bucket)).key(key);
        let get = get.checksum_mode(aws_sdk_s3::types::ChecksumMode::Enabled).send();
        let answer = match self.objects.ask(TRANSFER, get).await {
            Err(error) if error.is(404) => return Ok(None),
            answer => answer?,
        };
        let known = Known {
            bucket: bucket.as_str().to_owned(),
            key: key.to_owned(),
            content_type: answer.content_type,
            cache_control: answer.cache_control,
            content_disposition: answer.content_disposition,
        };
        let mut sheet = part.sheet(&known.place())?;
        pour(answer.body, &mut sheet).await.with_context(|| known.place())?;
        Ok(Some((known, sheet)))
    }
}
