//! Promotions as their owners write them, and as quotes and checkouts read them.

use async_trait::async_trait;
use clock::Timestamp;
use ids::{MerchantId, OfferId, ProductId, PromotionId};
use money::Money;
use sqlite::{Connection, Error as Failure, FromRow, Row, params};

use super::{SqliteOrders, Wanted, checkout, offers, rows};
use crate::{
    domain::{
        discounts::Offered,
        promotion::{CURRENCY, Candidate, Draft, Promotion, Shopper},
    },
    error::Error,
    store::promotions::{AUTOMATIC, Basis, PromotionStore, Rewrite, Scope},
};

macro_rules! select_promotions {
    ($more:literal, $rest:literal) => {
        concat!(
            "select p.id, p.merchant_id, p.code, p.funded_by, p.active, p.starts_at, p.ends_at, p.usage_limit, p.used,
             p.per_customer_limit, p.budget, p.spent, p.priority, p.terms, p.version, p.created_at, p.updated_at",
            $more,
            " from promotions p ",
            $rest
        )
    };
}

impl FromRow for Promotion {
    fn from_row(row: &Row<'_>) -> Result<Self, Failure> {
        let text = |column: &str| row.get::<_, Option<String>>(column);
        let moment = |column: &str| {
            row.get::<_, Option<i64>>(column).map(|at| at.map(Timestamp::from_millis))
        };
        Ok(Self {
            id: rows::parsed(&row.get::<_, String>("id")?)?,
            merchant: text("merchant_id")?.as_deref().map(rows::parsed).transpose()?,
            draft: Draft {
                code: text("code")?,
                funded_by: rows::named(&row.get::<_, String>("funded_by")?)?,
                active: row.get("active")?,
                starts_at: moment("starts_at")?,
                ends_at: moment("ends_at")?,
                usage_limit: row.get("usage_limit")?,
                per_customer_limit: row.get("per_customer_limit")?,
                budget: row
                    .get::<_, Option<i64>>("budget")?
                    .map(|amount| Money::new(amount, CURRENCY)),
                priority: row.get("priority")?,
                terms: rows::unjson(&row.get::<_, String>("terms")?)?,
            },
            used: row.get("used")?,
            spent: row.get("spent")?,
            version: row.get("version")?,
            created_at: Timestamp::from_millis(row.get("created_at")?),
            updated_at: Timestamp::from_millis(row.get("updated_at")?),
        })
    }
}

impl FromRow for Candidate {
    fn from_row(row: &Row<'_>) -> Result<Self, Failure> {
        Ok(Self { promotion: Promotion::from_row(row)?, uses: row.get("uses")? })
    }
}

fn of(scope: Scope) -> Option<String> {
    match scope {
        Scope::Merchant(merchant) => Some(merchant.to_string()),
        Scope::Platform => None,
    }
}

fn find(
    connection: &Connection,
    scope: Scope,
    id: PromotionId,
) -> Result<Option<Promotion>, Failure> {
    connection.first(
        select_promotions!("", "where p.id = ?1 and (?2 is null or p.merchant_id = ?2)"),
        params![id.to_string(), of(scope)],
    )
}

/// Writes a promotion, new or changed.
fn write(connection: &Connection, promotion: &Promotion) -> Result<(), Error> {
    let draft = &promotion.draft;
    let written = connection.execute(
        "insert into promotions (id, merchant_id, code, funded_by, active, starts_at, ends_at, usage_limit, per_customer_limit,
                                 budget, priority, terms, version, created_at, updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
         on conflict (id) do update set code = excluded.code, funded_by = excluded.funded_by, active = excluded.active,
             starts_at = excluded.starts_at, ends_at = excluded.ends_at, usage_limit = excluded.usage_limit,
             per_customer_limit = excluded.per_customer_limit, budget = excluded.budget, priority = excluded.priority,
             terms = excluded.terms, version = excluded.version, updated_at = excluded.updated_at",
        params![
            promotion.id.to_string(),
            promotion.merchant.map(|merchant| merchant.to_string()),
            draft.code,
            rows::name(&draft.funded_by)?,
            draft.active,
            draft.starts_at.map(Timestamp::millis),
            draft.ends_at.map(Timestamp::millis),
            draft.usage_limit,
            draft.per_customer_limit,
            draft.budget.map(|budget| budget.amount),
            draft.priority,
            rows::json(&draft.terms)?,
            promotion.version,
            promotion.created_at.millis(),
            promotion.updated_at.millis(),
        ],
    );
    match written {
        Err(error) if sqlite::violates(&error, "promotions.code") => Err(Error::CodeTaken),
        written => Ok(written.map(drop)?),
    }
}

/// The promotions that may apply to offers of these merchants, and those of the codes.
pub(super) fn offered(
    connection: &Connection,
    merchants: &[MerchantId],
    codes: &[String],
    shopper: &Shopper,
    now: Timestamp,
) -> Result<Offered, Failure> {
    let candidates = connection.all(
        select_promotions!(
            ", case when p.per_customer_limit is null then 0 else coalesce((select max(n) from
                 (select count(*) as n from redeemers r where r.promotion_id = p.id
                  and r.customer in (select value from json_each(?3)) group by r.customer)), 0) end as uses",
            "where p.id in (
                 select id from promotions where code in (select value from json_each(?2))
                 union all
                 select id from (
                     select id, row_number() over (partition by merchant_id order by priority desc, id) as place
                     from promotions where code is null and active = 1
                     and (merchant_id is null or merchant_id in (select value from json_each(?1)))
                     and (starts_at is null or starts_at <= ?4) and (ends_at is null or ends_at > ?4))
                 where place <= ?5)"
        ),
        params![
            rows::ids(merchants)?,
            rows::json(&codes)?,
            rows::json(&shopper.names())?,
            now.millis(),
            AUTOMATIC
        ],
    )?;
    Ok(Offered { candidates, codes: codes.to_vec(), now })
}

#[async_trait]
impl PromotionStore for SqliteOrders {
    async fn create_promotion(&self, promotion: Promotion) -> Result<(), Error> {
        self.database.write(move |connection: &Connection| write(connection, &promotion)).await
    }

    async fn change_promotion(
        &self,
        scope: Scope,
        id: PromotionId,
        rewrite: Rewrite,
        now: Timestamp,
    ) -> Result<Promotion, Error> {
        let change = move |connection: &Connection| {
            let before = find(connection, scope, id)?.ok_or(Error::PromotionNotFound)?;
            let after = before.changed(rewrite(&before)?, now);
            write(connection, &after)?;
            Ok(after)
        };
        self.database.write(change).await
    }

    async fn promotion(&self, scope: Scope, id: PromotionId) -> Result<Option<Promotion>, Error> {
        Ok(self.database.read(move |connection: &Connection| find(connection, scope, id)).await?)
    }

    async fn promotions(
        &self,
        scope: Scope,
        after: Option<PromotionId>,
        limit: u32,
    ) -> Result<Vec<Promotion>, Error> {
        let list = move |connection: &Connection| {
            let after = after.map(|id| id.to_string());
            match of(scope) {
                Some(merchant) => connection.all(
                    select_promotions!(
                        "",
                        "where p.merchant_id = ?3 and (?1 is null or p.id < ?1) order by p.id desc limit ?2"
                    ),
                    params![after, limit, merchant],
                ),
                None => connection.all(
                    select_promotions!(
                        "",
                        "where (?1 is null or p.id < ?1) order by p.id desc limit ?2"
                    ),
                    params![after, limit],
                ),
            }
        };
        Ok(self.database.read::<_, Failure, _>(list).await?)
    }

    async fn count_promotions(&self, scope: Scope) -> Result<u64, Error> {
        let count = move |connection: &Connection| {
            connection.one::<i64>(
                "select count(*) from promotions where ?1 is null or merchant_id = ?1",
                params![of(scope)],
            )
        };
        let count = self.database.read::<_, Failure, _>(count).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    async fn basis(
        &self,
        wanted: Vec<OfferId>,
        codes: Vec<String>,
        shopper: Shopper,
        now: Timestamp,
    ) -> Result<Basis, Error> {
        let read = move |connection: &Connection| {
            let offers = offers::read(connection, &Wanted::Offers(wanted))?;
            let merchants = checkout::merchants(&offers);
            let offered = offered(connection, &merchants, &codes, &shopper, now)?;
            Ok(Basis { offers, offered })
        };
        Ok(self.database.read::<_, Failure, _>(read).await?)
    }

    async fn uncategorised(
        &self,
        after: Option<ProductId>,
        limit: u32,
    ) -> Result<Vec<ProductId>, Error> {
        let find = move |connection: &Connection| {
            let found: Vec<String> = connection.all(
                "select distinct product_id from offers where categories is null and product_id > ? order by product_id limit ?",
                params![after.map(|id| id.to_string()).unwrap_or_default(), limit],
            )?;
            found.iter().map(|id| rows::parsed(id)).collect()
        };
        Ok(self.database.read::<_, Failure, _>(find).await?)
    }

    async fn categorise(&self, products: Vec<(ProductId, Vec<String>)>) -> Result<(), Error> {
        let categorise = move |connection: &Connection| {
            for (product, categories) in &products {
                connection.execute(
                    "update offers set categories = ? where product_id = ? and categories is null",
                    params![rows::json(categories)?, product.to_string()],
                )?;
            }
            Ok(())
        };
        Ok(self.database.write::<_, Failure, _>(categorise).await?)
    }
}
