//! Corrections of what merchants are owed.

use fault::{Fault, Field};
use ids::{EntryId, MerchantId};
use mesh::Caller;

use super::{Orders, checkout::check_key, ledger::financier};
use crate::{
    domain::adjusting::{Adjustment, Wish},
    error::Error,
    store::{Key, adjustments::Encode},
};

impl Orders {
    /// The platform's owner corrects a balance; the correction, encoded by `encode`, and whether that was answered before.
    pub(crate) async fn adjust(
        &self,
        caller: &Caller,
        wish: Wish,
        (key, hash): (String, Vec<u8>),
        encode: Encode,
    ) -> Result<(Vec<u8>, bool), Error> {
        caller.require_admin()?;
        let actor = caller.require_user()?.to_string();
        check_key(&key)?;
        if let Err((field, why)) = wish.check() {
            return Err(Fault::invalid(vec![Field::new(field, "OUT_OF_RANGE", why)]).into());
        }
        let (merchant, gives) = (wish.merchant, wish.gives);
        let scope = format!("adjust:{merchant}:{actor}");
        let by = (Key { scope, key, hash }, actor);
        let answer = self.0.store.adjust(wish, by, encode, self.now()).await?;
        tracing::info!(merchant.id = %merchant, gives, repeated = answer.1, "balance corrected");
        Ok(answer)
    }

    /// A page of the corrections of the caller's merchant, newest first, and whether there are more; of any for the platform's owner.
    pub(crate) async fn adjustments(
        &self,
        caller: &Caller,
        merchant: Option<MerchantId>,
        after: Option<EntryId>,
        limit: u32,
    ) -> Result<(Vec<Adjustment>, bool), Error> {
        let merchant = match merchant {
            Some(merchant) => {
                caller.require_admin()?;
                merchant
            }
            None => financier(caller)?,
        };
        let mut found = self.0.store.adjustments(merchant, after, limit + 1).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > limit;
        found.truncate(limit);
        Ok((found, more))
    }
}
