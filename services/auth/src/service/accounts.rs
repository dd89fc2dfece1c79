//! The own account, administrators and the list of accounts.

use ids::UserId;
use mesh::Caller;

use super::{Auth, person};
use crate::{
    domain::{Checks, Locale, Login, NewUser, Password, ProfileChange, User, Wrong},
    error::Error,
};

impl Auth {
    /// The caller's account.
    pub(crate) async fn me(&self, caller: &Caller) -> Result<User, Error> {
        self.store.find_user(person(caller)?).await?.ok_or(Error::UserNotFound)
    }

    /// Changes the caller's account.
    pub(crate) async fn change_me(
        &self,
        caller: &Caller,
        [name, email, locale]: [Option<&str>; 3],
    ) -> Result<User, Error> {
        let user = self.me(caller).await?;
        let change = ProfileChange::parse(name, email, locale, user.phone.is_some())?;
        if change == ProfileChange::default() {
            return Ok(user);
        }
        self.store.change_profile(user.id, change).await
    }

    /// Makes an administrator; the account with that login becomes one and gets the password. Its sessions end.
    pub(crate) async fn create_admin(
        &self,
        caller: &Caller,
        [login, password, name]: [&str; 3],
    ) -> Result<User, Error> {
        caller.require_service()?;
        let mut checks = Checks::default();
        let wrong = Wrong::new("login", "INVALID", "expected a phone or an e-mail address");
        let login = checks.take(Login::parse(login).ok_or(wrong));
        let password = checks.take(Password::parse(password));
        let name = checks.text("name", name, (0, 100));
        let form = login.zip(password).zip(name);
        let ((login, password), name) = checks.finish(form)?;
        let password = self.passwords.hash(password).await?;
        let (phone, email) = match login {
            Login::Phone(phone) => (Some(phone), None),
            Login::Email(email) => (None, Some(email)),
        };
        let user = NewUser {
            id: UserId::new(),
            phone,
            email,
            name,
            locale: Locale::default(),
            referral_code: String::new(),
            phone_verified: false,
            password: Some(password),
            at: self.clock.now(),
        };
        self.store.put_admin(user).await
    }

    /// A page of all accounts, and their number when it is asked for.
    pub(crate) async fn users(
        &self,
        caller: &Caller,
        after: Option<UserId>,
        limit: u32,
        count: bool,
    ) -> Result<(Vec<User>, Option<u64>), Error> {
        caller.require_admin()?;
        let users = self.store.list_users(after, limit).await?;
        let count = if count { Some(self.store.count_users().await?) } else { None };
        Ok((users, count))
    }
}
