//! Staff and API keys in SQLite.

use async_trait::async_trait;
use clock::Timestamp;
use ids::{ApiKeyId, MerchantId, StaffId, UserId};
use sqlite::{Connection, FromRow, Row, params};

use super::{SqliteAuth, id, note, read, time, user_by_login};
use crate::{
    domain::{ApiKey, Login, MAX_API_KEYS, MAX_STAFF, Membership, StaffMember, StaffRole},
    error::Error,
    store::{AccountStore as _, Hash, StaffStore},
};

/// Members of staff with their logins; a `where` follows.
macro_rules! select_staff {
    ($rest:literal) => {
        concat!(
            "select s.id, s.user_id, coalesce(u.phone, u.email) as login, u.name, s.role,
             s.created_at from staff s join users u on u.id = s.user_id ",
            $rest
        )
    };
}

#[async_trait]
impl StaffStore for SqliteAuth {
    async fn membership(&self, user: UserId) -> Result<Option<Membership>, Error> {
        Ok(self.find_user(user).await?.and_then(|user| user.membership))
    }

    async fn list_staff(&self, merchant: MerchantId) -> Result<Vec<StaffMember>, Error> {
        let list = move |connection: &Connection| {
            connection.all(
                select_staff!("where s.merchant_id = ? order by s.id limit ?"),
                params![merchant.to_string(), MAX_STAFF],
            )
        };
        Ok(self.database.read(list).await?)
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
            .write(move |connection| add_staff(connection, merchant, &login, role, (&who, at)))
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
            .write(move |connection| remove_staff(connection, merchant, id, (&who, at)))
            .await
    }

    async fn list_keys(&self, merchant: MerchantId) -> Result<Vec<ApiKey>, Error> {
        let list = move |connection: &Connection| {
            connection.all(
                "select * from api_keys where merchant_id = ? order by id limit ?",
                params![merchant.to_string(), MAX_API_KEYS],
            )
        };
        Ok(self.database.read(list).await?)
    }

    async fn add_key(&self, key: ApiKey, hash: Hash, who: String) -> Result<(), Error> {
        self.database.write(move |connection| add_key(connection, &key, hash, &who)).await
    }

    async fn delete_key(
        &self,
        merchant: MerchantId,
        id: ApiKeyId,
        who: String,
        at: Timestamp,
    ) -> Result<(), Error> {
        self.database
            .write(move |connection| delete_key(connection, merchant, id, (&who, at)))
            .await
    }

    async fn use_key(
        &self,
        hash: Hash,
        at: Timestamp,
        noted_before: Timestamp,
    ) -> Result<Option<ApiKey>, Error> {
        let find = move |connection: &Connection| {
            connection.first::<ApiKey>(
                "select k.* from api_keys k join merchants m on m.id = k.merchant_id
                 where k.hash = ? and m.status = 'active'",
                params![hash],
            )
        };
        let Some(key) = self.database.read(find).await? else { return Ok(None) };
        // Written apart, and seldom: a write waits for the disk, a read does not.
        if key.last_used_at.is_none_or(|last| last <= noted_before) {
            let note_use = move |connection: &Connection| {
                connection.execute(
                    "update api_keys set last_used_at = ?
                     where hash = ? and (last_used_at is null or last_used_at <= ?)",
                    params![at.millis(), hash, noted_before.millis()],
                )
            };
            self.database.write(note_use).await?;
        }
        Ok(Some(key))
    }
}

fn add_staff(
    connection: &Connection,
    merchant: MerchantId,
    login: &Login,
    role: StaffRole,
    (who, at): (&str, Timestamp),
) -> Result<StaffMember, Error> {
    let user = user_by_login(connection, login)?.ok_or(Error::UserNotFound)?.id.to_string();
    let employer: Option<String> =
        connection.first("select merchant_id from staff where user_id = ?", [&user])?;
    if let Some(employer) = employer {
        let here = employer == merchant.to_string();
        return Err(if here { Error::StaffExists } else { Error::StaffElsewhere });
    }
    let held: u32 = connection
        .one("select count(*) from staff where merchant_id = ?", [merchant.to_string()])?;
    if held >= MAX_STAFF {
        return Err(Error::Full("TOO_MANY_STAFF"));
    }
    let id = StaffId::new().to_string();
    connection.execute(
        "insert into staff (id, merchant_id, user_id, role, created_at) values (?, ?, ?, ?, ?)",
        params![id, merchant.to_string(), user, role.as_str(), at.millis()],
    )?;
    note(connection, (who, "staff.added"), &user, merchant, role.as_str(), at)?;
    Ok(connection.one(select_staff!("where s.id = ?"), [id])?)
}

fn remove_staff(
    connection: &Connection,
    merchant: MerchantId,
    id: StaffId,
    (who, at): (&str, Timestamp),
) -> Result<(), Error> {
    let found = connection.first::<(String, String, bool)>(
        "select s.user_id, s.role, m.owner_user_id = s.user_id from staff s
         join merchants m on m.id = s.merchant_id where s.id = ? and s.merchant_id = ?",
        [id.to_string(), merchant.to_string()],
    )?;
    let (user, role, owner) = found.ok_or(Error::StaffNotFound)?;
    if owner {
        return Err(Error::OwnerStays);
    }
    connection.execute("delete from staff where id = ?", [id.to_string()])?;
    Ok(note(connection, (who, "staff.removed"), &user, merchant, &role, at)?)
}

fn add_key(connection: &Connection, key: &ApiKey, hash: Hash, who: &str) -> Result<(), Error> {
    let (id, merchant) = (key.id.to_string(), key.merchant.to_string());
    let held: u32 =
        connection.one("select count(*) from api_keys where merchant_id = ?", [&merchant])?;
    if held >= MAX_API_KEYS {
        return Err(Error::Full("TOO_MANY_API_KEYS"));
    }
    let scopes = serde_json::to_string(&key.scopes).map_err(sqlite::Error::value)?;
    connection.execute(
        "insert into api_keys (id, merchant_id, name, scopes, hash, hint, created_at)
         values (?, ?, ?, ?, ?, ?, ?)",
        params![id, merchant, key.name, scopes, hash, key.hint, key.created_at.millis()],
    )?;
    let detail = key.scopes.join(" ");
    Ok(note(connection, (who, "key.created"), &id, key.merchant, &detail, key.created_at)?)
}

fn delete_key(
    connection: &Connection,
    merchant: MerchantId,
    id: ApiKeyId,
    (who, at): (&str, Timestamp),
) -> Result<(), Error> {
    let name = connection.first::<String>(
        "delete from api_keys where id = ? and merchant_id = ? returning name",
        [id.to_string(), merchant.to_string()],
    )?;
    let name = name.ok_or(Error::ApiKeyNotFound)?;
    Ok(note(connection, (who, "key.deleted"), &id.to_string(), merchant, &name, at)?)
}

impl FromRow for StaffMember {
    fn from_row(row: &Row<'_>) -> Result<Self, sqlite::Error> {
        Ok(Self {
            id: id(row, "id")?,
            user: id(row, "user_id")?,
            login: row.get("login")?,
            name: row.get("name")?,
            role: read(row, "role", StaffRole::parse)?,
            created_at: time(row, "created_at")?,
        })
    }
}

impl FromRow for ApiKey {
    fn from_row(row: &Row<'_>) -> Result<Self, sqlite::Error> {
        let last_used_at: Option<i64> = row.get("last_used_at")?;
        Ok(Self {
            id: id(row, "id")?,
            merchant: id(row, "merchant_id")?,
            name: row.get("name")?,
            scopes: read(row, "scopes", |text| serde_json::from_str(text).ok())?,
            hint: row.get("hint")?,
            created_at: time(row, "created_at")?,
            last_used_at: last_used_at.map(Timestamp::from_millis),
        })
    }
}
