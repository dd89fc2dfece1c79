//! Accounts in SQLite.

use async_trait::async_trait;
use clock::Timestamp;
use ids::{AddressId, UserId};
use sqlite::{FutureExt as _, SqliteConnection};
use sqlx::Row as _;

use super::{SqliteAuth, addresses, by_login, select_users, sessions, user, user_by_id};
use crate::{
    domain::{
        Email, Locale, Login, NewUser, PasswordHash, Phone, ProfileChange, SavedAddress, User,
    },
    error::Error,
    store::{AccountStore, NewSession},
};

#[async_trait]
impl AccountStore for SqliteAuth {
    async fn register(&self, user: NewUser, session: NewSession) -> Result<User, Error> {
        self.database.write(move |connection| register(connection, user, session).boxed()).await
    }

    async fn put_admin(&self, user: NewUser) -> Result<User, Error> {
        self.database.write(move |connection| put_admin(connection, user).boxed()).await
    }

    async fn find_user(&self, id: UserId) -> Result<Option<User>, Error> {
        let row = sqlx::query(select_users!("where u.id = ?"))
            .bind(id.to_string())
            .fetch_optional(self.database.read())
            .await?;
        Ok(row.as_ref().map(user).transpose()?)
    }

    async fn find_login(
        &self,
        login: &Login,
    ) -> Result<Option<(User, Option<PasswordHash>)>, Error> {
        let row = sqlx::query(by_login(login))
            .bind(login.as_str())
            .fetch_optional(self.database.read())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let password = row.try_get::<Option<String>, _>("phc")?.map(PasswordHash::new);
        Ok(Some((user(&row)?, password)))
    }

    async fn change_profile(&self, id: UserId, change: ProfileChange) -> Result<User, Error> {
        self.database.write(move |connection| change_profile(connection, id, change).boxed()).await
    }

    async fn list_users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, Error> {
        let rows = sqlx::query(select_users!(
            "where u.id < coalesce(?1, '~') order by u.id desc limit ?2"
        ))
        .bind(after.map(|id| id.to_string()))
        .bind(limit)
        .fetch_all(self.database.read())
        .await?;
        Ok(rows.iter().map(user).collect::<Result<_, _>>()?)
    }

    async fn count_users(&self) -> Result<u64, Error> {
        let count: i64 = sqlx::query_scalar("select count(*) from users")
            .fetch_one(self.database.read())
            .await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    async fn list_addresses(&self, user: UserId) -> Result<Vec<SavedAddress>, Error> {
        addresses::list(self.database.read(), user).await
    }

    async fn add_address(&self, user: UserId, address: SavedAddress) -> Result<(), Error> {
        self.database
            .write(move |connection| addresses::add(connection, user, address).boxed())
            .await
    }

    async fn replace_address(&self, user: UserId, address: SavedAddress) -> Result<(), Error> {
        self.database
            .write(move |connection| addresses::replace(connection, user, address).boxed())
            .await
    }

    async fn delete_address(&self, user: UserId, id: AddressId) -> Result<(), Error> {
        self.database.write(move |connection| addresses::delete(connection, user, id).boxed()).await
    }
}

async fn register(
    connection: &mut SqliteConnection,
    user: NewUser,
    session: NewSession,
) -> Result<User, Error> {
    insert_user(&mut *connection, &user, false).await?;
    sessions::begin(&mut *connection, user.id, &session).await?;
    user_by_id(connection, user.id).await?.ok_or(Error::UserNotFound)
}

/// Writes an account and its password.
pub(super) async fn insert_user(
    connection: &mut SqliteConnection,
    user: &NewUser,
    admin: bool,
) -> Result<(), Error> {
    sqlx::query(
        "insert into users (id, phone, email, name, is_admin, phone_verified, locale, referral_code,
         created_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(user.id.to_string())
    .bind(user.phone.as_ref().map(Phone::as_str))
    .bind(user.email.as_ref().map(Email::as_str))
    .bind(&user.name)
    .bind(admin)
    .bind(user.phone_verified)
    .bind(user.locale.as_str())
    .bind(&user.referral_code)
    .bind(user.at.millis())
    .execute(&mut *connection)
    .await
    .map_err(taken)?;
    if let Some(password) = &user.password {
        set_password(connection, user.id, password, user.at).await?;
    }
    Ok(())
}

/// Writes or replaces a password.
pub(super) async fn set_password(
    connection: &mut SqliteConnection,
    user: UserId,
    password: &PasswordHash,
    at: Timestamp,
) -> Result<(), Error> {
    sqlx::query(
        "insert into credentials (user_id, phc, changed_at) values (?, ?, ?)
         on conflict (user_id) do update set phc = excluded.phc, changed_at = excluded.changed_at",
    )
    .bind(user.to_string())
    .bind(password.as_str())
    .bind(at.millis())
    .execute(connection)
    .await?;
    Ok(())
}

async fn put_admin(connection: &mut SqliteConnection, user: NewUser) -> Result<User, Error> {
    let login = user.phone.clone().map(Login::Phone);
    let login = login.or_else(|| user.email.clone().map(Login::Email));
    let login = login.ok_or(Error::UserNotFound)?;
    let row =
        sqlx::query(by_login(&login)).bind(login.as_str()).fetch_optional(&mut *connection).await?;
    let Some(found) = row.as_ref().map(super::user).transpose()? else {
        insert_user(&mut *connection, &user, true).await?;
        return user_by_id(connection, user.id).await?.ok_or(Error::UserNotFound);
    };
    sqlx::query("update users set is_admin = 1 where id = ?")
        .bind(found.id.to_string())
        .execute(&mut *connection)
        .await?;
    if let Some(password) = &user.password {
        set_password(connection, found.id, password, user.at).await?;
        // Whoever knew the password before is not to stay signed in as an administrator.
        sessions::end_all(connection, found.id, user.at).await?;
    }
    Ok(User { admin: true, ..found })
}

async fn change_profile(
    connection: &mut SqliteConnection,
    id: UserId,
    change: ProfileChange,
) -> Result<User, Error> {
    sqlx::query(
        "update users set name = coalesce(?, name), locale = coalesce(?, locale),
         email = case when ? then ? else email end where id = ?",
    )
    .bind(change.name)
    .bind(change.locale.map(Locale::as_str))
    .bind(change.email.is_some())
    .bind(change.email.flatten().map(|email| email.as_str().to_owned()))
    .bind(id.to_string())
    .execute(&mut *connection)
    .await
    .map_err(taken)?;
    user_by_id(connection, id).await?.ok_or(Error::UserNotFound)
}

fn taken(error: sqlx::Error) -> Error {
    if sqlite::violates(&error, "users.phone") || sqlite::violates(&error, "users_email") {
        Error::LoginTaken
    } else {
        error.into()
    }
}
