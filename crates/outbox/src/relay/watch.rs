//! Waiting until an event was taken over.

use std::time::Duration;

use tokio::sync::broadcast;

/// Kind and subject of an event that was taken over.
pub(super) type Seen = (String, String);

/// Sees deliveries from the moment it was made.
#[derive(Debug)]
pub struct Watch(pub(super) broadcast::Receiver<Seen>);

impl Watch {
    /// Waits until an event of this kind about this subject was taken over by a subscriber; false when `limit` passes first.
    pub async fn delivered(mut self, kind: &str, subject: &str, limit: Duration) -> bool {
        let seen = async {
            loop {
                match self.0.recv().await {
                    Ok((seen_kind, seen_subject))
                        if seen_kind == kind && seen_subject == subject =>
                    {
                        return true;
                    }
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return false,
                }
            }
        };
        tokio::time::timeout(limit, seen).await.unwrap_or(false)
    }
}
