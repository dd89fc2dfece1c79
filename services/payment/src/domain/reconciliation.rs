//! Reconciliation: what a provider says of a payment, held against what is written here.

use clock::Timestamp;
use ids::{DifferenceId, OrderId, PaymentId, ReconciliationId};

use super::Provider;

/// How a payment stands on one of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Begun; no money yet.
    Open,
    /// The money was taken, and is there.
    Paid,
    /// It ended without money, or all of it went back.
    Ended,
}

impl Standing {
    /// The name in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Ended => "ended",
        }
    }

    /// Reads the name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Open, Self::Paid, Self::Ended].into_iter().find(|it| it.as_str() == name)
    }
}

/// A transaction as it is written here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ours {
    /// The payment that it belongs to.
    pub payment: PaymentId,
    /// What is paid.
    pub order: OrderId,
    /// The order's number.
    pub reference: String,
    /// The provider's name of it: Payme's transaction, Click's payment number.
    pub id: String,
    /// Its number here; of Click's, the attempt.
    pub row: i64,
    /// Click's number of the attempt; 0 of others.
    pub attempt: i64,
    /// Tiyin.
    pub amount: i64,
    /// How it stands.
    pub standing: Standing,
    /// When the provider began it.
    pub at: Timestamp,
}

/// The same as the provider tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theirs {
    /// The provider's name of it.
    pub id: String,
    /// The order's number; empty when it is not said.
    pub reference: String,
    /// Tiyin; none when it is not said.
    pub amount: Option<i64>,
    /// How it stands.
    pub standing: Standing,
}

/// What kind of difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The provider has the money, and nobody knows it here.
    PaidThereOnly,
    /// It counts as paid here, and the provider does not have the money.
    PaidHereOnly,
    /// The sums differ.
    Amount,
    /// Anything else that does not fit.
    State,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::PaidThereOnly, Self::PaidHereOnly, Self::Amount, Self::State];

    /// The name in stores and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PaidThereOnly => "paid_there_only",
            Self::PaidHereOnly => "paid_here_only",
            Self::Amount => "amount",
            Self::State => "state",
        }
    }

    /// Reads the name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == name)
    }
}

/// What became of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The payment was brought to where the provider has it.
    Fixed,
    /// Nothing is done until somebody has looked.
    Frozen,
    /// Somebody has.
    Resolved,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Fixed, Self::Frozen, Self::Resolved];

    /// The name in stores and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Frozen => "frozen",
            Self::Resolved => "resolved",
        }
    }

    /// Reads the name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }
}

/// What the comparison of one payment comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Which.
    pub class: Class,
    /// Whether the payment may be brought forward by itself: the provider has exactly this money for exactly this transaction, which
    /// is still open here. Nothing else is ever done without people.
    pub safe: bool,
}

/// Compares one payment; `None` when both sides agree. Which of the two is missing is a difference only when money is involved.
pub fn judge(ours: Option<&Ours>, theirs: Option<&Theirs>) -> Option<Verdict> {
    use Standing::{Ended, Open, Paid};
    let frozen = |class| Some(Verdict { class, safe: false });
    match (ours, theirs) {
        (Some(ours), None) if ours.standing == Paid => frozen(Class::PaidHereOnly),
        (None, Some(theirs)) if theirs.standing == Paid => frozen(Class::PaidThereOnly),
        (Some(_), None) | (None, Some(_) | None) => None,
        (Some(ours), Some(theirs)) => {
            let money = ours.standing == Paid || theirs.standing == Paid;
            let same_sum = theirs.amount.is_none_or(|amount| amount == ours.amount);
            if money && !same_sum {
                return frozen(Class::Amount);
            }
            match (ours.standing, theirs.standing) {
                // Another payment of the same order has the money there.
                (Open | Ended, Paid) if ours.id != theirs.id => frozen(Class::PaidThereOnly),
                (Paid, Paid) if ours.id != theirs.id => frozen(Class::State),
                (Open, Paid) => Some(Verdict { class: Class::PaidThereOnly, safe: true }),
                (Ended, Paid) => frozen(Class::PaidThereOnly),
                (Paid, Open | Ended) => frozen(Class::PaidHereOnly),
                (Paid, Paid) | (Open | Ended, Open | Ended) => None,
            }
        }
    }
}

/// What a run is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its name.
    pub id: ReconciliationId,
    /// With whom.
    pub provider: Provider,
    /// "nightly", "demand" or "upload".
    pub cause: String,
    /// What makes it one: the same key is run once.
    pub key: String,
    /// The first moment of the period.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
    /// How far it is.
    pub state: RunState,
    /// Payments compared.
    pub compared: u32,
    /// Those of which the provider did not say anything that could be taken for an answer.
    pub unanswered: u32,
    /// Differences found.
    pub found: u32,
    /// Those that were brought forward.
    pub fixed: u32,
    /// Why it failed.
    pub note: String,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Not begun.
    Waiting,
    /// Somebody is at it.
    Running,
    /// All payments of the period were compared.
    Done,
    /// It came to nothing, or only to a part.
    Failed,
}

impl RunState {
    /// The name in stores and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// Reads the name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Waiting, Self::Running, Self::Done, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

/// Something that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its name.
    pub id: DifferenceId,
    /// The run that found it first.
    pub run: ReconciliationId,
    /// With whom.
    pub provider: Provider,
    /// What kind.
    pub class: Class,
    /// What became of it.
    pub outcome: Outcome,
    /// The order's number; empty when nobody knows it.
    pub reference: String,
    /// The provider's name of the transaction.
    pub provider_ref: String,
    /// The payment here.
    pub payment: Option<PaymentId>,
    /// Its order.
    pub order: Option<OrderId>,
    /// How it stands here, and for how much.
    pub ours: Option<(Standing, i64)>,
    /// How it stands there; the sum is not always said.
    pub theirs: Option<(Standing, Option<i64>)>,
    /// What was done, by whom.
    pub note: String,
    /// When it was found first.
    pub found_at: Timestamp,
    /// When it was seen last.
    pub seen_at: Timestamp,
    /// When it was fixed or resolved.
    pub settled_at: Option<Timestamp>,
}

impl Difference {
    /// One that was just found.
    pub fn new(
        run: &Run,
        verdict: Verdict,
        (ours, theirs): (Option<&Ours>, Option<&Theirs>),
        now: Timestamp,
    ) -> Self {
        let reference = ours.map(|it| it.reference.clone());
        let reference = reference.or_else(|| theirs.map(|it| it.reference.clone()));
        let provider_ref = theirs.map(|it| it.id.clone());
        let provider_ref = provider_ref.or_else(|| ours.map(|it| it.id.clone()));
        Self {
            id: DifferenceId::new(),
            run: run.id,
            provider: run.provider,
            class: verdict.class,
            outcome: Outcome::Frozen,
            reference: reference.unwrap_or_default(),
            provider_ref: provider_ref.unwrap_or_default(),
            payment: ours.map(|it| it.payment),
            order: ours.map(|it| it.order),
            ours: ours.map(|it| (it.standing, it.amount)),
            theirs: theirs.map(|it| (it.standing, it.amount)),
            note: String::new(),
            found_at: now,
            seen_at: now,
            settled_at: None,
        }
    }

    /// The same after it was brought forward.
    #[must_use]
    pub fn fixed(self, note: &str, now: Timestamp) -> Self {
        Self { outcome: Outcome::Fixed, note: note.to_owned(), settled_at: Some(now), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::{Standing::*, *};

    fn ours(id: &str, amount: i64, standing: Standing) -> Ours {
        Ours {
            payment: PaymentId::new(),
            order: OrderId::new(),
            reference: "1K".to_owned(),
            id: id.to_owned(),
            row: 1,
            attempt: 0,
            amount,
            standing,
            at: Timestamp::from_millis(0),
        }
    }

    fn theirs(id: &str, amount: impl Into<Option<i64>>, standing: Standing) -> Theirs {
        Theirs { id: id.to_owned(), reference: "1K".to_owned(), amount: amount.into(), standing }
    }

    #[expect(clippy::needless_pass_by_value, reason = "shorter where it is called")]
    fn judged(ours: Option<Ours>, theirs: Option<Theirs>) -> Option<(Class, bool)> {
        judge(ours.as_ref(), theirs.as_ref()).map(|verdict| (verdict.class, verdict.safe))
    }

    #[test]
    fn differences_have_their_classes() {
        let here = |standing| Some(ours("a", 5, standing));
        let there = |standing| Some(theirs("a", 5, standing));
        assert_eq!(judged(here(Open), there(Paid)), Some((Class::PaidThereOnly, true)));
        assert_eq!(judged(here(Ended), there(Paid)), Some((Class::PaidThereOnly, false)));
        assert_eq!(judged(None, there(Paid)), Some((Class::PaidThereOnly, false)));
        for not_paid in [there(Open), there(Ended), None] {
            assert_eq!(judged(here(Paid), not_paid), Some((Class::PaidHereOnly, false)));
        }
        let more = Some(theirs("a", 6, Paid));
        assert_eq!(judged(here(Paid), more.clone()), Some((Class::Amount, false)));
        assert_eq!(judged(here(Open), more), Some((Class::Amount, false)));
        let other = || Some(theirs("b", 5, Paid));
        assert_eq!(judged(here(Paid), other()), Some((Class::State, false)));
        assert_eq!(judged(here(Open), other()), Some((Class::PaidThereOnly, false)));
    }

    #[test]
    fn where_no_money_is_involved_nothing_differs() {
        let both = [Open, Ended];
        for one in both {
            for other in both {
                let differ = judged(Some(ours("a", 5, one)), Some(theirs("b", 6, other)));
                assert_eq!(differ, None);
            }
            assert_eq!(judged(Some(ours("a", 5, one)), None), None);
            assert_eq!(judged(None, Some(theirs("a", 5, one))), None);
        }
        assert_eq!(judged(Some(ours("a", 5, Paid)), Some(theirs("a", None, Paid))), None);
        assert_eq!(judged(None, None), None);
    }

    #[test]
    fn only_the_very_same_open_transaction_is_fixed() {
        for standing in [Open, Paid, Ended] {
            for there in [Open, Paid, Ended] {
                for (id, amount) in [("a", 5), ("a", 6), ("b", 5), ("b", 6)] {
                    let verdict =
                        judge(Some(&ours("a", 5, standing)), Some(&theirs(id, amount, there)));
                    let safe = verdict.is_some_and(|verdict| verdict.safe);
                    let same = id == "a" && amount == 5 && standing == Open && there == Paid;
                    assert_eq!(safe, same, "{standing:?} {there:?} {id} {amount}");
                }
            }
        }
    }
}
