//! Where a test keeps its index: in a folder, or on a server. Gone when it is dropped.

use testkit::Folder;

use crate::server::Server;

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
}
