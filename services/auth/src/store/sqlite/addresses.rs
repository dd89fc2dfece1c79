//! Saved addresses in SQLite.

use ids::{AddressId, UserId};
use sqlite::{Connection, FromRow, Row, params};

use super::{id, read};
use crate::{
    domain::{Address, MAX_ADDRESSES, Phone, SavedAddress},
    error::Error,
};

pub(super) fn list(
    connection: &Connection,
    user: UserId,
) -> Result<Vec<SavedAddress>, sqlite::Error> {
    connection.all(
        "select * from addresses where user_id = ? order by id limit ?",
        params![user.to_string(), MAX_ADDRESSES],
    )
}

pub(super) fn add(
    connection: &Connection,
    user: UserId,
    saved: &SavedAddress,
) -> Result<(), Error> {
    let held: u32 =
        connection.one("select count(*) from addresses where user_id = ?", [user.to_string()])?;
    if held >= MAX_ADDRESSES {
        return Err(Error::Full("TOO_MANY_ADDRESSES"));
    }
    give_way(connection, user, saved)?;
    let address = &saved.address;
    connection.execute(
        "insert into addresses values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            saved.id.to_string(),
            user.to_string(),
            address.region,
            address.district,
            address.street,
            address.house,
            address.landmark,
            address.recipient,
            address.phone.as_str(),
            saved.is_default,
        ],
    )?;
    Ok(())
}

pub(super) fn replace(
    connection: &Connection,
    user: UserId,
    saved: &SavedAddress,
) -> Result<(), Error> {
    give_way(connection, user, saved)?;
    let address = &saved.address;
    let updated = connection.execute(
        "update addresses set region = ?, district = ?, street = ?, house = ?, landmark = ?,
         recipient = ?, phone = ?, is_default = ? where id = ? and user_id = ?",
        params![
            address.region,
            address.district,
            address.street,
            address.house,
            address.landmark,
            address.recipient,
            address.phone.as_str(),
            saved.is_default,
            saved.id.to_string(),
            user.to_string(),
        ],
    )?;
    if updated == 0 { Err(Error::AddressNotFound) } else { Ok(()) }
}

pub(super) fn delete(connection: &Connection, user: UserId, id: AddressId) -> Result<(), Error> {
    let deleted = connection.execute(
        "delete from addresses where id = ? and user_id = ?",
        [id.to_string(), user.to_string()],
    )?;
    if deleted == 0 { Err(Error::AddressNotFound) } else { Ok(()) }
}

/// The default before makes way for a new one.
fn give_way(
    connection: &Connection,
    user: UserId,
    saved: &SavedAddress,
) -> Result<(), sqlite::Error> {
    if saved.is_default {
        connection.execute(
            "update addresses set is_default = 0 where user_id = ? and is_default = 1",
            [user.to_string()],
        )?;
    }
    Ok(())
}

impl FromRow for SavedAddress {
    fn from_row(row: &Row<'_>) -> Result<Self, sqlite::Error> {
        Ok(Self {
            id: id(row, "id")?,
            address: Address {
                region: row.get("region")?,
                district: row.get("district")?,
                street: row.get("street")?,
                house: row.get("house")?,
                landmark: row.get("landmark")?,
                recipient: row.get("recipient")?,
                phone: read(row, "phone", Phone::parse)?,
            },
            is_default: row.get("is_default")?,
        })
    }
}
