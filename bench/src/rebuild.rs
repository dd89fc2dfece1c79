//! The search index is built anew while people search.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use serde_json::Value;

use crate::{
    load, progress, scenarios,
    server::Server,
    wire::{Connection, request},
};

const PATH: &str = "/v1/admin/search/rebuild";
/// How often it is looked how far it has come.
const LOOK: Duration = Duration::from_millis(500);

/// Rebuilds while the other connections send these searches in turn; what it took, and how many searches failed.
pub(crate) async fn while_searching(
    server: &Server,
    searches: Vec<Vec<u8>>,
    connections: usize,
) -> anyhow::Result<String> {
    progress("building the index anew");
    let mut connection = Connection::open(server.address()?).await?;
    let token = scenarios::sign_in(server, &mut connection, "admin").await?;
    let (over, told) = (Rc::new(Cell::new(false)), Rc::new(Cell::new((0, Duration::ZERO))));
    let (good, failed) = (Rc::new(Cell::new(0_u64)), Rc::new(Cell::new(0_u64)));
    let slowest = Rc::new(Cell::new(Duration::ZERO));
    let (ended, counted) = (Rc::clone(&told), (Rc::clone(&good), Rc::clone(&failed)));
    let longest = Rc::clone(&slowest);
    let work = async move |index: usize, connection: &mut Connection| {
        if index == 0 {
            let rebuilt = rebuild(connection, &token).await;
            over.set(true);
            told.set(rebuilt?);
            return Ok(());
        }
        for search in searches.iter().cycle().skip(index * 7 % searches.len().max(1)) {
            if over.get() {
                break;
            }
            let asked = Instant::now();
            let status = connection.send(search).await?;
            slowest.set(slowest.get().max(asked.elapsed()));
            let count = if status == 200 { &good } else { &failed };
            count.set(count.get() + 1);
        }
        Ok(())
    };
    load::each(server.address()?, connections + 1, work).await?;
    let ((indexed, took), (good, failed)) = (ended.get(), counted);
    Ok(format!(
        "Index of {indexed} products built anew in {:.1} s, meanwhile {} searches on {connections} connections: {} failed, the slowest took {} ms.",
        took.as_secs_f64(),
        good.get() + failed.get(),
        failed.get(),
        longest.get().as_millis()
    ))
}

/// Begins one and waits for its end: how many products can be found, and how long it took.
async fn rebuild(connection: &mut Connection, token: &str) -> anyhow::Result<(u64, Duration)> {
    let headers = [("authorization", token)];
    let started = Instant::now();
    let begun = connection.ask(&request("POST", PATH, &headers, "{}")).await?;
    let look = request("GET", PATH, &headers, "");
    loop {
        tokio::time::sleep(LOOK).await;
        let told = connection.ask(&look).await?;
        anyhow::ensure!(told.get("started_at") == begun.get("started_at"), "{told} after {begun}");
        match told.get("state").and_then(Value::as_str) {
            Some("running") => {}
            Some("done") => {
                let indexed = told.get("indexed").and_then(Value::as_u64).context("no count")?;
                return Ok((indexed, started.elapsed()));
            }
            _ => anyhow::bail!("{told}"),
        }
    }
}
