//! Where a test keeps its index: in a folder, or on a server under a prefix of its own. Gone when it is dropped.

use std::sync::Arc;

use search::store::{self, SearchIndex};
use testkit::Folder;

/// A place for one index.
pub(crate) enum Place {
    /// For the embedded engine.
    Folder(Folder),
    /// For the shared one.
    Server(Server),
}

impl Place {
    /// A folder.
    pub(crate) fn tantivy() -> Option<Self> {
        Some(Self::Folder(Folder::new("search")))
    }

    /// A prefix on the server that `UM_TEST_ELASTICSEARCH` names.
    pub(crate) fn elastic() -> Option<Self> {
        Server::new().map(Self::Server)
    }

    /// What the configuration says of it.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Folder(folder) => format!("tantivy:{}", folder.path().join("index").display()),
            Self::Server(server) => server.address(),
        }
    }

    /// The index there.
    pub(crate) async fn open(&self) -> Arc<dyn SearchIndex> {
        store::open(&self.address()).await.unwrap()
    }
}

/// A prefix on a server.
pub(crate) struct Server {
    /// Without a slash at its end.
    pub(crate) url: String,
    /// What all its indexes begin with.
    pub(crate) prefix: String,
}

impl Server {
    /// One that nobody else has; none when there is no server to test against.
    pub(crate) fn new() -> Option<Self> {
        let url = testkit::real_store("elasticsearch")?.trim_end_matches('/').to_owned();
        Some(Self { url, prefix: format!("t{:032x}", ids::EventId::new().as_u128()) })
    }

    pub(crate) fn address(&self) -> String {
        format!("{}/{}", self.url, self.prefix)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let (url, pattern) = (self.url.clone(), format!("{}-*", self.prefix));
        let remove = async move {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let found = client.get(format!("{url}/_cat/indices/{pattern}?h=index")).send().await;
            // Servers refuse to delete by a pattern.
            for index in found.unwrap().text().await.unwrap().split_whitespace() {
                client.delete(format!("{url}/{index}")).send().await.unwrap();
            }
        };
        // A runtime cannot wait inside another.
        let removed = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
                .block_on(remove);
        });
        if removed.join().is_err() && !std::thread::panicking() {
            panic!("the index could not be removed");
        }
    }
}
