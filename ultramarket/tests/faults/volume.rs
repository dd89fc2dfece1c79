//! The same at full scale: so many kills of each role at so many checkouts a second, for hours.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use mesh::Role;

use crate::{
    cluster::Cluster,
    dice::{Dice, setting},
    market::Market,
    people::People,
};

/// A role is ready so long after it was started.
const READY: Duration = Duration::from_secs(10);

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Volume {
    /// Of each role.
    kills: u64,
    /// Checkouts that begin each second.
    rate: u32,
    /// Who wants the last five pieces.
    pub(crate) buyers: usize,
}

impl Volume {
    /// What `scripts/faults --full` asks for: it takes hours. None in the tests of every day.
    pub(crate) fn asked() -> Option<Self> {
        (setting("UM_TEST_FULL", 0) > 0).then(|| Self {
            kills: setting("UM_TEST_KILLS_EACH", 200),
            rate: u32::try_from(setting("UM_TEST_RATE", 20)).unwrap(),
            buyers: usize::try_from(setting("UM_TEST_BUYERS", 500)).unwrap(),
        })
    }
}

/// Kills every role so often, in some order, each at some moment of many checkouts.
pub(crate) async fn every_role_is_killed(
    cluster: &mut Cluster,
    market: &Arc<Market>,
    (volume, dice): (Volume, &mut Dice),
) {
    let mut order: Vec<Role> =
        Role::ALL.into_iter().flat_map(|role| (0..volume.kills).map(move |_| role)).collect();
    dice.shuffle(&mut order);
    let (people, began) = (People::arrive(market, volume.rate), Instant::now());
    let mut starts: BTreeMap<Role, Vec<Duration>> = BTreeMap::new();
    for (done, role) in order.iter().enumerate() {
        tokio::time::sleep(Duration::from_micros(dice.below(300_000))).await;
        let killed = Instant::now();
        tokio::task::block_in_place(|| cluster.kill(*role));
        cluster.answers(*role).await;
        starts.entry(*role).or_default().push(killed.elapsed());
        if (done + 1) % 100 == 0 {
            println!(
                "  {} kills in {:.0?}: {} orders",
                done + 1,
                began.elapsed(),
                market.journal().len()
            );
        }
    }
    let (took, sold) = (began.elapsed(), market.journal().len());
    let sent_away = people.go_home();
    println!(
        "{} kills in {took:.0?}; {sold} orders, {:.1} a second of {} that came; {sent_away} could not be let in; slowest answer {:.1?}",
        order.len(),
        f64::from(u32::try_from(sold).unwrap()) / took.as_secs_f64(),
        volume.rate,
        market.slowest(),
    );
    println!("come again: {:?}", market.reasons());
    println!("role         kills   median  slowest until it says that it is ready");
    for (role, times) in &mut starts {
        times.sort();
        let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
        println!("{:12} {:5} {median:8.0?} {slowest:8.0?}", role.as_str(), times.len());
    }
    for (role, times) in &starts {
        assert!(times[times.len() - 1] < READY, "{role}: {times:?}");
    }
}
