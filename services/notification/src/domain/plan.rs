//! From what happened to who is told.

use super::{
    Channel, Locale, MerchantId, OfferId, OrderId, ProductId, Recipient, ShipmentId, Template,
    UserId, Value, Values, json, order_link, shipment_link,
};

/// An order after a change, as far as it matters here.
#[derive(Debug, Clone)]
pub struct OrderNews {
    /// For example "order.paid".
    pub kind: String,
    /// Which order.
    pub id: OrderId,
    /// What people call it.
    pub number: String,
    /// Public name of its status.
    pub status: &'static str,
    /// Public name of the status of its payment.
    pub payment_status: &'static str,
    /// Who placed it; nobody for a guest.
    pub user: Option<UserId>,
    /// The customer's number, E.164.
    pub phone: String,
    /// The language it was placed in.
    pub locale: Locale,
    /// Paid to the courier: nobody waits for a payment.
    pub cash: bool,
    /// What each merchant sends of it.
    pub shipments: Vec<(ShipmentId, MerchantId)>,
    /// The one that it is about, when it is one.
    pub shipment: Option<ShipmentId>,
}

/// A merchant after a change.
#[derive(Debug, Clone)]
pub struct MerchantNews {
    /// For example "merchant.approved".
    pub kind: String,
    /// Which merchant.
    pub id: MerchantId,
    /// What it is called.
    pub name: String,
    /// Whose it is.
    pub owner: Option<UserId>,
    /// Where letters go; may be empty.
    pub email: String,
    /// Public name of the status.
    pub status: &'static str,
    /// Why it was rejected.
    pub reason: String,
}

/// Stock of a merchant that crossed a line.
#[derive(Debug, Clone)]
pub struct StockNews {
    /// "offer.low_stock" or "offer.back_in_stock".
    pub kind: String,
    /// Which offer.
    pub offer: OfferId,
    /// Of which product.
    pub product: ProductId,
    /// Whose.
    pub merchant: MerchantId,
    /// What it is called, in the language of merchants' lists.
    pub title: String,
    /// The merchant's own name for it.
    pub sku: String,
    /// Pieces that are left.
    pub available: i64,
}

/// A service asks for a text to one person.
#[derive(Debug, Clone)]
pub struct PersonalMessage {
    /// The person, when there is an account.
    pub user: Option<UserId>,
    /// Number or e-mail address.
    pub address: String,
    /// How to send it.
    pub channel: Channel,
    /// Which text.
    pub template: Template,
    /// What to fill it in with.
    pub values: Values,
    /// In which language.
    pub locale: Locale,
}

/// An entry for somebody's list, to be rendered.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Whose list.
    pub to: Recipient,
    /// For example "order.paid".
    pub kind: String,
    /// Which text.
    pub template: Template,
    /// In which language.
    pub locale: Locale,
    /// What to fill it in with.
    pub values: Values,
    /// Ids to link to.
    pub data: Value,
}

/// A text for an address, to be rendered.
#[derive(Debug, Clone)]
pub struct Letter {
    /// How.
    pub channel: Channel,
    /// Where to.
    pub address: String,
    /// Which text.
    pub template: Template,
    /// In which language.
    pub locale: Locale,
    /// What to fill it in with.
    pub values: Values,
}

/// Something to tell subscribers.
#[derive(Debug, Clone)]
pub struct Signal {
    /// Whom.
    pub to: Recipient,
    /// For example "order.paid".
    pub kind: String,
    /// What clients get to see.
    pub data: Value,
}

/// Who is told what.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Entries for lists.
    pub notices: Vec<Notice>,
    /// Texts for addresses.
    pub letters: Vec<Letter>,
    /// Real-time messages.
    pub signals: Vec<Signal>,
}

impl OrderNews {
    /// The shopper hears of each change; a guest by text message, of payment, dispatch, and what goes back only. Each merchant hears of
    /// its own part: when it may begin to work on it, when nobody wants it any more, and when something of it is to come back.
    pub fn plan(&self) -> Plan {
        let mut plan = Plan::default();
        let values = || Values::one("number", &self.number);
        let template = self.template();
        if let Some(user) = self.user {
            let to = Recipient::User(user);
            plan.signals.push(Signal {
                to,
                kind: self.kind.clone(),
                data: json!({
                    "order_id": self.id.to_string(),
                    "number": self.number,
                    "status": self.status,
                    "payment_status": self.payment_status,
                }),
            });
            plan.notices.extend(template.map(|template| Notice {
                to,
                kind: self.kind.clone(),
                template,
                locale: self.locale,
                values: values(),
                data: order_link(self.id, &self.number),
            }));
        } else if let Some(
            template @ (Template::OrderPaid
            | Template::OrderShipped
            | Template::OrderItemsCancelled
            | Template::OrderReturnApproved
            | Template::OrderReturnRefused
            | Template::OrderRefundDone
            | Template::OrderRefunded),
        ) = template
            && !self.phone.is_empty()
        {
            plan.letters.push(Letter {
                channel: Channel::Sms,
                address: self.phone.clone(),
                template,
                locale: self.locale,
                values: values(),
            });
        }
        if let Some((kind, template)) = self.for_merchants() {
            let all = self.shipments.iter();
            let meant = all.filter(|(id, _)| self.shipment.is_none_or(|meant| meant == *id));
            for (shipment, merchant) in meant {
                let to = Recipient::Merchant(*merchant);
                let data = shipment_link(self.id, &self.number, *shipment);
                plan.signals.push(Signal { to, kind: kind.to_owned(), data: data.clone() });
                plan.notices.push(Notice {
                    to,
                    kind: kind.to_owned(),
                    template,
                    locale: Locale::Uz,
                    values: values(),
                    data,
                });
            }
        }
        plan
    }

    /// What merchants hear of it.
    fn for_merchants(&self) -> Option<(&'static str, Template)> {
        let begins = if self.cash { "order.placed" } else { "order.paid" };
        // Before it is paid, an order is none of their business.
        let began = self.cash || !matches!(self.payment_status, "pending" | "cancelled");
        match self.kind.as_str() {
            kind if kind == begins => {
                Some(("merchant.order_placed", Template::MerchantOrderPlaced))
            }
            "order.cancelled" if began => {
                Some(("merchant.order_cancelled", Template::MerchantOrderCancelled))
            }
            "order.return_requested" => {
                Some(("merchant.return_requested", Template::MerchantReturnRequested))
            }
            _ => None,
        }
    }

    fn template(&self) -> Option<Template> {
        match self.kind.as_str() {
            "order.placed" => Some(Template::OrderPlaced),
            "order.paid" => Some(Template::OrderPaid),
            "order.paid_after_end" => Some(Template::OrderPaidAfterEnd),
            "order.accepted" => Some(Template::OrderAccepted),
            "order.shipped" => Some(Template::OrderShipped),
            "order.delivered" => Some(Template::OrderDelivered),
            "order.cancelled" => Some(Template::OrderCancelled),
            "order.expired" => Some(Template::OrderExpired),
            "order.refunded" => Some(Template::OrderRefunded),
            "order.items_cancelled" => Some(Template::OrderItemsCancelled),
            "order.return_approved" => Some(Template::OrderReturnApproved),
            "order.return_refused" => Some(Template::OrderReturnRefused),
            "order.refund_done" => Some(Template::OrderRefundDone),
            // Told to subscribers only.
            _ => None,
        }
    }
}

impl MerchantNews {
    /// The owner hears of each step, by letter too of a decision; the platform hears of an application.
    pub fn plan(&self) -> Plan {
        let mut plan = Plan::default();
        let values: Values = [("name", &self.name), ("reason", &self.reason)]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect();
        let data = json!({ "merchant_id": self.id.to_string(), "status": self.status });
        let template = match self.kind.as_str() {
            "merchant.applied" => Template::MerchantApplied,
            "merchant.approved" => Template::MerchantApproved,
            "merchant.rejected" => Template::MerchantRejected,
            "merchant.suspended" => Template::MerchantSuspended,
            _ => return plan,
        };
        let mut tell = |to: Recipient, template: Template| {
            let (kind, locale, values) = (self.kind.clone(), Locale::Uz, values.clone());
            plan.signals.push(Signal { to, kind: kind.clone(), data: data.clone() });
            plan.notices.push(Notice { to, kind, template, locale, values, data: data.clone() });
        };
        if let Some(owner) = self.owner {
            tell(Recipient::User(owner), template);
        }
        if template == Template::MerchantApplied {
            tell(Recipient::Platform, Template::MerchantApplication);
        } else if !self.email.is_empty() {
            plan.letters.push(Letter {
                channel: Channel::Email,
                address: self.email.clone(),
                template,
                locale: Locale::Uz,
                values,
            });
        }
        plan
    }
}

impl StockNews {
    /// The merchant hears of its own.
    pub fn plan(&self) -> Plan {
        let mut plan = Plan::default();
        let template = match self.kind.as_str() {
            "offer.low_stock" => Template::MerchantLowStock,
            "offer.back_in_stock" => Template::MerchantBackInStock,
            _ => return plan,
        };
        let title = if self.title.is_empty() {
            self.sku.clone()
        } else {
            format!("{} ({})", self.title, self.sku)
        };
        // Pieces that are sold and not there yet are none that are left.
        let values = [("title", title), ("count", self.available.max(0).to_string())];
        let values: Values =
            values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let (to, kind) = (Recipient::Merchant(self.merchant), self.kind.clone());
        let data = json!({
            "offer_id": self.offer.to_string(),
            "product_id": self.product.to_string(),
            "sku": self.sku,
            "stock": self.available,
        });
        plan.signals.push(Signal { to, kind: kind.clone(), data: data.clone() });
        plan.notices.push(Notice { to, kind, template, locale: Locale::Uz, values, data });
        plan
    }
}

impl PersonalMessage {
    /// One text to one person; nothing when there is no address, in the application no account, or a code would be listed there.
    pub fn plan(&self) -> Option<Plan> {
        let mut plan = Plan::default();
        if self.channel == Channel::InApp {
            // A list is kept for good; a code must not be.
            if self.template.is_secret() {
                return None;
            }
            let kind = "user.message".to_owned();
            let (template, locale) = (self.template, self.locale);
            let (to, values) = (Recipient::User(self.user?), self.values.clone());
            plan.notices.push(Notice { to, kind, template, locale, values, data: json!({}) });
        } else if self.address.is_empty() {
            return None;
        } else {
            plan.letters.push(Letter {
                channel: self.channel,
                address: self.address.clone(),
                template: self.template,
                locale: self.locale,
                values: self.values.clone(),
            });
        }
        Some(plan)
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
