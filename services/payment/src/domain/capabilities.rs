//! What each provider can do for us. Whatever depends on the provider asks here.

use super::Provider;

/// How money goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivesBack {
    /// We ask for it, for all or for some.
    Called,
    /// People ask for it in the provider's cabinet; all of it only.
    Cabinet,
    /// People send it.
    ByHand,
}

/// What a provider can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question with its own answer")]
pub struct Capabilities {
    /// Its page is made by a call to it; the pages of others are links that we write.
    pub makes_pages: bool,
    /// It takes so'm and nothing else.
    pub som_only: bool,
    /// It asks us before it takes money, so that an order is held before there is any.
    pub asks_first: bool,
    /// It says how a payment stands when it is asked.
    pub says_how_it_stands: bool,
    /// How money goes back.
    pub gives_back: GivesBack,
}

impl Provider {
    /// What this one can do.
    pub const fn capabilities(self) -> Capabilities {
        match self {
            Self::Payme => Capabilities {
                makes_pages: false,
                som_only: true,
                asks_first: true,
                says_how_it_stands: false,
                gives_back: GivesBack::Cabinet,
            },
            Self::Click => Capabilities {
                makes_pages: false,
                som_only: true,
                asks_first: true,
                says_how_it_stands: true,
                gives_back: GivesBack::Called,
            },
            Self::Uzcard => Capabilities {
                makes_pages: true,
                som_only: true,
                asks_first: true,
                says_how_it_stands: true,
                gives_back: GivesBack::Called,
            },
            Self::Stripe => Capabilities {
                makes_pages: true,
                som_only: false,
                asks_first: false,
                says_how_it_stands: true,
                gives_back: GivesBack::Called,
            },
            Self::Cash => Capabilities {
                makes_pages: false,
                som_only: false,
                asks_first: false,
                says_how_it_stands: false,
                gives_back: GivesBack::ByHand,
            },
        }
    }
}
