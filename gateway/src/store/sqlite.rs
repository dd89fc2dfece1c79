//! Replayed answers in SQLite. They survive the process; with the power the last moments may go, and the effect is what the services
//! keep exactly once by themselves.

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use sqlite::{Durability, Error, FutureExt as _, Sqlite, SqliteConnection};
use sqlx::migrate::Migrator;

use super::{Answer, Claim, Claimed, ReplayStore};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

pub(super) struct SqliteReplays {
    database: Sqlite,
}

impl SqliteReplays {
    pub(super) async fn open(address: &str) -> Result<Self, Error> {
        Ok(Self { database: Sqlite::open(address, Durability::Process, &MIGRATIONS).await? })
    }
}

#[async_trait]
impl ReplayStore for SqliteReplays {
    async fn claim(&self, claim: Claim, abandoned: Timestamp) -> Result<Claimed, Fault> {
        let write =
            self.database.write(move |connection| take(connection, claim, abandoned).boxed());
        Ok(write.await?)
    }

    async fn finish(&self, claim: Claim, answer: Answer) -> Result<(), Fault> {
        let write = self.database.write::<_, Error, _>(move |connection| {
            async move {
                sqlx::query(
                    "update replays set status = ?, content_type = ?, body = ?
                     where scope = ? and claimed_at = ? and status is null",
                )
                .bind(answer.status)
                .bind(answer.content_type)
                .bind(answer.body)
                .bind(claim.scope.to_vec())
                .bind(claim.at.millis())
                .execute(connection)
                .await?;
                Ok(())
            }
            .boxed()
        });
        Ok(write.await?)
    }

    async fn release(&self, claim: Claim) -> Result<(), Fault> {
        let write = self.database.write::<_, Error, _>(move |connection| {
            async move {
                sqlx::query(
                    "delete from replays where scope = ? and claimed_at = ? and status is null",
                )
                .bind(claim.scope.to_vec())
                .bind(claim.at.millis())
                .execute(connection)
                .await?;
                Ok(())
            }
            .boxed()
        });
        Ok(write.await?)
    }

    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, Fault> {
        let write = self.database.write::<_, Error, _>(move |connection| {
            async move {
                let deleted = sqlx::query(
                    "delete from replays where scope in
                     (select scope from replays where claimed_at < ? limit ?)",
                )
                .bind(before.millis())
                .bind(limit)
                .execute(connection)
                .await?;
                Ok(deleted.rows_affected())
            }
            .boxed()
        });
        Ok(write.await?)
    }

    async fn ping(&self) -> Result<(), Fault> {
        self.database.ping().await
    }

    async fn close(&self) {
        self.database.close().await;
    }
}

type Row = (Vec<u8>, i64, Option<u16>, String, Vec<u8>);

async fn take(
    connection: &mut SqliteConnection,
    claim: Claim,
    abandoned: Timestamp,
) -> Result<Claimed, Error> {
    let inserted = sqlx::query(
        "insert into replays (scope, request, claimed_at) values (?, ?, ?) on conflict do nothing",
    )
    .bind(claim.scope.to_vec())
    .bind(claim.request.to_vec())
    .bind(claim.at.millis())
    .execute(&mut *connection)
    .await?;
    if inserted.rows_affected() == 1 {
        return Ok(Claimed::New);
    }
    let (request, claimed_at, status, content_type, body): Row = sqlx::query_as(
        "select request, claimed_at, status, content_type, body from replays where scope = ?",
    )
    .bind(claim.scope.to_vec())
    .fetch_one(&mut *connection)
    .await?;
    if request != claim.request {
        return Ok(Claimed::Reused);
    }
    if let Some(status) = status {
        return Ok(Claimed::Done(Answer { status, content_type, body }));
    }
    if claimed_at >= abandoned.millis() {
        return Ok(Claimed::Running);
    }
    sqlx::query("update replays set claimed_at = ? where scope = ?")
        .bind(claim.at.millis())
        .bind(claim.scope.to_vec())
        .execute(connection)
        .await?;
    Ok(Claimed::New)
}
