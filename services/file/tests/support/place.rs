//! Buckets of one test alone in the server of `UM_TEST_S3`.

use aws_sdk_s3::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
};
use file::{domain::Bucket, store::Keys};
use percent_encoding::percent_decode_str;
use testkit::Door;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use url::Url;

/// Buckets whose names have a prefix of their own; gone when it is dropped.
pub(crate) struct Place {
    server: Url,
    prefix: String,
}

impl Place {
    /// Buckets that nobody has made yet; none when there is no server to test against.
    pub(crate) fn empty() -> Option<Self> {
        let server = Url::parse(&testkit::real_store("s3")?).unwrap();
        let prefix = format!("um-{:032x}-", ids::RequestId::new().as_u128());
        Some(Self { server, prefix })
    }

    /// Buckets that are there.
    pub(crate) async fn create() -> Option<Self> {
        let place = Self::empty()?;
        file::store::migrate(&place.address(), &Keys::default()).await.unwrap();
        Some(place)
    }

    /// The address of the store.
    pub(crate) fn address(&self) -> String {
        let mut address = self.server.clone();
        address.query_pairs_mut().append_pair("prefix", &self.prefix);
        address.into()
    }

    /// The name of a bucket.
    pub(crate) fn bucket(&self, bucket: Bucket) -> String {
        format!("{}{}", self.prefix, bucket.as_str())
    }

    /// `host:port` of the server.
    pub(crate) fn host(&self) -> String {
        format!("{}:{}", self.server.host_str().unwrap(), self.server.port().unwrap_or(80))
    }

    /// The keys of the address.
    pub(crate) fn keys(&self) -> Keys {
        let plain = |text| percent_decode_str(text).decode_utf8().unwrap().into_owned();
        let secret = plain(self.server.password().unwrap());
        Keys { access: plain(self.server.username()), secret: secret.into() }
    }

    /// The store behind a door, and its address there.
    pub(crate) async fn behind_a_door(&self) -> (Door, String) {
        let door = Door::new(&self.host()).await;
        let mut address = Url::parse(&self.address()).unwrap();
        address.set_host(Some("127.0.0.1")).unwrap();
        address.set_port(Some(door.address.port())).unwrap();
        (door, address.into())
    }

    /// A client that looks behind the store.
    pub(crate) fn client(&self) -> Client {
        use secrecy::ExposeSecret as _;
        let Keys { access, secret } = self.keys();
        let keys = Credentials::new(access, secret.expose_secret(), None, None, "test");
        let settings = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(keys)
            .endpoint_url(format!("http://{}", self.host()))
            .region(Region::new("us-east-1"))
            .force_path_style(true);
        Client::from_conf(settings.build())
    }

    /// What somebody without keys gets at `/<bucket>/<key>`: status and headers in lower case, and the body.
    pub(crate) async fn fetch(&self, path: &str) -> (String, Vec<u8>) {
        let host = self.host();
        let mut connection = TcpStream::connect(&host).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).await.unwrap();
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let body = answer.split_off(end + 4);
        (String::from_utf8(answer).unwrap().to_lowercase(), body)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let client = self.client();
        let buckets = Bucket::ALL.map(|bucket| self.bucket(bucket));
        let clear = async move {
            for bucket in buckets {
                // A page is a thousand; no test has more. A test that fails because the server went away says so itself.
                let Ok(page) = client.list_objects_v2().bucket(&bucket).send().await else {
                    continue;
                };
                for key in page.contents().iter().filter_map(|object| object.key()) {
                    drop(client.delete_object().bucket(&bucket).key(key).send().await);
                }
                drop(client.delete_bucket().bucket(&bucket).send().await);
            }
        };
        // A runtime cannot wait inside another.
        let work = || tokio::runtime::Runtime::new().map(|runtime| runtime.block_on(clear));
        drop(std::thread::spawn(work).join());
    }
}
