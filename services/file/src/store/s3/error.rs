//! What can go wrong with the server of files.

use std::{sync::Arc, time::Duration};

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use fault::{Code, Fault};

type Cause = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the server of files does not answer")]
    Silent,
    #[error("there is no bucket {0:?}: run `ultramarket migrate`")]
    Missing(String),
    /// It is away, or it refused.
    #[error("the server of files failed (status {status}, code {code:?})")]
    Failed {
        /// 0 when there was no answer.
        status: u16,
        code: String,
        #[source]
        source: Cause,
    },
    /// What was read is not what was written, or was cut off.
    #[error("what was read is broken")]
    Broken(#[source] Cause),
}

impl Error {
    /// Whether the server said this.
    pub(super) fn is(&self, status: u16) -> bool {
        matches!(self, Self::Failed { status: known, .. } if *known == status)
    }

    /// The same about a bucket, which may be what is missing.
    pub(super) fn about(self, bucket: &str) -> Self {
        match &self {
            Self::Failed { code, .. } if code == "NoSuchBucket" => Self::Missing(bucket.to_owned()),
            _ => self,
        }
    }
}

impl<E> From<SdkError<E>> for Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    fn from(error: SdkError<E>) -> Self {
        let late = match &error {
            SdkError::TimeoutError(_) => true,
            SdkError::DispatchFailure(failure) => failure.is_timeout(),
            _ => false,
        };
        if late {
            return Self::Silent;
        }
        let status = error.raw_response().map_or(0, |answer| answer.status().as_u16());
        let code = error.code().unwrap_or_default().to_owned();
        Self::Failed { status, code, source: Box::new(error) }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let reason = match &error {
            Error::Missing(_) => "BUCKET_MISSING",
            Error::Broken(_) => return Self::internal(error),
            Error::Silent | Error::Failed { .. } => "STORE_FAILED",
        };
        let fault = Self::new(Code::Unavailable, reason, "the store of files is away");
        let fault = fault.retry_after(Duration::from_secs(2));
        Self { source: Some(Arc::new(error)), ..fault }
    }
}
