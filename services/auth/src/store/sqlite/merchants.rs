//! Merchants in SQLite.

use async_trait::async_trait;
use clock::Timestamp;
use ids::{MerchantId, StaffId};
use mesh::Context;
use sqlite::{FutureExt as _, SqliteConnection};
use sqlx::{Row as _, sqlite::SqliteRow};

use super::{SqliteAuth, append, known, note, parsed};
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
        let (encode, context) = (self.encode, Context::current());
        self.database
            .write(move |connection| context.scope(apply(connection, encode, merchant)).boxed())
            .await
    }

    async fn find_merchants(&self, ids: &[MerchantId]) -> Result<Vec<Merchant>, Error> {
        let ids = serde_json::to_string(ids).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let rows = sqlx::query(
            "select * from merchants where id in (select value from json_each(?)) order by id",
        )
        .bind(ids)
        .fetch_all(self.database.read())
        .await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
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
        let rows = sqlx::query(statement)
            .bind(status.map(Status::as_str))
            .bind(after.map(|id| id.to_string()))
            .bind(limit)
            .fetch_all(self.database.read())
            .await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn count_merchants(&self, status: Option<Status>) -> Result<u64, Error> {
        let count: i64 =
            sqlx::query_scalar("select count(*) from merchants where ?1 is null or status = ?1")
                .bind(status.map(Status::as_str))
                .fetch_one(self.database.read())
                .await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    async fn decide(
        &self,
        id: MerchantId,
        decision: Decision,
        who: String,
        at: Timestamp,
    ) -> Result<Merchant, Error> {
        let (encode, context) = (self.encode, Context::current());
        self.database
            .write(move |connection| {
                context.scope(decide(connection, encode, id, decision, (who, at))).boxed()
            })
            .await
    }

    async fn audit(&self, merchant: MerchantId, limit: u32) -> Result<Vec<AuditEntry>, Error> {
        let rows: Vec<(String, String, String, String, i64)> = sqlx::query_as(
            "select who, what, subject, detail, at from audit where merchant_id = ?
             order by row desc limit ?",
        )
        .bind(merchant.to_string())
        .bind(limit)
        .fetch_all(self.database.read())
        .await?;
        let entry = |(who, what, subject, detail, at)| {
            let at = Timestamp::from_millis(at);
            AuditEntry { who, what, subject, merchant, detail, at }
        };
        Ok(rows.into_iter().map(entry).collect())
    }
}

async fn apply(
    connection: &mut SqliteConnection,
    encode: Encode,
    merchant: Merchant,
) -> Result<(), Error> {
    let (about, bank) = (&merchant.about, merchant.about.bank.as_ref());
    sqlx::query(
        "insert into merchants (id, name, legal_name, tin, pinfl, phone, email, bank_account,
         bank_mfo, bank_name, status, plan, owner_user_id, created_at, reason, version)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(merchant.id.to_string())
    .bind(&about.name)
    .bind(&about.legal_name)
    .bind(&about.tin)
    .bind(&about.pinfl)
    .bind(about.phone.as_str())
    .bind(about.email.as_str())
    .bind(bank.map(|bank| &bank.account))
    .bind(bank.map(|bank| &bank.mfo))
    .bind(bank.map(|bank| &bank.name))
    .bind(merchant.status.as_str())
    .bind(merchant.plan.map(Plan::as_str))
    .bind(merchant.owner.to_string())
    .bind(merchant.created_at.millis())
    .bind(&merchant.reason)
    .bind(merchant.version)
    .execute(&mut *connection)
    .await
    .map_err(refused)?;
    let employed: Option<i64> = sqlx::query_scalar("select 1 from staff where user_id = ?")
        .bind(merchant.owner.to_string())
        .fetch_optional(&mut *connection)
        .await?;
    if employed.is_some() {
        return Err(Error::StaffElsewhere);
    }
    let at = merchant.created_at;
    append(connection, encode, &Event::MerchantApplied(merchant), at).await
}

fn refused(error: sqlx::Error) -> Error {
    let foreign =
        error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_foreign_key_violation);
    if sqlite::violates(&error, "merchants.owner_user_id") {
        Error::ApplicationExists
    } else if foreign {
        Error::UserNotFound
    } else {
        error.into()
    }
}

async fn decide(
    connection: &mut SqliteConnection,
    encode: Encode,
    id: MerchantId,
    decision: Decision,
    (who, at): (String, Timestamp),
) -> Result<Merchant, Error> {
    let row = sqlx::query("select * from merchants where id = ?")
        .bind(id.to_string())
        .fetch_optional(&mut *connection)
        .await?;
    let mut merchant = read(&row.ok_or(Error::MerchantNotFound)?)?;
    let Some(event) = merchant.decide(&decision)? else { return Ok(merchant) };
    sqlx::query("update merchants set status = ?, plan = ?, reason = ?, version = ? where id = ?")
        .bind(merchant.status.as_str())
        .bind(merchant.plan.map(Plan::as_str))
        .bind(&merchant.reason)
        .bind(merchant.version)
        .bind(id.to_string())
        .execute(&mut *connection)
        .await?;
    if merchant.status == Status::Active {
        employ_owner(&mut *connection, &merchant, at).await?;
    }
    let (what, detail) = match &decision {
        Decision::Approve(_) => ("merchant.approved", merchant.plan.map_or("", Plan::as_str)),
        Decision::Reject(reason) => ("merchant.rejected", reason.as_str()),
        Decision::Suspend(reason) => ("merchant.suspended", reason.as_str()),
    };
    note(&mut *connection, (&who, what), &id.to_string(), id, detail, at).await?;
    append(connection, encode, &event, at).await?;
    Ok(merchant)
}

/// The owner is on the staff from the first approval on.
async fn employ_owner(
    connection: &mut SqliteConnection,
    merchant: &Merchant,
    at: Timestamp,
) -> Result<(), Error> {
    let (id, owner) = (merchant.id.to_string(), merchant.owner.to_string());
    let employer: Option<String> =
        sqlx::query_scalar("select merchant_id from staff where user_id = ?")
            .bind(&owner)
            .fetch_optional(&mut *connection)
            .await?;
    match employer {
        Some(employer) if employer == id => return Ok(()),
        Some(_) => return Err(Error::StaffElsewhere),
        None => {}
    }
    sqlx::query(
        "insert into staff (id, merchant_id, user_id, role, created_at)
         values (?, ?, ?, 'admin', ?)",
    )
    .bind(StaffId::new().to_string())
    .bind(id)
    .bind(owner)
    .bind(at.millis())
    .execute(connection)
    .await?;
    Ok(())
}

fn read(row: &SqliteRow) -> Result<Merchant, sqlx::Error> {
    let bank = row.try_get::<Option<String>, _>("bank_account")?.map(|account| {
        Ok::<_, sqlx::Error>(Bank {
            account,
            mfo: row.try_get("bank_mfo")?,
            name: row.try_get("bank_name")?,
        })
    });
    let plan = row.try_get::<Option<&str>, _>("plan")?;
    Ok(Merchant {
        id: parsed(row.try_get("id")?)?,
        about: Application {
            name: row.try_get("name")?,
            legal_name: row.try_get("legal_name")?,
            tin: row.try_get("tin")?,
            pinfl: row.try_get("pinfl")?,
            phone: known(Phone::parse(row.try_get("phone")?), "phone")?,
            email: known(Email::parse(row.try_get("email")?), "email")?,
            bank: bank.transpose()?,
        },
        status: known(Status::parse(row.try_get("status")?), "status")?,
        plan: plan.map(|plan| known(Plan::parse(plan), "plan")).transpose()?,
        owner: parsed(row.try_get("owner_user_id")?)?,
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
        reason: row.try_get("reason")?,
        version: row.try_get("version")?,
    })
}
