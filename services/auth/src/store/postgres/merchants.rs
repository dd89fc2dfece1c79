//! Merchants in PostgreSQL.

use async_trait::async_trait;
use clock::Timestamp;
use ids::{MerchantId, StaffId};
use postgres::{moment, uuid, violates};
use sqlx::{
    FromRow, PgConnection, Row as _, postgres::PgRow, query, query_as, query_scalar, types::Uuid,
};

use super::{PostgresAuth, append, id, note, read, read_or_null, time};
use crate::{
    domain::{
        Application, AuditEntry, Bank, Decision, Email, Event, Merchant, Phone, Plan, Status,
    },
    error::Error,
    store::{Encode, MerchantStore},
};

#[async_trait]
impl MerchantStore for PostgresAuth {
    async fn apply(&self, merchant: Merchant) -> Result<(), Error> {
        // The applicant may work for anybody: this looks at the whole platform.
        let mut transaction = self.database.begin().await?;
        insert(&mut transaction, &merchant).await?;
        let employed = query_scalar("select exists (select from staff where user_id = $1)");
        if employed.bind(uuid(merchant.owner)).fetch_one(&mut *transaction).await? {
            return Err(Error::StaffElsewhere);
        }
        let at = merchant.created_at;
        append(&mut transaction, self.encode, &Event::MerchantApplied(merchant), at).await?;
        Ok(transaction.commit().await?)
    }

    async fn find_merchants(&self, ids: &[MerchantId]) -> Result<Vec<Merchant>, Error> {
        let ids: Vec<Uuid> = ids.iter().copied().map(uuid).collect();
        let mut transaction = self.database.begin().await?;
        let find = query_as("select * from merchants where id = any($1) order by id").bind(ids);
        Ok(find.fetch_all(&mut *transaction).await?)
    }

    async fn list_merchants(
        &self,
        status: Option<Status>,
        after: Option<MerchantId>,
        limit: u32,
    ) -> Result<Vec<Merchant>, Error> {
        let mut transaction = self.database.begin().await?;
        // Two statements, so that each has an index that gives its order.
        let list = match status {
            Some(status) => query_as(
                "select * from merchants where id < $1 and status = $3 order by id desc limit $2",
            )
            .bind(after.map_or(Uuid::max(), uuid))
            .bind(i64::from(limit))
            .bind(status.as_str()),
            None => query_as("select * from merchants where id < $1 order by id desc limit $2")
                .bind(after.map_or(Uuid::max(), uuid))
                .bind(i64::from(limit)),
        };
        Ok(list.fetch_all(&mut *transaction).await?)
    }

    async fn count_merchants(&self, status: Option<Status>) -> Result<u64, Error> {
        let mut transaction = self.database.begin().await?;
        let count = query_scalar::<_, i64>(
            "select count(*) from merchants where $1::text is null or status = $1",
        );
        let count = count.bind(status.map(Status::as_str)).fetch_one(&mut *transaction).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    async fn decide(
        &self,
        id: MerchantId,
        decision: Decision,
        who: String,
        at: Timestamp,
    ) -> Result<Merchant, Error> {
        let mut transaction = self.database.begin_for(id).await?;
        let merchant =
            decide(&mut transaction, self.encode, id, &decision, (who.as_str(), at)).await?;
        transaction.commit().await?;
        Ok(merchant)
    }

    async fn audit(&self, merchant: MerchantId, limit: u32) -> Result<Vec<AuditEntry>, Error> {
        let mut transaction = self.database.begin_for(merchant).await?;
        let list = query_as(
            "select who, what, subject, merchant_id, detail, at from audit
             where merchant_id = $1 order by row desc limit $2",
        );
        let list = list.bind(uuid(merchant)).bind(i64::from(limit));
        Ok(list.fetch_all(&mut *transaction).await?)
    }
}

async fn insert(connection: &mut PgConnection, merchant: &Merchant) -> Result<(), Error> {
    let (about, bank) = (&merchant.about, merchant.about.bank.as_ref());
    let inserted = query(
        "insert into merchants (id, name, legal_name, tin, pinfl, phone, email, bank_account,
         bank_mfo, bank_name, status, plan, owner_user_id, created_at, reason, version)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(uuid(merchant.id))
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
    .bind(uuid(merchant.owner))
    .bind(moment(merchant.created_at))
    .bind(&merchant.reason)
    .bind(merchant.version)
    .execute(connection)
    .await;
    inserted.map_err(refused)?;
    Ok(())
}

fn refused(error: sqlx::Error) -> Error {
    if violates(&error, "merchants_owner") {
        Error::ApplicationExists
    } else if violates(&error, "merchants_owner_user") {
        Error::UserNotFound
    } else {
        error.into()
    }
}

/// Whoever decides holds the merchant's row, so the next decision meets what this one came to.
async fn decide(
    connection: &mut PgConnection,
    encode: Encode,
    id: MerchantId,
    decision: &Decision,
    (who, at): (&str, Timestamp),
) -> Result<Merchant, Error> {
    let find = query_as("select * from merchants where id = $1 for no key update").bind(uuid(id));
    let found: Option<Merchant> = find.fetch_optional(&mut *connection).await?;
    let mut merchant = found.ok_or(Error::MerchantNotFound)?;
    let Some(event) = merchant.decide(decision)? else { return Ok(merchant) };
    query("update merchants set status = $2, plan = $3, reason = $4, version = $5 where id = $1")
        .bind(uuid(id))
        .bind(merchant.status.as_str())
        .bind(merchant.plan.map(Plan::as_str))
        .bind(&merchant.reason)
        .bind(merchant.version)
        .execute(&mut *connection)
        .await?;
    if merchant.status == Status::Active {
        employ_owner(connection, &merchant, at).await?;
    }
    let (what, detail) = match decision {
        Decision::Approve(_) => ("merchant.approved", merchant.plan.map_or("", Plan::as_str)),
        Decision::Reject(reason) => ("merchant.rejected", reason.as_str()),
        Decision::Suspend(reason) => ("merchant.suspended", reason.as_str()),
    };
    note(connection, (who, what), &id.to_string(), id, detail, at).await?;
    append(connection, encode, &event, at).await?;
    Ok(merchant)
}

/// The owner is on the staff from the first approval on.
async fn employ_owner(
    connection: &mut PgConnection,
    merchant: &Merchant,
    at: Timestamp,
) -> Result<(), Error> {
    let employed = query(
        "insert into staff (id, merchant_id, user_id, role, created_at)
         values ($1, $2, $3, 'admin', $4) on conflict (user_id) do nothing",
    )
    .bind(uuid(StaffId::new()))
    .bind(uuid(merchant.id))
    .bind(uuid(merchant.owner))
    .bind(moment(at))
    .execute(&mut *connection)
    .await?;
    if employed.rows_affected() == 1 || works_here(connection, merchant).await? {
        Ok(())
    } else {
        Err(Error::StaffElsewhere)
    }
}

async fn works_here(
    connection: &mut PgConnection,
    merchant: &Merchant,
) -> Result<bool, sqlx::Error> {
    let find =
        query_scalar("select exists (select from staff where user_id = $1 and merchant_id = $2)");
    find.bind(uuid(merchant.owner)).bind(uuid(merchant.id)).fetch_one(connection).await
}

impl FromRow<'_, PgRow> for Merchant {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let bank = match row.try_get("bank_account")? {
            Some(account) => Some(Bank {
                account,
                mfo: row.try_get("bank_mfo")?,
                name: row.try_get("bank_name")?,
            }),
            None => None,
        };
        Ok(Self {
            id: id(row, "id")?,
            about: Application {
                name: row.try_get("name")?,
                legal_name: row.try_get("legal_name")?,
                tin: row.try_get("tin")?,
                pinfl: row.try_get("pinfl")?,
                phone: read(row, "phone", Phone::parse)?,
                email: read(row, "email", Email::parse)?,
                bank,
            },
            status: read(row, "status", Status::parse)?,
            plan: read_or_null(row, "plan", Plan::parse)?,
            owner: id(row, "owner_user_id")?,
            created_at: time(row, "created_at")?,
            reason: row.try_get("reason")?,
            version: row.try_get("version")?,
        })
    }
}

impl FromRow<'_, PgRow> for AuditEntry {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            who: row.try_get("who")?,
            what: row.try_get("what")?,
            subject: row.try_get("subject")?,
            merchant: id(row, "merchant_id")?,
            detail: row.try_get("detail")?,
            at: time(row, "at")?,
        })
    }
}
