//! Promotions as their owners write them, and as quotes and checkouts read them: without locks.

use async_trait::async_trait;
use clock::Timestamp;
use ids::{MerchantId, OfferId, ProductId, PromotionId};
use money::Money;
use postgres::{Transaction, moment, timestamp, uuid};
use sqlx::{
    FromRow, PgConnection, Row as _,
    postgres::PgRow,
    query, query_as, query_scalar,
    types::{Json, Uuid},
};

use super::{PostgresOrders, Wanted, checkout, offers, rows};
use crate::{
    domain::{
        discounts::Offered,
        promotion::{CURRENCY, Candidate, Draft, Promotion, Shopper},
    },
    error::Error,
    store::promotions::{AUTOMATIC, Basis, PromotionStore, Rewrite, Scope},
};

/// Followed by what else is selected and the rest of the query. `counted`: also what unlimited promotions were used for.
macro_rules! select_promotions {
    (counted $more:literal, $rest:literal) => {
        select_promotions!(@
            "case when p.usage_limit is null and p.budget is null then (select count(*) from redemptions r
                 where r.promotion_id = p.id and r.state = 'used') else p.used end as used,
             case when p.usage_limit is null and p.budget is null then (select coalesce(sum(r.amount), 0)::bigint from redemptions r
                 where r.promotion_id = p.id and r.state = 'used') else p.spent end as spent",
            $more, $rest)
    };
    (plain $more:literal, $rest:literal) => {
        select_promotions!(@ "p.used::bigint as used, p.spent::bigint as spent", $more, $rest)
    };
    (@ $uses:literal, $more:literal, $rest:literal) => {
        concat!(
            "select p.id, p.merchant_id, p.code, p.funded_by, p.active, p.starts_at, p.ends_at, p.usage_limit,
             p.per_customer_limit, p.budget, p.priority, p.terms, p.version, p.created_at, p.updated_at, ",
            $uses,
            $more,
            " from promotions p ",
            $rest
        )
    };
}

impl FromRow<'_, PgRow> for Promotion {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let limit = |column: &str| -> Result<Option<u32>, sqlx::Error> {
            Ok(row.try_get::<Option<i32>, _>(column)?.and_then(|limit| u32::try_from(limit).ok()))
        };
        Ok(Self {
            id: rows::id(row, "id")?,
            merchant: row.try_get::<Option<_>, _>("merchant_id")?.map(postgres::id),
            draft: Draft {
                code: row.try_get("code")?,
                funded_by: rows::named(row, "funded_by")?,
                active: row.try_get("active")?,
                starts_at: row.try_get::<Option<_>, _>("starts_at")?.map(timestamp),
                ends_at: row.try_get::<Option<_>, _>("ends_at")?.map(timestamp),
                usage_limit: limit("usage_limit")?,
                per_customer_limit: limit("per_customer_limit")?,
                budget: row
                    .try_get::<Option<i64>, _>("budget")?
                    .map(|amount| Money::new(amount, CURRENCY)),
                priority: row.try_get("priority")?,
                terms: rows::document(row, "terms")?,
            },
            used: row.try_get("used")?,
            spent: row.try_get("spent")?,
            version: row.try_get("version")?,
            created_at: timestamp(row.try_get("created_at")?),
            updated_at: timestamp(row.try_get("updated_at")?),
        })
    }
}

impl FromRow<'_, PgRow> for Candidate {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let uses: i64 = row.try_get("uses")?;
        Ok(Self {
            promotion: Promotion::from_row(row)?,
            uses: u32::try_from(uses).unwrap_or(u32::MAX),
        })
    }
}

/// The promotions that may apply to offers of these merchants, and those of the codes.
pub(super) async fn offered(
    connection: &mut PgConnection,
    merchants: &[MerchantId],
    codes: &[String],
    shopper: &Shopper,
    now: Timestamp,
) -> Result<Offered, sqlx::Error> {
    let candidates = query_as(concat!(
        "with chosen as (
             select id from promotions where code = any($2)
             union all
             select id from (
                 select id, row_number() over (partition by merchant_id order by priority desc, id) as place
                 from promotions where code is null and active and (merchant_id is null or merchant_id = any($1))
                 and (starts_at is null or starts_at <= $4) and (ends_at is null or ends_at > $4)) automatic
             where place <= $5) ",
        select_promotions!(plain
            ", case when p.per_customer_limit is null then 0 else coalesce((select max(n) from
                 (select count(*) as n from redeemers r where r.promotion_id = p.id and r.customer = any($3)
                  group by r.customer) customers), 0) end as uses",
            "join chosen on chosen.id = p.id")
    ))
    .bind(rows::uuids(merchants.iter().copied()))
    .bind(codes)
    .bind(shopper.names())
    .bind(moment(now))
    .bind(i64::from(AUTOMATIC))
    .fetch_all(connection)
    .await?;
    Ok(Offered { candidates, codes: codes.to_vec(), now })
}

/// Writes a promotion, new or changed.
async fn write(connection: &mut PgConnection, promotion: &Promotion) -> Result<(), Error> {
    let draft = &promotion.draft;
    let limit = |limit: Option<u32>| limit.and_then(|limit| i32::try_from(limit).ok());
    let written = query(
        "insert into promotions (id, merchant_id, code, funded_by, active, starts_at, ends_at, usage_limit, per_customer_limit,
                                 budget, priority, terms, version, created_at, updated_at, used, spent)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
         on conflict (id) do update set code = excluded.code, funded_by = excluded.funded_by, active = excluded.active,
             starts_at = excluded.starts_at, ends_at = excluded.ends_at, usage_limit = excluded.usage_limit,
             per_customer_limit = excluded.per_customer_limit, budget = excluded.budget, priority = excluded.priority,
             terms = excluded.terms, version = excluded.version, updated_at = excluded.updated_at,
             used = excluded.used, spent = excluded.spent",
    )
    .bind(uuid(promotion.id))
    .bind(promotion.merchant.map(uuid))
    .bind(&draft.code)
    .bind(rows::name(&draft.funded_by)?)
    .bind(draft.active)
    .bind(draft.starts_at.map(moment))
    .bind(draft.ends_at.map(moment))
    .bind(limit(draft.usage_limit))
    .bind(limit(draft.per_customer_limit))
    .bind(draft.budget.map(|budget| budget.amount))
    .bind(draft.priority)
    .bind(Json(&draft.terms))
    .bind(promotion.version)
    .bind(moment(promotion.created_at))
    .bind(moment(promotion.updated_at))
    .bind(promotion.used)
    .bind(promotion.spent)
    .execute(connection)
    .await;
    match written {
        Err(error) if postgres::violates(&error, "promotions_code") => Err(Error::CodeTaken),
        written => Ok(written.map(drop)?),
    }
}

impl PostgresOrders {
    async fn begin_in(&self, scope: Scope) -> Result<Transaction, postgres::Error> {
        match scope {
            Scope::Merchant(merchant) => self.database.begin_for(merchant).await,
            Scope::Platform => self.database.begin().await,
        }
    }
}

async fn find(
    connection: &mut PgConnection,
    id: PromotionId,
) -> Result<Option<Promotion>, sqlx::Error> {
    let find = select_promotions!(counted "", "where p.id = $1");
    query_as(find).bind(uuid(id)).fetch_optional(connection).await
}

#[async_trait]
impl PromotionStore for PostgresOrders {
    async fn create_promotion(&self, promotion: Promotion) -> Result<(), Error> {
        let scope = promotion.merchant.map_or(Scope::Platform, Scope::Merchant);
        let mut transaction = self.begin_in(scope).await?;
        write(&mut transaction, &promotion).await?;
        Ok(transaction.commit().await?)
    }

    async fn change_promotion(
        &self,
        scope: Scope,
        id: PromotionId,
        rewrite: Rewrite,
        now: Timestamp,
    ) -> Result<Promotion, Error> {
        let mut transaction = self.begin_in(scope).await?;
        // Waits for every checkout that uses it, and holds the next ones off until this is done; what was used is read after that.
        let lock = "select from promotions where id = $1 for update";
        query(lock).bind(uuid(id)).execute(&mut *transaction).await?;
        let before = find(&mut transaction, id).await?.ok_or(Error::PromotionNotFound)?;
        let after = before.changed(rewrite(&before)?, now);
        write(&mut transaction, &after).await?;
        transaction.commit().await?;
        Ok(after)
    }

    async fn promotion(&self, scope: Scope, id: PromotionId) -> Result<Option<Promotion>, Error> {
        let mut transaction = self.begin_in(scope).await?;
        Ok(find(&mut transaction, id).await?)
    }

    async fn promotions(
        &self,
        scope: Scope,
        after: Option<PromotionId>,
        limit: u32,
    ) -> Result<Vec<Promotion>, Error> {
        let mut transaction = self.begin_in(scope).await?;
        let text = match scope {
            Scope::Merchant(_) => select_promotions!(counted "",
                "where p.merchant_id = $3 and ($1::uuid is null or p.id < $1) order by p.id desc limit $2"),
            Scope::Platform => select_promotions!(counted "",
                "where ($1::uuid is null or p.id < $1) order by p.id desc limit $2"),
        };
        let list = query_as(text).bind(after.map(uuid)).bind(i64::from(limit));
        let list = match scope {
            Scope::Merchant(merchant) => list.bind(uuid(merchant)),
            Scope::Platform => list,
        };
        Ok(list.fetch_all(&mut *transaction).await?)
    }

    async fn count_promotions(&self, scope: Scope) -> Result<u64, Error> {
        let mut transaction = self.begin_in(scope).await?;
        let count = query_scalar("select count(*) from promotions");
        let count: i64 = count.fetch_one(&mut *transaction).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    async fn basis(
        &self,
        wanted: Vec<OfferId>,
        codes: Vec<String>,
        shopper: Shopper,
        now: Timestamp,
    ) -> Result<Basis, Error> {
        let mut connection = self.database.connection().await?;
        let offers = offers::read(&mut connection, &Wanted::Offers(wanted)).await?;
        let merchants = checkout::merchants(&offers);
        let offered = offered(&mut connection, &merchants, &codes, &shopper, now).await?;
        Ok(Basis { offers, offered })
    }

    async fn uncategorised(
        &self,
        after: Option<ProductId>,
        limit: u32,
    ) -> Result<Vec<ProductId>, Error> {
        let mut connection = self.database.connection().await?;
        let found = query_scalar(
            "select distinct product_id from offers where categories is null and product_id > $1 order by product_id limit $2",
        );
        let after = after.map_or(Uuid::nil(), uuid);
        let found = found.bind(after).bind(i64::from(limit)).fetch_all(&mut *connection).await?;
        Ok(rows::ids(found))
    }

    async fn categorise(&self, products: Vec<(ProductId, Vec<String>)>) -> Result<(), Error> {
        let mut transaction = self.database.begin().await?;
        // In the order in which checkouts lock them.
        let lock = "select from offers where product_id = any($1) and categories is null order by id for no key update";
        let ids = rows::uuids(products.iter().map(|(product, _)| *product));
        query(lock).bind(ids).execute(&mut *transaction).await?;
        for (product, categories) in products {
            query("update offers set categories = $2 where product_id = $1 and categories is null")
                .bind(uuid(product))
                .bind(&categories)
                .execute(&mut *transaction)
                .await?;
        }
        Ok(transaction.commit().await?)
    }
}
