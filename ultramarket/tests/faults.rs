//! What may go wrong between a cart and a paid order, on purpose: roles are killed and frozen while people buy, hundreds want the same
//! piece, lines break, providers repeat themselves, and people change their minds. Afterwards the platform is compared with what it
//! acknowledged and with what the provider knows.
//!
//! `scripts/faults --scale N` tries N times as much as the tests of every day.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    dead_code,
    reason = "a test fails by panicking and says what it saw, and other tests use more of the support"
)]

use std::time::Duration;

use mesh::Role;

#[path = "drill/account.rs"]
mod account;
#[path = "faults/cluster.rs"]
mod cluster;
#[path = "faults/crowd.rs"]
mod crowd;
#[path = "faults/dice.rs"]
mod dice;
#[path = "drill/market.rs"]
mod market;
#[path = "drill/opening.rs"]
mod opening;
#[path = "journeys/support.rs"]
mod support;

use cluster::Cluster;
use dice::{Dice, scale};
use market::Market;
use support::{platform, process::Environment, servers};

/// A role is ready so long after it was started, whatever else happens.
const RESTART: Duration = Duration::from_secs(10);

/// Each role is killed and frozen in some order while people buy.
async fn storm(cluster: &mut Cluster, market: &Market, dice: &mut Dice) {
    let mut slowest = (Duration::ZERO, Role::Gateway);
    let mut faults = 0;
    for _ in 0..scale() {
        let mut roles = Role::ALL;
        dice.shuffle(&mut roles);
        for role in roles {
            tokio::time::sleep(Duration::from_millis(dice.below(400))).await;
            let took = tokio::task::block_in_place(|| cluster.kill(role));
            slowest = slowest.max((took, role));
            tokio::time::sleep(Duration::from_millis(dice.below(400))).await;
            let time = Duration::from_millis(500 + dice.below(2_000));
            tokio::task::block_in_place(|| cluster.freeze(role, time));
            faults += 2;
        }
    }
    market.close();
    println!("{faults} faults; slowest start: {} in {:?}", slowest.1, slowest.0);
    assert!(slowest.0 < RESTART, "{slowest:?}");
}

fn faults(stores: Environment) {
    let mut dice = Dice::cast();
    let mut cluster = Cluster::start(stores);
    platform::run(async {
        cluster.is_ready().await;
        let guest = cluster.guest();
        let opened = opening::on_empty_ground(&guest).await;
        let (first, second) = (&opened.stalls[0], &opened.stalls[1].goods);
        let goods = opened.stalls.iter().map(|stall| stall.goods.clone()).collect();
        let market = Market::open(&guest, goods);

        crowd::the_last_pieces_are_sold_once(&guest, first, &market).await;
        crowd::one_key_is_one_order(&guest, second, &market).await;
        let gateway = cluster.roles()["gateway"].as_str().unwrap().to_owned();
        crowd::a_broken_line_leaves_no_half_order(&guest, &gateway, second, (&market, &mut dice))
            .await;
        crowd::repeats_happen_once(&guest, second, &market).await;
        crowd::cancelling_and_paying_exclude_each_other(&guest, second, (&market, &mut dice)).await;

        futures::join!(storm(&mut cluster, &market, &mut dice), market.run());
        let settled = cluster.is_ready().await;
        assert_eq!(market.refusals(), [""; 0], "nobody was refused for good");
        let journal = market.journal();
        println!(
            "{} orders, {} calls repeated; ready {settled:?} after",
            journal.len(),
            market.delays()
        );
        let restored = account::Restored { guest, roles: cluster.roles(), opened };
        restored.check(&journal, &journal).await;
    });
}

#[test]
fn embedded_stores_survive() {
    faults(Environment::new());
}

#[test]
fn postgres_survives() {
    if let Some(stores) = servers::databases() {
        faults(stores);
    }
}
