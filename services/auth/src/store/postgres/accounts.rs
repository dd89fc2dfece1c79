//! Accounts in PostgreSQL.

use async_trait::async_trait;
use clock::Timestamp;
use ids::{AddressId, UserId};
use postgres::{moment, uuid, violates};
use sqlx::{
    FromRow, PgConnection, Row as _, postgres::PgRow, query, query_as, query_scalar, types::Uuid,
};

use super::{PostgresAuth, addresses, by_login, select_users, sessions, user_by_id, user_by_login};
use crate::{
    domain::{
        Email, Locale, Login, NewUser, PasswordHash, Phone, ProfileChange, SavedAddress, User,
    },
    error::Error,
    store::{AccountStore, NewSession},
};

#[async_trait]
impl AccountStore for PostgresAuth {
    async fn register(&self, user: NewUser, session: NewSession) -> Result<User, Error> {
        let mut transaction = self.database.begin().await?;
        insert_user(&mut transaction, &user, false).await?;
        sessions::begin(&mut transaction, user.id, &session).await?;
        transaction.commit().await?;
        Ok(made(&user, false))
    }

    async fn put_admin(&self, user: NewUser) -> Result<User, Error> {
        match self.try_put_admin(&user).await {
            // Somebody took the login in the same moment: now the account is found by it.
            Err(Error::LoginTaken) => self.try_put_admin(&user).await,
            put => put,
        }
    }

    async fn find_user(&self, id: UserId) -> Result<Option<User>, Error> {
        let mut transaction = self.database.begin().await?;
        Ok(user_by_id(&mut transaction, id).await?)
    }

    async fn find_login(
        &self,
        login: &Login,
    ) -> Result<Option<(User, Option<PasswordHash>)>, Error> {
        let mut transaction = self.database.begin().await?;
        let find = query_as::<_, Account>(by_login(login)).bind(login.as_str());
        let found = find.fetch_optional(&mut *transaction).await?;
        Ok(found.map(|account| (account.user, account.password)))
    }

    async fn change_profile(&self, id: UserId, change: ProfileChange) -> Result<User, Error> {
        let mut transaction = self.database.begin().await?;
        change_profile(&mut transaction, id, &change).await?;
        let user = user_by_id(&mut transaction, id).await?.ok_or(Error::UserNotFound)?;
        transaction.commit().await?;
        Ok(user)
    }

    async fn list_users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, Error> {
        let mut transaction = self.database.begin().await?;
        let list = query_as(select_users!("where u.id < $1 order by u.id desc limit $2"))
            .bind(after.map_or(Uuid::max(), uuid))
            .bind(i64::from(limit));
        Ok(list.fetch_all(&mut *transaction).await?)
    }

    async fn count_users(&self) -> Result<u64, Error> {
        let mut transaction = self.database.begin().await?;
        let count = query_scalar::<_, i64>("select count(*) from users");
        Ok(u64::try_from(count.fetch_one(&mut *transaction).await?).unwrap_or(0))
    }

    async fn list_addresses(&self, user: UserId) -> Result<Vec<SavedAddress>, Error> {
        let mut transaction = self.database.begin().await?;
        Ok(addresses::list(&mut transaction, user).await?)
    }

    async fn add_address(&self, user: UserId, address: SavedAddress) -> Result<(), Error> {
        let mut transaction = self.database.begin().await?;
        addresses::add(&mut transaction, user, &address).await?;
        Ok(transaction.commit().await?)
    }

    async fn replace_address(&self, user: UserId, address: SavedAddress) -> Result<(), Error> {
        let mut transaction = self.database.begin().await?;
        addresses::replace(&mut transaction, user, &address).await?;
        Ok(transaction.commit().await?)
    }

    async fn delete_address(&self, user: UserId, id: AddressId) -> Result<(), Error> {
        let mut transaction = self.database.begin().await?;
        addresses::delete(&mut transaction, user, id).await?;
        Ok(transaction.commit().await?)
    }
}

/// A user with the password.
struct Account {
    user: User,
    password: Option<PasswordHash>,
}

impl FromRow<'_, PgRow> for Account {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let password = row.try_get::<Option<String>, _>("phc")?.map(PasswordHash::new);
        Ok(Self { user: User::from_row(row)?, password })
    }
}

/// An account that was made in this moment: nobody employs it yet.
pub(super) fn made(user: &NewUser, admin: bool) -> User {
    User {
        id: user.id,
        phone: user.phone.clone(),
        email: user.email.clone(),
        name: user.name.clone(),
        admin,
        phone_verified: user.phone_verified,
        locale: user.locale,
        created_at: user.at,
        membership: None,
    }
}

/// Writes an account and its password.
pub(super) async fn insert_user(
    connection: &mut PgConnection,
    user: &NewUser,
    admin: bool,
) -> Result<(), Error> {
    let inserted = query(
        "with made as (
             insert into users (id, phone, email, name, is_admin, phone_verified, locale,
                                referral_code, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id
         )
         insert into credentials (user_id, phc, changed_at)
         select id, $10, $9 from made where $10::text is not null",
    )
    .bind(uuid(user.id))
    .bind(user.phone.as_ref().map(Phone::as_str))
    .bind(user.email.as_ref().map(Email::as_str))
    .bind(&user.name)
    .bind(admin)
    .bind(user.phone_verified)
    .bind(user.locale.as_str())
    .bind(&user.referral_code)
    .bind(moment(user.at))
    .bind(user.password.as_ref().map(PasswordHash::as_str))
    .execute(connection)
    .await;
    inserted.map_err(taken)?;
    Ok(())
}

/// Writes or replaces a password.
pub(super) async fn set_password(
    connection: &mut PgConnection,
    user: UserId,
    password: &PasswordHash,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    query(
        "insert into credentials (user_id, phc, changed_at) values ($1, $2, $3)
         on conflict (user_id) do update set phc = excluded.phc, changed_at = excluded.changed_at",
    )
    .bind(uuid(user))
    .bind(password.as_str())
    .bind(moment(at))
    .execute(connection)
    .await?;
    Ok(())
}

impl PostgresAuth {
    async fn try_put_admin(&self, user: &NewUser) -> Result<User, Error> {
        let login = user.phone.clone().map(Login::Phone);
        let login = login.or_else(|| user.email.clone().map(Login::Email));
        let login = login.ok_or(Error::UserNotFound)?;
        let mut transaction = self.database.begin().await?;
        let put = match user_by_login(&mut transaction, &login).await? {
            Some(found) => {
                promote(&mut transaction, found.id, user).await?;
                User { admin: true, ..found }
            }
            None => {
                insert_user(&mut transaction, user, true).await?;
                made(user, true)
            }
        };
        transaction.commit().await?;
        Ok(put)
    }
}

async fn promote(
    connection: &mut PgConnection,
    id: UserId,
    user: &NewUser,
) -> Result<(), sqlx::Error> {
    let update = query("update users set is_admin = true where id = $1").bind(uuid(id));
    update.execute(&mut *connection).await?;
    if let Some(password) = &user.password {
        set_password(connection, id, password, user.at).await?;
        // Whoever knew the password before is not to stay signed in as an administrator.
        sessions::end_all(connection, id, user.at).await?;
    }
    Ok(())
}

async fn change_profile(
    connection: &mut PgConnection,
    id: UserId,
    change: &ProfileChange,
) -> Result<(), Error> {
    let updated = query(
        "update users set name = coalesce($2, name), locale = coalesce($3, locale),
         email = case when $4 then $5 else email end where id = $1",
    )
    .bind(uuid(id))
    .bind(&change.name)
    .bind(change.locale.map(Locale::as_str))
    .bind(change.email.is_some())
    .bind(change.email.as_ref().and_then(|email| email.as_ref().map(Email::as_str)))
    .execute(connection)
    .await;
    updated.map_err(taken)?;
    Ok(())
}

fn taken(error: sqlx::Error) -> Error {
    if violates(&error, "users_phone") || violates(&error, "users_email") {
        Error::LoginTaken
    } else {
        error.into()
    }
}
