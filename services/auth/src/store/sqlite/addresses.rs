//! Saved addresses in SQLite.

use ids::{AddressId, UserId};
use sqlite::SqliteConnection;
use sqlx::{Row as _, SqlitePool, sqlite::SqliteRow};

use super::{known, parsed};
use crate::{
    domain::{Address, MAX_ADDRESSES, Phone, SavedAddress},
    error::Error,
};

pub(super) async fn list(readers: &SqlitePool, user: UserId) -> Result<Vec<SavedAddress>, Error> {
    let rows = sqlx::query("select * from addresses where user_id = ? order by id limit ?")
        .bind(user.to_string())
        .bind(MAX_ADDRESSES)
        .fetch_all(readers)
        .await?;
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

pub(super) async fn add(
    connection: &mut SqliteConnection,
    user: UserId,
    saved: SavedAddress,
) -> Result<(), Error> {
    let held: u32 = sqlx::query_scalar("select count(*) from addresses where user_id = ?")
        .bind(user.to_string())
        .fetch_one(&mut *connection)
        .await?;
    if held >= MAX_ADDRESSES {
        return Err(Error::Full("TOO_MANY_ADDRESSES"));
    }
    give_way(&mut *connection, user, &saved).await?;
    let address = saved.address;
    sqlx::query("insert into addresses values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(saved.id.to_string())
        .bind(user.to_string())
        .bind(address.region)
        .bind(address.district)
        .bind(address.street)
        .bind(address.house)
        .bind(address.landmark)
        .bind(address.recipient)
        .bind(address.phone.as_str())
        .bind(saved.is_default)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn replace(
    connection: &mut SqliteConnection,
    user: UserId,
    saved: SavedAddress,
) -> Result<(), Error> {
    give_way(&mut *connection, user, &saved).await?;
    let address = saved.address;
    let updated = sqlx::query(
        "update addresses set region = ?, district = ?, street = ?, house = ?, landmark = ?,
         recipient = ?, phone = ?, is_default = ? where id = ? and user_id = ?",
    )
    .bind(address.region)
    .bind(address.district)
    .bind(address.street)
    .bind(address.house)
    .bind(address.landmark)
    .bind(address.recipient)
    .bind(address.phone.as_str())
    .bind(saved.is_default)
    .bind(saved.id.to_string())
    .bind(user.to_string())
    .execute(connection)
    .await?;
    if updated.rows_affected() == 0 { Err(Error::AddressNotFound) } else { Ok(()) }
}

pub(super) async fn delete(
    connection: &mut SqliteConnection,
    user: UserId,
    id: AddressId,
) -> Result<(), Error> {
    let deleted = sqlx::query("delete from addresses where id = ? and user_id = ?")
        .bind(id.to_string())
        .bind(user.to_string())
        .execute(connection)
        .await?;
    if deleted.rows_affected() == 0 { Err(Error::AddressNotFound) } else { Ok(()) }
}

/// The default before makes way for a new one.
async fn give_way(
    connection: &mut SqliteConnection,
    user: UserId,
    saved: &SavedAddress,
) -> Result<(), Error> {
    if saved.is_default {
        sqlx::query("update addresses set is_default = 0 where user_id = ? and is_default = 1")
            .bind(user.to_string())
            .execute(connection)
            .await?;
    }
    Ok(())
}

fn read(row: &SqliteRow) -> Result<SavedAddress, sqlx::Error> {
    Ok(SavedAddress {
        id: parsed(row.try_get("id")?)?,
        address: Address {
            region: row.try_get("region")?,
            district: row.try_get("district")?,
            street: row.try_get("street")?,
            house: row.try_get("house")?,
            landmark: row.try_get("landmark")?,
            recipient: row.try_get("recipient")?,
            phone: known(Phone::parse(row.try_get("phone")?), "phone")?,
        },
        is_default: row.try_get("is_default")?,
    })
}
