//! Imports and how far they are.

use clock::Timestamp;
use fault::Fault;
use ids::JobId;
use sqlite::{Sqlite, SqliteConnection};
use sqlx::{Row as _, sqlite::SqliteRow};

use super::{decode, fault, from_json, json, parsed};
use crate::{
    domain::import::{Job, JobStatus},
    error::Error,
};

pub(super) async fn add(
    connection: &mut SqliteConnection,
    job: Job,
    csv: Vec<u8>,
) -> Result<(), sqlite::Error> {
    sqlx::query(
        "insert into jobs (id, merchant_id, status, body, csv, created_at)
         values (?, ?, ?, ?, ?, ?)",
    )
    .bind(job.id.to_string())
    .bind(job.merchant.to_string())
    .bind(job.status.as_str())
    .bind(json(&job.progress)?)
    .bind((!job.status.has_ended()).then_some(csv))
    .bind(job.created_at.millis())
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn note(
    connection: &mut SqliteConnection,
    job: JobId,
    status: JobStatus,
    body: String,
) -> Result<(), Error> {
    sqlx::query(
        "update jobs set status = ?, body = ?, csv = case when ? then null else csv end
         where id = ?",
    )
    .bind(status.as_str())
    .bind(body)
    .bind(status.has_ended())
    .bind(job.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn find(database: &Sqlite, id: JobId) -> Result<Option<Job>, Fault> {
    let row =
        sqlx::query("select id, merchant_id, status, body, created_at from jobs where id = ?")
            .bind(id.to_string())
            .fetch_optional(database.read());
    row.await.and_then(|row| row.as_ref().map(read).transpose()).map_err(fault)
}

pub(super) async fn next(database: &Sqlite) -> Result<Option<(Job, Vec<u8>)>, Fault> {
    let row = sqlx::query(
        "select id, merchant_id, status, body, created_at, csv from jobs
         where status in ('queued', 'running') order by id limit 1",
    )
    .fetch_optional(database.read())
    .await
    .map_err(fault)?;
    let job = |row: SqliteRow| {
        Ok((read(&row)?, row.try_get::<Option<Vec<u8>>, _>("csv")?.unwrap_or_default()))
    };
    row.map(job).transpose().map_err(fault)
}

fn read(row: &SqliteRow) -> Result<Job, sqlx::Error> {
    let status: &str = row.try_get("status")?;
    Ok(Job {
        id: parsed(row.try_get("id")?)?,
        merchant: parsed(row.try_get("merchant_id")?)?,
        status: JobStatus::parse(status)
            .ok_or_else(|| decode(std::io::Error::other(format!("status {status}"))))?,
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
        progress: from_json(row.try_get("body")?)?,
    })
}
