//! The vocabulary of failure.
//!
//! Services fail with a [`Fault`]: one of ten [`Code`]s that say what a caller can do about it, a stable `reason` that says what
//! happened (`ORDER_ALREADY_PAID`), a text for developers, and the fields that were wrong. [`Fault`] travels over gRPC as a status
//! with `google.rpc.ErrorInfo` and `BadRequest`, and reaches the public API as a problem (RFC 9457); [`Code::http`] and
//! [`Code::grpc`] are the only mapping to either.

use std::{borrow::Cow, collections::BTreeMap, fmt, time::Duration};

mod breaker;
mod wire;

pub use breaker::Breaker;

/// What a caller can do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// Correct the request.
    Invalid,
    /// Sign in.
    Unauthenticated,
    /// Ask somebody with more rights.
    Forbidden,
    /// It is not there, or not for this caller.
    NotFound,
    /// It is there already.
    AlreadyExists,
    /// The state does not allow it now; read it again.
    Conflict,
    /// A stale version was named.
    Precondition,
    /// Too much: slow down.
    Exhausted,
    /// It took too long; whether it happened is not known.
    Timeout,
    /// Try again later.
    Unavailable,
    /// Our mistake.
    Internal,
}

impl Code {
    /// Every code, for tables and tests.
    pub const ALL: [Self; 11] = [
        Self::Invalid,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::AlreadyExists,
        Self::Conflict,
        Self::Precondition,
        Self::Exhausted,
        Self::Timeout,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The status of the public API.
    pub const fn http(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::AlreadyExists | Self::Conflict => 409,
            Self::Precondition => 412,
            Self::Exhausted => 429,
            Self::Timeout => 504,
            Self::Unavailable => 503,
            Self::Internal => 500,
        }
    }

    /// The status between services.
    pub const fn grpc(self) -> tonic::Code {
        match self {
            Self::Invalid => tonic::Code::InvalidArgument,
            Self::Unauthenticated => tonic::Code::Unauthenticated,
            Self::Forbidden => tonic::Code::PermissionDenied,
            Self::NotFound => tonic::Code::NotFound,
            Self::AlreadyExists => tonic::Code::AlreadyExists,
            Self::Conflict => tonic::Code::FailedPrecondition,
            Self::Precondition => tonic::Code::Aborted,
            Self::Exhausted => tonic::Code::ResourceExhausted,
            Self::Timeout => tonic::Code::DeadlineExceeded,
            Self::Unavailable => tonic::Code::Unavailable,
            Self::Internal => tonic::Code::Internal,
        }
    }

    /// The code behind a gRPC status. `Cancelled` is how a remote deadline shows itself, so it is a timeout too.
    pub const fn from_grpc(code: tonic::Code) -> Self {
        match code {
            tonic::Code::InvalidArgument | tonic::Code::OutOfRange => Self::Invalid,
            tonic::Code::Unauthenticated => Self::Unauthenticated,
            tonic::Code::PermissionDenied => Self::Forbidden,
            tonic::Code::NotFound => Self::NotFound,
            tonic::Code::AlreadyExists => Self::AlreadyExists,
            tonic::Code::FailedPrecondition => Self::Conflict,
            tonic::Code::Aborted => Self::Precondition,
            tonic::Code::ResourceExhausted => Self::Exhausted,
            tonic::Code::DeadlineExceeded | tonic::Code::Cancelled => Self::Timeout,
            tonic::Code::Unavailable => Self::Unavailable,
            _ => Self::Internal,
        }
    }

    /// The reason to give when nothing more exact is known.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Invalid => "INVALID",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::Conflict => "CONFLICT",
            Self::Precondition => "PRECONDITION_FAILED",
            Self::Exhausted => "TOO_MANY_REQUESTS",
            Self::Timeout => "TIMEOUT",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
        }
    }
}

/// One field of a request that cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Path in the public API's terms, for example `variants[0].sku`.
    pub field: String,
    /// Stable code, for example `REQUIRED`.
    pub code: Cow<'static, str>,
    /// For developers, in English.
    pub message: String,
}

impl Field {
    /// A field and what is wrong with it.
    pub fn new(
        field: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self { field: field.into(), code: code.into(), message: message.into() }
    }
}

/// A failure as it crosses a border.
#[derive(Debug, Clone)]
pub struct Fault {
    /// What the caller can do.
    pub code: Code,
    /// What happened: stable, `SCREAMING_SNAKE`.
    pub reason: Cow<'static, str>,
    /// For developers, in English; never holds a secret or an internal detail.
    pub message: String,
    /// Which fields were wrong.
    pub fields: Vec<Field>,
    /// Values that belong to the reason, for example the order's number.
    pub metadata: BTreeMap<String, String>,
    /// When to come back.
    pub retry_after: Option<Duration>,
    /// Why it happened; logged once where it is answered, never sent.
    pub source: Option<std::sync::Arc<dyn std::error::Error + Send + Sync>>,
}

impl Fault {
    /// A failure with a reason of its own.
    pub fn new(
        code: Code,
        reason: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            reason: reason.into(),
            message: message.into(),
            fields: Vec::new(),
            metadata: BTreeMap::new(),
            retry_after: None,
            source: None,
        }
    }

    /// A request with wrong fields.
    pub fn invalid(fields: Vec<Field>) -> Self {
        let message = fields.first().map_or_else(
            || "the request is not valid".to_owned(),
            |first| format!("{}: {}", first.field, first.message),
        );
        Self { fields, ..Self::new(Code::Invalid, Code::Invalid.reason(), message) }
    }

    /// A thing that is not there, or not for this caller. `what` is upper case: `ORDER` gives `ORDER_NOT_FOUND`.
    pub fn not_found(what: &str) -> Self {
        let message = format!("no such {}", what.to_lowercase().replace('_', " "));
        Self::new(Code::NotFound, format!("{what}_NOT_FOUND"), message)
    }

    /// Nobody is signed in, or the credential is not accepted.
    pub fn unauthenticated() -> Self {
        Self::new(Code::Unauthenticated, Code::Unauthenticated.reason(), "sign in first")
    }

    /// Signed in, but without the right.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(Code::Forbidden, Code::Forbidden.reason(), message)
    }

    /// The state does not allow it.
    pub fn conflict(reason: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(Code::Conflict, reason, message)
    }

    /// Something that is needed is away.
    pub fn unavailable(message: impl Into<String>) -> Self {
        let fault = Self::new(Code::Unavailable, Code::Unavailable.reason(), message);
        Self { retry_after: Some(Duration::from_secs(2)), ..fault }
    }

    /// Our mistake, with its cause for the log.
    pub fn internal(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        let fault =
            Self::new(Code::Internal, Code::Internal.reason(), "something went wrong on our side");
        Self { source: Some(std::sync::Arc::new(source)), ..fault }
    }

    /// The same with a value that belongs to the reason.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    /// The same with the time to come back.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// The same with the fields that are wrong.
    #[must_use]
    pub fn with_fields(mut self, fields: Vec<Field>) -> Self {
        self.fields = fields;
        self
    }

    /// The chain of causes, for the log.
    pub fn causes(&self) -> String {
        let mut text = String::new();
        let mut next: Option<&dyn std::error::Error> =
            self.source.as_deref().map(|source| source as _);
        while let Some(cause) = next {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause.to_string());
            next = cause.source();
        }
        text
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.message)
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_codes() {
        let rows: Vec<String> = Code::ALL
            .iter()
            .map(|code| format!("{code:?} {} {} {:?}", code.reason(), code.http(), code.grpc()))
            .collect();
        insta::assert_snapshot!(rows.join("\n"));
    }

    #[test]
    fn every_code_survives_the_wire() {
        for code in Code::ALL {
            assert_eq!(Code::from_grpc(code.grpc()), code);
        }
        assert_eq!(Code::from_grpc(tonic::Code::Cancelled), Code::Timeout);
    }

    #[test]
    fn a_fault_survives_the_wire() {
        let fault = Fault::conflict("OUT_OF_STOCK", "not enough left")
            .with("offer", "off_1")
            .retry_after(Duration::from_secs(3))
            .with_fields(vec![Field::new("items[0].quantity", "OUT_OF_STOCK", "2 left")]);
        let back = Fault::from(tonic::Status::from(fault.clone()));
        assert_eq!(back.code, fault.code);
        assert_eq!(back.reason, fault.reason);
        assert_eq!(back.message, fault.message);
        assert_eq!(back.metadata, fault.metadata);
        assert_eq!(back.fields, fault.fields);
        assert_eq!(back.retry_after, fault.retry_after);
    }

    #[test]
    fn causes_stay_at_home() {
        let fault = Fault::internal(std::io::Error::other("disk on fire"));
        assert_eq!(fault.causes(), "disk on fire");
        let status = tonic::Status::from(fault);
        assert!(!status.message().contains("fire"));
        assert!(!String::from_utf8_lossy(status.details()).contains("fire"));
    }
}
