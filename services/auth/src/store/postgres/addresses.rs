//! Saved addresses in PostgreSQL. Whoever writes one holds the user's row: their number and the one default are decided in turn.

use ids::{AddressId, UserId};
use postgres::uuid;
use sqlx::{FromRow, PgConnection, Row as _, postgres::PgRow, query, query_as};

use super::{id, lock_user, read};
use crate::{
    domain::{Address, MAX_ADDRESSES, Phone, SavedAddress},
    error::Error,
};

pub(super) async fn list(
    connection: &mut PgConnection,
    user: UserId,
) -> Result<Vec<SavedAddress>, sqlx::Error> {
    let list = query_as("select * from addresses where user_id = $1 order by id limit $2");
    list.bind(uuid(user)).bind(i64::from(MAX_ADDRESSES)).fetch_all(connection).await
}

pub(super) async fn add(
    connection: &mut PgConnection,
    user: UserId,
    saved: &SavedAddress,
) -> Result<(), Error> {
    lock_user(connection, user).await?;
    give_way(connection, user, saved).await?;
    let address = &saved.address;
    let added = query(
        "insert into addresses (id, user_id, region, district, street, house, landmark, recipient,
         phone, is_default) select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
         where (select count(*) from addresses where user_id = $2) < $11",
    )
    .bind(uuid(saved.id))
    .bind(uuid(user))
    .bind(&address.region)
    .bind(&address.district)
    .bind(&address.street)
    .bind(&address.house)
    .bind(&address.landmark)
    .bind(&address.recipient)
    .bind(address.phone.as_str())
    .bind(saved.is_default)
    .bind(i64::from(MAX_ADDRESSES))
    .execute(connection)
    .await?;
    if added.rows_affected() == 0 { Err(Error::Full("TOO_MANY_ADDRESSES")) } else { Ok(()) }
}

pub(super) async fn replace(
    connection: &mut PgConnection,
    user: UserId,
    saved: &SavedAddress,
) -> Result<(), Error> {
    lock_user(connection, user).await?;
    give_way(connection, user, saved).await?;
    let address = &saved.address;
    let updated = query(
        "update addresses set region = $3, district = $4, street = $5, house = $6, landmark = $7,
         recipient = $8, phone = $9, is_default = $10 where id = $1 and user_id = $2",
    )
    .bind(uuid(saved.id))
    .bind(uuid(user))
    .bind(&address.region)
    .bind(&address.district)
    .bind(&address.street)
    .bind(&address.house)
    .bind(&address.landmark)
    .bind(&address.recipient)
    .bind(address.phone.as_str())
    .bind(saved.is_default)
    .execute(connection)
    .await?;
    if updated.rows_affected() == 0 { Err(Error::AddressNotFound) } else { Ok(()) }
}

pub(super) async fn delete(
    connection: &mut PgConnection,
    user: UserId,
    id: AddressId,
) -> Result<(), Error> {
    let delete = query("delete from addresses where id = $1 and user_id = $2");
    let deleted = delete.bind(uuid(id)).bind(uuid(user)).execute(connection).await?;
    if deleted.rows_affected() == 0 { Err(Error::AddressNotFound) } else { Ok(()) }
}

/// The default before makes way for a new one.
async fn give_way(
    connection: &mut PgConnection,
    user: UserId,
    saved: &SavedAddress,
) -> Result<(), sqlx::Error> {
    if saved.is_default {
        let update =
            query("update addresses set is_default = false where user_id = $1 and is_default");
        update.bind(uuid(user)).execute(connection).await?;
    }
    Ok(())
}

impl FromRow<'_, PgRow> for SavedAddress {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: id(row, "id")?,
            address: Address {
                region: row.try_get("region")?,
                district: row.try_get("district")?,
                street: row.try_get("street")?,
                house: row.try_get("house")?,
                landmark: row.try_get("landmark")?,
                recipient: row.try_get("recipient")?,
                phone: read(row, "phone", Phone::parse)?,
            },
            is_default: row.try_get("is_default")?,
        })
    }
}
