//! MongoDB as the services use it.
//!
//! [`Mongo::open`] needs no server: a role starts, says that it is not ready, and works as soon as the server answers and its schema
//! is the one that this program needs. The schema is brought up to date by [`migrate`], never by a service on its own. One that is
//! newer than the program is accepted, because migrations only add until no old program runs.
//!
//! Writes are acknowledged by the majority and journalled, reads see what the majority has. An operation that gets no answer ends
//! after [`ANSWER`]; after that callers are refused at once for a second, until one of them gets an answer again.

use std::{future::IntoFuture, sync::Arc, time::Duration};

use clock::Timestamp;
use fault::{Breaker, Fault};
use futures::TryStreamExt as _;
use mongodb::{
    Client, ClientSession, Collection, Cursor, Database,
    bson::{DateTime, doc},
    options::{
        Acknowledgment, ClientOptions, ConnectionString, ReadConcern, ReadPreference,
        SelectionCriteria, WriteConcern,
    },
};
use serde::de::DeserializeOwned;
use tokio::{sync::OnceCell, time::timeout};

pub mod backup;
mod error;
#[cfg(feature = "fresh")]
mod fresh;
mod schema;
mod transaction;
mod watch;

pub use error::Error;
#[cfg(feature = "fresh")]
pub use fresh::FreshDatabase;
pub use schema::{Shape, describe, index, migrate, partial, unique};
pub use transaction::{Aborted, Work, contended, update_each};
pub use watch::{Wake, Watch};

/// Connections of a role at most, unless the address says `maxPoolSize=`.
const CONNECTIONS: u32 = 40;
/// How long to look for a server, and to connect to it.
const REACH: Duration = Duration::from_secs(2);
/// How long an operation may take, unless the address says `timeoutMS=`.
pub const ANSWER: Duration = Duration::from_secs(4);
/// How much longer a transaction may take, with all its tries.
const WHOLE: u32 = 5;

/// A database of one service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Mongo(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    address: Address,
    database: OnceCell<Database>,
    breaker: Breaker,
    schema: schema::Checked,
}

impl Mongo {
    /// Prepares a client for a `mongodb://` or `mongodb+srv://` address, whose path is the database. When the server answers, its
    /// schema is checked at once: one that is older than `schema` is an error. When it does not, the check follows with the first use.
    pub async fn open(address: &str, schema: i32) -> Result<Self, Error> {
        let inner = Inner {
            address: Address::parse(address)?,
            database: OnceCell::new(),
            breaker: Breaker::default(),
            schema: schema::Checked::new(schema),
        };
        let mongo = Self(Arc::new(inner));
        let reached = mongo.database().await.map(drop);
        match reached {
            Err(error) if error.is_away() => {
                tracing::warn!(%error, "MongoDB is away; it is tried again with each use");
            }
            outcome => outcome?,
        }
        Ok(mongo)
    }

    /// The database, when it may be used.
    pub async fn database(&self) -> Result<&Database, Error> {
        if !self.0.breaker.may_try() {
            return Err(Error::Away("it did not answer a moment ago".to_owned()));
        }
        let connect = async { connect(&self.0.address).await };
        let reached =
            async { timeout(self.answer(), self.0.database.get_or_try_init(|| connect)).await };
        let database = self.note(reached.await.unwrap_or_else(|_| Err(late())))?;
        if !self.0.schema.is_good() {
            let found = self.bounded(schema::version(database)).await?;
            self.0.schema.check(found)?;
        }
        Ok(database)
    }

    /// A collection, when it may be used.
    pub async fn collection<T: Send + Sync>(&self, name: &str) -> Result<Collection<T>, Error> {
        Ok(self.database().await?.collection(name))
    }

    /// Waits for an operation, not longer than [`ANSWER`].
    pub async fn bounded<T>(
        &self,
        operation: impl IntoFuture<Output = mongodb::error::Result<T>>,
    ) -> Result<T, Error> {
        let outcome = timeout(self.answer(), operation.into_future()).await;
        self.note(outcome.map_err(|_| late()).and_then(|outcome| outcome.map_err(Error::from)))
    }

    /// Everything that a query finds; the query says how much that may be.
    pub async fn all<T: DeserializeOwned + Send + Sync + Unpin>(
        &self,
        query: impl IntoFuture<Output = mongodb::error::Result<Cursor<T>>>,
    ) -> Result<Vec<T>, Error> {
        self.bounded(async { query.await?.try_collect().await }).await
    }

    /// Does the work in one transaction, again when others were in its way. A refusal of the work itself undoes everything.
    pub async fn transaction<W: Work>(&self, work: &W) -> Result<W::Output, Aborted<W::Refusal>> {
        let database = self.database().await?;
        let outcome =
            timeout(self.answer() * WHOLE, transaction::run(database, self.answer(), work)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(late().into()));
        match &outcome {
            Err(Aborted::Store(error)) if error.is_away() => self.0.breaker.silent(),
            _ => self.0.breaker.answered(),
        }
        outcome
    }

    /// Whether the store answers and has the schema that this program needs, for readiness.
    pub async fn ping(&self) -> Result<(), Fault> {
        let database = self.database().await?;
        self.bounded(database.run_command(doc! { "ping": 1 })).await?;
        Ok(())
    }

    /// Closes every connection.
    pub async fn close(&self) {
        if let Some(database) = self.0.database.get() {
            database.client().clone().shutdown().immediate(true).await;
        }
    }

    fn answer(&self) -> Duration {
        self.0.address.answer
    }

    fn note<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        match &outcome {
            Err(error) if error.is_away() => self.0.breaker.silent(),
            _ => self.0.breaker.answered(),
        }
        outcome
    }
}

fn late() -> Error {
    Error::Away("it did not answer in time".to_owned())
}

/// May hold a password: nothing shows it.
struct Address {
    /// What the driver reads.
    text: String,
    database: String,
    answer: Duration,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address").field("database", &self.database).finish_non_exhaustive()
    }
}

impl Address {
    /// `timeoutMS=<n>` is ours, everything else is the driver's.
    fn parse(address: &str) -> Result<Self, Error> {
        let (place, options) = address.split_once('?').unwrap_or((address, ""));
        let (mut answer, mut kept) = (ANSWER, Vec::new());
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some((name, value)) if name.eq_ignore_ascii_case("timeoutMS") => {
                    let millis =
                        value.parse().ok().filter(|millis| (100..=600_000).contains(millis));
                    let wrong = || Error::Address("timeoutMS= takes 100 to 600000".to_owned());
                    answer = Duration::from_millis(millis.ok_or_else(wrong)?);
                }
                _ => kept.push(option),
            }
        }
        let text =
            if kept.is_empty() { place.to_owned() } else { format!("{place}?{}", kept.join("&")) };
        let parsed = ConnectionString::parse(&text).map_err(|error| match *error.kind {
            mongodb::error::ErrorKind::InvalidArgument { message, .. } => Error::Address(message),
            _ => Error::Address("expected mongodb://<host>/<database>".to_owned()),
        })?;
        let missing = || Error::Address("the path must name the database".to_owned());
        let database = parsed.default_database.filter(|name| !name.is_empty());
        Ok(Self { text, database: database.ok_or_else(missing)?, answer })
    }
}

/// Of a `mongodb+srv://` address this looks up the servers; otherwise nothing is sent.
async fn connect(address: &Address) -> Result<Database, Error> {
    let mut options = ClientOptions::parse(&address.text).await?;
    options.app_name.get_or_insert_with(|| "ultramarket".to_owned());
    options.max_pool_size.get_or_insert(CONNECTIONS);
    options.server_selection_timeout = Some(REACH);
    options.connect_timeout = Some(REACH);
    options.max_idle_time = Some(Duration::from_mins(1));
    options.read_concern = Some(ReadConcern::majority());
    options.write_concern = Some(durable(address.answer));
    // What was written is read again: only the primary is sure to have it.
    options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
    Ok(Client::with_options(options)?.database(&address.database))
}

/// On the disks of the majority.
fn durable(within: Duration) -> WriteConcern {
    let mut concern = WriteConcern::default();
    concern.w = Some(Acknowledgment::Majority);
    concern.journal = Some(true);
    concern.w_timeout = Some(within);
    concern
}

/// A moment as MongoDB keeps it, to the millisecond.
pub fn moment(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.millis())
}

/// A moment as MongoDB kept it.
pub fn timestamp(at: DateTime) -> Timestamp {
    Timestamp::from_millis(at.timestamp_millis())
}

/// Everything that a query within a transaction finds.
pub async fn all_within<T: DeserializeOwned + Send + Sync + Unpin>(
    session: &mut ClientSession,
    mut cursor: mongodb::SessionCursor<T>,
) -> Result<Vec<T>, Error> {
    Ok(cursor.stream(session).try_collect().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_its_database() {
        assert_eq!(Address::parse("mongodb://a:b@h:1/shop?tls=true").unwrap().database, "shop");
        let patient = Address::parse("mongodb://h/shop?timeoutMS=9000&tls=true").unwrap();
        assert_eq!(patient.answer, Duration::from_secs(9));
        assert_eq!(patient.text, "mongodb://h/shop?tls=true");
        for wrong in [
            "mongodb://h/shop?timeoutMS=1",
            "mongodb://h",
            "mongodb://h/",
            "nonsense",
            "mongodb://",
        ] {
            assert!(matches!(Address::parse(wrong), Err(Error::Address(_))), "{wrong}");
        }
        let secret = Address::parse("mongodb://user:hunter2@h/shop").unwrap();
        assert!(!format!("{secret:?}").contains("hunter2"));
    }

    #[test]
    fn moments_keep_their_milliseconds() {
        for millis in [0, 1, -1, 1_795_000_123_456] {
            assert_eq!(timestamp(moment(Timestamp::from_millis(millis))).millis(), millis);
        }
    }
}
