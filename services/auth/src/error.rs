//! What can go wrong, and how it is told.

use std::time::Duration;

use fault::{Code, Fault, Field};

use crate::domain::{IllegalDecision, Wrong};

/// A failure of the auth service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such login, or not this password: nobody is told which.
    #[error("login or password is wrong")]
    InvalidCredentials,
    /// Too many tries, or too many at once.
    #[error("too many attempts; try again later")]
    TooManyAttempts(Duration),
    /// A refresh token came twice: one of the two holders is a thief.
    #[error("this refresh token was used before; the session is ended")]
    RefreshTokenReused,
    /// Unknown, too old, or its session was ended.
    #[error("this refresh token is not good any more")]
    RefreshTokenInvalid,
    /// The session was ended.
    #[error("this session was ended")]
    SessionEnded,
    /// The phone or e-mail address belongs to an account.
    #[error("there is an account with this phone or e-mail address")]
    LoginTaken,
    /// Wrong, too old, or used.
    #[error("this code is not good")]
    OtpInvalid,
    /// Unknown, too old, or used.
    #[error("this reset token is not good")]
    ResetTokenInvalid,
    /// No such account.
    #[error("no such account")]
    UserNotFound,
    /// No such address, or not this caller's.
    #[error("no such address")]
    AddressNotFound,
    /// No such merchant, or not for this caller.
    #[error("no such merchant")]
    MerchantNotFound,
    /// The caller has a merchant, or one that waits.
    #[error("there is an application or a merchant of this owner already")]
    ApplicationExists,
    /// The decision does not fit.
    #[error(transparent)]
    Illegal(#[from] IllegalDecision),
    /// No such membership, or of another merchant.
    #[error("no such member of staff")]
    StaffNotFound,
    /// The person is on this staff already.
    #[error("this person is on the staff already")]
    StaffExists,
    /// The person is on the staff of another merchant.
    #[error("this person is on the staff of another merchant")]
    StaffElsewhere,
    /// The owner stays on the staff.
    #[error("the owner cannot be taken off the staff")]
    OwnerStays,
    /// No such key, or of another merchant.
    #[error("no such API key")]
    ApiKeyNotFound,
    /// The key opens nothing.
    #[error("this API key is not good")]
    ApiKeyInvalid,
    /// As many of them as there may be; the text is the reason.
    #[error("there are as many as there may be")]
    Full(&'static str),
    /// Fields of the request are wrong.
    #[error("the request is not valid")]
    Invalid(Vec<Wrong>),
    /// Whatever a store or the caller's rights said.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<Vec<Wrong>> for Error {
    fn from(wrong: Vec<Wrong>) -> Self {
        Self::Invalid(wrong)
    }
}

impl From<Wrong> for Error {
    fn from(wrong: Wrong) -> Self {
        Self::Invalid(vec![wrong])
    }
}

impl From<sqlite::Error> for Error {
    fn from(error: sqlite::Error) -> Self {
        Self::Fault(error.into())
    }
}

impl From<postgres::Error> for Error {
    fn from(error: postgres::Error) -> Self {
        Self::Fault(error.into())
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        postgres::Error::from(error).into()
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let denied = |reason, message| Self::new(Code::Unauthenticated, reason, message);
        match error {
            Error::InvalidCredentials => denied("INVALID_CREDENTIALS", message),
            Error::TooManyAttempts(after) => {
                Self::new(Code::Exhausted, "TOO_MANY_ATTEMPTS", message).retry_after(after)
            }
            Error::RefreshTokenReused => denied("REFRESH_TOKEN_REUSED", message),
            Error::RefreshTokenInvalid => denied("REFRESH_TOKEN_INVALID", message),
            Error::SessionEnded => denied("SESSION_ENDED", message),
            Error::OtpInvalid => denied("OTP_INVALID", message),
            Error::ApiKeyInvalid => denied("API_KEY_INVALID", message),
            Error::ResetTokenInvalid => {
                let field = Field::new("token", "INVALID", message.clone());
                Self::new(Code::Invalid, "RESET_TOKEN_INVALID", message).with_fields(vec![field])
            }
            Error::LoginTaken => Self::new(Code::AlreadyExists, "LOGIN_TAKEN", message),
            Error::ApplicationExists => {
                Self::new(Code::AlreadyExists, "APPLICATION_EXISTS", message)
            }
            Error::StaffExists => Self::new(Code::AlreadyExists, "STAFF_EXISTS", message),
            Error::UserNotFound => Self::not_found("USER"),
            Error::AddressNotFound => Self::not_found("ADDRESS"),
            Error::MerchantNotFound => Self::not_found("MERCHANT"),
            Error::StaffNotFound => Self::not_found("STAFF"),
            Error::ApiKeyNotFound => Self::not_found("API_KEY"),
            Error::StaffElsewhere => Self::conflict("STAFF_ELSEWHERE", message),
            Error::OwnerStays => Self::conflict("OWNER_STAYS", message),
            Error::Full(reason) => Self::conflict(reason, message),
            Error::Illegal(IllegalDecision::Status(_)) => {
                Self::conflict("MERCHANT_STATUS_CONFLICT", message)
            }
            Error::Illegal(IllegalDecision::PlanMissing) => {
                Self::invalid(vec![Field::new("plan", "REQUIRED", message)])
            }
            Error::Invalid(wrong) => {
                let field = |wrong: Wrong| Field::new(wrong.field, wrong.code, wrong.message);
                Self::invalid(wrong.into_iter().map(field).collect())
            }
            Error::Fault(fault) => fault,
        }
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        Fault::from(error).into()
    }
}
