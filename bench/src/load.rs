//! Many connections at once, and how long each answer took.

use std::{
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::task::LocalSet;

use crate::wire::Connection;

/// Time before the clock counts: connections, caches, branch predictors.
const WARM_UP: Duration = Duration::from_secs(1);

/// What a scenario came to.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) connections: usize,
    /// Of what was measured.
    pub(crate) elapsed: Duration,
    pub(crate) errors: u64,
    /// Microseconds, sorted.
    times: Vec<u64>,
}

/// What one connection saw.
#[derive(Debug)]
pub(crate) struct Watch {
    begin: Instant,
    end: Instant,
    times: Vec<u64>,
    errors: u64,
}

impl Watch {
    fn new(begin: Instant, length: Duration) -> Self {
        Self { begin, end: begin + length, times: Vec::with_capacity(1 << 16), errors: 0 }
    }

    /// Whether there is time for another one.
    pub(crate) fn goes_on(&self) -> bool {
        Instant::now() < self.end
    }

    /// Notes an answer to what was asked at `asked`.
    pub(crate) fn note(&mut self, asked: Instant, good: bool) {
        let now = Instant::now();
        if asked < self.begin || now > self.end {
            return;
        }
        if good {
            let took = now.duration_since(asked).as_micros();
            self.times.push(u64::try_from(took).unwrap_or(u64::MAX));
        } else {
            self.errors += 1;
        }
    }
}

impl Row {
    fn new(name: &str, elapsed: Duration, watches: Vec<Watch>) -> Self {
        let connections = watches.len();
        let errors = watches.iter().map(|watch| watch.errors).sum();
        let mut times: Vec<u64> = watches.into_iter().flat_map(|watch| watch.times).collect();
        times.sort_unstable();
        Self { name: name.to_owned(), connections, elapsed, errors, times }
    }

    /// Good answers in a second.
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    pub(crate) fn rate(&self) -> f64 {
        self.times.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// The time within which this share of the answers came, in milliseconds.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a figure for people"
    )]
    pub(crate) fn within(&self, share: f64) -> f64 {
        let rank = (self.times.len() as f64 * share).ceil() as usize;
        let time = self.times.get(rank.saturating_sub(1)).copied().unwrap_or_default();
        time as f64 / 1000.0
    }
}

/// Runs `work` on so many connections at once for so long, after a warm-up.
pub(crate) async fn many<F>(
    name: &str,
    (address, connections): (SocketAddr, usize),
    length: Duration,
    work: F,
) -> anyhow::Result<Row>
where
    F: AsyncFn(usize, &mut Connection, &mut Watch) -> anyhow::Result<()> + 'static,
{
    crate::progress(name);
    let begin = Instant::now() + WARM_UP;
    let work = Rc::new(work);
    let tasks = LocalSet::new();
    let handles: Vec<_> = (0..connections)
        .map(|index| {
            let work = Rc::clone(&work);
            tasks.spawn_local(async move {
                let mut connection = Connection::open(address).await?;
                let mut watch = Watch::new(begin, length);
                work(index, &mut connection, &mut watch).await?;
                anyhow::Ok(watch)
            })
        })
        .collect();
    tasks.await;
    let mut watches = Vec::with_capacity(connections);
    for handle in handles {
        watches.push(handle.await??);
    }
    Ok(Row::new(name, length, watches))
}

/// Does `work` on so many connections at once, until each has done its part.
pub(crate) async fn each<F>(address: SocketAddr, connections: usize, work: F) -> anyhow::Result<()>
where
    F: AsyncFn(usize, &mut Connection) -> anyhow::Result<()> + 'static,
{
    let work = Rc::new(work);
    let tasks = LocalSet::new();
    let handles: Vec<_> = (0..connections)
        .map(|index| {
            let work = Rc::clone(&work);
            tasks.spawn_local(async move {
                let mut connection = Connection::open(address).await?;
                work(index, &mut connection).await
            })
        })
        .collect();
    tasks.await;
    for handle in handles {
        handle.await??;
    }
    Ok(())
}

/// Sends these requests in turn on each connection.
pub(crate) async fn rotating(
    name: &str,
    target: (SocketAddr, usize),
    length: Duration,
    requests: Vec<Vec<u8>>,
) -> anyhow::Result<Row> {
    let work = async move |index: usize, connection: &mut Connection, watch: &mut Watch| {
        // Not all at the same place of the row.
        let mut turn = requests.iter().cycle().skip(index * 7 % requests.len().max(1));
        while let Some(request) = turn.next().filter(|_| watch.goes_on()) {
            let asked = Instant::now();
            let status = connection.send(request).await?;
            watch.note(asked, status == 200);
        }
        Ok(())
    };
    many(name, target, length, work).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_ranks() {
        let begin = Instant::now();
        let mut watch = Watch::new(begin, Duration::from_secs(2));
        watch.times = (1..=1000).rev().map(|n| n * 1000).collect();
        let row = Row::new("x", Duration::from_secs(2), vec![watch]);
        assert!((row.within(0.5) - 500.0).abs() < 1e-9);
        assert!((row.within(0.99) - 990.0).abs() < 1e-9);
        assert!((row.rate() - 500.0).abs() < 1e-9);
    }
}
