//! Staff and API keys in PostgreSQL. What concerns one merchant runs in its scope; who adds holds the merchant's row, so that
//! their number is decided in turn.

use async_trait::async_trait;
use clock::Timestamp;
use ids::{ApiKeyId, MerchantId, StaffId, UserId};
use postgres::{moment, timestamp, uuid};
use sqlx::{
    FromRow, PgConnection, Row as _, postgres::PgRow, query, query_as, query_scalar, types::Uuid,
};

use super::{PostgresAuth, id, lock_merchant, note, read, time, user_by_login};
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
impl StaffStore for PostgresAuth {
    async fn membership(&self, user: UserId) -> Result<Option<Membership>, Error> {
        Ok(self.find_user(user).await?.and_then(|user| user.membership))
    }

    async fn list_staff(&self, merchant: MerchantId) -> Result<Vec<StaffMember>, Error> {
        let mut transaction = self.database.begin_for(merchant).await?;
        let list = query_as(select_staff!("where s.merchant_id = $1 order by s.id limit $2"));
        let list = list.bind(uuid(merchant)).bind(i64::from(MAX_STAFF));
        Ok(list.fetch_all(&mut *transaction).await?)
    }

    async fn add_staff(
        &self,
        merchant: MerchantId,
        login: Login,
        role: StaffRole,
        who: String,
        at: Timestamp,
    ) -> Result<StaffMember, Error> {
        let mut transaction = self.database.begin_for(merchant).await?;
        let added = add_staff(&mut transaction, merchant, &login, role, (&who, at)).await?;
        transaction.commit().await?;
        Ok(added)
    }

    async fn remove_staff(
        &self,
        merchant: MerchantId,
        id: StaffId,
        who: String,
        at: Timestamp,
    ) -> Result<(), Error> {
        let mut transaction = self.database.begin_for(merchant).await?;
        remove_staff(&mut transaction, merchant, id, (&who, at)).await?;
        Ok(transaction.commit().await?)
    }

    async fn list_keys(&self, merchant: MerchantId) -> Result<Vec<ApiKey>, Error> {
        let mut transaction = self.database.begin_for(merchant).await?;
        let list = query_as("select * from api_keys where merchant_id = $1 order by id limit $2");
        let list = list.bind(uuid(merchant)).bind(i64::from(MAX_API_KEYS));
        Ok(list.fetch_all(&mut *transaction).await?)
    }

    async fn add_key(&self, key: ApiKey, hash: Hash, who: String) -> Result<(), Error> {
        let mut transaction = self.database.begin_for(key.merchant).await?;
        add_key(&mut transaction, &key, hash, &who).await?;
        Ok(transaction.commit().await?)
    }

    async fn delete_key(
        &self,
        merchant: MerchantId,
        id: ApiKeyId,
        who: String,
        at: Timestamp,
    ) -> Result<(), Error> {
        let mut transaction = self.database.begin_for(merchant).await?;
        delete_key(&mut transaction, merchant, id, (&who, at)).await?;
        Ok(transaction.commit().await?)
    }

    async fn use_key(
        &self,
        hash: Hash,
        at: Timestamp,
        noted_before: Timestamp,
    ) -> Result<Option<ApiKey>, Error> {
        // Whose key it is, is what is asked: this looks at the whole platform.
        let mut transaction = self.database.begin().await?;
        let find = query_as::<_, ApiKey>(
            "select k.* from api_keys k join merchants m on m.id = k.merchant_id
             where k.hash = $1 and m.status = 'active'",
        );
        let found = find.bind(hash).fetch_optional(&mut *transaction).await?;
        drop(transaction);
        let Some(key) = found else { return Ok(None) };
        // Written apart, and seldom: a write waits for the disk, a read does not.
        if key.last_used_at.is_none_or(|last| last <= noted_before) {
            let mut transaction = self.database.begin_for(key.merchant).await?;
            query(
                "update api_keys set last_used_at = $2
                 where id = $1 and (last_used_at is null or last_used_at <= $3)",
            )
            .bind(uuid(key.id))
            .bind(moment(at))
            .bind(moment(noted_before))
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
        }
        Ok(Some(key))
    }
}

async fn add_staff(
    connection: &mut PgConnection,
    merchant: MerchantId,
    login: &Login,
    role: StaffRole,
    (who, at): (&str, Timestamp),
) -> Result<StaffMember, Error> {
    let user = user_by_login(connection, login).await?.ok_or(Error::UserNotFound)?.id;
    lock_merchant(connection, merchant).await?;
    let held = query_scalar::<_, i64>("select count(*) from staff where merchant_id = $1");
    let held = held.bind(uuid(merchant)).fetch_one(&mut *connection).await?;
    let id = uuid(StaffId::new());
    let added = query(
        "insert into staff (id, merchant_id, user_id, role, created_at)
         values ($1, $2, $3, $4, $5) on conflict (user_id) do nothing",
    )
    .bind(id)
    .bind(uuid(merchant))
    .bind(uuid(user))
    .bind(role.as_str())
    .bind(moment(at))
    .execute(&mut *connection)
    .await?;
    if added.rows_affected() == 0 {
        // The scope shows this merchant's staff only: whoever is not among them works elsewhere.
        let here = query_scalar("select exists (select from staff where user_id = $1)");
        let here = here.bind(uuid(user)).fetch_one(connection).await?;
        return Err(if here { Error::StaffExists } else { Error::StaffElsewhere });
    }
    // Asked last: whoever is there already is told so, though the staff is full.
    if held >= i64::from(MAX_STAFF) {
        return Err(Error::Full("TOO_MANY_STAFF"));
    }
    let subject = user.to_string();
    note(connection, (who, "staff.added"), &subject, merchant, role.as_str(), at).await?;
    Ok(query_as(select_staff!("where s.id = $1")).bind(id).fetch_one(connection).await?)
}

async fn remove_staff(
    connection: &mut PgConnection,
    merchant: MerchantId,
    id: StaffId,
    (who, at): (&str, Timestamp),
) -> Result<(), Error> {
    let find = query_as::<_, (Uuid, String, bool)>(
        "select s.user_id, s.role, m.owner_user_id = s.user_id from staff s
         join merchants m on m.id = s.merchant_id
         where s.id = $1 and s.merchant_id = $2 for update of s",
    );
    let found = find.bind(uuid(id)).bind(uuid(merchant)).fetch_optional(&mut *connection).await?;
    let (user, role, owner) = found.ok_or(Error::StaffNotFound)?;
    if owner {
        return Err(Error::OwnerStays);
    }
    query("delete from staff where id = $1").bind(uuid(id)).execute(&mut *connection).await?;
    let subject = postgres::id::<ids::kind::User>(user).to_string();
    Ok(note(connection, (who, "staff.removed"), &subject, merchant, &role, at).await?)
}

async fn add_key(
    connection: &mut PgConnection,
    key: &ApiKey,
    hash: Hash,
    who: &str,
) -> Result<(), Error> {
    lock_merchant(connection, key.merchant).await?;
    let added = query(
        "insert into api_keys (id, merchant_id, name, scopes, hash, hint, created_at)
         select $1, $2, $3, $4, $5, $6, $7
         where (select count(*) from api_keys where merchant_id = $2) < $8",
    )
    .bind(uuid(key.id))
    .bind(uuid(key.merchant))
    .bind(&key.name)
    .bind(&key.scopes)
    .bind(hash)
    .bind(&key.hint)
    .bind(moment(key.created_at))
    .bind(i64::from(MAX_API_KEYS))
    .execute(&mut *connection)
    .await?;
    if added.rows_affected() == 0 {
        return Err(Error::Full("TOO_MANY_API_KEYS"));
    }
    let (subject, detail) = (key.id.to_string(), key.scopes.join(" "));
    let what = (who, "key.created");
    Ok(note(connection, what, &subject, key.merchant, &detail, key.created_at).await?)
}

async fn delete_key(
    connection: &mut PgConnection,
    merchant: MerchantId,
    id: ApiKeyId,
    (who, at): (&str, Timestamp),
) -> Result<(), Error> {
    let delete = query_scalar::<_, String>(
        "delete from api_keys where id = $1 and merchant_id = $2 returning name",
    );
    let name = delete.bind(uuid(id)).bind(uuid(merchant)).fetch_optional(&mut *connection).await?;
    let name = name.ok_or(Error::ApiKeyNotFound)?;
    Ok(note(connection, (who, "key.deleted"), &id.to_string(), merchant, &name, at).await?)
}

impl FromRow<'_, PgRow> for StaffMember {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: id(row, "id")?,
            user: id(row, "user_id")?,
            login: row.try_get("login")?,
            name: row.try_get("name")?,
            role: read(row, "role", StaffRole::parse)?,
            created_at: time(row, "created_at")?,
        })
    }
}

impl FromRow<'_, PgRow> for ApiKey {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: id(row, "id")?,
            merchant: id(row, "merchant_id")?,
            name: row.try_get("name")?,
            scopes: row.try_get("scopes")?,
            hint: row.try_get("hint")?,
            created_at: time(row, "created_at")?,
            last_used_at: row.try_get::<Option<_>, _>("last_used_at")?.map(timestamp),
        })
    }
}
