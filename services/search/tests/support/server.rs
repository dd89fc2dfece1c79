//! A prefix of its own on a real server. Gone with all its indexes when it is dropped.

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
        let removed = removed.join().is_ok();
        assert!(removed || std::thread::panicking(), "the index could not be removed");
    }
}
