//! What `deploy/` and `docker-compose.production.yml` promise, held against the real tools: `scripts/tools` says where they are. Without
//! them these tests say that they were skipped, and fail where `UM_TEST_REQUIRE` asks for them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "a test fails by panicking, and other tests use more of the support"
)]

#[path = "deployment/bytes.rs"]
mod bytes;
#[path = "deployment/compose.rs"]
mod compose;
#[path = "deployment/container.rs"]
mod container;
#[path = "deployment/door.rs"]
mod door;
#[path = "deployment/environment.rs"]
mod environment;
#[path = "deployment/measured.rs"]
mod measured;
#[path = "deployment/model.rs"]
mod model;
#[path = "../src/config/names.rs"]
mod names;
#[path = "deployment/nginx.rs"]
mod nginx;
#[path = "deployment/repository.rs"]
mod repository;
#[path = "journeys/support.rs"]
mod support;
#[path = "deployment/watch.rs"]
mod watch;
#[path = "deployment/whole.rs"]
mod whole;
