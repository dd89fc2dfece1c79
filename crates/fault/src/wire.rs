//! A [`Fault`] as a gRPC status with `google.rpc` details, and back.

use std::collections::HashMap;

use tonic_types::{ErrorDetails, StatusExt};

use crate::{Code, Fault, Field};

const DOMAIN: &str = "ultramarket.uz";

impl From<Fault> for tonic::Status {
    fn from(fault: Fault) -> Self {
        let mut details = ErrorDetails::new();
        let metadata: HashMap<String, String> = fault.metadata.clone().into_iter().collect();
        details.set_error_info(fault.reason.clone(), DOMAIN, metadata);
        for field in &fault.fields {
            // BadRequest has no place for a code: it goes in front of the text.
            let description = format!("{}\n{}", field.code, field.message);
            details.add_bad_request_violation(field.field.clone(), description);
        }
        if let Some(after) = fault.retry_after {
            details.set_retry_info(Some(after));
        }
        if fault.source.is_some() {
            // Here a failure leaves the service that knows its cause: it is logged once, and the cause stays.
            tracing::error!(reason = %fault.reason, cause = fault.causes(), "{}", fault.message);
        }
        Self::with_error_details(fault.code.grpc(), fault.message, details)
    }
}

impl From<tonic::Status> for Fault {
    fn from(status: tonic::Status) -> Self {
        let code = Code::from_grpc(status.code());
        let details = status.get_error_details();
        let mut fault = Self::new(code, code.reason(), status.message());
        if let Some(info) = details.error_info() {
            fault.reason = info.reason.clone().into();
            fault.metadata = info.metadata.clone().into_iter().collect();
        } else if matches!(code, Code::Unavailable | Code::Timeout | Code::Internal) {
            // A status that the transport made: its text may name hosts.
            fault.source = Some(std::sync::Arc::new(status));
            fault = Self { source: fault.source, ..Self::new(code, code.reason(), text_for(code)) };
        }
        if let Some(request) = details.bad_request() {
            fault.fields = request.field_violations.iter().map(field).collect();
        }
        fault.retry_after = details.retry_info().and_then(|info| info.retry_delay);
        if fault.retry_after.is_none() && code == Code::Unavailable {
            fault.retry_after = Some(std::time::Duration::from_secs(2));
        }
        fault
    }
}

fn text_for(code: Code) -> &'static str {
    match code {
        Code::Timeout => "it took too long",
        Code::Unavailable => "a part of the platform is away",
        _ => "something went wrong on our side",
    }
}

fn field(violation: &tonic_types::FieldViolation) -> Field {
    let (code, message) =
        violation.description.split_once('\n').unwrap_or(("INVALID", &violation.description));
    Field::new(violation.field.clone(), code.to_owned(), message)
}
