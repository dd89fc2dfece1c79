//! Who is told what, and through which channel. Decides; renders and sends nothing.

use std::{fmt, str::FromStr, time::Duration};

use clock::Timestamp;
use ids::{EventId, MerchantId, NotificationId, OfferId, OrderId, ProductId, ShipmentId, UserId};
use serde_json::{Value, json};

mod plan;

pub use plan::{MerchantNews, OrderNews, PersonalMessage, Plan, StockNews};

/// Tries before a delivery is given up.
pub const ATTEMPTS: u32 = 8;
/// A code that arrives later than this helps nobody: it is not sent any more.
pub const SECRET_LIFE: Duration = Duration::from_mins(10);
/// How long a delivery that is being sent belongs to its sender.
pub const LEASE: Duration = Duration::from_secs(30);
/// Messages replayed to a subscriber that comes back, at most.
pub const REPLAY: u32 = 500;

/// Whom a notification or a real-time message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Recipient {
    /// One person.
    User(UserId),
    /// Everybody on a merchant's staff.
    Merchant(MerchantId),
    /// The platform's owner.
    Platform,
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Merchant(id) => write!(f, "merchant:{id}"),
            Self::Platform => f.write_str("platform"),
        }
    }
}

/// The text names no recipient.
#[derive(Debug, Clone, thiserror::Error)]
#[error("expected user:<id>, merchant:<id> or platform")]
pub struct ParseRecipientError;

impl FromStr for Recipient {
    type Err = ParseRecipientError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let recipient = match text.split_once(':') {
            Some(("user", id)) => id.parse().ok().map(Self::User),
            Some(("merchant", id)) => id.parse().ok().map(Self::Merchant),
            None if text == "platform" => Some(Self::Platform),
            _ => None,
        };
        recipient.ok_or(ParseRecipientError)
    }
}

/// The languages of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Locale {
    /// Uzbek in Latin script.
    #[default]
    Uz,
    /// Uzbek in Cyrillic script.
    UzCyrl,
    /// Russian.
    Ru,
    /// English.
    En,
}

impl Locale {
    /// Every language.
    pub const ALL: [Self; 4] = [Self::Uz, Self::UzCyrl, Self::Ru, Self::En];

    /// The tag.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uz => "uz",
            Self::UzCyrl => "uz-Cyrl",
            Self::Ru => "ru",
            Self::En => "en",
        }
    }

    /// Reads a tag; Uzbek for what is not known.
    pub fn parse(tag: &str) -> Self {
        Self::ALL.into_iter().find(|locale| locale.as_str() == tag).unwrap_or_default()
    }
}

macro_rules! templates {
    ($($name:ident, $key:literal, [$($need:literal),*], $secret:literal;)+) => {
        /// Texts that people get.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the names say it")]
        pub enum Template { $($name,)+ }

        impl Template {
            /// Every template.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The key in the Fluent files.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)+ }
            }

            /// Values without which it cannot be filled in.
            pub const fn needs(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($need),*],)+ }
            }

            /// Whether its text opens something: it is then kept no longer than needed and never logged.
            pub const fn is_secret(self) -> bool {
                match self { $(Self::$name => $secret,)+ }
            }
        }
    };
}

templates! {
    OrderPlaced, "order-placed", ["number"], false;
    OrderPaid, "order-paid", ["number"], false;
    OrderPaidAfterEnd, "order-paid-after-end", ["number"], false;
    OrderAccepted, "order-accepted", ["number"], false;
    OrderShipped, "order-shipped", ["number"], false;
    OrderDelivered, "order-delivered", ["number"], false;
    OrderCancelled, "order-cancelled", ["number"], false;
    OrderExpired, "order-expired", ["number"], false;
    OrderRefunded, "order-refunded", ["number"], false;
    OrderItemsCancelled, "order-items-cancelled", ["number"], false;
    OrderReturnApproved, "order-return-approved", ["number"], false;
    OrderReturnRefused, "order-return-refused", ["number"], false;
    OrderRefundDone, "order-refund-done", ["number"], false;
    MerchantOrderPlaced, "merchant-order-placed", ["number"], false;
    MerchantOrderCancelled, "merchant-order-cancelled", ["number"], false;
    MerchantReturnRequested, "merchant-return-requested", ["number"], false;
    MerchantLowStock, "merchant-low-stock", ["title", "count"], false;
    MerchantBackInStock, "merchant-back-in-stock", ["title", "count"], false;
    MerchantApplied, "merchant-applied", ["name"], false;
    MerchantApplication, "merchant-application", ["name"], false;
    MerchantApproved, "merchant-approved", ["name"], false;
    MerchantRejected, "merchant-rejected", ["name", "reason"], false;
    MerchantSuspended, "merchant-suspended", ["name"], false;
    OtpCode, "otp-code", ["code"], true;
    PasswordReset, "password-reset", ["token"], true;
}

/// What a template is filled in with. May hold codes: nothing shows it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Values(Vec<(String, String)>);

impl Values {
    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// One name and its value.
    pub fn one(name: &str, value: &str) -> Self {
        Self(vec![(name.to_owned(), value.to_owned())])
    }
}

impl FromIterator<(String, String)> for Values {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// A way to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// The list in the application.
    InApp,
    /// Nothing but a line in the log: stands in for a channel that is not configured.
    Log,
    /// A text message.
    Sms,
    /// A letter.
    Email,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 4] = [Self::InApp, Self::Log, Self::Sms, Self::Email];

    /// The name in the store and in events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InApp => "in_app",
            Self::Log => "log",
            Self::Sms => "sms",
            Self::Email => "email",
        }
    }

    /// Reads the name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == name)
    }
}

/// An entry of somebody's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Its name.
    pub id: NotificationId,
    /// Whose list.
    pub recipient: Recipient,
    /// For example "order.paid".
    pub kind: String,
    /// Rendered.
    pub title: String,
    /// Rendered.
    pub body: String,
    /// When it happened.
    pub at: Timestamp,
    /// Whether it has been read.
    pub read: bool,
    /// JSON with ids to link to.
    pub data: String,
}

/// A text on its way to an address.
#[derive(Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its name; senders pass it on, so that a provider can tell a repeat.
    pub id: NotificationId,
    /// How.
    pub channel: Channel,
    /// E.164 number, e-mail address, or, for [`Channel::InApp`], the recipient.
    pub address: String,
    /// Key of the template.
    pub template: String,
    /// Subject of a letter.
    pub subject: String,
    /// The text.
    pub text: String,
    /// Whether the text opens something.
    pub secret: bool,
    /// Tries so far, this one included.
    pub attempts: u32,
    /// When it was asked for.
    pub created_at: Timestamp,
}

/// Shows neither text nor address.
impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("id", &self.id)
            .field("channel", &self.channel)
            .field("address", &masked(&self.address))
            .field("template", &self.template)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// Something that happens, told as it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where a subscriber resumes.
    pub id: EventId,
    /// For whom.
    pub recipient: Recipient,
    /// For example "order.paid".
    pub kind: String,
    /// When it happened.
    pub at: Timestamp,
    /// JSON.
    pub data: String,
}

/// Everything that one event brings about; written in one go.
#[derive(Debug, Clone, Default)]
pub struct Effects {
    /// For lists.
    pub notifications: Vec<Notification>,
    /// For addresses.
    pub deliveries: Vec<Delivery>,
    /// For subscribers.
    pub messages: Vec<Message>,
}

/// An address as logs may show it: enough to recognise one's own.
pub fn masked(address: &str) -> String {
    let (name, host) = address.split_once('@').map_or((address, ""), |(name, host)| (name, host));
    let count = name.chars().count();
    let (front, back) = if host.is_empty() { (4, 2) } else { (1, 0) };
    let hide = |(place, character)| {
        if count > front + back && (front..count - back).contains(&place) { '*' } else { character }
    };
    let name: String = name.chars().enumerate().map(hide).collect();
    if host.is_empty() { name } else { format!("{name}@{host}") }
}

/// The pause before the next try: doubling from two seconds to five minutes.
pub fn pause(attempts: u32) -> Duration {
    Duration::from_secs(1u64 << attempts.min(16)).min(Duration::from_mins(5))
}

fn order_link(order: OrderId, number: &str) -> Value {
    json!({ "order_id": order.to_string(), "number": number })
}

fn shipment_link(order: OrderId, number: &str, shipment: ShipmentId) -> Value {
    json!({ "order_id": order.to_string(), "number": number, "shipment_id": shipment.to_string() })
}
