//! What follows from what happens.

use clock::Timestamp;

use super::{
    AGREED, Act, Charge, DEBIT, Decision, Hosted, LOST, Outcome, RETURN_EVERY, Refusal, Scene,
    State, Step, Sum, Word, next_look,
};
use crate::domain::{NotPayable, PayableState, Payment, Status};

impl Decision {
    fn nothing(outcome: Outcome) -> Self {
        Self { outcome, hosted: None, steps: Vec::new() }
    }

    fn of(outcome: Outcome, hosted: Hosted, steps: Vec<Step>) -> Self {
        Self { outcome, hosted: Some(hosted), steps }
    }
}

/// What follows from an act.
pub fn decide(scene: &Scene, act: Act, now: Timestamp) -> Decision {
    let Some(hosted) = scene.hosted.clone() else {
        return match act {
            Act::Begin(charge) if scene.payment.status == Status::Pending => {
                let hosted = Hosted::new(&scene.payment, charge);
                Decision::of(Outcome::Stands, hosted, Vec::new())
            }
            Act::Begin(_) => Decision::nothing(Outcome::Stands),
            Act::Debit(_) => Decision::nothing(Outcome::Refused(Refusal::Unknown)),
            _ => Decision::nothing(Outcome::Unknown),
        };
    };
    match act {
        Act::Begin(_) => Decision::nothing(Outcome::Stands),
        Act::Ask { known } => hosted.ask(scene, known, now),
        Act::Unask { asked_at, spoilt } => hosted.unask(asked_at, spoilt, now),
        Act::Open { asked_at, remote_id, page } => {
            hosted.open(scene, asked_at, (remote_id, page), now)
        }
        Act::Debit(sum) => hosted.debit(scene, &sum, now),
        Act::Heard(word) => hosted.heard(scene, word, now),
        Act::Returned => hosted.returned(),
        Act::Stuck(note) => hosted.stuck(note),
    }
}

impl Hosted {
    fn new(payment: &Payment, charge: Charge) -> Self {
        Self {
            payment: payment.id,
            order: payment.order,
            provider: payment.provider,
            charge,
            state: State::New,
            attempt: 1,
            remote_id: String::new(),
            charge_id: String::new(),
            asked_at: None,
            opened_at: None,
            agreed_at: None,
            checks: 0,
            next_check_at: None,
            trouble: String::new(),
        }
    }

    /// When the answer that is waited for is lost; none while it may still come.
    pub fn lost(&self, now: Timestamp) -> Option<Timestamp> {
        self.asked_at.filter(|at| at.plus(LOST) <= now)
    }

    fn ask(self, scene: &Scene, known: Option<Timestamp>, now: Timestamp) -> Decision {
        let state = match (self.state, known) {
            (State::New, None) if scene.payment.status == Status::Pending => State::Asked,
            (State::Asked, Some(at)) if self.asked_at == Some(at) => State::Asked,
            (State::Stray, None) if self.trouble.is_empty() => State::Returning,
            (State::Returning, Some(at)) if self.asked_at == Some(at) => State::Returning,
            (State::Asked | State::Returning, _) => return Decision::nothing(Outcome::Waits),
            _ => return Decision::nothing(Outcome::Stands),
        };
        // A lost way back is looked for again; nobody looks for a page that nobody was shown.
        let look = (state == State::Returning).then(|| now.plus(LOST));
        let asked = Self { state, asked_at: Some(now), next_check_at: look, ..self };
        Decision::of(Outcome::Yours(now), asked, Vec::new())
    }

    fn unask(self, asked_at: Timestamp, spoilt: bool, now: Timestamp) -> Decision {
        let ours = self.asked_at == Some(asked_at);
        let (state, look) = match self.state {
            State::Asked if ours => (State::New, None),
            State::Returning if ours => (State::Stray, Some(now.plus(RETURN_EVERY))),
            _ => return Decision::nothing(Outcome::Stands),
        };
        let attempt = self.attempt.saturating_add(u32::from(spoilt));
        let next = Self { state, attempt, asked_at: None, next_check_at: look, ..self };
        Decision::of(Outcome::Stands, next, Vec::new())
    }

    fn open(
        self,
        scene: &Scene,
        asked_at: Timestamp,
        (remote_id, page): (String, String),
        now: Timestamp,
    ) -> Decision {
        if self.state != State::Asked || self.asked_at != Some(asked_at) {
            // Somebody else was faster: that page counts, and nobody is told of this one.
            return Decision::nothing(Outcome::Stands);
        }
        let wanted = scene.payment.status == Status::Pending;
        let open = Self {
            state: State::Open,
            remote_id,
            opened_at: Some(now),
            asked_at: None,
            next_check_at: if wanted { next_look(0, false, now, now) } else { Some(now) },
            ..self
        };
        let steps = if wanted { vec![Step::Redirect(page)] } else { Vec::new() };
        Decision::of(Outcome::Stands, open, steps)
    }

    fn debit(self, scene: &Scene, sum: &Sum, now: Timestamp) -> Decision {
        let refused = |why| Decision::nothing(Outcome::Refused(why));
        if *sum != self.charge.sum {
            return refused(Refusal::Sum);
        }
        match self.state {
            State::Paid => return Decision::nothing(Outcome::Agreed),
            State::Open => {}
            _ => return refused(Refusal::Over),
        }
        let steps = match scene.payment.status {
            Status::Processing => Vec::new(),
            Status::Pending => {
                match scene.payable.accepts(now) {
                    Ok(()) => {}
                    Err(NotPayable::Paid) => return refused(Refusal::Paid),
                    Err(NotPayable::Over) => return refused(Refusal::Over),
                }
                if scene.live.is_some() {
                    return refused(Refusal::Busy);
                }
                if scene.payment.amount != scene.payable.terms.amount {
                    return refused(Refusal::Sum);
                }
                vec![Step::Start(now.plus(AGREED))]
            }
            Status::Paid => return refused(Refusal::Paid),
            _ => return refused(Refusal::Over),
        };
        let look = next_look(0, true, now, now);
        let agreed = Self { agreed_at: Some(now), checks: 0, next_check_at: look, ..self };
        Decision::of(Outcome::Agreed, agreed, steps)
    }

    fn heard(self, scene: &Scene, word: Word, now: Timestamp) -> Decision {
        match (self.state, word) {
            (State::New | State::Asked, Word::Money { .. }) => Decision::nothing(Outcome::Early),
            (State::Open | State::Ended, Word::Money { charge_id, sum }) => {
                self.money(scene, charge_id, &sum, now)
            }
            (State::Open, Word::Waiting) => self.waiting(scene, now),
            (State::Open, Word::Over) => self.ended(scene, String::new()),
            (State::Open, Word::Silence) => match self.look_later(now) {
                Some(later) => Decision::of(Outcome::Stands, later, Vec::new()),
                // The order is let go by the clock; what is at the provider is for people.
                None => {
                    let trouble = "the provider has not said for a day how it stands".to_owned();
                    let ended = Self { state: State::Ended, next_check_at: None, trouble, ..self };
                    Decision::of(Outcome::Odd, ended, Vec::new())
                }
            },
            // Nothing that comes later takes back what is known.
            _ => Decision::nothing(Outcome::Stands),
        }
    }

    fn money(self, scene: &Scene, charge_id: String, sum: &Sum, now: Timestamp) -> Decision {
        if *sum != self.charge.sum {
            let Sum { amount, currency, account } = sum;
            let trouble = format!("the provider took {amount} {currency} for {account:?}");
            let odd = Self { trouble, next_check_at: None, ..self };
            return Decision::of(Outcome::Odd, odd, Vec::new());
        }
        let mut steps = Vec::new();
        let alive = matches!(scene.payment.status, Status::Pending | Status::Processing);
        let awaited = self.state == State::Open
            && alive
            && scene.payable.state == PayableState::Open
            && scene.payment.amount == scene.payable.terms.amount;
        if !awaited {
            if alive {
                steps.push(Step::LetGo);
            }
            let stray = Self { state: State::Stray, charge_id, next_check_at: Some(now), ..self };
            return Decision::of(Outcome::Stray, stray, steps);
        }
        if scene.live.as_ref().is_some_and(|live| live.id != scene.payment.id) {
            // Money that is here comes before money that is announced.
            steps.push(Step::Release);
        }
        if scene.payment.status == Status::Pending {
            steps.push(Step::Start(now.plus(AGREED)));
        }
        steps.push(Step::Settle);
        let paid = Self { state: State::Paid, charge_id, next_check_at: None, ..self };
        Decision::of(Outcome::Paid, paid, steps)
    }

    fn waiting(self, scene: &Scene, now: Timestamp) -> Decision {
        let debit_over = self.agreed_at.is_none_or(|at| at.plus(DEBIT) <= now);
        let over = match scene.payment.status {
            Status::Pending => false,
            // Of a debit that was agreed to, the provider says for certain that it was not made.
            _ => debit_over,
        };
        if over {
            return self.ended(scene, String::new());
        }
        match self.look_later(now) {
            Some(later) => Decision::of(Outcome::Stands, later, Vec::new()),
            None => self.ended(scene, String::new()),
        }
    }

    fn ended(self, scene: &Scene, trouble: String) -> Decision {
        let alive = matches!(scene.payment.status, Status::Pending | Status::Processing);
        let steps = if alive { vec![Step::LetGo] } else { Vec::new() };
        let ended = Self { state: State::Ended, next_check_at: None, trouble, ..self };
        Decision::of(Outcome::Stands, ended, steps)
    }

    /// None when it has been looked for long enough.
    fn look_later(&self, now: Timestamp) -> Option<Self> {
        let since = self.agreed_at.or(self.opened_at).unwrap_or(now);
        let checks = self.checks.saturating_add(1);
        let next = next_look(checks, self.agreed_at.is_some(), since, now)?;
        Some(Self { checks, next_check_at: Some(next), ..self.clone() })
    }

    fn returned(self) -> Decision {
        if self.state != State::Returning {
            return Decision::nothing(Outcome::Stands);
        }
        let back = Self { state: State::Returned, next_check_at: None, asked_at: None, ..self };
        Decision::of(Outcome::Stands, back, Vec::new())
    }

    fn stuck(self, trouble: String) -> Decision {
        if !matches!(self.state, State::Stray | State::Returning) {
            return Decision::nothing(Outcome::Stands);
        }
        let stuck =
            Self { state: State::Stray, next_check_at: None, asked_at: None, trouble, ..self };
        Decision::of(Outcome::Odd, stuck, Vec::new())
    }
}
