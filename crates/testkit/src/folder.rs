//! A folder that goes when the test goes.

use std::path::{Path, PathBuf};

/// A fresh folder under the system's temporary one.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes one whose name begins with `name`.
    #[expect(clippy::expect_used, reason = "without a folder the test cannot run")]
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("um-{name}-{}", ids::RequestId::new()));
        std::fs::create_dir_all(&path).expect("the temporary folder can be written");
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Left to the system when something still holds a file in it.
        drop(std::fs::remove_dir_all(&self.0));
    }
}
