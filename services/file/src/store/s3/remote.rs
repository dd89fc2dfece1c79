//! Backups in a bucket: sent there, and brought back.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use url::Url;

use super::{
    Address, Objects,
    transfer::{Said, TRANSFER, pour},
};
use crate::store::{Keys, backup::files};

/// What a backup ends with: without it, it is none.
const LAST: [&str; 2] = ["manifest.json", "manifest.sha256"];
/// Files on their way at once.
const AT_ONCE: usize = 2;

/// A place in a bucket.
struct Place {
    objects: Objects,
    /// As it may be told: without keys.
    told: String,
    bucket: String,
    /// What stands before the names: empty, or with a slash at its end.
    prefix: String,
}

impl Place {
    fn open(address: &str, keys: &Keys) -> anyhow::Result<Self> {
        let (server, bucket, prefix) = split(address)?;
        let address = Address::parse(&server, keys).context("backup.upload")?;
        let host = address.endpoint.split("//").last().unwrap_or_default();
        let told = format!("s3://{host}/{bucket}/{prefix}");
        Ok(Self { objects: Objects::new(address.client(&address.endpoint)), told, bucket, prefix })
    }

    /// All keys that begin with the prefix, without it.
    async fn names(&self) -> anyhow::Result<Vec<String>> {
        let (mut names, mut next) = (Vec::new(), None);
        loop {
            let list = self.objects.client.list_objects_v2().bucket(&self.bucket);
            let list = list.prefix(&self.prefix).set_continuation_token(next).send();
            let page = self.objects.ask(TRANSFER, list).await;
            let page = page.map_err(|error| error.about(&self.bucket))?;
            let keys = page.contents.unwrap_or_default().into_iter().filter_map(|one| one.key);
            names.extend(keys.filter_map(|key| Some(key.strip_prefix(&self.prefix)?.to_owned())));
            next = page.next_continuation_token;
            if next.is_none() {
                return Ok(names);
            }
        }
    }

    async fn bring(&self, name: &str, to: &Path) -> anyhow::Result<()> {
        let get = self.objects.client.get_object().bucket(&self.bucket);
        let get = get.key(format!("{}{name}", self.prefix)).send();
        let body = self.objects.ask(TRANSFER, get).await?.body;
        let mut file = std::fs::File::create_new(to)?;
        pour(body, &mut file).await?;
        Ok(file.sync_all()?)
    }
}

/// Sends a backup to a bucket that is there; where it is then.
pub(in crate::store) async fn upload(
    address: &str,
    keys: &Keys,
    backup: &Path,
) -> anyhow::Result<String> {
    let place = &Place::open(address, keys)?;
    let name = backup.file_name().and_then(|name| name.to_str()).context("its name")?;
    let is_last = |path: &Path| LAST.iter().any(|last| path == backup.join(last));
    let (last, first): (Vec<PathBuf>, Vec<PathBuf>) =
        files(backup)?.into_iter().partition(|path| is_last(path));
    for paths in [first, last] {
        let send = |path: PathBuf| async move {
            let within = path.strip_prefix(backup)?.to_str().context("a name of a file")?;
            let key = format!("{}{name}/{within}", place.prefix);
            place.objects.send((&place.bucket, &key), &path, Said::default()).await
        };
        stream::iter(paths).map(send).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    }
    Ok(format!("{}{name}", place.told))
}

/// Brings a backup from a bucket into a folder that is there and empty.
pub(in crate::store) async fn fetch(
    address: &str,
    keys: &Keys,
    folder: &Path,
) -> anyhow::Result<()> {
    let place = &Place::open(address, keys)?;
    let names = place.names().await?;
    anyhow::ensure!(
        LAST.iter().all(|last| names.iter().any(|name| name == last)),
        "there is no complete backup at {}",
        place.told
    );
    let bring = |name: String| async move {
        archive::check(&name)?;
        let to = folder.join(&name);
        if let Some(above) = to.parent() {
            tokio::fs::create_dir_all(above).await?;
        }
        place.bring(&name, &to).await.with_context(|| name)
    };
    stream::iter(names).map(bring).buffer_unordered(AT_ONCE).try_collect::<()>().await
}

/// The address of the server, the bucket, and what stands before the names in it.
fn split(address: &str) -> anyhow::Result<(String, String, String)> {
    // It may hold a secret: no error repeats it.
    let mut url = Url::parse(address).context("backup.upload: not an address")?;
    let path = url.path().trim_matches('/').to_owned();
    let (bucket, prefix) = path.split_once('/').unwrap_or((&path, ""));
    anyhow::ensure!(
        url.scheme() == "s3" && !bucket.is_empty(),
        "backup.upload: expected s3://[access:secret@]host[:port]/bucket[/prefix]"
    );
    let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    let bucket = bucket.to_owned();
    url.set_path("");
    Ok((url.into(), bucket, prefix))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn an_address_names_bucket_and_prefix() {
        let (server, bucket, prefix) =
            split("s3://key:secret@h:9000/backups/um/nightly/?tls=false").unwrap();
        assert_eq!(server, "s3://key:secret@h:9000?tls=false");
        assert_eq!((bucket.as_str(), prefix.as_str()), ("backups", "um/nightly/"));
        assert_eq!(split("s3://h/backups").unwrap().2, "");
        for wrong in ["s3://key:hunter2@h/", "http://key:hunter2@h/b", "hunter2"] {
            let error = format!("{:#}", split(wrong).unwrap_err());
            assert!(error.contains("backup.upload") && !error.contains("hunter2"), "{error}");
        }
    }
}
