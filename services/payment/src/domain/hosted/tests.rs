use ids::OrderId;
use money::Money;
use proptest::prelude::*;

use super::*;
use crate::domain::{PayableState, Status, Terms};

const NOW: Timestamp = Timestamp::from_millis(1_795_253_400_000);

fn terms() -> Terms {
    Terms {
        order: OrderId::from_u128(1),
        reference: "1000001K".to_owned(),
        amount: Money::uzs(500_000),
        payable_until: NOW.plus(Duration::from_hours(1)),
    }
}

fn charge() -> Charge {
    let sum = Sum { amount: 500_000, currency: "UZS".to_owned(), account: "1000001K".to_owned() };
    Charge { sum, rate: None }
}

fn money() -> Word {
    Word::Money { charge_id: "8".to_owned(), sum: charge().sum }
}

/// A payment with its page, whatever is done to it.
#[derive(Debug, Clone)]
struct World {
    scene: Scene,
    now: Timestamp,
}

impl World {
    fn new() -> Self {
        let payment = Payment::new(&terms(), Provider::Uzcard, "k".to_owned(), NOW);
        let payable = Payable::new(terms());
        let mut world =
            Self { scene: Scene { hosted: None, payment, payable, live: None }, now: NOW };
        world.act(Act::Begin(charge()));
        world
    }

    fn opened() -> Self {
        let mut world = Self::new();
        assert_eq!(world.act(Act::Ask { known: None }), Outcome::Yours(NOW));
        world.act(page(NOW, "7"));
        assert_eq!(world.state(), State::Open);
        world
    }

    fn hosted(&self) -> &Hosted {
        self.scene.hosted.as_ref().unwrap()
    }

    fn state(&self) -> State {
        self.hosted().state
    }

    /// What a store does.
    fn act(&mut self, act: Act) -> Outcome {
        let decision = decide(&self.scene, act, self.now);
        if decision.hosted.is_some() {
            self.scene.hosted = decision.hosted;
        }
        let payment = &mut self.scene.payment;
        for step in decision.steps {
            match step {
                Step::Release => {
                    self.scene.live.as_mut().unwrap().cancel().unwrap();
                    self.scene.live = None;
                }
                Step::Start(until) => {
                    payment.start("7", until).unwrap();
                    self.scene.live = Some(payment.clone());
                }
                Step::Settle => {
                    payment.pay(self.now).unwrap();
                    self.scene.payable.pay().unwrap();
                    self.scene.live = Some(payment.clone());
                }
                Step::LetGo => {
                    payment.cancel().unwrap();
                    self.scene.live = None;
                }
                Step::Redirect(url) => payment.redirect_url = url,
            }
        }
        decision.outcome
    }

    /// The order is closed.
    fn close(&mut self) {
        if self.scene.payable.close("cancelled").is_ok() {
            let _ = self.scene.payment.cancel();
            self.scene.live = None;
        }
    }

    /// Another provider holds the order, or has been paid for it.
    fn other(&mut self, paid: bool) {
        let mut other = Payment::new(&terms(), Provider::Payme, "o".to_owned(), NOW);
        other.start("p", NOW.plus(AGREED)).unwrap();
        if paid {
            other.pay(NOW).unwrap();
            self.scene.payable.pay().unwrap();
            self.scene.payment.cancel().unwrap();
        }
        self.scene.live = Some(other);
    }

    fn wait(&mut self, duration: Duration) {
        self.now = self.now.plus(duration);
    }
}

fn page(asked_at: Timestamp, id: &str) -> Act {
    Act::Open { asked_at, remote_id: id.to_owned(), page: format!("http://page/{id}") }
}

#[test]
fn a_page_is_asked_for_by_one_caller_and_a_late_answer_does_not_count() {
    let mut world = World::new();
    assert_eq!(world.act(Act::Ask { known: None }), Outcome::Yours(NOW));
    assert_eq!(world.act(Act::Ask { known: None }), Outcome::Waits);
    assert_eq!(world.hosted().lost(NOW), None, "its answer may still come");
    world.wait(LOST);
    let known = world.hosted().lost(world.now);
    let later = world.now;
    assert_eq!(world.act(Act::Ask { known }), Outcome::Yours(later));
    assert_eq!(world.act(Act::Ask { known }), Outcome::Waits, "who takes over is one, too");
    assert_eq!(world.act(page(NOW, "lost")), Outcome::Stands);
    assert_eq!(world.state(), State::Asked);
    world.act(page(later, "7"));
    assert_eq!((world.state(), world.hosted().remote_id.as_str()), (State::Open, "7"));
    assert_eq!(world.scene.payment.redirect_url, "http://page/7");
    world.act(page(later, "8"));
    assert_eq!(world.hosted().remote_id, "7", "there is one");
    assert_eq!(world.act(Act::Ask { known: None }), Outcome::Stands);
}

#[test]
fn who_got_no_page_leaves_it_to_the_next() {
    let mut world = World::new();
    world.act(Act::Ask { known: None });
    world.act(Act::Unask { asked_at: NOW.plus(LOST), spoilt: true });
    assert_eq!((world.state(), world.hosted().attempt), (State::Asked, 1), "somebody else's");
    world.act(Act::Unask { asked_at: NOW, spoilt: false });
    assert_eq!((world.state(), world.hosted().attempt), (State::New, 1), "the same name");
    world.act(Act::Ask { known: None });
    world.act(Act::Unask { asked_at: NOW, spoilt: true });
    assert_eq!((world.state(), world.hosted().attempt), (State::New, 2), "a new name");
}

#[test]
fn a_debit_is_agreed_to_once_the_order_can_be_held() {
    let sum = || Act::Debit(charge().sum);
    let mut world = World::opened();
    for wrong in [
        Sum { amount: 1, ..charge().sum },
        Sum { currency: "USD".to_owned(), ..charge().sum },
        Sum { account: "1000002L".to_owned(), ..charge().sum },
    ] {
        assert_eq!(world.act(Act::Debit(wrong)), Outcome::Refused(Refusal::Sum));
    }
    assert_eq!(world.act(sum()), Outcome::Agreed);
    assert_eq!(world.scene.payment.status, Status::Processing);
    assert_eq!(world.act(sum()), Outcome::Agreed, "a repeated call is told the same");
    assert_eq!(world.hosted().next_check_at, Some(NOW.plus(Duration::from_secs(1))));
    assert_eq!(world.act(Act::Heard(money())), Outcome::Paid);
    assert_eq!(world.act(sum()), Outcome::Agreed, "even when it is paid");

    let refused = |change: fn(&mut World)| {
        let mut world = World::opened();
        change(&mut world);
        let before = world.scene.payment.clone();
        let outcome = world.act(sum());
        assert_eq!(world.scene.payment, before);
        outcome
    };
    assert_eq!(refused(World::close), Outcome::Refused(Refusal::Over));
    assert_eq!(refused(|world| world.other(false)), Outcome::Refused(Refusal::Busy));
    assert_eq!(refused(|world| world.other(true)), Outcome::Refused(Refusal::Over));
    let late = |world: &mut World| world.wait(Duration::from_hours(2));
    assert_eq!(refused(late), Outcome::Refused(Refusal::Over));
    let dearer = |world: &mut World| world.scene.payable.terms.amount.amount += 1;
    assert_eq!(refused(dearer), Outcome::Refused(Refusal::Sum));
    let mut unknown = World::new();
    unknown.scene.hosted = None;
    assert_eq!(unknown.act(sum()), Outcome::Refused(Refusal::Unknown));
}

#[test]
fn money_that_is_here_comes_before_money_that_is_announced() {
    let mut world = World::opened();
    world.other(false);
    assert_eq!(world.act(Act::Heard(money())), Outcome::Paid);
    assert_eq!(world.scene.live.as_ref().map(|live| live.id), Some(world.scene.payment.id));
    assert_eq!(world.scene.payable.state, PayableState::Paid);
}

#[test]
fn money_for_a_closed_order_is_written_down_and_goes_back() {
    for other in [false, true] {
        let mut world = World::opened();
        if other {
            world.other(true);
        } else {
            world.close();
        }
        assert_eq!(world.act(Act::Heard(money())), Outcome::Stray);
        assert_eq!((world.state(), world.hosted().charge_id.as_str()), (State::Stray, "8"));
        assert_eq!(world.hosted().next_check_at, Some(NOW));
        assert_eq!(world.act(Act::Ask { known: None }), Outcome::Yours(NOW));
        assert_eq!(world.act(Act::Ask { known: None }), Outcome::Waits, "it is sent once");
        world.act(Act::Unask { asked_at: NOW, spoilt: false });
        assert_eq!(world.state(), State::Stray);
        world.act(Act::Ask { known: None });
        world.act(Act::Returned);
        assert_eq!(world.state(), State::Returned);
        assert_eq!(world.act(Act::Stuck("late".to_owned())), Outcome::Stands);
    }
    let mut stuck = World::opened();
    stuck.close();
    stuck.act(Act::Heard(money()));
    assert_eq!(stuck.act(Act::Stuck("refused".to_owned())), Outcome::Odd);
    assert_eq!(stuck.act(Act::Ask { known: None }), Outcome::Stands, "people send it");
}

#[test]
fn money_of_another_amount_currency_or_reference_pays_nothing() {
    for wrong in [
        Sum { amount: 499_999, ..charge().sum },
        Sum { currency: "USD".to_owned(), ..charge().sum },
        Sum { account: String::new(), ..charge().sum },
    ] {
        let mut world = World::opened();
        let word = Word::Money { charge_id: "8".to_owned(), sum: wrong };
        assert_eq!(world.act(Act::Heard(word)), Outcome::Odd);
        assert_eq!(world.scene.payment.status, Status::Pending);
        assert!(!world.hosted().trouble.is_empty() && world.hosted().next_check_at.is_none());
    }
}

#[test]
fn unknown_status_means_pending() {
    let mut world = World::opened();
    let mut looks = 0;
    while let Some(next) = world.hosted().next_check_at {
        world.now = next;
        looks += 1;
        let word = if looks % 2 == 0 { Word::Silence } else { Word::Waiting };
        world.act(Act::Heard(word));
        if world.state() == State::Open {
            assert_eq!(world.scene.payment.status, Status::Pending);
        }
    }
    assert_eq!((looks, world.state()), (30, State::Ended), "for a day");
    let mut silent = World::opened();
    silent.act(Act::Debit(charge().sum));
    while let Some(next) = silent.hosted().next_check_at {
        silent.now = next;
        silent.act(Act::Heard(Word::Silence));
    }
    assert_eq!(silent.scene.payment.status, Status::Processing, "never given up unheard");
    assert!(!silent.hosted().trouble.is_empty());
}

#[test]
fn a_debit_that_was_not_made_frees_the_order() {
    let mut world = World::opened();
    world.act(Act::Debit(charge().sum));
    world.wait(Duration::from_mins(29));
    world.act(Act::Heard(Word::Waiting));
    assert_eq!(world.scene.payment.status, Status::Processing);
    world.wait(Duration::from_mins(1));
    world.act(Act::Heard(Word::Waiting));
    assert_eq!((world.scene.payment.status, world.state()), (Status::Cancelled, State::Ended));
}

fn acts() -> impl Strategy<Value = u8> {
    0..14_u8
}

proptest! {
    #[test]
    fn terminal_states_never_regress_and_an_order_is_paid_once(steps in proptest::collection::vec(acts(), 1..60)) {
        let mut world = World::new();
        let (mut money_in, mut asked_at) = (false, NOW);
        for step in steps {
            let before = world.clone();
            let known = world.hosted().lost(world.now);
            let outcome = match step {
                0 => world.act(Act::Ask { known: None }),
                1 => world.act(Act::Ask { known }),
                2 => world.act(Act::Unask { asked_at, spoilt: step % 2 == 0 }),
                3 => world.act(page(asked_at, "7")),
                4 => world.act(Act::Debit(charge().sum)),
                5 | 6 => world.act(Act::Heard(money())),
                7 => world.act(Act::Heard(Word::Waiting)),
                8 => world.act(Act::Heard(Word::Over)),
                9 => world.act(Act::Heard(Word::Silence)),
                10 => world.act(Act::Returned),
                11 => world.act(Act::Stuck("no".to_owned())),
                12 => { world.close(); Outcome::Stands }
                _ => { world.wait(Duration::from_mins(20)); Outcome::Stands }
            };
            if let Outcome::Yours(at) = outcome {
                asked_at = at;
            }
            money_in |= matches!(outcome, Outcome::Paid | Outcome::Stray);
            let (was, is) = (before.state(), world.state());
            prop_assert!(!was.is_final() || was == is, "{was:?} became {is:?}");
            prop_assert!(before.scene.payment.status != Status::Paid || world.scene.payment.status == Status::Paid);
            let paid = world.scene.payment.status == Status::Paid;
            prop_assert_eq!(paid, is == State::Paid);
            prop_assert_eq!(paid, world.scene.payable.state == PayableState::Paid);
            let known_money = matches!(is, State::Paid | State::Stray | State::Returning | State::Returned);
            prop_assert_eq!(money_in, known_money, "money is never forgotten");
            prop_assert!(is != State::Open || !world.hosted().remote_id.is_empty());
            // Whoever is waited for is looked for, or people are told.
            let forgotten = matches!(is, State::Open | State::Stray | State::Returning)
                && world.hosted().next_check_at.is_none() && world.hosted().trouble.is_empty();
            prop_assert!(!forgotten, "{:?}", world.hosted());
        }
    }
}
