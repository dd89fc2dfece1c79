//! A store of which nobody waits for an answer for ever.
//!
//! A request has a deadline. Work beside requests has none, and a connection on which nothing comes any more, and nobody says so, would hold
//! it up until the process ends.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::EventId;
use mesh::Role;
use tokio::time::timeout;

use crate::{Backlog, OutboxStore, Parcel, Parked};

/// A use case of an outbox is one statement, which a server ends by itself after five seconds.
const LIMIT: Duration = Duration::from_secs(12);

/// Another store's answers, in time or not at all.
pub(crate) struct Bounded(pub(crate) Arc<dyn OutboxStore>);

async fn in_time<T>(answer: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    within(LIMIT, answer).await
}

async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let late = |_| Fault::unavailable("the store does not answer");
    timeout(limit, answer).await.map_err(late).flatten()
}

#[async_trait]
impl OutboxStore for Bounded {
    async fn claim_each(
        &self,
        subscribers: &[Role],
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Role, Vec<Parcel>)>, Fault> {
        in_time(self.0.claim_each(subscribers, now, limit)).await
    }

    async fn settle(&self, rows: Vec<i64>) -> Result<(), Fault> {
        in_time(self.0.settle(rows)).await
    }

    async fn fail(&self, row: i64, error: String, next: Option<Timestamp>) -> Result<(), Fault> {
        in_time(self.0.fail(row, error, next)).await
    }

    async fn release(&self, rows: Vec<i64>, next: Timestamp) -> Result<(), Fault> {
        in_time(self.0.release(rows, next)).await
    }

    async fn backlog(&self) -> Result<Backlog, Fault> {
        in_time(self.0.backlog()).await
    }

    async fn parked(&self, limit: u32) -> Result<Vec<Parked>, Fault> {
        in_time(self.0.parked(limit)).await
    }

    async fn replay(&self, event: Option<EventId>, now: Timestamp) -> Result<u64, Fault> {
        in_time(self.0.replay(event, now)).await
    }
}

#[cfg(test)]
mod tests {
    use fault::Code;

    use super::*;

    #[tokio::test]
    async fn an_answer_that_never_comes_is_not_waited_for() {
        let moment = Duration::from_millis(20);
        let never = within(moment, std::future::pending::<Result<(), Fault>>()).await;
        assert_eq!(never.unwrap_err().code, Code::Unavailable);
        assert_eq!(within(moment, async { Ok(7) }).await.unwrap(), 7);
    }
}
