//! What a cart is and what may be done with it.

use clock::Timestamp;
use ids::{CartId, ItemId, OfferId, OrderId, UserId};
use serde::{Deserialize, Serialize};

/// Lines that a cart holds at most.
pub const MAX_LINES: usize = 100;
/// Pieces of one line at most.
pub const MAX_QUANTITY: u32 = 999;
/// Discount codes on a cart at most.
pub const MAX_CODES: usize = 5;

/// Who may see and change a cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A signed-in user.
    User(UserId),
    /// Whoever holds the token with this SHA-256.
    Token([u8; 32]),
}

/// What somebody means to buy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cart {
    /// Its name.
    pub id: CartId,
    /// Whose it is.
    pub owner: Owner,
    /// What is in it.
    pub body: Body,
    /// Grows with each change.
    pub version: i64,
    /// What it became.
    pub order: Option<OrderId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The part of a cart that is read and written as one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Body {
    /// In the order in which they were added.
    pub lines: Vec<Line>,
    /// How and where it is to be delivered.
    pub delivery: Option<Delivery>,
    /// Discount codes, upper case.
    pub codes: Vec<String>,
}

/// So many pieces of an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its name within the cart.
    pub id: ItemId,
    /// What.
    pub offer: OfferId,
    /// How many: 1 to [`MAX_QUANTITY`].
    pub quantity: u32,
}

/// How something is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// To the door.
    Courier,
    /// Fetched by the shopper.
    Pickup,
    /// By post.
    Post,
}

/// How and where to deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// How.
    pub method: Method,
    /// Where, and to whom.
    pub address: Address,
}

/// A place in Uzbekistan, and who waits there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Address {
    pub region: String,
    pub district: String,
    pub street: String,
    pub house: String,
    pub landmark: String,
    pub recipient: String,
    pub phone: String,
}

/// Why a cart cannot be changed so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It has become an order.
    #[error("the cart has become an order")]
    Completed,
    /// It holds as many lines as it can.
    #[error("a cart holds at most {MAX_LINES} lines")]
    TooManyLines,
    /// More pieces than one line may have, or none.
    #[error("a line holds 1 to {MAX_QUANTITY} pieces")]
    Quantity,
    /// No such line.
    #[error("no such line")]
    NoLine,
    /// It holds as many codes as it can.
    #[error("a cart holds at most {MAX_CODES} codes")]
    TooManyCodes,
}

impl Cart {
    /// An empty cart.
    pub fn new(owner: Owner, now: Timestamp) -> Self {
        Self {
            id: CartId::new(),
            owner,
            body: Body::default(),
            version: 1,
            order: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Adds pieces; the same offer again raises the quantity of its line.
    pub fn add(&mut self, offer: OfferId, quantity: u32) -> Result<(), Refusal> {
        self.open()?;
        let quantity = checked(quantity)?;
        if let Some(line) = self.body.lines.iter_mut().find(|line| line.offer == offer) {
            line.quantity = checked(line.quantity.saturating_add(quantity))?;
            return Ok(());
        }
        if self.body.lines.len() >= MAX_LINES {
            return Err(Refusal::TooManyLines);
        }
        self.body.lines.push(Line { id: ItemId::new(), offer, quantity });
        Ok(())
    }

    /// Sets the quantity of a line; 0 removes it.
    pub fn set(&mut self, item: ItemId, quantity: u32) -> Result<(), Refusal> {
        self.open()?;
        let index = self.body.lines.iter().position(|line| line.id == item);
        let index = index.ok_or(Refusal::NoLine)?;
        if quantity == 0 {
            self.body.lines.remove(index);
        } else if let Some(line) = self.body.lines.get_mut(index) {
            line.quantity = checked(quantity)?;
        }
        Ok(())
    }

    /// Chooses how it is delivered.
    pub fn deliver(&mut self, delivery: Delivery) -> Result<(), Refusal> {
        self.open()?;
        self.body.delivery = Some(delivery);
        Ok(())
    }

    /// Adds a discount code; whether it has an effect is the order service's to say.
    pub fn add_code(&mut self, code: &str) -> Result<(), Refusal> {
        self.open()?;
        let code = normal_code(code);
        if self.body.codes.contains(&code) {
            return Ok(());
        }
        if self.body.codes.len() >= MAX_CODES {
            return Err(Refusal::TooManyCodes);
        }
        self.body.codes.push(code);
        Ok(())
    }

    /// Takes a discount code off; one that is not there is no error.
    pub fn remove_code(&mut self, code: &str) -> Result<(), Refusal> {
        self.open()?;
        let code = normal_code(code);
        self.body.codes.retain(|held| *held != code);
        Ok(())
    }

    /// Takes over the lines and codes of another cart. What would not fit is cut off: nobody is kept from signing in by a full cart.
    pub fn absorb(&mut self, other: &Body) -> Result<(), Refusal> {
        self.open()?;
        for line in &other.lines {
            if let Some(own) = self.body.lines.iter_mut().find(|own| own.offer == line.offer) {
                own.quantity = own.quantity.saturating_add(line.quantity).min(MAX_QUANTITY);
            } else if self.body.lines.len() < MAX_LINES {
                self.body.lines.push(line.clone());
            }
        }
        for code in &other.codes {
            if self.body.codes.len() < MAX_CODES {
                self.add_code(code)?;
            }
        }
        if self.body.delivery.is_none() {
            self.body.delivery.clone_from(&other.delivery);
        }
        Ok(())
    }

    fn open(&self) -> Result<(), Refusal> {
        if self.order.is_some() { Err(Refusal::Completed) } else { Ok(()) }
    }
}

/// A code as it is kept and compared.
pub fn normal_code(text: &str) -> String {
    text.trim().to_uppercase()
}

fn checked(quantity: u32) -> Result<u32, Refusal> {
    if (1..=MAX_QUANTITY).contains(&quantity) { Ok(quantity) } else { Err(Refusal::Quantity) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cart() -> Cart {
        Cart::new(Owner::User(UserId::new()), Timestamp::from_millis(0))
    }

    #[test]
    fn the_same_offer_twice_is_one_line() {
        let (mut cart, offer) = (cart(), OfferId::new());
        cart.add(offer, 2).unwrap();
        cart.add(offer, 3).unwrap();
        assert_eq!(cart.body.lines.len(), 1);
        assert_eq!(cart.body.lines[0].quantity, 5);
    }

    #[test]
    fn a_completed_cart_refuses_everything() {
        let mut cart = cart();
        cart.add(OfferId::new(), 1).unwrap();
        cart.order = Some(OrderId::new());
        let item = cart.body.lines[0].id;
        assert_eq!(cart.add(OfferId::new(), 1), Err(Refusal::Completed));
        assert_eq!(cart.set(item, 2), Err(Refusal::Completed));
        assert_eq!(cart.add_code("X"), Err(Refusal::Completed));
        assert_eq!(cart.absorb(&Body::default()), Err(Refusal::Completed));
    }

    #[test]
    fn codes_are_kept_once_and_in_upper_case() {
        let mut cart = cart();
        cart.add_code(" navruz ").unwrap();
        cart.add_code("NAVRUZ").unwrap();
        assert_eq!(cart.body.codes, ["NAVRUZ"]);
        cart.remove_code("Navruz").unwrap();
        assert!(cart.body.codes.is_empty());
    }

    #[derive(Debug, Clone)]
    enum Step {
        Add(u8, u32),
        Set(usize, u32),
        Absorb(Vec<(u8, u32)>),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (any::<u8>(), 0u32..2000).prop_map(|(offer, quantity)| Step::Add(offer, quantity)),
            (0usize..120, 0u32..2000).prop_map(|(line, quantity)| Step::Set(line, quantity)),
            prop::collection::vec((any::<u8>(), 1u32..=999), 0..130).prop_map(Step::Absorb),
        ]
    }

    proptest! {
        #[test]
        fn no_history_breaks_the_bounds(steps in prop::collection::vec(step(), 0..200)) {
            let mut cart = cart();
            let offer = |number: u8| OfferId::from_u128(u128::from(number));
            for step in steps {
                let before = cart.clone();
                let outcome = match step {
                    Step::Add(number, quantity) => cart.add(offer(number), quantity),
                    Step::Set(line, quantity) => {
                        let item = cart.body.lines.get(line).map_or_else(ItemId::new, |line| line.id);
                        cart.set(item, quantity)
                    }
                    Step::Absorb(lines) => cart.absorb(&Body {
                        lines: lines.into_iter().map(|(number, quantity)| Line { id: ItemId::new(), offer: offer(number), quantity }).collect(),
                        ..Body::default()
                    }),
                };
                if outcome.is_err() {
                    prop_assert_eq!(&cart, &before, "a refusal changes nothing");
                }
                prop_assert!(cart.body.lines.len() <= MAX_LINES);
                prop_assert!(cart.body.lines.iter().all(|line| (1..=MAX_QUANTITY).contains(&line.quantity)));
                let mut offers: Vec<_> = cart.body.lines.iter().map(|line| line.offer).collect();
                offers.sort();
                offers.dedup();
                prop_assert_eq!(offers.len(), cart.body.lines.len(), "one line for each offer");
            }
        }
    }
}
