//! What is known of files, in SQLite.

use clock::Timestamp;
use fault::Fault;
use ids::FileId;
use sqlite::{Connection, Durability, Error, FromRow, Row, Sqlite, params};

use crate::domain::{Bucket, Digest, File, Owner};

/// Append only: a step that was released is never edited.
pub(super) const MIGRATIONS: &[&str] = &[include_str!("../../migrations/sqlite/0001_files.sql")];

/// The table of files. A record may be lost with the power, not with the process; the same upload makes it again.
pub(super) struct Records {
    database: Sqlite,
}

impl Records {
    pub(super) async fn open(address: &str) -> Result<Self, Error> {
        Ok(Self { database: Sqlite::open(address, Durability::Process, MIGRATIONS).await? })
    }

    pub(super) async fn add(&self, file: File) -> Result<File, Fault> {
        Ok(self.database.write(move |connection| insert(connection, file)).await?)
    }

    pub(super) async fn find_same(
        &self,
        bucket: Bucket,
        digest: &Digest,
        owner: Owner,
    ) -> Result<Option<File>, Fault> {
        let digest = digest.clone();
        Ok(self.database.read(move |connection| same(connection, bucket, &digest, owner)).await?)
    }

    pub(super) async fn batch(&self, ids: &[FileId]) -> Result<Vec<File>, Fault> {
        let list = serde_json::to_string(ids).map_err(Fault::internal)?;
        let find = move |connection: &Connection| {
            connection.all(
                "select f.id, bucket, owner, digest, name, size, picture, created_at
                 from json_each(?) asked join files f on f.id = asked.value order by asked.key",
                [list],
            )
        };
        Ok(self.database.read(find).await?)
    }

    pub(super) async fn ping(&self) -> Result<(), Fault> {
        self.database.ping().await
    }

    pub(super) async fn close(&self) {
        self.database.close().await;
    }
}

fn insert(connection: &Connection, file: File) -> Result<File, Error> {
    let picture = file.picture.as_ref().map(serde_json::to_string).transpose();
    let inserted = connection.execute(
        "insert into files (id, bucket, owner, digest, name, size, picture, created_at)
         values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (bucket, digest, owner) do nothing",
        params![
            file.id.to_string(),
            file.bucket.as_str(),
            file.owner.to_string(),
            file.digest.as_str(),
            file.name,
            i64::try_from(file.size).map_err(Error::value)?,
            picture.map_err(Error::value)?,
            file.created_at.millis(),
        ],
    )?;
    if inserted == 1 {
        return Ok(file);
    }
    let known = same(connection, file.bucket, &file.digest, file.owner)?;
    known.ok_or_else(|| Error::value("a file is there and is not found"))
}

fn same(
    connection: &Connection,
    bucket: Bucket,
    digest: &Digest,
    owner: Owner,
) -> Result<Option<File>, Error> {
    connection.first(
        "select id, bucket, owner, digest, name, size, picture, created_at from files
         where bucket = ? and digest = ? and owner = ?",
        params![bucket.as_str(), digest.as_str(), owner.to_string()],
    )
}

impl FromRow for File {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        let text = |column: &'static str| row.get_ref(column)?.as_str().map_err(Error::value);
        let picture: Option<String> = row.get("picture")?;
        Ok(Self {
            id: text("id")?.parse().map_err(|_| Error::value("id"))?,
            bucket: Bucket::parse(text("bucket")?).ok_or_else(|| Error::value("bucket"))?,
            owner: text("owner")?.parse().map_err(|_| Error::value("owner"))?,
            digest: Digest::parse(text("digest")?).ok_or_else(|| Error::value("digest"))?,
            name: row.get("name")?,
            size: u64::try_from(row.get::<_, i64>("size")?).map_err(Error::value)?,
            picture: picture
                .as_deref()
                .map(serde_json::from_str)
                .transpose()
                .map_err(Error::value)?,
            created_at: Timestamp::from_millis(row.get("created_at")?),
        })
    }
}
