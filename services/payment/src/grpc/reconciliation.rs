//! Reconciliation on the wire.

use fault::{Fault, Field};
use ids::{Id, Kind};
use mesh::Context;
use proto::{
    payment::{self as pb, reconciliation_service_server::ReconciliationService},
    value,
};
use tonic::{Request, Response};

use super::{Answer, convert};
use crate::{
    domain::{
        Provider,
        reconciliation::{Class, Difference, Outcome, Run, Standing},
    },
    service::{
        Payments,
        reconciling::{self, Reconciler},
    },
    store::reconciliation::{Page, Wanted},
};

/// The service as tonic sees it.
#[derive(Clone)]
pub(crate) struct ReconciliationApi {
    reconciler: Reconciler,
    payments: Payments,
}

impl ReconciliationApi {
    pub(crate) fn new(reconciler: Reconciler, payments: Payments) -> Self {
        Self { reconciler, payments }
    }
}

#[tonic::async_trait]
impl ReconciliationService for ReconciliationApi {
    async fn start_reconciliation(
        &self,
        request: Request<pb::StartReconciliationRequest>,
    ) -> Answer<pb::StartReconciliationResponse> {
        Context::caller().require_admin()?;
        let pb::StartReconciliationRequest { provider, from, to, csv } = request.into_inner();
        let reconciler = self.reconciler.clone();
        let request = reconciling::Request { provider, from, to, csv };
        // A caller that hangs up must not leave a table half compared.
        let run = mesh::detach(async move { reconciler.start(request).await }).await??;
        let reconciliation = Some(self::run(&run));
        Ok(Response::new(pb::StartReconciliationResponse { reconciliation }))
    }

    async fn list_reconciliations(
        &self,
        request: Request<pb::ListReconciliationsRequest>,
    ) -> Answer<pb::ListReconciliationsResponse> {
        Context::caller().require_admin()?;
        let (page, limit) = page(request.into_inner().page)?;
        let found = self.reconciler.runs(page).await?;
        let (found, page) = cut(found, limit, |run| run.id.to_string());
        let reconciliations = found.iter().map(run).collect();
        Ok(Response::new(pb::ListReconciliationsResponse { reconciliations, page }))
    }

    async fn list_differences(
        &self,
        request: Request<pb::ListDifferencesRequest>,
    ) -> Answer<pb::ListDifferencesResponse> {
        Context::caller().require_admin()?;
        let request = request.into_inner();
        let wanted = Wanted {
            provider: chosen("provider", &request.provider, Provider::parse)?,
            outcome: chosen("outcome", &request.outcome, Outcome::parse)?,
            class: chosen("class", &request.class, Class::parse)?,
        };
        let (page, limit) = page(request.page)?;
        let found = self.reconciler.differences(wanted, page).await?;
        let (found, page) = cut(found, limit, |it| it.id.to_string());
        let differences = found.iter().map(difference).collect();
        Ok(Response::new(pb::ListDifferencesResponse { differences, page }))
    }

    async fn resolve_difference(
        &self,
        request: Request<pb::ResolveDifferenceRequest>,
    ) -> Answer<pb::ResolveDifferenceResponse> {
        let caller = Context::caller();
        caller.require_admin()?;
        let request = request.into_inner();
        let note = request.note.trim();
        if note.is_empty() || note.chars().count() > 1000 {
            let field = Field::new("note", "LENGTH", "say in 1 to 1000 characters what was done");
            return Err(Fault::invalid(vec![field]).into());
        }
        let id = request.id.parse().map_err(|_| Fault::not_found("DIFFERENCE"))?;
        let who = caller.user.map(|user| user.to_string()).unwrap_or_default();
        let difference = self.reconciler.resolve(id, &format!("{note} ({who})")).await?;
        let difference = Some(self::difference(&difference));
        Ok(Response::new(pb::ResolveDifferenceResponse { difference }))
    }

    async fn get_checkout_form(
        &self,
        request: Request<pb::GetCheckoutFormRequest>,
    ) -> Answer<pb::GetCheckoutFormResponse> {
        Context::caller().require_service()?;
        let order = convert::order(&request.into_inner().order_id)?;
        let form = self.payments.form(order).await?;
        let field = |(name, value)| pb::get_checkout_form_response::Field { name, value };
        Ok(Response::new(pb::GetCheckoutFormResponse {
            method: form.method.to_owned(),
            action: form.action,
            fields: form.fields.into_iter().map(field).collect(),
        }))
    }
}

/// A filter of a list; empty: any.
fn chosen<T>(
    field: &'static str,
    text: &str,
    parse: fn(&str) -> Option<T>,
) -> Result<Option<T>, Fault> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || Fault::invalid(vec![Field::new(field, "INVALID", "there is no such one")]);
    parse(text).map(Some).ok_or_else(wrong)
}

/// One more than the page has tells whether there is a next one.
fn page<K: Kind>(page: Option<value::PageRequest>) -> Result<(Page<Id<K>>, usize), Fault> {
    let page = page.unwrap_or_default();
    let limit = if page.limit == 0 { 20 } else { page.limit.min(100) };
    let after = match page.after.as_str() {
        "" => None,
        text => {
            let wrong = |_| {
                Fault::invalid(vec![Field::new("after", "INVALID", "not a cursor of this list")])
            };
            Some(text.parse().map_err(wrong)?)
        }
    };
    Ok((Page { after, limit: limit + 1 }, usize::try_from(limit).unwrap_or(usize::MAX)))
}

fn cut<T>(
    mut found: Vec<T>,
    limit: usize,
    name: fn(&T) -> String,
) -> (Vec<T>, Option<value::PageInfo>) {
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(name).unwrap_or_default();
    (found, Some(value::PageInfo { next, count: None }))
}

fn run(run: &Run) -> pb::Reconciliation {
    pb::Reconciliation {
        id: run.id.to_string(),
        provider: run.provider.as_str().to_owned(),
        cause: run.cause.clone(),
        from_ms: run.from.millis(),
        to_ms: run.to.millis(),
        state: run.state.as_str().to_owned(),
        compared: run.compared,
        unanswered: run.unanswered,
        found: run.found,
        fixed: run.fixed,
        note: run.note.clone(),
        started_at_ms: run.started_at.millis(),
        ended_at_ms: run.ended_at.map_or(0, clock::Timestamp::millis),
    }
}

fn difference(it: &Difference) -> pb::Difference {
    let side = |standing: Standing, amount: Option<i64>| pb::difference::Side {
        state: standing.as_str().to_owned(),
        amount: amount.map(|amount| value::Money { amount, currency: "UZS".to_owned() }),
    };
    pb::Difference {
        id: it.id.to_string(),
        reconciliation_id: it.run.to_string(),
        provider: it.provider.as_str().to_owned(),
        class: it.class.as_str().to_owned(),
        outcome: it.outcome.as_str().to_owned(),
        reference: it.reference.clone(),
        provider_ref: it.provider_ref.clone(),
        payment_id: it.payment.map(|id| id.to_string()).unwrap_or_default(),
        order_id: it.order.map(|id| id.to_string()).unwrap_or_default(),
        ours: it.ours.map(|(standing, amount)| side(standing, Some(amount))),
        theirs: it.theirs.map(|(standing, amount)| side(standing, amount)),
        note: it.note.clone(),
        found_at_ms: it.found_at.millis(),
        seen_at_ms: it.seen_at.millis(),
        settled_at_ms: it.settled_at.map_or(0, clock::Timestamp::millis),
    }
}
