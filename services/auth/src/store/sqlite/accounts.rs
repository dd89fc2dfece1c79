//! Accounts in SQLite.

use async_trait::async_trait;
use clock::Timestamp;
use ids::{AddressId, UserId};
use sqlite::{Connection, FromRow, Row, params};

use super::{SqliteAuth, addresses, by_login, select_users, sessions, user_by_id, user_by_login};
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
        self.database.write(move |connection| register(connection, &user, &session)).await
    }

    async fn put_admin(&self, user: NewUser) -> Result<User, Error> {
        self.database.write(move |connection| put_admin(connection, &user)).await
    }

    async fn find_user(&self, id: UserId) -> Result<Option<User>, Error> {
        Ok(self.database.read(move |connection| user_by_id(connection, id)).await?)
    }

    async fn find_login(
        &self,
        login: &Login,
    ) -> Result<Option<(User, Option<PasswordHash>)>, Error> {
        let login = login.clone();
        let find = move |connection: &Connection| {
            connection.first::<Account>(by_login(&login), [login.as_str()])
        };
        Ok(self.database.read(find).await?.map(|account| (account.user, account.password)))
    }

    async fn change_profile(&self, id: UserId, change: ProfileChange) -> Result<User, Error> {
        self.database.write(move |connection| change_profile(connection, id, &change)).await
    }

    async fn list_users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, Error> {
        let list = move |connection: &Connection| {
            connection.all(
                select_users!("where u.id < coalesce(?1, '~') order by u.id desc limit ?2"),
                params![after.map(|id| id.to_string()), limit],
            )
        };
        Ok(self.database.read(list).await?)
    }

    async fn count_users(&self) -> Result<u64, Error> {
        let count =
            |connection: &Connection| connection.one::<i64>("select count(*) from users", ());
        Ok(u64::try_from(self.database.read(count).await?).unwrap_or(0))
    }

    async fn list_addresses(&self, user: UserId) -> Result<Vec<SavedAddress>, Error> {
        Ok(self.database.read(move |connection| addresses::list(connection, user)).await?)
    }

    async fn add_address(&self, user: UserId, address: SavedAddress) -> Result<(), Error> {
        self.database.write(move |connection| addresses::add(connection, user, &address)).await
    }

    async fn replace_address(&self, user: UserId, address: SavedAddress) -> Result<(), Error> {
        self.database.write(move |connection| addresses::replace(connection, user, &address)).await
    }

    async fn delete_address(&self, user: UserId, id: AddressId) -> Result<(), Error> {
        self.database.write(move |connection| addresses::delete(connection, user, id)).await
    }
}

/// A user with the password.
struct Account {
    user: User,
    password: Option<PasswordHash>,
}

impl FromRow for Account {
    fn from_row(row: &Row<'_>) -> Result<Self, sqlite::Error> {
        let password = row.get::<_, Option<String>>("phc")?.map(PasswordHash::new);
        Ok(Self { user: User::from_row(row)?, password })
    }
}

fn register(connection: &Connection, user: &NewUser, session: &NewSession) -> Result<User, Error> {
    insert_user(connection, user, false)?;
    sessions::begin(connection, user.id, session)?;
    user_by_id(connection, user.id)?.ok_or(Error::UserNotFound)
}

/// Writes an account and its password.
pub(super) fn insert_user(
    connection: &Connection,
    user: &NewUser,
    admin: bool,
) -> Result<(), Error> {
    let inserted = connection.execute(
        "insert into users (id, phone, email, name, is_admin, phone_verified, locale, referral_code,
         created_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            user.id.to_string(),
            user.phone.as_ref().map(Phone::as_str),
            user.email.as_ref().map(Email::as_str),
            user.name,
            admin,
            user.phone_verified,
            user.locale.as_str(),
            user.referral_code,
            user.at.millis(),
        ],
    );
    inserted.map_err(taken)?;
    if let Some(password) = &user.password {
        set_password(connection, user.id, password, user.at)?;
    }
    Ok(())
}

/// Writes or replaces a password.
pub(super) fn set_password(
    connection: &Connection,
    user: UserId,
    password: &PasswordHash,
    at: Timestamp,
) -> Result<(), sqlite::Error> {
    connection.execute(
        "insert into credentials (user_id, phc, changed_at) values (?, ?, ?)
         on conflict (user_id) do update set phc = excluded.phc, changed_at = excluded.changed_at",
        params![user.to_string(), password.as_str(), at.millis()],
    )?;
    Ok(())
}

fn put_admin(connection: &Connection, user: &NewUser) -> Result<User, Error> {
    let login = user.phone.clone().map(Login::Phone);
    let login = login.or_else(|| user.email.clone().map(Login::Email));
    let login = login.ok_or(Error::UserNotFound)?;
    let Some(found) = user_by_login(connection, &login)? else {
        insert_user(connection, user, true)?;
        return user_by_id(connection, user.id)?.ok_or(Error::UserNotFound);
    };
    connection.execute("update users set is_admin = 1 where id = ?", [found.id.to_string()])?;
    if let Some(password) = &user.password {
        set_password(connection, found.id, password, user.at)?;
        // Whoever knew the password before is not to stay signed in as an administrator.
        sessions::end_all(connection, found.id, user.at)?;
    }
    Ok(User { admin: true, ..found })
}

fn change_profile(
    connection: &Connection,
    id: UserId,
    change: &ProfileChange,
) -> Result<User, Error> {
    let updated = connection.execute(
        "update users set name = coalesce(?, name), locale = coalesce(?, locale),
         email = case when ? then ? else email end where id = ?",
        params![
            change.name,
            change.locale.map(Locale::as_str),
            change.email.is_some(),
            change.email.as_ref().and_then(|email| email.as_ref().map(Email::as_str)),
            id.to_string(),
        ],
    );
    updated.map_err(taken)?;
    user_by_id(connection, id)?.ok_or(Error::UserNotFound)
}

fn taken(error: sqlite::Error) -> Error {
    if sqlite::violates(&error, "users.phone") || sqlite::violates(&error, "users_email") {
        Error::LoginTaken
    } else {
        error.into()
    }
}
