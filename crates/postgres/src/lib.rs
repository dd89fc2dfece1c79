//! PostgreSQL as the services use it.
//!
//! [`Postgres::open`] needs no server: a role starts, says that it is not ready, and works as soon as the server answers and its
//! schema is the one that this program needs. The schema is brought up to date by [`migrate`], never by a service on its own:
//! of several replicas none changes tables under the others. A schema that is newer than the program is accepted, because
//! migrations only add until no old program runs.
//!
//! Every statement runs with a scope that row-level security looks at: the whole platform ([`Postgres::begin`], and
//! [`Postgres::connection`] for what is one statement) or one merchant ([`Postgres::begin_for`]). The scope of a merchant ends
//! with its transaction.

use std::{str::FromStr as _, sync::Arc, time::Duration};

use clock::Timestamp;
use fault::{Breaker, Fault};
use ids::{Id, Kind, MerchantId};
use silence::Silence;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use time::OffsetDateTime;
use uuid::Uuid;

pub mod backup;
mod error;
mod schema;
mod silence;

pub use error::{Error, violates};
pub use schema::{describe, migrate, migrate_to};

/// A transaction; rolled back when it is dropped without a commit.
pub type Transaction = sqlx::Transaction<'static, sqlx::Postgres>;
/// A connection that goes back to the pool when it is dropped.
pub type Connection = sqlx::pool::PoolConnection<sqlx::Postgres>;

/// The steps of a schema, oldest first: the number of a step is its place. Append only: a step that was released is never edited.
pub type Migrations = &'static [&'static str];

/// Connections of a role at most, unless the address says `pool=`.
const CONNECTIONS: u32 = 40;
/// How long a use case waits for a connection: long enough for a burst that opens all of them on a busy machine, short enough that
/// something can still be said within the gateway's ten seconds.
const ACQUIRE: Duration = Duration::from_secs(4);

/// A database of one service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Postgres {
    pool: PgPool,
    migrations: Migrations,
    breaker: Arc<Breaker>,
    schema: Arc<schema::Checked>,
}

impl Postgres {
    /// Prepares a pool for a `postgres://` address. When the server answers, its schema is checked at once: one that is older than
    /// the program is an error, and so is a restore that has not ended. When it does not, the check follows with the first connection.
    pub async fn open(address: &str, migrations: Migrations) -> Result<Self, Error> {
        let (options, connections) = options(address)?;
        let silence = Arc::<Silence>::default();
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .min_connections(0)
            .acquire_timeout(ACQUIRE)
            .idle_timeout(Duration::from_mins(1))
            .max_lifetime(Duration::from_mins(30))
            .test_before_acquire(false)
            .before_acquire(move |connection, meta| {
                let silence = Arc::clone(&silence);
                Box::pin(async move { silence.check(connection, meta.idle_for).await })
            })
            .connect_lazy_with(options);
        let database = Self { pool, migrations, breaker: Arc::default(), schema: Arc::default() };
        match database.begin().await {
            Err(error @ (Error::Outdated | Error::Restoring(_))) => Err(error),
            Err(error) => {
                tracing::warn!(%error, "PostgreSQL is away; it is tried again with each use");
                Ok(database)
            }
            Ok(_) => Ok(database),
        }
    }

    /// A transaction that sees everything.
    pub async fn begin(&self) -> Result<Transaction, Error> {
        if !self.breaker.may_try() {
            return Err(Error::Away);
        }
        let begun = async {
            let mut transaction = self.pool.begin().await?;
            self.schema.check(&mut transaction, self.migrations).await?;
            Ok(transaction)
        };
        self.noted(begun.await)
    }

    /// A connection that sees everything, for use cases of a single statement: each is a transaction of its own, and needs no trips
    /// to begin and to commit.
    pub async fn connection(&self) -> Result<Connection, Error> {
        if !self.breaker.may_try() {
            return Err(Error::Away);
        }
        let acquired = async {
            let mut connection = self.pool.acquire().await?;
            self.schema.check(&mut connection, self.migrations).await?;
            Ok(connection)
        };
        self.noted(acquired.await)
    }

    fn noted<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        // A pool that is all in use is load, not absence.
        let exhausted = self.pool.size() >= self.pool.options().get_max_connections();
        match &outcome {
            Err(Error::Sql(sqlx::Error::PoolTimedOut)) if exhausted => {}
            Err(error) if error.is_away() => self.breaker.silent(),
            _ => self.breaker.answered(),
        }
        outcome
    }

    /// A transaction that sees and changes what belongs to one merchant.
    pub async fn begin_for(&self, merchant: MerchantId) -> Result<Transaction, Error> {
        let mut transaction = self.begin().await?;
        sqlx::query("select set_config('um.merchant', $1, true)")
            .bind(uuid(merchant).to_string())
            .execute(&mut *transaction)
            .await?;
        Ok(transaction)
    }

    /// Whether the store answers and has the schema that this program needs, for readiness.
    pub async fn ping(&self) -> Result<(), Fault> {
        self.begin().await.map(drop).map_err(Fault::from)
    }

    /// Closes every connection after its use.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// What the driver needs of an address, and how many connections it allows. `pool=<n>` is ours; everything else is the driver's.
fn options(address: &str) -> Result<(PgConnectOptions, u32), Error> {
    let mut url = url::Url::parse(address).map_err(|error| Error::Address(error.to_string()))?;
    let mut connections = CONNECTIONS;
    let mut kept = Vec::new();
    for (key, value) in url.query_pairs() {
        if key == "pool" {
            connections = value
                .parse()
                .ok()
                .filter(|count| (1..=1000).contains(count))
                .ok_or_else(|| Error::Address("pool= takes 1 to 1000".to_owned()))?;
        } else {
            kept.push((key.into_owned(), value.into_owned()));
        }
    }
    url.set_query(None);
    if !kept.is_empty() {
        url.query_pairs_mut().extend_pairs(kept);
    }
    let options = PgConnectOptions::from_str(url.as_str())
        .map_err(|error| Error::Address(error.to_string()))?
        .application_name("ultramarket")
        .options([
            ("statement_timeout", "5s"),
            ("lock_timeout", "3s"),
            ("idle_in_transaction_session_timeout", "10s"),
            // Stores are on flash. With the default an index looks dear beside the whole of a table that seems small, and a queue
            // always does: it is empty whenever statistics are taken.
            ("random_page_cost", "1.1"),
            // Statements differ by their text, never by what is bound, so one plan serves each: to plan anew is a tenth of a checkout.
            ("plan_cache_mode", "force_generic_plan"),
            // Row-level security: the platform itself, until a transaction narrows it.
            ("um.merchant", "*"),
        ]);
    Ok((options, connections))
}

/// An id as PostgreSQL keeps it.
pub fn uuid<K: Kind>(id: Id<K>) -> Uuid {
    Uuid::from_u128(id.as_u128())
}

/// An id as PostgreSQL kept it.
pub fn id<K: Kind>(uuid: Uuid) -> Id<K> {
    Id::from_u128(uuid.as_u128())
}

/// A moment as PostgreSQL keeps it, to the millisecond.
pub fn moment(at: Timestamp) -> OffsetDateTime {
    let nanoseconds = i128::from(at.millis()) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// A moment as PostgreSQL kept it.
pub fn timestamp(at: OffsetDateTime) -> Timestamp {
    let millis = at.unix_timestamp_nanos().div_euclid(1_000_000);
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_bound_its_pool() {
        assert_eq!(options("postgres://a:b@h/d").unwrap().1, CONNECTIONS);
        assert_eq!(options("postgres://a:b@h/d?pool=7&sslmode=disable").unwrap().1, 7);
        assert!(options("postgres://a:b@h/d?pool=0").is_err());
        assert!(options("nonsense").is_err());
    }

    #[test]
    fn moments_keep_their_milliseconds() {
        for millis in [0, 1, -1, 1_795_000_123_456] {
            assert_eq!(timestamp(moment(Timestamp::from_millis(millis))).millis(), millis);
        }
    }
}
