//! The index behind the alias: found or made on first contact, remembered until it turns out to be another.

use std::{
    sync::{PoisonError, RwLock},
    time::Duration,
};

use super::{
    admin::Admin,
    client::{Failure, READ, left},
    names::{Index, SCHEMA},
};

/// Times that another process may be quicker.
const ATTEMPTS: u32 = 10;
/// The pause between them.
const PAUSE: Duration = Duration::from_millis(50);

/// What is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) index: Index,
    /// Whether it was filled from a whole catalogue. Also said of an index of a newer version: it is not ours to fill.
    pub(super) complete: bool,
}

/// The present index.
#[derive(Debug)]
pub(super) struct Live {
    admin: Admin,
    known: RwLock<Option<Known>>,
    opening: tokio::sync::Mutex<()>,
}

impl Live {
    pub(super) fn new(admin: Admin) -> Self {
        Self { admin, known: RwLock::default(), opening: tokio::sync::Mutex::default() }
    }

    /// What is known of it; asks the server when nothing is, and makes an empty one when there is none. Safe in parallel.
    pub(super) async fn contact(&self) -> Result<Known, Failure> {
        if let Some(known) = self.known() {
            return Ok(known);
        }
        // One asks; the others take over what it learns.
        let alone = tokio::time::timeout(left(READ), self.opening.lock());
        let alone = alone.await.map_err(|_| Failure::Away("others wait for it too".to_owned()))?;
        if let Some(known) = self.known() {
            return Ok(known);
        }
        let known = self.find().await?;
        self.set(known.clone());
        drop(alone);
        Ok(known)
    }

    async fn find(&self) -> Result<Known, Failure> {
        let mut refused = None;
        for _ in 0..ATTEMPTS {
            if let Some(index) = self.admin.live().await? {
                self.admin.available(self.admin.names.alias()).await?;
                let complete = match index.schema {
                    SCHEMA => self.admin.is_complete(&index).await?,
                    other => other > SCHEMA,
                };
                return Ok(Known { index, complete });
            }
            match self.admin.create(&self.admin.names.fresh(), true).await {
                Ok(()) => tracing::info!("an empty index was made"),
                // Another process has made one, or is about to.
                Err(failure @ Failure::Refused { .. }) => {
                    refused = Some(failure);
                    tokio::time::sleep(PAUSE).await;
                }
                Err(failure) => return Err(failure),
            }
        }
        Err(refused.unwrap_or_else(|| Failure::Away("the index does not stay".to_owned())))
    }

    /// The index to write to.
    pub(super) async fn writable(&self) -> Result<Index, Failure> {
        let known = self.contact().await?;
        if known.index.schema == SCHEMA {
            Ok(known.index)
        } else {
            Err(Failure::Foreign(known.index.schema))
        }
    }

    /// Takes over what a rebuild knows.
    pub(super) fn set(&self, known: Known) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
    }

    /// Asks again next time, unless something newer is known already.
    pub(super) fn forget(&self, known: &Index) {
        let mut current = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|current| current.index == *known) {
            *current = None;
        }
    }

    fn known(&self) -> Option<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
