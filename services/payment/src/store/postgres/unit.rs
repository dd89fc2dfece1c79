//! How a use case runs: it looks, the domain decides, and what follows is written unless somebody else was faster.

use clock::Timestamp;
use fault::Fault;
use ids::OrderId;
use postgres::{Error, uuid};
use sqlx::{PgConnection, query};

use super::{PostgresPayments, change::Change, journal};
use crate::{
    domain::IllegalMove,
    store::{Entry, Note, Noted},
};

/// Tries of one use case. The second one already has the order to itself; what comes after that is a new order or an identifier that
/// others wrote in the same moment.
const TRIES: u32 = 8;

/// Something to do with one order.
pub(super) trait UseCase: Sync {
    /// What it comes to.
    type Outcome: Send + Sync;

    /// Looks and decides; writes nothing.
    fn plan(
        &self,
        connection: &mut PgConnection,
        now: Timestamp,
    ) -> impl Future<Output = Result<Plan<Self::Outcome>, Error>> + Send;
}

/// What a use case wants after it has looked.
pub(super) enum Plan<T> {
    /// There is nothing to change.
    Nothing(T),
    /// It comes to this, with this change.
    Change(Change, T),
    /// A hold has ended by the clock: this goes first, as if the sweep had come by, and then it looks again.
    First(Change),
}

/// What a try came to.
enum Try<T> {
    Done(T, Option<Entry>),
    /// Look again.
    Again,
    /// Somebody else changed this order meanwhile.
    Raced(OrderId),
}

/// A move that the state read in the same snapshot rules out: a mistake of ours.
pub(super) fn illegal(error: IllegalMove) -> Error {
    Error::value(error)
}

impl PostgresPayments {
    /// Runs a use case.
    pub(super) async fn run<U: UseCase>(
        &self,
        case: U,
        now: Timestamp,
    ) -> Result<U::Outcome, Fault> {
        Ok(self.tries(&case, now, None).await?.0)
    }

    /// The same for a provider's call, with its line in the journal.
    pub(super) async fn run_noted<U: UseCase>(
        &self,
        case: U,
        now: Timestamp,
        note: Note<U::Outcome>,
    ) -> Noted<U::Outcome> {
        let (outcome, entry) = self.tries(&case, now, Some(&note)).await?;
        let entry = entry.unwrap_or_else(|| note(&outcome));
        Ok((outcome, entry))
    }

    async fn tries<U: UseCase>(
        &self,
        case: &U,
        now: Timestamp,
        note: Option<&Note<U::Outcome>>,
    ) -> Result<(U::Outcome, Option<Entry>), Fault> {
        let mut contended = None;
        let mut last = None;
        for _ in 0..TRIES {
            let tried = match contended {
                None => self.unlocked(case, now, note).await,
                Some(order) => self.locked(order, case, now, note).await,
            };
            match tried {
                Ok((tried, told)) => {
                    if told {
                        self.wake();
                    }
                    match tried {
                        Try::Done(outcome, entry) => return Ok((outcome, entry)),
                        Try::Again => {}
                        Try::Raced(order) => contended = Some(order),
                    }
                }
                // Somebody wrote the same identifier a moment ago: it is found the next time.
                Err(error) if error.is_contention() || is_taken(&error) => last = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        Err(last.map_or_else(|| Fault::unavailable("the order changes all the time"), Fault::from))
    }

    async fn unlocked<U: UseCase>(
        &self,
        case: &U,
        now: Timestamp,
        note: Option<&Note<U::Outcome>>,
    ) -> Result<(Try<U::Outcome>, bool), Error> {
        let mut connection = self.database.connection().await?;
        self.step(&mut connection, case, now, note).await
    }

    /// Keeps others from the order first.
    async fn locked<U: UseCase>(
        &self,
        order: OrderId,
        case: &U,
        now: Timestamp,
        note: Option<&Note<U::Outcome>>,
    ) -> Result<(Try<U::Outcome>, bool), Error> {
        let mut transaction = self.database.begin().await?;
        query("select from payables where order_id = $1 for no key update")
            .bind(uuid(order))
            .execute(&mut *transaction)
            .await?;
        let tried = self.step(&mut transaction, case, now, note).await?;
        transaction.commit().await?;
        Ok(tried)
    }

    /// Whether it wrote events is the second of what it gives.
    async fn step<U: UseCase>(
        &self,
        connection: &mut PgConnection,
        case: &U,
        now: Timestamp,
        note: Option<&Note<U::Outcome>>,
    ) -> Result<(Try<U::Outcome>, bool), Error> {
        let (change, outcome) = match case.plan(connection, now).await? {
            Plan::Nothing(outcome) => {
                let entry = note.map(|note| note(&outcome));
                journal::append(connection, entry.as_slice()).await?;
                return Ok((Try::Done(outcome, entry), false));
            }
            Plan::Change(change, outcome) => (change, Some(outcome)),
            Plan::First(change) => (change, None),
        };
        let entry = outcome.as_ref().and_then(|outcome| note.map(|note| note(outcome)));
        if !change.write(connection, entry.as_ref(), self.encode, now).await? {
            return Ok((Try::Raced(change.payable.terms.order), false));
        }
        let tried = outcome.map_or(Try::Again, |outcome| Try::Done(outcome, entry));
        Ok((tried, change.tells()))
    }
}

/// Whether what was to be written once is there already.
fn is_taken(error: &Error) -> bool {
    let Error::Sql(error) = error else { return false };
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}
