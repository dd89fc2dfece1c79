//! Where the server of files is, and how to be let in.

use anyhow::Context as _;
use aws_sdk_s3::{
    Client,
    config::{
        BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig, retry::RetryConfig,
        timeout::TimeoutConfig,
    },
};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::{CONNECT, REGION};
use crate::store::Keys;

/// What an address says: `s3://[access:secret@]host[:port]/?tls=..&region=..&prefix=..&public=..`
pub(super) struct Address {
    /// Where we reach the server.
    pub(super) endpoint: String,
    /// Where everybody else reaches it, if they do.
    pub(super) public: Option<String>,
    pub(super) region: String,
    /// What stands before the names of buckets.
    pub(super) prefix: String,
    keys: Keys,
}

impl Address {
    /// Reads an address; `keys` are for one that holds none.
    pub(super) fn parse(address: &str, keys: &Keys) -> anyhow::Result<Self> {
        let url = Url::parse(address).context("file.store")?;
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.context("file.store: expected s3://<host>")?;
        anyhow::ensure!(
            matches!(url.path(), "" | "/"),
            "file.store: an address of S3 has no path: buckets are named by us, after prefix="
        );
        let (mut tls, mut public, mut prefix) = (true, None, String::new());
        let mut region = REGION.to_owned();
        for (key, value) in url.query_pairs() {
            match &*key {
                "tls" => tls = value.parse().context("file.store: tls= is true or false")?,
                "region" => region = value.into_owned(),
                "prefix" => prefix = value.into_owned(),
                "public" => {
                    let public_url = Url::parse(&value).context("file.store: public=")?;
                    anyhow::ensure!(
                        matches!(public_url.scheme(), "http" | "https") && public_url.path() == "/",
                        "file.store: public= is http(s)://<host>, without a path"
                    );
                    public = Some(value.trim_end_matches('/').to_owned());
                }
                _ => anyhow::bail!(
                    "file.store: an address of S3 has no {key}=, only tls=, region=, prefix=, public="
                ),
            }
        }
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        anyhow::ensure!(
            prefix.len() <= 50 && prefix.bytes().all(fits) && !prefix.starts_with('-'),
            "file.store: prefix= is at most 50 of a-z, 0-9 and -, as in names of buckets"
        );
        let scheme = if tls { "https" } else { "http" };
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        Ok(Self {
            endpoint: format!("{scheme}://{host}{port}"),
            public,
            region,
            prefix,
            keys: own_keys(&url)?.unwrap_or_else(|| keys.clone()).complete()?,
        })
    }

    /// A client of the server at `endpoint`. It connects when it is used.
    pub(super) fn client(&self, endpoint: &str) -> Client {
        let Keys { access, secret } = &self.keys;
        let keys = Credentials::new(access, secret.expose_secret(), None, None, "configuration");
        let settings = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(keys)
            .endpoint_url(endpoint)
            .region(Region::new(self.region.clone()))
            // No name of a host for each bucket: few servers but Amazon's have them.
            .force_path_style(true)
            // A kept connection may have lost its server; all that is asked here may be asked twice.
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(2)
                    .with_initial_backoff(std::time::Duration::from_millis(50)),
            )
            .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT).build())
            // Whole calls are bounded where they are made.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        Client::from_conf(settings)
    }
}

fn own_keys(url: &Url) -> anyhow::Result<Option<Keys>> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let plain = |text| percent_decode_str(text).decode_utf8().context("file.store: the keys");
    let access = plain(url.username())?.into_owned();
    let secret = SecretString::from(plain(url.password().unwrap_or_default())?.into_owned());
    Ok(Some(Keys { access, secret }))
}

impl Keys {
    fn complete(self) -> anyhow::Result<Self> {
        anyhow::ensure!(
            !self.access.is_empty() && !self.secret.expose_secret().is_empty(),
            "file.store: S3 needs two keys, in the address or as file.access_key and file.secret_key"
        );
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> Keys {
        Keys::default()
    }

    #[test]
    fn an_address_says_it_all() {
        let address =
            "s3://key:p%2Fw+1@h:9000/?tls=false&region=uz-1&prefix=um-&public=https://f.uz/";
        let address = Address::parse(address, &none()).unwrap();
        assert_eq!(address.endpoint, "http://h:9000");
        assert_eq!((address.region.as_str(), address.prefix.as_str()), ("uz-1", "um-"));
        assert_eq!(address.public.as_deref(), Some("https://f.uz"));
        assert_eq!(address.keys.access, "key");
        assert_eq!(address.keys.secret.expose_secret(), "p/w+1");
    }

    #[test]
    fn the_rest_has_defaults() {
        let keys = Keys { access: "a".to_owned(), secret: "b".to_owned().into() };
        let address = Address::parse("s3://s3.example.uz", &keys).unwrap();
        assert_eq!(address.endpoint, "https://s3.example.uz");
        assert_eq!((address.region.as_str(), address.prefix.as_str()), (REGION, ""));
        assert_eq!((address.public, address.keys.access.as_str()), (None, "a"));
    }

    #[test]
    fn what_cannot_be_is_refused_without_telling_the_secret() {
        for wrong in [
            "s3://h",
            "s3://key@h",
            "s3://:hunter2@h",
            "s3://key:hunter2@",
            "s3://key:hunter2@h/bucket",
            "s3://key:hunter2@h/?tls=perhaps",
            "s3://key:hunter2@h/?prefix=A_b",
            "s3://key:hunter2@h/?public=files.uz",
            "s3://key:hunter2@h/?public=https://files.uz/s3",
            "s3://key:hunter2@h/?regoin=x",
            "s3://key:hunter2@h:port/",
        ] {
            let error = Address::parse(wrong, &none()).err().map(|error| format!("{error:#}"));
            let error = error.unwrap_or_else(|| panic!("{wrong}"));
            assert!(error.contains("file.store") && !error.contains("hunter2"), "{error}");
        }
    }
}
