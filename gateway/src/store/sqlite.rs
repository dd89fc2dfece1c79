//! Replayed answers in SQLite. They survive the process; with the power the last moments may go, and the effect is what the services
//! keep exactly once by themselves.

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use sqlite::{Connection, Durability, Error, Sqlite, params};

use super::{Answer, Claim, Claimed, ReplayStore};

pub(super) const MIGRATIONS: &[&str] = &[include_str!("../../migrations/sqlite/0001_replays.sql")];

pub(super) struct SqliteReplays {
    database: Sqlite,
}

impl SqliteReplays {
    pub(super) async fn open(address: &str) -> Result<Self, Error> {
        Ok(Self { database: Sqlite::open(address, Durability::Process, MIGRATIONS).await? })
    }
}

#[async_trait]
impl ReplayStore for SqliteReplays {
    async fn claim(&self, claim: Claim, abandoned: Timestamp) -> Result<Claimed, Fault> {
        Ok(self.database.write(move |connection| take(connection, &claim, abandoned)).await?)
    }

    async fn finish(&self, claim: Claim, answer: Answer) -> Result<(), Fault> {
        let finish = move |connection: &Connection| {
            connection.execute(
                "update replays set status = ?, content_type = ?, body = ?
                 where scope = ? and claimed_at = ? and status is null",
                params![
                    answer.status,
                    answer.content_type,
                    answer.body,
                    claim.scope,
                    claim.at.millis(),
                ],
            )
        };
        self.database.write(finish).await?;
        Ok(())
    }

    async fn release(&self, claim: Claim) -> Result<(), Fault> {
        let release = move |connection: &Connection| {
            connection.execute(
                "delete from replays where scope = ? and claimed_at = ? and status is null",
                params![claim.scope, claim.at.millis()],
            )
        };
        self.database.write(release).await?;
        Ok(())
    }

    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, Fault> {
        let forget = move |connection: &Connection| {
            connection.execute(
                "delete from replays where scope in
                 (select scope from replays where claimed_at < ? limit ?)",
                params![before.millis(), limit],
            )
        };
        Ok(self.database.write(forget).await?)
    }

    async fn ping(&self) -> Result<(), Fault> {
        self.database.ping().await
    }

    async fn close(&self) {
        self.database.close().await;
    }
}

type Row = (Vec<u8>, i64, Option<u16>, String, Vec<u8>);

fn take(connection: &Connection, claim: &Claim, abandoned: Timestamp) -> Result<Claimed, Error> {
    let inserted = connection.execute(
        "insert into replays (scope, request, claimed_at) values (?, ?, ?) on conflict do nothing",
        params![claim.scope, claim.request, claim.at.millis()],
    )?;
    if inserted == 1 {
        return Ok(Claimed::New);
    }
    let (request, claimed_at, status, content_type, body): Row = connection.one(
        "select request, claimed_at, status, content_type, body from replays where scope = ?",
        [claim.scope],
    )?;
    if request != claim.request {
        return Ok(Claimed::Reused);
    }
    if let Some(status) = status {
        return Ok(Claimed::Done(Answer { status, content_type, body }));
    }
    if claimed_at >= abandoned.millis() {
        return Ok(Claimed::Running);
    }
    connection.execute(
        "update replays set claimed_at = ? where scope = ?",
        params![claim.at.millis(), claim.scope],
    )?;
    Ok(Claimed::New)
}
