//! What accounts and merchants are, and what may be done with them.

mod account;
mod address;
mod check;
mod event;
mod merchant;
mod password;
mod phone;
mod staff;

pub use account::{Email, Locale, Login, NewUser, ProfileChange, Registration, User};
pub use address::{Address, SavedAddress};
pub use check::{Checks, Wrong};
pub use event::{Event, Message, Values};
pub use merchant::{Application, Bank, Decision, IllegalDecision, Merchant, Plan, Status};
pub use password::{Password, PasswordHash};
pub use phone::Phone;
pub use staff::{ApiKey, AuditEntry, Membership, SCOPES, StaffMember, StaffRole, api_key_form};

use clock::Timestamp;
use ids::{SessionId, UserId};

/// Addresses that a user keeps at most.
pub const MAX_ADDRESSES: u32 = 20;
/// People on a merchant's staff at most.
pub const MAX_STAFF: u32 = 100;
/// API keys of a merchant at most.
pub const MAX_API_KEYS: u32 = 20;

/// Where a sign-in comes from, as the gateway saw it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Client {
    /// Address of the client.
    pub ip: String,
    /// What the client calls itself.
    pub user_agent: String,
}

impl Client {
    /// Takes over what the gateway says, cut to what is worth keeping.
    pub fn new(ip: &str, user_agent: &str) -> Self {
        let cut = |text: &str, most: usize| text.chars().take(most).collect();
        Self { ip: cut(ip, 64), user_agent: cut(user_agent, 256) }
    }
}

/// A sign-in that lasts until it is ended or not used any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its name.
    pub id: SessionId,
    /// Who signed in.
    pub user: UserId,
    /// When.
    pub created_at: Timestamp,
    /// When its refresh token was last swapped.
    pub last_used_at: Timestamp,
    /// When its newest refresh token ends.
    pub expires_at: Timestamp,
    /// From where, the last time.
    pub client: Client,
}
