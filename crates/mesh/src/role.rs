//! The nine roles of the program.

use std::{fmt, str::FromStr};

/// A part of the platform that can run alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The public door.
    Gateway,
    /// Accounts and merchants.
    Auth,
    /// The content of the catalogue.
    Product,
    /// Money and stock.
    Order,
    /// Payments.
    Payment,
    /// Carts.
    Cart,
    /// Uploads.
    File,
    /// The index.
    Search,
    /// Messages to people.
    Notification,
}

impl Role {
    /// How many roles there are.
    pub const COUNT: u16 = 9;

    /// Every role.
    pub const ALL: [Self; 9] = [
        Self::Gateway,
        Self::Auth,
        Self::Product,
        Self::Order,
        Self::Payment,
        Self::Cart,
        Self::File,
        Self::Search,
        Self::Notification,
    ];

    /// Every role that others call.
    pub const SERVICES: [Self; 8] = [
        Self::Auth,
        Self::Product,
        Self::Order,
        Self::Payment,
        Self::Cart,
        Self::File,
        Self::Search,
        Self::Notification,
    ];

    /// The name in configuration and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Auth => "auth",
            Self::Product => "product",
            Self::Order => "order",
            Self::Payment => "payment",
            Self::Cart => "cart",
            Self::File => "file",
            Self::Search => "search",
            Self::Notification => "notification",
        }
    }

    /// The port it listens on unless configured otherwise.
    pub const fn port(self) -> u16 {
        match self {
            Self::Gateway => 8000,
            Self::Auth => 3002,
            Self::Product => 3003,
            Self::Order => 3005,
            Self::Payment => 3006,
            Self::Cart => 3008,
            Self::File => 3009,
            Self::Search => 3010,
            Self::Notification => 3011,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name belongs to no role.
#[derive(Debug, Clone, thiserror::Error)]
#[error("unknown role {0:?}; the roles are {names}", names = Role::ALL.map(Role::as_str).join(", "))]
pub struct ParseRoleError(String);

impl FromStr for Role {
    type Err = ParseRoleError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == name)
            .ok_or_else(|| ParseRoleError(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().unwrap(), role);
        }
        assert!("orders".parse::<Role>().unwrap_err().to_string().contains("gateway, auth"));
    }
}
