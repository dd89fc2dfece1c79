//! Imports and how far they are.

use clock::Timestamp;
use ids::JobId;
use sqlite::{Connection, Error, FromRow, Row, params};

use super::{from_json, id, json, text};
use crate::domain::import::{Job, JobStatus};

pub(super) fn add(connection: &Connection, job: &Job, csv: Vec<u8>) -> Result<(), Error> {
    connection.execute(
        "insert into jobs (id, merchant_id, status, body, csv, created_at)
         values (?, ?, ?, ?, ?, ?)",
        params![
            job.id.to_string(),
            job.merchant.to_string(),
            job.status.as_str(),
            json(&job.progress)?,
            (!job.status.has_ended()).then_some(csv),
            job.created_at.millis(),
        ],
    )?;
    Ok(())
}

pub(super) fn note(
    connection: &Connection,
    job: JobId,
    status: JobStatus,
    body: &str,
) -> Result<(), Error> {
    connection.execute(
        "update jobs set status = ?, body = ?, csv = case when ? then null else csv end
         where id = ?",
        params![status.as_str(), body, status.has_ended(), job.to_string()],
    )?;
    Ok(())
}

pub(super) fn find(connection: &Connection, job: JobId) -> Result<Option<Job>, Error> {
    connection.first(
        "select id, merchant_id, status, body, created_at from jobs where id = ?",
        [job.to_string()],
    )
}

pub(super) fn next(connection: &Connection) -> Result<Option<(Job, Vec<u8>)>, Error> {
    let next: Option<Job> = connection.first(
        "select id, merchant_id, status, body, created_at from jobs
         where status in ('queued', 'running') order by id limit 1",
        (),
    )?;
    let Some(job) = next else { return Ok(None) };
    let csv: Option<Vec<u8>> =
        connection.one("select csv from jobs where id = ?", [job.id.to_string()])?;
    Ok(Some((job, csv.unwrap_or_default())))
}

impl FromRow for Job {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        let status = text(row, 2)?;
        Ok(Self {
            id: id(row, 0)?,
            merchant: id(row, 1)?,
            status: JobStatus::parse(status)
                .ok_or_else(|| Error::value(format!("status {status}")))?,
            progress: from_json(row, 3)?,
            created_at: Timestamp::from_millis(row.get(4)?),
        })
    }
}
