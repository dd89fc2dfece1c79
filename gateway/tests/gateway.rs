//! The public door with services behind it that know only what a test asks.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "gateway/fakes.rs"]
mod fakes;
#[path = "gateway/kit.rs"]
mod kit;

#[path = "gateway/catalogue.rs"]
mod catalogue;
#[path = "gateway/door.rs"]
mod door;
#[path = "gateway/hooks.rs"]
mod hooks;
#[path = "gateway/idempotency.rs"]
mod idempotency;
#[path = "gateway/neighbours.rs"]
mod neighbours;
#[path = "support/place.rs"]
mod place;
#[path = "gateway/realtime.rs"]
mod realtime;
#[path = "gateway/requests.rs"]
mod requests;
#[path = "gateway/uploads.rs"]
mod uploads;
#[path = "gateway/without_redis.rs"]
mod without_redis;
