//! A merchant's people and keys. All of it is for the administrators on its staff.

use std::time::Duration;

use ids::{ApiKeyId, MerchantId, StaffId};
use mesh::{Caller, StaffRole as Level};

use super::{Auth, hash, person, who};
use crate::{
    domain::{ApiKey, Checks, Login, StaffMember, StaffRole, Wrong, api_key_form},
    error::Error,
};

/// How exact the last use of a key is known.
const USE: Duration = Duration::from_mins(1);
/// Characters of a key that are shown to recognise it by.
const HINT: usize = 8;

impl Auth {
    /// The staff of the caller's merchant.
    pub(crate) async fn staff(&self, caller: &Caller) -> Result<Vec<StaffMember>, Error> {
        self.store.list_staff(self.administered(caller).await?).await
    }

    /// Puts the account behind a login on the staff.
    pub(crate) async fn add_staff(
        &self,
        caller: &Caller,
        login: &str,
        role: &str,
    ) -> Result<StaffMember, Error> {
        let merchant = self.administered(caller).await?;
        let mut checks = Checks::default();
        let wrong = Wrong::new("login", "INVALID", "expected a phone or an e-mail address");
        let login = checks.take(Login::parse(login).ok_or(wrong));
        let wrong = Wrong::new("role", "INVALID", "expected admin, operator or viewer");
        let role = checks.take(StaffRole::parse(role).ok_or(wrong));
        let (login, role) = checks.finish(login.zip(role))?;
        self.store.add_staff(merchant, login, role, who(caller), self.clock.now()).await
    }

    /// Takes somebody off the staff. Their next token has no rights at the merchant.
    pub(crate) async fn remove_staff(
        &self,
        caller: &Caller,
        id: Option<StaffId>,
    ) -> Result<(), Error> {
        let merchant = self.administered(caller).await?;
        let id = id.ok_or(Error::StaffNotFound)?;
        self.store.remove_staff(merchant, id, who(caller), self.clock.now()).await
    }

    /// The keys of the caller's merchant.
    pub(crate) async fn api_keys(&self, caller: &Caller) -> Result<Vec<ApiKey>, Error> {
        self.store.list_keys(self.administered(caller).await?).await
    }

    /// Makes a key; the second is the key itself, which is not kept.
    pub(crate) async fn create_key(
        &self,
        caller: &Caller,
        name: &str,
        scopes: &[String],
    ) -> Result<(ApiKey, String), Error> {
        let merchant = self.administered(caller).await?;
        let (name, scopes) = api_key_form(name, scopes)?;
        let secret = ids::token::secret("sk_");
        let key = ApiKey {
            id: ApiKeyId::new(),
            merchant,
            name,
            scopes,
            hint: secret.chars().take(HINT).collect(),
            created_at: self.clock.now(),
            last_used_at: None,
        };
        self.store.add_key(key.clone(), hash(&[&secret]), who(caller)).await?;
        Ok((key, secret))
    }

    /// Deletes a key; it opens nothing from now on.
    pub(crate) async fn delete_key(
        &self,
        caller: &Caller,
        id: Option<ApiKeyId>,
    ) -> Result<(), Error> {
        let merchant = self.administered(caller).await?;
        let id = id.ok_or(Error::ApiKeyNotFound)?;
        self.store.delete_key(merchant, id, who(caller), self.clock.now()).await
    }

    /// What a key stands for. For services only.
    pub(crate) async fn authenticate_key(
        &self,
        caller: &Caller,
        key: &str,
    ) -> Result<ApiKey, Error> {
        caller.require_service()?;
        let now = self.clock.now();
        let found = self.store.use_key(hash(&[key]), now, now.minus(USE)).await?;
        found.ok_or(Error::ApiKeyInvalid)
    }

    /// The merchant that the caller administers: as the token says, and as is still so. A token outlives a dismissal by minutes,
    /// which must not be enough to come back through a key or a friend.
    async fn administered(&self, caller: &Caller) -> Result<MerchantId, Error> {
        let merchant = caller.require_merchant(Level::Admin)?;
        let now = self.store.membership(person(caller)?).await?;
        match now {
            Some(now) if now.merchant == merchant && now.role == StaffRole::Admin => Ok(merchant),
            _ => Err(fault::Fault::forbidden("this needs the admin role").into()),
        }
    }
}
