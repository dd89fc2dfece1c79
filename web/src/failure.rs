//! What a handler could not do. It becomes a page in the visitor's language where the answer leaves (`visit`).

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use fault::{Code, Fault};

/// A failed request.
#[derive(Debug)]
pub(crate) struct Failure(Fault);

/// What a handler gives.
pub(crate) type Answer = Result<Response, Failure>;

impl Failure {
    pub(crate) fn not_found() -> Self {
        Self(Fault::not_found("PAGE"))
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl From<tonic::Status> for Failure {
    fn from(status: tonic::Status) -> Self {
        Self(Fault::from(status))
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Self {
        Self(Fault::internal(error))
    }
}

/// Marks an answer that `visit` replaces by an error page.
#[derive(Clone)]
pub(crate) struct Unshown(pub(crate) Fault);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        // A page with a wrong address is not there; only forms have fields to correct, and their screens show them.
        let status = match self.0.code {
            Code::Invalid => 404,
            code => code.http(),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(Unshown(self.0));
        response
    }
}

/// Something a page can do without is away: says so in the log, and the page goes on.
pub(crate) fn optional<T>(
    what: &str,
    answer: Result<tonic::Response<T>, tonic::Status>,
) -> Option<T> {
    match answer {
        Ok(answer) => Some(answer.into_inner()),
        Err(status) => {
            tracing::warn!(what, code = ?status.code(), "a page goes without");
            None
        }
    }
}
