//! Imports and how far they are. One process at a time works on a job: it holds it for a while, by the server's clock, and longer
//! with each batch that it writes.

use ids::{EventId, JobId, MerchantId};
use mongo::{Error, moment, timestamp};
use mongodb::{
    bson::{Binary, DateTime, Document, doc, spec::BinarySubtype},
    options::ReturnDocument,
};
use serde::{Deserialize, Serialize};

use super::{FILES, JOBS, MongoProducts};
use crate::domain::import::{Job, JobStatus, Progress};

/// Milliseconds after which a job belongs to whoever takes it.
const HELD: i64 = 60_000;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Work {
    #[serde(rename = "_id")]
    id: JobId,
    merchant: MerchantId,
    status: String,
    progress: Progress,
    created_at: DateTime,
    /// Absent when it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    waiting: Option<bool>,
}

/// Beside the job: progress is written often, and the file is large.
#[derive(Debug, Serialize, Deserialize)]
struct File {
    #[serde(rename = "_id")]
    id: JobId,
    csv: Binary,
}

impl Work {
    fn job(self) -> Result<Job, Error> {
        Ok(Job {
            id: self.id,
            merchant: self.merchant,
            status: JobStatus::parse(&self.status)
                .ok_or_else(|| Error::value("an unknown status"))?,
            created_at: timestamp(self.created_at),
            progress: self.progress,
        })
    }
}

impl MongoProducts {
    pub(super) async fn write_job(&self, job: &Job, csv: Vec<u8>) -> Result<(), Error> {
        let waiting = (!job.status.has_ended()).then_some(true);
        if waiting.is_some() {
            // First the file: a job without one could not be done.
            let csv = Binary { subtype: BinarySubtype::Generic, bytes: csv };
            let files = self.database.collection::<File>(FILES).await?;
            self.database.bounded(files.insert_one(File { id: job.id, csv })).await?;
        }
        let work = Work {
            id: job.id,
            merchant: job.merchant,
            status: job.status.as_str().to_owned(),
            progress: job.progress.clone(),
            created_at: moment(job.created_at),
            waiting,
        };
        let jobs = self.database.collection::<Work>(JOBS).await?;
        self.database.bounded(jobs.insert_one(work)).await?;
        Ok(())
    }

    pub(super) async fn job(&self, id: JobId) -> Result<Option<Job>, Error> {
        let jobs = self.database.collection::<Work>(JOBS).await?;
        let this = jobs.find_one(doc! { "_id": id.to_string() });
        self.database.bounded(this).await?.map(Work::job).transpose()
    }

    /// The oldest job that nobody else works on.
    pub(super) async fn take_job(&self) -> Result<Option<(Job, Vec<u8>)>, Error> {
        let jobs = self.database.collection::<Work>(JOBS).await?;
        let free = doc! {
            "waiting": true,
            "$or": [
                { "holder": { "$exists": false } },
                { "holder": self.holder.to_string() },
                { "$expr": { "$lt": ["$held_at", { "$subtract": ["$$NOW", HELD] }] } },
            ],
        };
        let take = jobs
            .find_one_and_update(free, hold(self.holder))
            .sort(doc! { "_id": 1 })
            .return_document(ReturnDocument::After);
        let Some(work) = self.database.bounded(take).await? else { return Ok(None) };
        let files = self.database.collection::<File>(FILES).await?;
        let file = files.find_one(doc! { "_id": work.id.to_string() });
        let csv = self.database.bounded(file).await?.map(|file| file.csv.bytes);
        Ok(Some((work.job()?, csv.unwrap_or_default())))
    }

    /// Lets others have what this process worked on. When it cannot be said, they wait a little longer.
    pub(super) async fn release_jobs(&self) {
        let release = async {
            let jobs = self.database.collection::<Document>(JOBS).await?;
            let held = doc! { "waiting": true, "holder": self.holder.to_string() };
            let free = doc! { "$unset": { "holder": "", "held_at": "" } };
            self.database.bounded(jobs.update_many(held, free)).await
        };
        if let Err(error) = release.await {
            tracing::debug!(%error, "imports could not be released");
        }
    }
}

fn hold(holder: EventId) -> Document {
    doc! { "$set": { "holder": holder.to_string() }, "$currentDate": { "held_at": true } }
}

/// The job as long as nobody has gone further with it than `progress` says; an ended job is changed by nobody.
pub(super) fn behind(
    job: JobId,
    status: JobStatus,
    progress: &Progress,
) -> Result<Document, Error> {
    let line = i64::try_from(progress.line).map_err(Error::value)?;
    // The last step of a job looks at no line.
    let comparison = if status.has_ended() { "$lte" } else { "$lt" };
    Ok(doc! {
        "_id": job.to_string(), "waiting": true, "progress.line": { comparison: line },
    })
}

/// How far it is now.
pub(super) fn noted(
    holder: EventId,
    status: JobStatus,
    progress: &Progress,
) -> Result<Document, Error> {
    let mut update = hold(holder);
    let mut set = doc! {
        "status": status.as_str(),
        "progress": mongodb::bson::serialize_to_document(progress)?,
        "holder": holder.to_string(),
    };
    if status.has_ended() {
        set.remove("holder");
        update = doc! { "$unset": { "waiting": "", "holder": "", "held_at": "" } };
    }
    update.insert("$set", set);
    Ok(update)
}
