//! The service on the wire: decode, act, encode. No rules here.

use fault::{Fault, Field};
use mesh::Context;
use proto::{
    event::{DeliverRequest, DeliverResponse, event_service_server::EventService},
    payment::{
        self as pb, close_payable_response::Outcome, payment_service_server::PaymentService,
    },
};
use tonic::{Request, Response, Status};

mod convert;
mod deliver;
pub(crate) mod events;
pub(crate) mod reconciliation;

use crate::{
    domain::Provider,
    error::Error,
    providers::{RawAnswer, RawRequest},
    service::Payments,
    store::Closing,
};

type Answer<T> = Result<Response<T>, Status>;

/// The service as tonic sees it.
#[derive(Clone)]
pub(crate) struct Api {
    payments: Payments,
}

impl Api {
    pub(crate) fn new(payments: Payments) -> Self {
        Self { payments }
    }
}

#[tonic::async_trait]
impl PaymentService for Api {
    async fn open_payment(
        &self,
        request: Request<pb::OpenPaymentRequest>,
    ) -> Answer<pb::OpenPaymentResponse> {
        Context::caller().require_service()?;
        let request = request.into_inner();
        let provider = Provider::parse(&request.provider).ok_or(Error::ProviderDisabled)?;
        let payable = convert::parse_payable(request.payable.unwrap_or_default(), &request.key)?;
        let opened =
            self.payments.open(payable, provider, request.key, &request.return_url).await?;
        Ok(Response::new(pb::OpenPaymentResponse { payment: Some(convert::payment(&opened)) }))
    }

    async fn close_payable(
        &self,
        request: Request<pb::ClosePayableRequest>,
    ) -> Answer<pb::ClosePayableResponse> {
        Context::caller().require_service()?;
        let request = request.into_inner();
        let order = convert::order(&request.order_id)?;
        let reason @ ("cancelled" | "expired") = request.reason.as_str() else {
            let field = Field::new("reason", "INVALID", "expected cancelled or expired");
            return Err(Fault::invalid(vec![field]).into());
        };
        let closing = self.payments.close(order, reason, request.spare_live).await?;
        let (outcome, live_until_ms) = match closing {
            Closing::Closed => (Outcome::Closed, 0),
            Closing::Paid => (Outcome::Paid, 0),
            Closing::Live(until) => (Outcome::Live, until.millis()),
        };
        let outcome = outcome.into();
        Ok(Response::new(pb::ClosePayableResponse { outcome, live_until_ms }))
    }

    async fn refund_payment(
        &self,
        request: Request<pb::RefundPaymentRequest>,
    ) -> Answer<pb::RefundPaymentResponse> {
        Context::caller().require_service()?;
        let asking = convert::asking(&request.into_inner())?;
        let payments = self.payments.clone();
        // A caller that hangs up must not leave a refund without its provider's answer.
        let refund = mesh::detach(async move { payments.refund(asking).await }).await??;
        let outcome = convert::outcome(refund.state).into();
        Ok(Response::new(pb::RefundPaymentResponse { outcome, note: refund.note }))
    }

    async fn list_payments(
        &self,
        request: Request<pb::ListPaymentsRequest>,
    ) -> Answer<pb::ListPaymentsResponse> {
        let caller = Context::caller();
        if !caller.is_service() {
            caller.require_admin()?;
        }
        let order = convert::order(&request.into_inner().order_id)?;
        let payments = self.payments.list(order).await?;
        let payments = payments.iter().map(convert::payment).collect();
        Ok(Response::new(pb::ListPaymentsResponse { payments }))
    }

    async fn handle_callback(
        &self,
        request: Request<pb::HandleCallbackRequest>,
    ) -> Answer<pb::HandleCallbackResponse> {
        Context::caller().require_service()?;
        let request = request.into_inner();
        let provider = Provider::parse(&request.provider);
        let raw = RawRequest {
            action: request.action,
            method: request.method,
            headers: request.headers,
            body: request.body.into(),
            remote_ip: request.remote_ip,
        };
        let answer = match provider {
            Some(provider) => {
                let payments = self.payments.clone();
                // A provider that hangs up must not leave an order half told.
                mesh::detach(async move { payments.callback(provider, raw).await }).await?
            }
            None => RawAnswer::disabled(),
        };
        Ok(Response::new(pb::HandleCallbackResponse {
            status: answer.status.into(),
            content_type: answer.content_type.to_owned(),
            body: answer.body.into(),
        }))
    }

    async fn list_providers(
        &self,
        _: Request<pb::ListProvidersRequest>,
    ) -> Answer<pb::ListProvidersResponse> {
        let providers = self.payments.offered().into_iter();
        let providers = providers.map(|provider| provider.as_str().to_owned()).collect();
        Ok(Response::new(pb::ListProvidersResponse { providers }))
    }
}

#[tonic::async_trait]
impl EventService for Api {
    async fn deliver(&self, request: Request<DeliverRequest>) -> Answer<DeliverResponse> {
        Context::caller().require_service()?;
        let apply = |event| deliver::apply(&self.payments, event);
        Ok(Response::new(outbox::apply_each(request.into_inner(), apply).await))
    }
}
