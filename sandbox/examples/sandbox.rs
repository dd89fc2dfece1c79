//! Runs the stand-ins alone, against the gateway given as the first argument, and prints their addresses.

#![expect(clippy::print_stdout, reason = "the addresses are the output")]

use host::Tasks;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let gateway = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:8000".to_owned());
    let tasks = Tasks::new();
    let running = sandbox::start(&sandbox::Config::demo(gateway), &tasks)?;
    for (name, url) in running.urls() {
        println!("{name} {url}");
    }
    tokio::signal::ctrl_c().await?;
    tasks.drain(std::time::Duration::from_secs(2)).await;
    Ok(())
}
