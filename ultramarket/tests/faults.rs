//! What may go wrong between a cart and a paid order, on purpose: roles are killed, frozen and restarted while people buy, lines are bad,
//! clocks are wrong, disks are full, hundreds want the same piece, people go away in the middle, providers repeat themselves and events are
//! refused. Afterwards the platform is compared with what it acknowledged and with what the provider knows.
//!
//! `scripts/faults --scale N` tries N times as much as the tests of every day, `scripts/faults --full` what takes hours.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    dead_code,
    reason = "a test fails by panicking and says what it saw, and other tests use more of the support"
)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use mesh::Role;
use testkit::real_store;

#[path = "drill/account.rs"]
mod account;
#[path = "faults/callbacks.rs"]
mod callbacks;
#[path = "faults/calm.rs"]
mod calm;
#[path = "faults/clocks.rs"]
mod clocks;
#[path = "faults/cluster.rs"]
mod cluster;
#[path = "faults/crowd.rs"]
mod crowd;
#[path = "faults/dice.rs"]
mod dice;
#[path = "faults/disk.rs"]
mod disk;
#[path = "faults/lines.rs"]
mod lines;
#[path = "drill/market.rs"]
mod market;
#[path = "drill/opening.rs"]
mod opening;
#[path = "faults/people.rs"]
mod people;
#[path = "faults/poison.rs"]
mod poison;
#[path = "outage/servers.rs"]
mod private;
#[path = "faults/proxy.rs"]
mod proxy;
#[path = "deployment/repository.rs"]
mod repository;
#[path = "journeys/support.rs"]
mod support;
#[path = "faults/volume.rs"]
mod volume;

use cluster::{Around, Cluster};
use dice::{Dice, scale};
use disk::Tank;
use market::Market;
use opening::Opened;
use people::People;
use private::Servers;
use support::{platform, process::Environment, servers};
use volume::Volume;

/// A role is ready so long after it was started, whatever else happens.
const RESTART: Duration = Duration::from_secs(10);

/// A platform with something to sell, and what is known of it.
struct Scene {
    cluster: Cluster,
    opened: Opened,
    market: Arc<Market>,
    dice: Dice,
    began: Instant,
}

impl Scene {
    async fn open(cluster: Cluster) -> Self {
        let began = Instant::now();
        cluster.is_ready().await;
        let guest = cluster.guest();
        let opened = opening::on_empty_ground(&guest).await;
        let goods = opened.stalls.iter().map(|stall| stall.goods.clone()).collect();
        let market = Arc::new(Market::open(&guest, goods));
        Self { cluster, opened, market, dice: Dice::cast(), began }
    }

    /// What took how long.
    fn passed(&self, what: &str) {
        println!("  [{:.0?}] {what}", self.began.elapsed());
    }

    /// People come and buy, whatever else is done here.
    fn people(&self) -> People<()> {
        People::buy(&self.market)
    }

    /// Nobody was refused for good, and everything agrees.
    async fn agrees(self) {
        let settled = self.cluster.is_ready().await;
        let market = &self.market;
        assert_eq!(market.refusals(), [""; 0], "nobody was refused for good");
        let journal = market.journal();
        println!(
            "{} orders; come again: {:?}; slowest answer {:.1?}; ready {settled:?} after",
            journal.len(),
            market.reasons(),
            market.slowest()
        );
        let (guest, roles) = (self.cluster.guest(), self.cluster.roles());
        let restored = account::Restored { guest, roles, opened: self.opened };
        restored.check(&journal, &journal).await;
        println!("  [{:.0?}] and everything agrees", self.began.elapsed());
    }
}

/// Each role is killed and frozen in some order while people buy.
async fn storm(scene: &mut Scene) {
    let mut slowest = (Duration::ZERO, Role::Gateway);
    let mut faults = 0;
    let dice = &mut scene.dice;
    for _ in 0..scale() {
        let mut roles = Role::ALL;
        dice.shuffle(&mut roles);
        for role in roles {
            tokio::time::sleep(Duration::from_millis(dice.below(300))).await;
            let took = tokio::task::block_in_place(|| scene.cluster.kill(role));
            slowest = slowest.max((took, role));
            tokio::time::sleep(Duration::from_millis(dice.below(300))).await;
            let time = Duration::from_millis(300 + dice.below(900));
            scene.cluster.freeze(role, time).await;
            faults += 2;
        }
    }
    println!("{faults} faults; slowest start: {} in {:?}", slowest.1, slowest.0);
    assert!(slowest.0 < RESTART, "{slowest:?}");
}

fn faults(stores: Environment) {
    let cluster = Cluster::start(stores);
    platform::run(async {
        let mut scene = Scene::open(cluster).await;
        let (guest, market) = (scene.cluster.guest(), Arc::clone(&scene.market));
        let goods = scene.opened.stalls[1].goods.clone();
        let buyers = if scale() > 1 { 500 } else { 100 };
        crowd::the_last_pieces_are_sold_once(&guest, &scene.opened.stalls[0], (&market, buyers))
            .await;
        crowd::one_key_is_one_order(&guest, &goods, &market).await;
        let gateway = scene.cluster.url(Role::Gateway).to_owned();
        let together = (&*market, &mut scene.dice);
        crowd::a_broken_line_leaves_no_half_order(&guest, &gateway, &goods, together).await;
        scene.passed("crowds");
        crowd::repeats_happen_once(&guest, &goods, &market).await;
        let together = (&*market, &mut scene.dice);
        crowd::cancelling_and_paying_exclude_each_other(&guest, &goods, together).await;
        let together = (&*market, &mut scene.dice);
        callbacks::come_in_any_order(&guest, &goods, together).await;
        scene.passed("callbacks");
        calm::people_go_away(&mut scene.cluster, &scene.opened, &market, &mut scene.dice).await;
        scene.passed("people who went away");
        let people = scene.people();
        calm::each_role_is_restarted(&mut scene.cluster, &market, &mut scene.dice).await;
        scene.passed("restarts");
        storm(&mut scene).await;
        people.go_home();
        scene.passed("storm");
        scene.agrees().await;
    });
}

fn bad_lines(stores: Environment) {
    let embedded = stores.is_empty();
    let cluster = Cluster::start_in(stores, Around { lines: true, ..Around::default() });
    platform::run(async {
        let mut scene = Scene::open(cluster).await;
        let guest = scene.cluster.guest();
        let goods = scene.opened.stalls[0].goods.clone();
        let merchant = scene.opened.stalls[0].owner.sign_in(&guest).await;
        let people = scene.people();
        lines::have_weather(&scene.cluster, &mut scene.dice).await;
        scene.passed("weather");
        if embedded {
            // Ten seconds, and the stores have no part in it.
            lines::are_silent(&scene.cluster, &guest, &merchant).await;
        }
        lines::are_forgotten(&scene.cluster, &guest, &goods).await;
        scene.passed("silence");
        let sold = scene.market.journal().len();
        scene.market.has_sold(sold + 4).await;
        people.go_home();
        scene.agrees().await;
    });
}

fn wrong_clocks(stores: Environment) {
    let Some(library) = real_store("faketime") else { return };
    let cluster = Cluster::start_in(stores, Around { clocks: Some(library), ..Around::default() });
    platform::run(async {
        let mut scene = Scene::open(cluster).await;
        let market = Arc::clone(&scene.market);
        clocks::are_wrong(&mut scene.cluster, &scene.opened, &market).await;
        scene.passed("an hour ahead and behind");
        let (guest, goods) = (scene.cluster.guest(), scene.opened.stalls[0].goods.clone());
        poison::is_set_aside_and_sent_again(&mut scene.cluster, &guest, &goods, &market).await;
        scene.passed("poison");
        let people = scene.people();
        clocks::of_anybody(&scene.cluster, &mut scene.dice).await;
        let sold = market.journal().len();
        market.has_sold(sold + 4).await;
        people.go_home();
        scene.agrees().await;
    });
}

fn full_disk(stores: Environment, tank: &Tank, (worse, better): (impl FnOnce(), impl FnOnce())) {
    let on_it = stores.is_empty().then(|| tank.folder().join("data"));
    let cluster = Cluster::start_in(stores, Around { data: on_it, ..Around::default() });
    platform::run(async {
        let scene = Scene::open(cluster).await;
        let people = scene.people();
        let guest = scene.cluster.guest();
        let known = (&guest, &scene.opened, &*scene.market);
        disk::is_full(tank, known, worse, better).await;
        people.go_home();
        scene.agrees().await;
    });
}

fn full_scale(stores: Environment, volume: Volume) {
    let cluster = Cluster::start(stores);
    println!("{volume:?}");
    platform::run(async {
        let mut scene = Scene::open(cluster).await;
        let (guest, market) = (scene.cluster.guest(), Arc::clone(&scene.market));
        let (stall, buyers) = (scene.opened.stalls[0].clone(), volume.buyers);
        crowd::the_last_pieces_are_sold_once(&guest, &stall, (&market, buyers)).await;
        crowd::one_key_is_one_order(&guest, &stall.goods, &market).await;
        let together = (volume, &mut scene.dice);
        volume::every_role_is_killed(&mut scene.cluster, &market, together).await;
        scene.agrees().await;
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

#[test]
fn embedded_stores_survive_bad_lines() {
    bad_lines(Environment::new());
}

#[test]
fn postgres_survives_bad_lines() {
    if let Some(stores) = servers::databases() {
        bad_lines(stores);
    }
}

#[test]
fn embedded_stores_survive_wrong_clocks() {
    wrong_clocks(Environment::new());
}

#[test]
fn postgres_survives_wrong_clocks() {
    if let Some(stores) = servers::databases() {
        wrong_clocks(stores);
    }
}

#[test]
fn embedded_stores_survive_a_full_disk() {
    if let Some(tank) = Tank::of(96) {
        full_disk(Environment::new(), &tank, (|| (), || ()));
    }
}

/// The server itself gives up when it cannot write its log; an operator starts it again when there is room.
#[test]
fn postgres_survives_a_full_disk() {
    let Some(tank) = Tank::of(224) else { return };
    let Some(postgres) = Servers::up_in(tank.folder(), &[&["postgres"]]) else { return };
    let postgres = &postgres;
    let give_up = || postgres.write_log_until_it_gives_up();
    let start = || postgres.start_again("postgres");
    full_disk(postgres.addresses(), &tank, (give_up, start));
}

#[test]
fn embedded_stores_survive_at_full_scale() {
    if let Some(volume) = Volume::asked() {
        full_scale(Environment::new(), volume);
    }
}

#[test]
fn postgres_survives_at_full_scale() {
    let Some(volume) = Volume::asked() else { return };
    if let Some(stores) = servers::databases() {
        full_scale(stores, volume);
    }
}
