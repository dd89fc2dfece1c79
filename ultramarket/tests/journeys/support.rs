//! What every journey needs.

pub(crate) mod client;
pub(crate) mod platform;
pub(crate) mod process;
pub(crate) mod providers;
pub(crate) mod realtime;
pub(crate) mod servers;
pub(crate) mod shop;
