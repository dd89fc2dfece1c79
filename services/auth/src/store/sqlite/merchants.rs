//! Merchants in SQLite.

use async_trait::async_trait;
use clock::Timestamp;
use ids::{MerchantId, StaffId};
use sqlite::{Connection, FromRow, Row, params};

use super::{SqliteAuth, append, id, note, read, read_or_null, time};
use crate::{
    domain::{
        Application, AuditEntry, Bank, Decision, Email, Event, Merchant, Phone, Plan, Status,
    },
    error::Error,
    store::{Encode, MerchantStore},
};

#[async_trait]
impl MerchantStore for SqliteAuth {
    async fn apply(&self, merchant: Merchant) -> Result<(), Error> {
        let encode = self.encode;
        self.database.write(move |connection| apply(connection, encode, merchant)).await
    }

    async fn find_merchants(&self, ids: &[MerchantId]) -> Result<Vec<Merchant>, Error> {
        let ids = serde_json::to_string(ids).map_err(sqlite::Error::value)?;
        let find = move |connection: &Connection| {
            connection.all(
                "select * from merchants where id in (select value from json_each(?)) order by id",
                [ids],
            )
        };
        Ok(self.database.read(find).await?)
    }

    async fn list_merchants(
        &self,
        status: Option<Status>,
        after: Option<MerchantId>,
        limit: u32,
    ) -> Result<Vec<Merchant>, Error> {
        // Two statements, so that each has an index that gives its order.
        let statement = match status {
            Some(_) => {
                "select * from merchants where status = ?1 and id < coalesce(?2, '~')
                 order by id desc limit ?3"
            }
            None => {
                "select * from merchants where ?1 is null and id < coalesce(?2, '~')
                 order by id desc limit ?3"
            }
        };
        let list = move |connection: &Connection| {
            let after = after.map(|id| id.to_string());
            connection.all(statement, params![status.map(Status::as_str), after, limit])
        };
        Ok(self.database.read(list).await?)
    }

    async fn count_merchants(&self, status: Option<Status>) -> Result<u64, Error> {
        let count = move |connection: &Connection| {
            connection.one::<i64>(
                "select count(*) from merchants where ?1 is null or status = ?1",
                [status.map(Status::as_str)],
            )
        };
        Ok(u64::try_from(self.database.read(count).await?).unwrap_or(0))
    }

    async fn decide(
        &self,
        id: MerchantId,
        decision: Decision,
        who: String,
        at: Timestamp,
    ) -> Result<Merchant, Error> {
        let encode = self.encode;
        self.database
            .write(move |connection| decide(connection, encode, id, &decision, (&who, at)))
            .await
    }

    async fn audit(&self, merchant: MerchantId, limit: u32) -> Result<Vec<AuditEntry>, Error> {
        let list = move |connection: &Connection| {
            connection.all(
                "select who, what, subject, merchant_id, detail, at from audit
                 where merchant_id = ? order by row desc limit ?",
                params![merchant.to_string(), limit],
            )
        };
        Ok(self.database.read(list).await?)
    }
}

fn apply(connection: &Connection, encode: Encode, merchant: Merchant) -> Result<(), Error> {
    let (about, bank) = (&merchant.about, merchant.about.bank.as_ref());
    let inserted = connection.execute(
        "insert into merchants (id, name, legal_name, tin, pinfl, phone, email, bank_account,
         bank_mfo, bank_name, status, plan, owner_user_id, created_at, reason, version)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            merchant.id.to_string(),
            about.name,
            about.legal_name,
            about.tin,
            about.pinfl,
            about.phone.as_str(),
            about.email.as_str(),
            bank.map(|bank| &bank.account),
            bank.map(|bank| &bank.mfo),
            bank.map(|bank| &bank.name),
            merchant.status.as_str(),
            merchant.plan.map(Plan::as_str),
            merchant.owner.to_string(),
            merchant.created_at.millis(),
            merchant.reason,
            merchant.version,
        ],
    );
    inserted.map_err(refused)?;
    if employer(connection, &merchant)?.is_some() {
        return Err(Error::StaffElsewhere);
    }
    let at = merchant.created_at;
    Ok(append(connection, encode, &Event::MerchantApplied(merchant), at)?)
}

fn refused(error: sqlite::Error) -> Error {
    if sqlite::violates(&error, "merchants.owner_user_id") {
        Error::ApplicationExists
    } else if sqlite::violates(&error, "FOREIGN KEY") {
        // SQLite does not name the key; the owner is the only one there is.
        Error::UserNotFound
    } else {
        error.into()
    }
}

fn decide(
    connection: &Connection,
    encode: Encode,
    id: MerchantId,
    decision: &Decision,
    (who, at): (&str, Timestamp),
) -> Result<Merchant, Error> {
    let name = id.to_string();
    let found: Option<Merchant> =
        connection.first("select * from merchants where id = ?", [&name])?;
    let mut merchant = found.ok_or(Error::MerchantNotFound)?;
    let Some(event) = merchant.decide(decision)? else { return Ok(merchant) };
    connection.execute(
        "update merchants set status = ?, plan = ?, reason = ?, version = ? where id = ?",
        params![
            merchant.status.as_str(),
            merchant.plan.map(Plan::as_str),
            merchant.reason,
            merchant.version,
            name,
        ],
    )?;
    if merchant.status == Status::Active {
        employ_owner(connection, &merchant, at)?;
    }
    let (what, detail) = match decision {
        Decision::Approve(_) => ("merchant.approved", merchant.plan.map_or("", Plan::as_str)),
        Decision::Reject(reason) => ("merchant.rejected", reason.as_str()),
        Decision::Suspend(reason) => ("merchant.suspended", reason.as_str()),
    };
    note(connection, (who, what), &name, id, detail, at)?;
    append(connection, encode, &event, at)?;
    Ok(merchant)
}

/// The owner is on the staff from the first approval on.
fn employ_owner(connection: &Connection, merchant: &Merchant, at: Timestamp) -> Result<(), Error> {
    let id = merchant.id.to_string();
    match employer(connection, merchant)? {
        Some(employer) if employer == id => return Ok(()),
        Some(_) => return Err(Error::StaffElsewhere),
        None => {}
    }
    connection.execute(
        "insert into staff (id, merchant_id, user_id, role, created_at)
         values (?, ?, ?, 'admin', ?)",
        params![StaffId::new().to_string(), id, merchant.owner.to_string(), at.millis()],
    )?;
    Ok(())
}

/// The merchant on whose staff the owner is.
fn employer(connection: &Connection, merchant: &Merchant) -> Result<Option<String>, sqlite::Error> {
    let owner = merchant.owner.to_string();
    connection.first("select merchant_id from staff where user_id = ?", [owner])
}

impl FromRow for Merchant {
    fn from_row(row: &Row<'_>) -> Result<Self, sqlite::Error> {
        let bank = match row.get("bank_account")? {
            Some(account) => {
                Some(Bank { account, mfo: row.get("bank_mfo")?, name: row.get("bank_name")? })
            }
            None => None,
        };
        Ok(Self {
            id: id(row, "id")?,
            about: Application {
                name: row.get("name")?,
                legal_name: row.get("legal_name")?,
                tin: row.get("tin")?,
                pinfl: row.get("pinfl")?,
                phone: read(row, "phone", Phone::parse)?,
                email: read(row, "email", Email::parse)?,
                bank,
            },
            status: read(row, "status", Status::parse)?,
            plan: read_or_null(row, "plan", Plan::parse)?,
            owner: id(row, "owner_user_id")?,
            created_at: time(row, "created_at")?,
            reason: row.get("reason")?,
            version: row.get("version")?,
        })
    }
}

impl FromRow for AuditEntry {
    fn from_row(row: &Row<'_>) -> Result<Self, sqlite::Error> {
        Ok(Self {
            who: row.get("who")?,
            what: row.get("what")?,
            subject: row.get("subject")?,
            merchant: id(row, "merchant_id")?,
            detail: row.get("detail")?,
            at: time(row, "at")?,
        })
    }
}
