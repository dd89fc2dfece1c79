//! The port to the store, in five parts and one whole.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{AddressId, ApiKeyId, MerchantId, SessionId, StaffId, UserId};
use outbox::{Draft, OutboxStore};

use crate::{
    domain::{
        ApiKey, AuditEntry, Client, Decision, Event, Login, Membership, Merchant, Message, NewUser,
        PasswordHash, Phone, ProfileChange, SavedAddress, Session, StaffMember, StaffRole, Status,
        User,
    },
    error::Error,
};

mod postgres;
mod sqlite;

/// SHA-256 of a secret: what is kept of it.
pub type Hash = [u8; 32];

/// How events of a moment become rows of the outbox.
pub type Encode = fn(&Event, Timestamp) -> Draft;

/// A session about to begin, with its first refresh token.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Its name, and that of its family of tokens.
    pub id: SessionId,
    /// Of the first token.
    pub refresh: Hash,
    /// From where.
    pub client: Client,
    /// When.
    pub at: Timestamp,
    /// When that token ends.
    pub expires_at: Timestamp,
}

/// What became of a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// It was good; the new one is.
    Rotated(SessionId, UserId),
    /// It had been used: the session is ended now.
    Reused,
    /// Unknown, too old, or of a session that was ended.
    Unknown,
}

/// A code about to be sent.
#[derive(Debug, Clone)]
pub struct NewOtp {
    /// To whom.
    pub phone: Phone,
    /// Of the code.
    pub hash: Hash,
    /// When.
    pub at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// Pause after the code before.
    pub resend: Duration,
    /// Codes within an hour at most.
    pub per_hour: u32,
}

/// What became of a code that somebody typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OtpOutcome {
    /// It was right: the session has begun.
    SignedIn(User),
    /// Wrong, too old, used, or never sent.
    Wrong,
    /// Wrong too often: the code is dead.
    Exhausted,
}

/// A reset about to be sent.
#[derive(Debug, Clone)]
pub struct NewReset {
    /// Counts what was asked for this login.
    pub key: Hash,
    /// Whose password; nothing is sent when it is nobody's.
    pub login: Login,
    /// Of the token.
    pub hash: Hash,
    /// When.
    pub at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// Pause after the one before.
    pub resend: Duration,
    /// Resets within an hour at most.
    pub per_hour: u32,
}

/// A key that signs access tokens. Nothing shows the private part.
#[derive(Clone)]
pub struct SigningKey {
    /// Its name in token headers.
    pub kid: String,
    /// Ed25519 in PKCS#8.
    pub pkcs8: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// Accounts and what belongs to them.
#[async_trait]
pub trait AccountStore {
    /// Makes an account and begins its first session; [`Error::LoginTaken`].
    async fn register(&self, user: NewUser, session: NewSession) -> Result<User, Error>;
    /// Makes an administrator, or makes one of the account with that login, replacing its password.
    async fn put_admin(&self, user: NewUser) -> Result<User, Error>;
    /// Reads an account.
    async fn find_user(&self, id: UserId) -> Result<Option<User>, Error>;
    /// The account behind a login, and its password.
    async fn find_login(
        &self,
        login: &Login,
    ) -> Result<Option<(User, Option<PasswordHash>)>, Error>;
    /// Changes what is named; [`Error::LoginTaken`], [`Error::UserNotFound`].
    async fn change_profile(&self, id: UserId, change: ProfileChange) -> Result<User, Error>;
    /// Accounts, newest first, after the given one.
    async fn list_users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, Error>;
    /// How many accounts there are.
    async fn count_users(&self) -> Result<u64, Error>;

    /// A user's addresses, in the order in which they were added.
    async fn list_addresses(&self, user: UserId) -> Result<Vec<SavedAddress>, Error>;
    /// Writes a new address; [`Error::Full`]. A default takes that rank from the one before.
    async fn add_address(&self, user: UserId, address: SavedAddress) -> Result<(), Error>;
    /// Replaces an address; [`Error::AddressNotFound`] when it is not this user's.
    async fn replace_address(&self, user: UserId, address: SavedAddress) -> Result<(), Error>;
    /// Deletes an address; [`Error::AddressNotFound`] when it is not this user's.
    async fn delete_address(&self, user: UserId, id: AddressId) -> Result<(), Error>;
}

/// Sessions and their refresh tokens.
#[async_trait]
pub trait SessionStore {
    /// Begins a session after a right password, and forgets the failures under `attempts`.
    async fn sign_in(&self, user: UserId, session: NewSession, attempts: Hash)
    -> Result<(), Error>;
    /// Swaps a refresh token for the next. `next.id` is not used: the session stays. A used token ends its session.
    async fn rotate(&self, used: Hash, next: NewSession) -> Result<Rotation, Error>;
    /// Ends a session; one that is not there is no error.
    async fn end_session(&self, id: SessionId, at: Timestamp) -> Result<(), Error>;
    /// Ends every session of a user.
    async fn end_sessions(&self, user: UserId, at: Timestamp) -> Result<(), Error>;
    /// The user's sessions that go on, newest first.
    async fn list_sessions(
        &self,
        user: UserId,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Session>, Error>;
    /// Whether a session of this user goes on.
    async fn is_alive(&self, user: UserId, id: SessionId, now: Timestamp) -> Result<bool, Error>;
    /// When the failure happened that is the `limit`th newest after `since`; None when there are fewer.
    async fn failure(
        &self,
        key: Hash,
        since: Timestamp,
        limit: u32,
    ) -> Result<Option<Timestamp>, Error>;
    /// Notes a failed sign-in.
    async fn note_failure(&self, key: Hash, at: Timestamp) -> Result<(), Error>;
    /// Forgets the failures under a key.
    async fn forgive(&self, key: Hash) -> Result<(), Error>;
}

/// One-time codes and password resets.
#[async_trait]
pub trait CodeStore {
    /// Keeps a code and sends it; [`Error::TooManyAttempts`] with the time to wait.
    async fn send_otp(&self, otp: NewOtp, message: Message) -> Result<(), Error>;
    /// Tries a code. A right one is used up, proves the phone, makes the account where there is none and begins the session.
    async fn try_otp(
        &self,
        hash: Hash,
        attempts: u32,
        user: NewUser,
        session: NewSession,
    ) -> Result<OtpOutcome, Error>;
    /// Keeps a reset and sends it when there is such an account and not too many were asked for; does as much work otherwise.
    async fn send_reset(&self, reset: NewReset, message: Message) -> Result<(), Error>;
    /// Sets a password, uses up the user's resets, ends the user's sessions; [`Error::ResetTokenInvalid`].
    async fn reset_password(
        &self,
        hash: Hash,
        password: PasswordHash,
        at: Timestamp,
    ) -> Result<UserId, Error>;
}

/// Merchants and decisions about them.
#[async_trait]
pub trait MerchantStore {
    /// Writes an application and tells others; [`Error::ApplicationExists`], [`Error::StaffElsewhere`].
    async fn apply(&self, merchant: Merchant) -> Result<(), Error>;
    /// Reads merchants; unknown ones are left out.
    async fn find_merchants(&self, ids: &[MerchantId]) -> Result<Vec<Merchant>, Error>;
    /// Merchants, newest first, after the given one.
    async fn list_merchants(
        &self,
        status: Option<Status>,
        after: Option<MerchantId>,
        limit: u32,
    ) -> Result<Vec<Merchant>, Error>;
    /// How many merchants there are.
    async fn count_merchants(&self, status: Option<Status>) -> Result<u64, Error>;
    /// Carries a decision out: status, the owner's place on the staff, audit and events in one.
    async fn decide(
        &self,
        id: MerchantId,
        decision: Decision,
        who: String,
        at: Timestamp,
    ) -> Result<Merchant, Error>;
    /// The audit trail of a merchant, newest first.
    async fn audit(&self, merchant: MerchantId, limit: u32) -> Result<Vec<AuditEntry>, Error>;
}

/// Who works for a merchant, and with which keys. Each change is audited.
#[async_trait]
pub trait StaffStore {
    /// For which active merchant a user works.
    async fn membership(&self, user: UserId) -> Result<Option<Membership>, Error>;
    /// The staff of a merchant, in the order in which they came.
    async fn list_staff(&self, merchant: MerchantId) -> Result<Vec<StaffMember>, Error>;
    /// Adds the account behind a login. [`Error::UserNotFound`], [`Error::StaffExists`], [`Error::StaffElsewhere`], [`Error::Full`].
    async fn add_staff(
        &self,
        merchant: MerchantId,
        login: Login,
        role: StaffRole,
        who: String,
        at: Timestamp,
    ) -> Result<StaffMember, Error>;
    /// Takes somebody off the staff; [`Error::StaffNotFound`], [`Error::OwnerStays`].
    async fn remove_staff(
        &self,
        merchant: MerchantId,
        id: StaffId,
        who: String,
        at: Timestamp,
    ) -> Result<(), Error>;
    /// The keys of a merchant, in the order in which they were made.
    async fn list_keys(&self, merchant: MerchantId) -> Result<Vec<ApiKey>, Error>;
    /// Writes a key; [`Error::Full`].
    async fn add_key(&self, key: ApiKey, hash: Hash, who: String) -> Result<(), Error>;
    /// Deletes a key; [`Error::ApiKeyNotFound`].
    async fn delete_key(
        &self,
        merchant: MerchantId,
        id: ApiKeyId,
        who: String,
        at: Timestamp,
    ) -> Result<(), Error>;
    /// The key with this hash, when its merchant is active; notes the use unless that was noted after `noted_before`.
    async fn use_key(
        &self,
        hash: Hash,
        at: Timestamp,
        noted_before: Timestamp,
    ) -> Result<Option<ApiKey>, Error>;
}

/// All that the service keeps, durable against the loss of power.
#[async_trait]
pub trait AuthStore:
    AccountStore + SessionStore + CodeStore + MerchantStore + StaffStore + Send + Sync + 'static
{
    /// The signing keys, newest first; `first` is kept when there is none yet.
    async fn signing_keys(&self, first: SigningKey) -> Result<Vec<SigningKey>, Error>;
    /// Deletes at most `limit` rows of each kind that have run out; whether there may be more.
    async fn forget(&self, now: Timestamp, limit: u32) -> Result<bool, Error>;
    /// Events that wait to be delivered.
    fn outbox(&self) -> Arc<dyn OutboxStore>;
    /// Whether the store answers.
    async fn ping(&self) -> Result<(), Fault>;
    /// Writes what is pending and lets go.
    async fn close(&self);
}

/// Opens the store behind an address.
pub async fn open(address: &str, encode: Encode) -> anyhow::Result<Arc<dyn AuthStore>> {
    match address.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => Ok(Arc::new(sqlite::SqliteAuth::open(address, encode).await?)),
        Some("postgres" | "postgresql") => {
            Ok(Arc::new(postgres::PostgresAuth::open(address, encode).await?))
        }
        _ => anyhow::bail!("{EXPECTED}"),
    }
}

/// Brings the tables behind an address up to date. Safe to run again, and by several at once.
pub async fn migrate(address: &str) -> anyhow::Result<()> {
    match address.split_once(':').map(|(scheme, _)| scheme) {
        // It migrates itself when it is opened: nobody else has the file open.
        Some("sqlite") => Ok(()),
        Some("postgres" | "postgresql") => Ok(postgres::migrate(address).await?),
        _ => anyhow::bail!("{EXPECTED}"),
    }
}

/// The same, but no further than to this version.
pub async fn migrate_to(address: &str, version: i64) -> anyhow::Result<()> {
    match address.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => Ok(()),
        Some("postgres" | "postgresql") => Ok(postgres::migrate_to(address, version).await?),
        _ => anyhow::bail!("{EXPECTED}"),
    }
}

/// The version of the schema that this program works with behind an address; 0 for one that it does not know.
pub fn schema(address: &str) -> i64 {
    match address.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => i64::try_from(sqlite::MIGRATIONS.len()).unwrap_or(i64::MAX),
        Some("postgres" | "postgresql") => postgres::schema(),
        _ => 0,
    }
}

const EXPECTED: &str = "auth.store: expected sqlite:<file> or postgres://<user>@<host>/<database>";
