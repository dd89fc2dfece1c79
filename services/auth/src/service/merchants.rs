//! Applying to sell, and what the platform owner says to it.

use ids::MerchantId;
use mesh::Caller;

use super::{Auth, person, who};
use crate::{
    domain::{Application, Checks, Decision, Merchant, Plan, Status, Wrong},
    error::Error,
};

/// Merchants that are named at once at most.
const BATCH: usize = 100;

impl Auth {
    /// The caller asks to become a merchant.
    pub(crate) async fn apply(
        &self,
        caller: &Caller,
        form: [&str; 6],
        bank: Option<[&str; 3]>,
    ) -> Result<Merchant, Error> {
        let owner = person(caller)?;
        let application = Application::parse(form, bank)?;
        let merchant = Merchant::new(owner, application, self.clock.now());
        self.store.apply(merchant.clone()).await?;
        self.relay.wake();
        Ok(merchant)
    }

    /// A merchant, for its own people and keys, its owner, the platform owner and services.
    pub(crate) async fn merchant(
        &self,
        caller: &Caller,
        id: Option<MerchantId>,
    ) -> Result<Merchant, Error> {
        let id = id.ok_or(Error::MerchantNotFound)?;
        let found = self.store.find_merchants(&[id]).await?;
        let merchant = found.into_iter().next().ok_or(Error::MerchantNotFound)?;
        let own = caller.merchant.is_some_and(|(own, _)| own == id);
        let owner = person(caller).is_ok_and(|user| user == merchant.owner);
        if own || owner || caller.is_admin() || caller.is_service() {
            Ok(merchant)
        } else {
            Err(Error::MerchantNotFound)
        }
    }

    /// Merchants for display; unknown ones are left out.
    pub(crate) async fn merchants(&self, ids: &[MerchantId]) -> Result<Vec<Merchant>, Error> {
        if ids.len() > BATCH {
            return Err(Wrong::new("ids", "LENGTH", "at most 100 at once").into());
        }
        self.store.find_merchants(ids).await
    }

    /// A page of all merchants, and their number when it is asked for.
    pub(crate) async fn list_merchants(
        &self,
        caller: &Caller,
        status: Option<Status>,
        (after, limit, count): (Option<MerchantId>, u32, bool),
    ) -> Result<(Vec<Merchant>, Option<u64>), Error> {
        caller.require_admin()?;
        let merchants = self.store.list_merchants(status, after, limit).await?;
        let count = if count { Some(self.store.count_merchants(status).await?) } else { None };
        Ok((merchants, count))
    }

    /// Approves, rejects or suspends. For the platform owner and for services.
    pub(crate) async fn decide(
        &self,
        caller: &Caller,
        id: Option<MerchantId>,
        status: Option<Status>,
        [plan, reason]: [&str; 2],
    ) -> Result<Merchant, Error> {
        if !caller.is_service() {
            caller.require_admin()?;
        }
        let decision = parse_decision(status, plan, reason)?;
        let id = id.ok_or(Error::MerchantNotFound)?;
        let now = self.clock.now();
        let merchant = self.store.decide(id, decision, who(caller), now).await?;
        self.relay.wake();
        Ok(merchant)
    }
}

fn parse_decision(
    status: Option<Status>,
    plan: &str,
    reason: &str,
) -> Result<Decision, Vec<Wrong>> {
    let mut checks = Checks::default();
    let decision = match status {
        Some(Status::Active) if plan.is_empty() => Some(Decision::Approve(None)),
        Some(Status::Active) => {
            let wrong = Wrong::new("plan", "INVALID", "expected basic, professional or enterprise");
            let plan = checks.take(Plan::parse(plan).ok_or(wrong));
            plan.map(|plan| Decision::Approve(Some(plan)))
        }
        Some(Status::Rejected) => checks.text("reason", reason, (1, 500)).map(Decision::Reject),
        Some(Status::Suspended) => checks.text("reason", reason, (0, 500)).map(Decision::Suspend),
        Some(Status::Pending) | None => {
            let message = "expected active, rejected or suspended";
            checks.note(Wrong::new("status", "INVALID", message));
            None
        }
    };
    checks.finish(decision)
}
