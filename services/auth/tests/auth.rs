//! The service through the mesh, local and remote, with order and notification services that remember what they are told.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "auth/access.rs"]
mod access;
#[path = "auth/away.rs"]
mod away;
#[path = "auth/codes.rs"]
mod codes;
#[path = "auth/merchants.rs"]
mod merchants;
#[path = "auth/peers.rs"]
mod peers;
#[path = "auth/platform.rs"]
mod platform;
#[path = "auth/sessions.rs"]
mod sessions;
