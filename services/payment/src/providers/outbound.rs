//! What comes back from a provider that we call.

use crate::domain::hosted::Word;

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// It never left.
    Unsent,
    /// It may have arrived.
    Lost,
    Got {
        status: u16,
        body: Vec<u8>,
        /// Whether the provider wants it again; none when it does not say.
        again: Option<bool>,
    },
}

/// What came of asking for a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Made {
    Page {
        /// The provider's name for it.
        id: String,
        url: String,
    },
    /// There is none, and why; nothing of it can be repeated under the same name when it is `spoilt`.
    No { why: String, spoilt: bool },
}

/// What came of asking for money to go back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GaveBack {
    Done,
    /// It is on its way, under this name.
    Pending(String),
    /// The provider does not do it, and why.
    Refused(String),
    /// It was not asked.
    Unasked,
    /// Nothing that could be taken for a verdict.
    Silence,
}

impl Reply {
    /// The label in metrics.
    pub(crate) const fn label(&self) -> &'static str {
        match self {
            Self::Unsent => "unsent",
            Self::Lost => "lost",
            Self::Got { status, .. } if *status >= 500 => "failed",
            Self::Got { status, .. } if *status >= 400 => "refused",
            Self::Got { .. } => "answered",
        }
    }
}

impl Word {
    /// The label in metrics.
    pub(crate) const fn label(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Money { .. } => "money",
            Self::Over => "over",
            Self::Silence => "silence",
        }
    }
}
