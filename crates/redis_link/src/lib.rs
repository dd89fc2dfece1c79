//! The way to a Redis server: one connection for everybody, made when it is needed and made anew when it is lost, and one more for
//! whoever listens.
//!
//! A role starts without its server and works within seconds of its return. Nothing takes longer than two seconds, and while the
//! server is silent callers are refused at once. A server that may drop keys when memory is short is refused.

mod address;
mod backup;
mod link;
mod listen;

pub use link::{Error, Link};
pub use listen::Heard;
