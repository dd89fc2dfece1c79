//! The caller's saved addresses.

use ids::AddressId;
use mesh::Caller;

use super::{Auth, person};
use crate::{
    domain::{Address, SavedAddress},
    error::Error,
};

impl Auth {
    /// All of them.
    pub(crate) async fn addresses(&self, caller: &Caller) -> Result<Vec<SavedAddress>, Error> {
        self.store.list_addresses(person(caller)?).await
    }

    /// Writes a new one, or replaces the one that is named.
    pub(crate) async fn put_address(
        &self,
        caller: &Caller,
        id: Option<AddressId>,
        form: [&str; 7],
        is_default: bool,
    ) -> Result<SavedAddress, Error> {
        let user = person(caller)?;
        let address = Address::parse(form)?;
        let saved = SavedAddress { id: id.unwrap_or_else(AddressId::new), address, is_default };
        match id {
            Some(_) => self.store.replace_address(user, saved.clone()).await?,
            None => self.store.add_address(user, saved.clone()).await?,
        }
        Ok(saved)
    }

    /// Deletes one.
    pub(crate) async fn delete_address(
        &self,
        caller: &Caller,
        id: Option<AddressId>,
    ) -> Result<(), Error> {
        let user = person(caller)?;
        self.store.delete_address(user, id.ok_or(Error::AddressNotFound)?).await
    }
}
