//! Offers and the merchants behind them. Locks are taken in one order: a product's turn, its merchants' turns, offers by id, displays.

use std::collections::{BTreeMap, btree_map::Entry};

use clock::Timestamp;
use ids::{MerchantId, OfferId, ProductId};
use postgres::{moment, uuid};
use sqlx::{
    PgConnection, query, query_as, query_scalar,
    types::{Json, Uuid},
};

use super::{
    Encode, Merchant, Wanted, levels,
    rows::{self, select_offers},
    stock,
};
use crate::{
    domain::{
        offer::{Offer, Refusal, Snapshot, Terms, Update},
        tiers::Tier,
    },
    store::levels::{Filled, changed},
};

pub(super) async fn read(
    connection: &mut PgConnection,
    wanted: &Wanted,
) -> Result<Vec<Offer>, sqlx::Error> {
    let (text, ids) = match wanted {
        Wanted::Offers(ids) => (
            select_offers!("where o.id = any($1) order by o.price, o.id"),
            rows::uuids(ids.iter().copied()),
        ),
        Wanted::Products(ids) => (
            select_offers!("where o.product_id = any($1) order by o.price, o.id"),
            rows::uuids(ids.iter().copied()),
        ),
    };
    query_as(text).bind(ids).fetch_all(connection).await
}

pub(super) async fn put(
    connection: &mut PgConnection,
    product: &Snapshot,
    terms: &[Terms],
    now: Timestamp,
    encode: Encode,
) -> Result<(), sqlx::Error> {
    take_turns(connection, product.product, terms).await?;
    let known: Option<i64> = query_scalar(
        "select max(product_version) from
         (select product_version from offers where product_id = $1 order by id for no key update) as locked",
    )
    .bind(uuid(product.product))
    .fetch_one(&mut *connection)
    .await?;
    // The same version twice must not set the stock again: some of it may be sold by now. It may bring offers that are not here yet.
    let newer = known.is_none_or(|known| known < product.version);
    if newer && known.is_some() {
        refresh(connection, product, now).await?;
    }
    let counted = put_terms(connection, product, terms, newer, now).await?;
    let mut drafts = levels::told(connection, &counted, now, encode).await?;
    drafts.extend(stock::redisplay(connection, [product.product], now, encode).await?);
    outbox::postgres::append(connection, &drafts, now).await
}

/// Who writes one product waits for each other although it may have no row yet, and for who changes one of its merchants: that
/// one would not see offers that are only about to be there.
async fn take_turns(
    connection: &mut PgConnection,
    product: ProductId,
    terms: &[Terms],
) -> Result<(), sqlx::Error> {
    query("select pg_advisory_xact_lock(hashtextextended('product ' || $1, 0))")
        .bind(uuid(product).to_string())
        .execute(&mut *connection)
        .await?;
    if !terms.is_empty() {
        let turns = query(
            "select pg_advisory_xact_lock_shared(hashtextextended('merchant ' || id, 0))
             from (select distinct id from unnest($1::text[]) as merchant (id) order by id) as merchants",
        );
        let merchants = terms.iter().map(|terms| uuid(terms.merchant).to_string());
        turns.bind(merchants.collect::<Vec<_>>()).execute(connection).await?;
    }
    Ok(())
}

/// Takes over title, codes and picture for all offers of the product, and takes off those whose variant is gone.
async fn refresh(
    connection: &mut PgConnection,
    product: &Snapshot,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    query(
        "update offers set title = $2, fiscal = $3, picture_url = $4, product_version = $5,
         listed = $6 and variant_id = any($7), version = version + 1, updated_at = $8,
         categories = coalesce($9, categories) where product_id = $1",
    )
    .bind(uuid(product.product))
    .bind(Json(&product.title))
    .bind(Json(&product.fiscal))
    .bind(&product.picture_url)
    .bind(product.version)
    .bind(product.on_show)
    .bind(rows::uuids(product.variants.iter().map(|(id, ..)| *id)))
    .bind(moment(now))
    .bind(&product.categories)
    .execute(connection)
    .await?;
    Ok(())
}

/// Terms as columns.
#[derive(Default)]
struct Columns<'t> {
    ids: Vec<Uuid>,
    merchants: Vec<Uuid>,
    variants: Vec<Uuid>,
    skus: Vec<&'t str>,
    options: Vec<Json<&'t BTreeMap<String, String>>>,
    currencies: Vec<&'static str>,
    prices: Vec<i64>,
    compares: Vec<Option<i64>>,
    stocks: Vec<Option<i64>>,
}

impl<'t> Columns<'t> {
    /// Those with a price; of two for the same variant the later one.
    fn of(terms: &'t [Terms]) -> Self {
        let mut last = BTreeMap::new();
        for terms in terms.iter().filter(|terms| terms.price.is_some()) {
            match last.entry((terms.merchant, terms.variant)) {
                Entry::Vacant(entry) => drop(entry.insert((terms, terms.stock))),
                Entry::Occupied(mut entry) => {
                    let stock = terms.stock.or(entry.get().1);
                    entry.insert((terms, stock));
                }
            }
        }
        let mut columns = Self::default();
        for (terms, stock) in last.into_values() {
            let Some(price) = terms.price else { continue };
            columns.ids.push(uuid(OfferId::new()));
            columns.merchants.push(uuid(terms.merchant));
            columns.variants.push(uuid(terms.variant));
            columns.skus.push(&terms.sku);
            columns.options.push(Json(&terms.options));
            columns.currencies.push(price.currency.code());
            columns.prices.push(price.amount);
            columns.compares.push(terms.compare_at.map(|compare| compare.amount));
            columns.stocks.push(stock);
        }
        columns
    }
}

/// Offers that are there are rewritten by a newer product only. What a merchant counted is in the ledger.
async fn put_terms(
    connection: &mut PgConnection,
    product: &Snapshot,
    terms: &[Terms],
    newer: bool,
    now: Timestamp,
) -> Result<Vec<Filled>, sqlx::Error> {
    let columns = Columns::of(terms);
    if columns.ids.is_empty() {
        return Ok(Vec::new());
    }
    let counted: Vec<(Uuid, i64)> = query_as(
        "with given as (
             select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::jsonb[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[])
             as g (id, merchant_id, variant_id, sku, options, currency, price, compare_at, stock)
         ), before as (
             select o.merchant_id, o.variant_id, o.available from given g
             join offers o on o.merchant_id = g.merchant_id and o.variant_id = g.variant_id
         ), written as (
             insert into offers as o (id, merchant_id, product_id, variant_id, sku, title, options, fiscal, picture_url, currency,
                                      price, compare_at, available, active, listed, product_version, updated_at, categories)
             select g.id, g.merchant_id, $10, g.variant_id, g.sku, $11, g.options, $12, $13, g.currency,
                    g.price, g.compare_at, coalesce(g.stock, b.available, 0), true, $14, $15, $16, $18
             from given g left join before b on b.merchant_id = g.merchant_id and b.variant_id = g.variant_id
             where $17 or b.available is null
             order by g.merchant_id, g.variant_id
             on conflict (merchant_id, variant_id) do update set
                 sku = excluded.sku, options = excluded.options, price = excluded.price, compare_at = excluded.compare_at,
                 available = excluded.available, listed = excluded.listed, updated_at = excluded.updated_at
             returning o.id, o.merchant_id, o.variant_id, o.available
         )
         insert into stock_ledger (offer_id, available, reserved, cause, at)
         select w.id, w.available - coalesce(b.available, 0), 0, 'counted', $16
         from written w left join before b on b.merchant_id = w.merchant_id and b.variant_id = w.variant_id
         where w.available <> coalesce(b.available, 0)
         returning offer_id, available",
    )
    .bind(columns.ids)
    .bind(columns.merchants)
    .bind(columns.variants)
    .bind(columns.skus)
    .bind(columns.options)
    .bind(columns.currencies)
    .bind(columns.prices)
    .bind(columns.compares)
    .bind(columns.stocks)
    .bind(uuid(product.product))
    .bind(Json(&product.title))
    .bind(Json(&product.fiscal))
    .bind(&product.picture_url)
    .bind(product.on_show)
    .bind(product.version)
    .bind(moment(now))
    .bind(newer)
    .bind(&product.categories)
    .fetch_all(connection)
    .await?;
    let product = product.product;
    let counted = counted.into_iter();
    Ok(counted
        .map(|(offer, pieces)| Filled { product, offer: postgres::id(offer), pieces })
        .collect())
}

/// An offer that is being changed, locked.
struct Change {
    before: Offer,
    offer: Offer,
    /// There is something to write.
    made: bool,
}

impl Change {
    fn make(&mut self, update: &Update) -> Result<(), Refusal> {
        update.check(&self.offer)?;
        self.offer = update.apply(self.offer.clone());
        self.made = true;
        Ok(())
    }
}

/// Runs in the merchant's scope, up to the moment at which the offers of others are looked at too: what a product costs is the
/// lowest price of all.
pub(super) async fn update(
    connection: &mut PgConnection,
    updates: &[Update],
    now: Timestamp,
    encode: Encode,
) -> Result<Vec<Result<Offer, Refusal>>, sqlx::Error> {
    let lock = query_as::<_, Offer>(select_offers!(
        "where o.id = any($1) order by o.id for no key update of o"
    ));
    let lock = lock.bind(rows::uuids(updates.iter().map(|update| update.id)));
    let known = lock.fetch_all(&mut *connection).await?.into_iter();
    let known = known.map(|offer| (offer.id, Change { before: offer.clone(), offer, made: false }));
    let mut known: BTreeMap<OfferId, Change> = known.collect();
    let mut results = Vec::with_capacity(updates.len());
    for update in updates {
        let change = known.get_mut(&update.id).ok_or(Refusal::NotFound);
        results.push(change.and_then(|change| change.make(update)).map(|()| update.id));
    }
    let changes: Vec<&Change> = known.values().filter(|change| change.made).collect();
    if changes.is_empty() {
        return Ok(results.into_iter().map(|it| it.and(Err(Refusal::NotFound))).collect());
    }
    write(connection, &changes, now).await?;
    let wanted = Wanted::Offers(changes.iter().map(|change| change.offer.id).collect());
    let after = read(connection, &wanted).await?;
    query("select set_config('um.merchant', '*', true)").execute(&mut *connection).await?;
    let products = after.iter().map(|offer| offer.product);
    let mut drafts = stock::redisplay(connection, products, now, encode).await?;
    for offer in &after {
        let signals = known.get(&offer.id).map(|change| changed(&change.before, offer));
        drafts.extend(levels::drafts(signals.unwrap_or_default(), now, encode));
    }
    outbox::postgres::append(connection, &drafts, now).await?;
    let after = |id| after.iter().find(|offer| offer.id == id).cloned().ok_or(Refusal::NotFound);
    Ok(results.into_iter().map(|result| result.and_then(after)).collect())
}

async fn write(
    connection: &mut PgConnection,
    changes: &[&Change],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let offers = || changes.iter().map(|change| &change.offer);
    query(
        "with given as (
             select * from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::boolean[], $6::bigint[],
                                  $8::bigint[], $9::bigint[], $10::jsonb[], $11::bigint[])
             as g (id, price, compare_at, available, active, delta, backorder_limit, low_stock_at, price_tiers, weight)
         ), written as (
             update offers o set price = g.price, compare_at = g.compare_at, available = g.available, active = g.active,
                 backorder_limit = g.backorder_limit, low_stock_at = g.low_stock_at, price_tiers = g.price_tiers,
                 weight = g.weight, version = o.version + 1, updated_at = $7
             from given g where o.id = g.id
         )
         insert into stock_ledger (offer_id, available, reserved, cause, at)
         select id, delta, 0, 'counted', $7 from given where delta <> 0",
    )
    .bind(rows::uuids(offers().map(|offer| offer.id)))
    .bind(offers().map(|offer| offer.price.amount).collect::<Vec<_>>())
    .bind(offers().map(|offer| offer.compare_at.map(|it| it.amount)).collect::<Vec<_>>())
    .bind(offers().map(|offer| offer.available).collect::<Vec<_>>())
    .bind(offers().map(|offer| offer.active).collect::<Vec<_>>())
    .bind(changes.iter().map(|it| it.offer.available - it.before.available).collect::<Vec<_>>())
    .bind(moment(now))
    .bind(offers().map(|offer| offer.backorder_limit).collect::<Vec<_>>())
    .bind(offers().map(|offer| offer.low_stock_at).collect::<Vec<_>>())
    .bind(offers().map(tiers).collect::<Vec<_>>())
    .bind(offers().map(|offer| offer.weight).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

fn tiers(offer: &Offer) -> Option<Json<&[Tier]>> {
    (!offer.tiers.is_empty()).then_some(Json(offer.tiers.as_slice()))
}

pub(super) async fn put_merchant(
    connection: &mut PgConnection,
    merchant: &Merchant,
    now: Timestamp,
    encode: Encode,
) -> Result<(), sqlx::Error> {
    let id = uuid(merchant.id);
    query("select pg_advisory_xact_lock(hashtextextended('merchant ' || $1, 0))")
        .bind(id.to_string())
        .execute(&mut *connection)
        .await?;
    let written = query_scalar::<_, Option<bool>>(
        "with before as (select active from merchants where id = $1)
         insert into merchants (id, name, tin, active, version, plan) values ($1, $2, $3, $4, $5, $6)
         on conflict (id) do update set name = excluded.name, tin = excluded.tin, plan = excluded.plan, active = excluded.active,
         version = excluded.version where excluded.version > merchants.version
         returning (select active from before)",
    )
    .bind(id)
    .bind(&merchant.name)
    .bind(&merchant.tin)
    .bind(merchant.active)
    .bind(merchant.version)
    .bind(&merchant.plan)
    .fetch_optional(&mut *connection)
    .await?;
    // Nothing newer, or a name only, which changes no price.
    if written.is_none_or(|before| before == Some(merchant.active)) {
        return Ok(());
    }
    let sold = query_scalar("select distinct product_id from offers where merchant_id = $1");
    let sold: Vec<Uuid> = sold.bind(id).fetch_all(&mut *connection).await?;
    let drafts = stock::redisplay(connection, rows::ids(sold), now, encode).await?;
    outbox::postgres::append(connection, &drafts, now).await
}

pub(super) async fn known_merchants(
    connection: &mut PgConnection,
    ids: &[MerchantId],
) -> Result<Vec<MerchantId>, sqlx::Error> {
    let known = query_scalar("select id from merchants where id = any($1)");
    let known = known.bind(rows::uuids(ids.iter().copied())).fetch_all(connection).await?;
    Ok(rows::ids(known))
}
