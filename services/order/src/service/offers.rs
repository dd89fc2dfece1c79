//! Offers and prices.

use ids::{MerchantId, ProductId};
use mesh::{Caller, StaffRole};

use super::Orders;
use crate::{
    domain::{
        Delivery,
        discounts::Offered,
        offer::{Offer, Refusal, Snapshot, Terms, Update},
        pricing::{self, DeliveryOption, Line, Quote},
        promotion::Shopper,
    },
    error::Error,
    store::{Merchant, Wanted, promotions::Basis},
};

impl Orders {
    /// Applies a product and the terms that came with it.
    pub(crate) async fn put_offers(
        &self,
        product: Snapshot,
        terms: Vec<Terms>,
    ) -> Result<(), Error> {
        let mut merchants: Vec<MerchantId> = terms.iter().map(|terms| terms.merchant).collect();
        merchants.sort_unstable();
        merchants.dedup();
        self.learn_merchants(merchants).await?;
        self.0.store.put_offers(product, terms, self.now()).await?;
        self.0.relay.wake();
        Ok(())
    }

    /// A merchant's offer may arrive before the event of its approval: then it is asked for.
    async fn learn_merchants(&self, ids: Vec<MerchantId>) -> Result<(), Error> {
        // A product that changed by itself brings no terms.
        if ids.is_empty() {
            return Ok(());
        }
        let known = self.0.store.known_merchants(ids.clone()).await?;
        let unknown: Vec<MerchantId> = ids.into_iter().filter(|id| !known.contains(id)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        for merchant in self.0.merchants.get(unknown).await? {
            self.put_merchant(merchant).await?;
        }
        Ok(())
    }

    /// Takes over what is new of a merchant.
    pub(crate) async fn put_merchant(&self, merchant: Merchant) -> Result<(), Error> {
        self.0.store.put_merchant(merchant, self.now()).await?;
        self.0.relay.wake();
        Ok(())
    }

    /// Changes offers of the caller's merchant, each by itself.
    pub(crate) async fn update_offers(
        &self,
        caller: &Caller,
        updates: Vec<Update>,
    ) -> Result<Vec<Result<Offer, Refusal>>, Error> {
        let merchant = caller.require_merchant(StaffRole::Operator)?;
        caller.require_scope("products:write")?;
        let results = self.0.store.update_offers(merchant, updates, self.now()).await?;
        self.0.relay.wake();
        Ok(results)
    }

    /// Every offer of a product, on sale or not.
    pub(crate) async fn offers_of(&self, product: ProductId) -> Result<Vec<Offer>, Error> {
        self.0.store.offers(Wanted::Products(vec![product])).await
    }

    /// Offers that are on sale; with `own`, those of the caller's merchant, on sale or not.
    pub(crate) async fn offers(
        &self,
        caller: &Caller,
        wanted: Wanted,
        own: bool,
    ) -> Result<Vec<Offer>, Error> {
        let merchant = own.then(|| caller.require_merchant(StaffRole::Viewer)).transpose()?;
        let mut offers = self.0.store.offers(wanted).await?;
        match merchant {
            Some(merchant) => offers.retain(|offer| offer.merchant == merchant),
            None => offers.retain(|offer| offer.on_sale),
        }
        Ok(offers)
    }

    /// What lines cost now, with the promotions that apply to them.
    pub(crate) async fn quote(
        &self,
        caller: &Caller,
        lines: &[Line],
        delivery: Option<&Delivery>,
        codes: Vec<String>,
    ) -> Result<Quote, Error> {
        let phone = delivery.map(|choice| choice.address.phone.clone()).unwrap_or_default();
        let Basis { offers, offered } = self.basis(caller, lines, phone, codes).await?;
        Ok(pricing::quote(lines, offers, delivery, &self.0.tariff, &offered)?)
    }

    /// The ways of delivery for lines, and what is to be paid for each.
    pub(crate) async fn delivery_options(
        &self,
        caller: &Caller,
        lines: &[Line],
        region: &str,
        codes: Vec<String>,
    ) -> Result<[DeliveryOption; 3], Error> {
        let Basis { offers, offered } = self.basis(caller, lines, String::new(), codes).await?;
        Ok(self.0.tariff.options(region, lines, &offers, &offered)?)
    }

    async fn basis(
        &self,
        caller: &Caller,
        lines: &[Line],
        phone: String,
        codes: Vec<String>,
    ) -> Result<Basis, Error> {
        // A new cart costs nothing, and asking nobody.
        if lines.is_empty() && codes.is_empty() {
            return Ok(Basis { offers: Vec::new(), offered: Offered::default() });
        }
        let offers = lines.iter().map(|line| line.offer).collect();
        let shopper = Shopper { user: caller.user, phone };
        self.0.store.basis(offers, codes, shopper, self.now()).await
    }
}
