//! What is known of files, in SQLite.

use clock::Timestamp;
use fault::Fault;
use ids::FileId;
use sqlite::{Durability, Error, FutureExt as _, Sqlite, SqliteConnection};
use sqlx::{Row as _, migrate::Migrator, sqlite::SqliteRow};

use crate::domain::{Bucket, Digest, File, Owner};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// The table of files. A record may be lost with the power, not with the process; the same upload makes it again.
pub(super) struct Records {
    database: Sqlite,
}

const COLUMNS: &str = "select f.id, bucket, owner, digest, name, size, picture, created_at";

impl Records {
    pub(super) async fn open(address: &str) -> Result<Self, Error> {
        Ok(Self { database: Sqlite::open(address, Durability::Process, &MIGRATIONS).await? })
    }

    pub(super) async fn add(&self, file: File) -> Result<File, Fault> {
        Ok(self.database.write(move |connection| insert(connection, file).boxed()).await?)
    }

    pub(super) async fn find_same(
        &self,
        bucket: Bucket,
        digest: &Digest,
        owner: Owner,
    ) -> Result<Option<File>, Fault> {
        let found = same(bucket, digest, owner).fetch_optional(self.database.read()).await;
        let row = found.map_err(Error::from)?;
        Ok(row.map(|row| read(&row)).transpose().map_err(Error::from)?)
    }

    pub(super) async fn batch(&self, ids: &[FileId]) -> Result<Vec<File>, Fault> {
        let list = serde_json::to_string(ids).map_err(Fault::internal)?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{COLUMNS} from json_each(?) asked join files f on f.id = asked.value order by asked.key"
        )))
        .bind(list)
        .fetch_all(self.database.read())
        .await
        .map_err(Error::from)?;
        let files = rows.iter().map(read).collect::<Result<_, _>>();
        Ok(files.map_err(Error::from)?)
    }

    pub(super) async fn ping(&self) -> Result<(), Fault> {
        self.database.ping().await
    }

    pub(super) async fn close(&self) {
        self.database.close().await;
    }
}

async fn insert(connection: &mut SqliteConnection, file: File) -> Result<File, Error> {
    let picture = file.picture.as_ref().map(serde_json::to_string).transpose();
    let inserted = sqlx::query(
        "insert into files (id, bucket, owner, digest, name, size, picture, created_at)
         values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (bucket, digest, owner) do nothing",
    )
    .bind(file.id.to_string())
    .bind(file.bucket.as_str())
    .bind(file.owner.to_string())
    .bind(file.digest.as_str())
    .bind(&file.name)
    .bind(i64::try_from(file.size).unwrap_or(i64::MAX))
    .bind(picture.map_err(|error| sqlx::Error::Encode(error.into()))?)
    .bind(file.created_at.millis())
    .execute(&mut *connection)
    .await?;
    if inserted.rows_affected() == 1 {
        return Ok(file);
    }
    let row = same(file.bucket, &file.digest, file.owner).fetch_one(connection).await?;
    Ok(read(&row)?)
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

fn same<'q>(bucket: Bucket, digest: &Digest, owner: Owner) -> Query<'q> {
    sqlx::query(sqlx::AssertSqlSafe(format!(
        "{COLUMNS} from files f where bucket = ? and digest = ? and owner = ?"
    )))
    .bind(bucket.as_str())
    .bind(digest.as_str().to_owned())
    .bind(owner.to_string())
}

fn read(row: &SqliteRow) -> Result<File, sqlx::Error> {
    let decode = |what: &'static str| sqlx::Error::Decode(what.into());
    let text = |column: &'static str| row.try_get::<&str, _>(column);
    let picture = text_or_null(row)?;
    Ok(File {
        id: text("id")?.parse().map_err(|_| decode("id"))?,
        bucket: Bucket::parse(text("bucket")?).ok_or_else(|| decode("bucket"))?,
        owner: text("owner")?.parse().map_err(|_| decode("owner"))?,
        digest: Digest::parse(text("digest")?).ok_or_else(|| decode("digest"))?,
        name: text("name")?.to_owned(),
        size: u64::try_from(row.try_get::<i64, _>("size")?).map_err(|_| decode("size"))?,
        picture: picture
            .map(serde_json::from_str)
            .transpose()
            .map_err(|error| sqlx::Error::Decode(error.into()))?,
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
    })
}

fn text_or_null(row: &SqliteRow) -> Result<Option<&str>, sqlx::Error> {
    row.try_get("picture")
}
