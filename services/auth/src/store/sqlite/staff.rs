//! Staff and API keys in SQLite.

use async_trait::async_trait;
use clock::Timestamp;
use ids::{ApiKeyId, MerchantId, StaffId, UserId};
use sqlite::{FutureExt as _, SqliteConnection};
use sqlx::{Row as _, sqlite::SqliteRow};

use super::{SqliteAuth, by_login, known, note, parsed};
use crate::{
    domain::{ApiKey, Login, MAX_API_KEYS, MAX_STAFF, Membership, StaffMember, StaffRole},
    error::Error,
    store::{AccountStore as _, Hash, StaffStore},
};

const SELECT_STAFF: &str = "select s.id, s.user_id, coalesce(u.phone, u.email) as login, u.name,
     s.role, s.created_at from staff s join users u on u.id = s.user_id";

#[async_trait]
impl StaffStore for SqliteAuth {
    async fn membership(&self, user: UserId) -> Result<Option<Membership>, Error> {
        Ok(self.find_user(user).await?.and_then(|user| user.membership))
    }

    async fn list_staff(&self, merchant: MerchantId) -> Result<Vec<StaffMember>, Error> {
        let statement = format!("{SELECT_STAFF} where s.merchant_id = ? order by s.id limit ?");
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(merchant.to_string())
            .bind(MAX_STAFF)
            .fetch_all(self.database.read())
            .await?;
        Ok(rows.iter().map(member).collect::<Result<_, _>>()?)
    }

    async fn add_staff(
        &self,
        merchant: MerchantId,
        login: Login,
        role: StaffRole,
        who: String,
        at: Timestamp,
    ) -> Result<StaffMember, Error> {
        self.database
            .write(move |connection| {
                add_staff(connection, merchant, login, role, (who, at)).boxed()
            })
            .await
    }

    async fn remove_staff(
        &self,
        merchant: MerchantId,
        id: StaffId,
        who: String,
        at: Timestamp,
    ) -> Result<(), Error> {
        self.database
            .write(move |connection| remove_staff(connection, merchant, id, (who, at)).boxed())
            .await
    }

    async fn list_keys(&self, merchant: MerchantId) -> Result<Vec<ApiKey>, Error> {
        let rows = sqlx::query("select * from api_keys where merchant_id = ? order by id limit ?")
            .bind(merchant.to_string())
            .bind(MAX_API_KEYS)
            .fetch_all(self.database.read())
            .await?;
        Ok(rows.iter().map(key).collect::<Result<_, _>>()?)
    }

    async fn add_key(&self, key: ApiKey, hash: Hash, who: String) -> Result<(), Error> {
        self.database.write(move |connection| add_key(connection, key, hash, who).boxed()).await
    }

    async fn delete_key(
        &self,
        merchant: MerchantId,
        id: ApiKeyId,
        who: String,
        at: Timestamp,
    ) -> Result<(), Error> {
        self.database
            .write(move |connection| delete_key(connection, merchant, id, (who, at)).boxed())
            .await
    }

    async fn use_key(
        &self,
        hash: Hash,
        at: Timestamp,
        noted_before: Timestamp,
    ) -> Result<Option<ApiKey>, Error> {
        let row = sqlx::query(
            "select k.* from api_keys k join merchants m on m.id = k.merchant_id
             where k.hash = ? and m.status = 'active'",
        )
        .bind(hash.as_slice())
        .fetch_optional(self.database.read())
        .await?;
        let Some(key) = row.as_ref().map(key).transpose()? else { return Ok(None) };
        if key.last_used_at.is_none_or(|last| last <= noted_before) {
            self.database
                .write(move |connection| note_use(connection, hash, at, noted_before).boxed())
                .await?;
        }
        Ok(Some(key))
    }
}

async fn add_staff(
    connection: &mut SqliteConnection,
    merchant: MerchantId,
    login: Login,
    role: StaffRole,
    (who, at): (String, Timestamp),
) -> Result<StaffMember, Error> {
    let row =
        sqlx::query(by_login(&login)).bind(login.as_str()).fetch_optional(&mut *connection).await?;
    let user = super::user(&row.ok_or(Error::UserNotFound)?)?;
    let employer: Option<String> =
        sqlx::query_scalar("select merchant_id from staff where user_id = ?")
            .bind(user.id.to_string())
            .fetch_optional(&mut *connection)
            .await?;
    if let Some(employer) = employer {
        let here = employer == merchant.to_string();
        return Err(if here { Error::StaffExists } else { Error::StaffElsewhere });
    }
    let held: u32 = sqlx::query_scalar("select count(*) from staff where merchant_id = ?")
        .bind(merchant.to_string())
        .fetch_one(&mut *connection)
        .await?;
    if held >= MAX_STAFF {
        return Err(Error::Full("TOO_MANY_STAFF"));
    }
    let id = StaffId::new();
    sqlx::query(
        "insert into staff (id, merchant_id, user_id, role, created_at) values (?, ?, ?, ?, ?)",
    )
    .bind(id.to_string())
    .bind(merchant.to_string())
    .bind(user.id.to_string())
    .bind(role.as_str())
    .bind(at.millis())
    .execute(&mut *connection)
    .await?;
    let subject = user.id.to_string();
    note(&mut *connection, (&who, "staff.added"), &subject, merchant, role.as_str(), at).await?;
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT_STAFF} where s.id = ?")))
        .bind(id.to_string())
        .fetch_one(connection)
        .await?;
    Ok(member(&row)?)
}

async fn remove_staff(
    connection: &mut SqliteConnection,
    merchant: MerchantId,
    id: StaffId,
    (who, at): (String, Timestamp),
) -> Result<(), Error> {
    let found: Option<(String, String, bool)> = sqlx::query_as(
        "select s.user_id, s.role, m.owner_user_id = s.user_id from staff s
         join merchants m on m.id = s.merchant_id where s.id = ? and s.merchant_id = ?",
    )
    .bind(id.to_string())
    .bind(merchant.to_string())
    .fetch_optional(&mut *connection)
    .await?;
    let (user, role, owner) = found.ok_or(Error::StaffNotFound)?;
    if owner {
        return Err(Error::OwnerStays);
    }
    sqlx::query("delete from staff where id = ?")
        .bind(id.to_string())
        .execute(&mut *connection)
        .await?;
    note(connection, (&who, "staff.removed"), &user, merchant, &role, at).await
}

async fn add_key(
    connection: &mut SqliteConnection,
    key: ApiKey,
    hash: Hash,
    who: String,
) -> Result<(), Error> {
    let held: u32 = sqlx::query_scalar("select count(*) from api_keys where merchant_id = ?")
        .bind(key.merchant.to_string())
        .fetch_one(&mut *connection)
        .await?;
    if held >= MAX_API_KEYS {
        return Err(Error::Full("TOO_MANY_API_KEYS"));
    }
    let scopes = serde_json::to_string(&key.scopes);
    sqlx::query(
        "insert into api_keys (id, merchant_id, name, scopes, hash, hint, created_at)
         values (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(key.id.to_string())
    .bind(key.merchant.to_string())
    .bind(&key.name)
    .bind(scopes.map_err(|error| sqlx::Error::Encode(error.into()))?)
    .bind(hash.as_slice())
    .bind(&key.hint)
    .bind(key.created_at.millis())
    .execute(&mut *connection)
    .await?;
    let detail = key.scopes.join(" ");
    let (id, at) = (key.id.to_string(), key.created_at);
    note(connection, (&who, "key.created"), &id, key.merchant, &detail, at).await
}

async fn delete_key(
    connection: &mut SqliteConnection,
    merchant: MerchantId,
    id: ApiKeyId,
    (who, at): (String, Timestamp),
) -> Result<(), Error> {
    let name: Option<String> =
        sqlx::query_scalar("delete from api_keys where id = ? and merchant_id = ? returning name")
            .bind(id.to_string())
            .bind(merchant.to_string())
            .fetch_optional(&mut *connection)
            .await?;
    let name = name.ok_or(Error::ApiKeyNotFound)?;
    note(connection, (&who, "key.deleted"), &id.to_string(), merchant, &name, at).await
}

async fn note_use(
    connection: &mut SqliteConnection,
    hash: Hash,
    at: Timestamp,
    noted_before: Timestamp,
) -> Result<(), Error> {
    sqlx::query(
        "update api_keys set last_used_at = ?
         where hash = ? and (last_used_at is null or last_used_at <= ?)",
    )
    .bind(at.millis())
    .bind(hash.as_slice())
    .bind(noted_before.millis())
    .execute(connection)
    .await?;
    Ok(())
}

fn member(row: &SqliteRow) -> Result<StaffMember, sqlx::Error> {
    Ok(StaffMember {
        id: parsed(row.try_get("id")?)?,
        user: parsed(row.try_get("user_id")?)?,
        login: row.try_get("login")?,
        name: row.try_get("name")?,
        role: known(StaffRole::parse(row.try_get("role")?), "role")?,
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
    })
}

fn key(row: &SqliteRow) -> Result<ApiKey, sqlx::Error> {
    let scopes: &str = row.try_get("scopes")?;
    let last_used_at: Option<i64> = row.try_get("last_used_at")?;
    Ok(ApiKey {
        id: parsed(row.try_get("id")?)?,
        merchant: parsed(row.try_get("merchant_id")?)?,
        name: row.try_get("name")?,
        scopes: serde_json::from_str(scopes).map_err(|error| sqlx::Error::Decode(error.into()))?,
        hint: row.try_get("hint")?,
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
        last_used_at: last_used_at.map(Timestamp::from_millis),
    })
}
