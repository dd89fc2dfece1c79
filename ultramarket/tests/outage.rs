//! What a platform does while a store is away, and after it is back: the real servers are stopped, killed and started beneath it.
//!
//! The servers are private to this test. It needs the programs that `scripts/stores` has installed: without the addresses of all five
//! it says that it was skipped, and fails where `UM_TEST_REQUIRE` asks for them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    dead_code,
    reason = "a test fails by panicking and says what it saw, and other tests use more of the support"
)]

#[path = "outage/asked.rs"]
mod asked;
#[path = "outage/books.rs"]
mod books;
#[path = "outage/elasticsearch.rs"]
mod elasticsearch;
#[path = "outage/index.rs"]
mod index;
#[path = "drill/market.rs"]
mod market;
#[path = "outage/mongodb.rs"]
mod mongodb;
#[path = "drill/opening.rs"]
mod opening;
#[path = "outage/postgres.rs"]
mod postgres;
#[path = "outage/redis.rs"]
mod redis;
#[path = "deployment/repository.rs"]
mod repository;
#[path = "outage/s3.rs"]
mod s3;
#[path = "outage/servers.rs"]
mod servers;
#[path = "outage/site.rs"]
mod site;
#[path = "journeys/support.rs"]
mod support;

use servers::Servers;
use site::Site;
use support::platform::Mode;

/// One platform lives through all of it: no process of it is started again.
#[test]
fn stores_go_away_and_come_back() {
    let Some(servers) = Servers::up(servers::ALL) else { return };
    let mut site = Site::open(Mode::One, servers);
    support::platform::run(async {
        // Elasticsearch takes long to start: meanwhile the others go.
        let index = elasticsearch::goes(&site).await;
        let others = async {
            postgres::is_killed_while_people_buy(&site).await;
            postgres::goes_and_comes_back(&site).await;
            redis::goes_and_comes_back(&site).await;
            s3::goes_and_comes_back(&site).await;
        };
        let (missed, ()) = futures::join!(elasticsearch::comes_back(&site, index), others);
        mongodb::goes_and_comes_back(&site).await;
        elasticsearch::recovers(&site, missed).await;
        books::agree(&site).await;
    });
    site.end_in_order();
}

/// What people buy with goes from beneath nine processes.
#[test]
fn stores_of_nine_processes_go_away_and_come_back() {
    let Some(servers) = Servers::up(servers::MONEY_AND_CARTS) else { return };
    let mut site = Site::open(Mode::Nine, servers);
    support::platform::run(async {
        postgres::is_killed_while_people_buy(&site).await;
        redis::goes_and_comes_back(&site).await;
        postgres::goes_and_comes_back(&site).await;
        books::agree(&site).await;
    });
    site.end_in_order();
}

#[test]
fn an_embedded_index_that_was_deleted_is_built_anew() {
    index::is_deleted_and_built_anew();
}
