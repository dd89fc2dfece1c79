//! The way services reach each other.
//!
//! Every caller holds a generated tonic client over a [`Link`]. A link is *local* when the peer's role runs in this process: the
//! call goes through the peer's server [`Stack`] as a function call. Else it is *remote*: a lazily connected HTTP/2 channel to
//! the same stack elsewhere. Both wear the same clothes, so that a program split into nine processes behaves as the one did:
//!
//! | gap | closed by |
//! |---|---|
//! | a local call would know no deadline | the stack enforces `grpc-timeout`, the link sends it anew at each hop |
//! | `http::Extensions` would leak to a local callee | the link clears them |
//! | a panic would unwind into a local caller | the stack answers `INTERNAL` |
//! | a remote deadline shows itself as `Cancelled` | `fault` reads both as one timeout |
//!
//! Beside the message, a call carries a [`Context`]: who asks, until when, for which request, in which language.
//!
//! Services that call each other in a circle need two steps: links are handed out first, stacks are put behind them by
//! [`Mesh::seal`].

mod caller;
mod context;
mod link;
mod role;
mod stack;

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

pub use caller::{Caller, Kind, StaffRole};
pub use context::{Context, detach};
pub use link::Link;
pub use role::{ParseRoleError, Role};
pub use stack::Stack;

use proto::{
    auth::auth_service_client::AuthServiceClient, cart::cart_service_client::CartServiceClient,
    event::event_service_client::EventServiceClient, file::file_service_client::FileServiceClient,
    notification::notification_service_client::NotificationServiceClient,
    order::finance_service_client::FinanceServiceClient,
    order::order_service_client::OrderServiceClient,
    order::promotion_service_client::PromotionServiceClient,
    order::return_service_client::ReturnServiceClient,
    payment::payment_service_client::PaymentServiceClient,
    payment::reconciliation_service_client::ReconciliationServiceClient,
    product::product_service_client::ProductServiceClient,
    search::search_service_client::SearchServiceClient,
};

/// The largest message that may travel: an upload or an import.
pub const MAX_MESSAGE: usize = 16 * 1024 * 1024;

/// How long a call may take when nobody above it has set a deadline.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

/// The secret that every internal call carries. Debug shows nothing of it.
#[derive(Clone)]
pub struct Token(Arc<str>);

impl Token {
    /// Takes over a secret.
    pub fn new(secret: impl Into<Arc<str>>) -> Self {
        Self(secret.into())
    }

    fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(***)")
    }
}

/// All links of a process.
#[derive(Debug, Clone)]
pub struct Mesh {
    links: BTreeMap<Role, Link>,
    token: Token,
}

/// A peer's address cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("peers.{role}: {address:?} is not an address such as http://{role}:3005")]
pub struct PeerError {
    role: Role,
    address: String,
}

impl Mesh {
    /// Links to every service: local for the roles of this process, remote for the others.
    pub fn new(
        local: &[Role],
        peers: &BTreeMap<Role, String>,
        token: Token,
    ) -> Result<Self, PeerError> {
        let mut links = BTreeMap::new();
        for role in Role::SERVICES {
            let link = if local.contains(&role) {
                Link::local(Arc::new(OnceLock::new()), &token)
            } else {
                let default = format!("http://127.0.0.1:{}", role.port());
                let address = peers.get(&role).unwrap_or(&default);
                Link::remote(address, &token)
                    .map_err(|_| PeerError { role, address: address.clone() })?
            };
            links.insert(role, link);
        }
        Ok(Self { links, token })
    }

    /// Puts the stack of a local role behind its links. Calls made before wait in vain: they fail as unavailable.
    pub fn seal(&self, role: Role, stack: Stack) {
        if let Some(link) = self.links.get(&role) {
            link.seal(stack);
        }
    }

    /// The credential of this mesh, for the server stacks.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// The link to a service. The gateway has none: nobody calls it.
    pub fn link(&self, role: Role) -> Link {
        self.links
            .get(&role)
            .cloned()
            .unwrap_or_else(|| Link::local(Arc::new(OnceLock::new()), &self.token))
    }

    /// The way to deliver events to a role.
    pub fn events(&self, role: Role) -> EventServiceClient<Link> {
        EventServiceClient::new(self.link(role))
    }
}

macro_rules! clients {
    ($($method:ident, $client:ident, $role:ident;)+) => {
        impl Mesh {
            $(
                #[doc = concat!("A client of the ", stringify!($method), " service.")]
                pub fn $method(&self) -> $client<Link> {
                    $client::new(self.link(Role::$role))
                        .max_decoding_message_size(MAX_MESSAGE)
                        .max_encoding_message_size(MAX_MESSAGE)
                }
            )+
        }
    };
}

clients! {
    auth, AuthServiceClient, Auth;
    product, ProductServiceClient, Product;
    order, OrderServiceClient, Order;
    promotions, PromotionServiceClient, Order;
    returns, ReturnServiceClient, Order;
    finance, FinanceServiceClient, Order;
    payment, PaymentServiceClient, Payment;
    reconciliation, ReconciliationServiceClient, Payment;
    cart, CartServiceClient, Cart;
    search, SearchServiceClient, Search;
    notification, NotificationServiceClient, Notification;
    file, FileServiceClient, File;
}
