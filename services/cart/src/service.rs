//! What can be done with carts and wishlists.

use std::{sync::Arc, time::Duration};

use clock::Clock;
use fault::{Fault, Field};
use ids::{CartId, ItemId, OfferId, OrderId, ProductId, UserId};
use mesh::Caller;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio_util::sync::CancellationToken;

use crate::{
    domain::{Cart, Delivery, Owner, Refusal, normal_code},
    error::Error,
    peers::Offers,
    store::{CartStore, Wish},
};

/// Tries of a change that others keep overtaking.
const TRIES: usize = 8;
/// Guest carts deleted in one go.
const SWEEP: u32 = 500;

/// Carts and wishlists. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Carts {
    store: Arc<dyn CartStore>,
    offers: Arc<dyn Offers>,
    clock: Clock,
}

impl Carts {
    pub(crate) fn new(store: Arc<dyn CartStore>, offers: Arc<dyn Offers>, clock: Clock) -> Self {
        Self { store, offers, clock }
    }

    /// A cart for the caller, and the token to it when the caller is a guest.
    pub(crate) async fn create(&self, caller: &Caller) -> Result<(Cart, String), Error> {
        let (owner, token) = match caller.user {
            Some(user) => (Owner::User(user), String::new()),
            None => {
                let token = ids::token::secret("");
                (Owner::Token(hash(&token)), token)
            }
        };
        let cart = self.store.create(Cart::new(owner, self.clock.now())).await?;
        Ok((cart, token))
    }

    /// The cart, if the caller may see it.
    pub(crate) async fn get(
        &self,
        caller: &Caller,
        id: CartId,
        token: &str,
    ) -> Result<Cart, Error> {
        let cart = self.store.find(id).await?.ok_or(Error::CartNotFound)?;
        let allowed = match &cart.owner {
            Owner::User(user) => caller.user == Some(*user),
            Owner::Token(known) => known.ct_eq(&hash(token)).into(),
        };
        if allowed { Ok(cart) } else { Err(Error::CartNotFound) }
    }

    /// Adds pieces of an offer that is on sale.
    pub(crate) async fn add(
        &self,
        caller: &Caller,
        (id, token): (CartId, &str),
        offer: OfferId,
        quantity: u32,
    ) -> Result<Cart, Error> {
        if !self.offers.on_sale(offer).await? {
            return Err(Error::OfferNotFound);
        }
        self.change(caller, id, token, |cart| cart.add(offer, quantity)).await
    }

    /// Sets the quantity of a line; 0 removes it.
    pub(crate) async fn set(
        &self,
        caller: &Caller,
        (id, token): (CartId, &str),
        item: ItemId,
        quantity: u32,
    ) -> Result<Cart, Error> {
        self.change(caller, id, token, |cart| cart.set(item, quantity)).await
    }

    /// Chooses how the cart is delivered.
    pub(crate) async fn deliver(
        &self,
        caller: &Caller,
        (id, token): (CartId, &str),
        delivery: Delivery,
    ) -> Result<Cart, Error> {
        self.change(caller, id, token, |cart| cart.deliver(delivery.clone())).await
    }

    /// Adds a discount code that takes something off.
    pub(crate) async fn add_code(
        &self,
        caller: &Caller,
        (id, token): (CartId, &str),
        code: &str,
    ) -> Result<Cart, Error> {
        if code.trim().is_empty() || code.len() > 64 {
            let field = Field::new("code", "LENGTH", "a code has 1 to 64 characters");
            return Err(Fault::invalid(vec![field]).into());
        }
        // A code without effect is not kept: whoever types it hears why.
        let mut trial = self.get(caller, id, token).await?;
        let code = normal_code(code);
        if !trial.body.codes.contains(&code) {
            trial.add_code(&code)?;
            if let Some(reason) = self.offers.refused(&trial.body, &code).await? {
                return Err(Error::CodeRefused(reason));
            }
        }
        self.change(caller, id, token, |cart| cart.add_code(&code)).await
    }

    /// Takes a discount code off.
    pub(crate) async fn remove_code(
        &self,
        caller: &Caller,
        (id, token): (CartId, &str),
        code: &str,
    ) -> Result<Cart, Error> {
        self.change(caller, id, token, |cart| cart.remove_code(code)).await
    }

    /// Moves a guest's lines into the caller's own cart; the guest's cart ends.
    pub(crate) async fn merge(
        &self,
        caller: &Caller,
        id: CartId,
        (guest, token): (CartId, &str),
    ) -> Result<Cart, Error> {
        caller.require_user()?;
        for _ in 0..TRIES {
            let mut cart = self.get(caller, id, "").await?;
            if guest == id {
                return Ok(cart);
            }
            let other = self.get(caller, guest, token).await?;
            if other.order.is_some() {
                return Err(Refusal::Completed.into());
            }
            cart.absorb(&other.body)?;
            let now = self.clock.now();
            if self.store.replace_and_delete(&cart, guest, now).await? {
                cart.version += 1;
                cart.updated_at = now;
                return Ok(cart);
            }
        }
        Err(Error::Contended)
    }

    /// Notes the order that a cart became. Repeats change nothing.
    pub(crate) async fn complete(&self, id: CartId, order: OrderId) -> Result<(), Error> {
        Ok(self.store.complete(id, order, self.clock.now()).await?)
    }

    /// Adds to the caller's wishlist.
    pub(crate) async fn wish(&self, user: UserId, product: ProductId) -> Result<(), Error> {
        Ok(self.store.wish(user, product, self.clock.now()).await?)
    }

    /// Takes from the caller's wishlist.
    pub(crate) async fn unwish(&self, user: UserId, product: ProductId) -> Result<(), Error> {
        Ok(self.store.unwish(user, product).await?)
    }

    /// A page of the caller's wishlist.
    pub(crate) async fn wishes(
        &self,
        user: UserId,
        after: Option<Wish>,
        limit: u32,
    ) -> Result<Vec<Wish>, Error> {
        Ok(self.store.wishes(user, after, limit).await?)
    }

    /// Forgets guest carts that nobody has touched for so many days.
    pub(crate) async fn sweep(self, days: u32, stop: CancellationToken) -> anyhow::Result<()> {
        let age = Duration::from_secs(u64::from(days) * 86_400);
        loop {
            let before = self.clock.now().minus(age);
            while self.store.forget(before, SWEEP).await? == u64::from(SWEEP) {}
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(Duration::from_hours(1)) => {}
            }
        }
    }

    /// Reads, changes and writes back, again when somebody else was quicker.
    async fn change(
        &self,
        caller: &Caller,
        id: CartId,
        token: &str,
        change: impl Fn(&mut Cart) -> Result<(), Refusal> + Send,
    ) -> Result<Cart, Error> {
        for _ in 0..TRIES {
            let mut cart = self.get(caller, id, token).await?;
            change(&mut cart)?;
            let now = self.clock.now();
            if self.store.replace(&cart, now).await? {
                cart.version += 1;
                cart.updated_at = now;
                return Ok(cart);
            }
        }
        Err(Error::Contended)
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
