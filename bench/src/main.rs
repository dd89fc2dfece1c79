//! Load for the release program. See README.md.

use std::{io::Write as _, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};

mod bare;
mod checkout;
mod load;
mod rebuild;
mod report;
mod scale;
mod scenarios;
mod server;
mod wire;

#[derive(Debug, Parser)]
#[command(about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a bare JSON handler until killed; prints its URL.
    Bare,
    /// Start the program, load it, print a table.
    Run(Options),
    /// Start the program, fill it with a large catalogue, read from it, print figures.
    Scale(scale::Options),
}

/// What to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The program under load.
    #[arg(long)]
    binary: PathBuf,
    /// Run servers on this core alone (needs `taskset`); otherwise they go where they like.
    #[arg(long)]
    server_core: Option<usize>,
    /// Only scenarios whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Length of each scenario; checkouts take half as long again.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Connections of the scenarios that read.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Checkouts at once.
    #[arg(long, default_value_t = 8)]
    shoppers: usize,
}

impl Options {
    fn wants(&self, name: &str) -> bool {
        name.contains(&self.only)
    }

    fn length(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// A line for whoever reads the figures.
pub(crate) fn say(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}

/// A line for whoever waits.
pub(crate) fn progress(text: &str) {
    drop(writeln!(std::io::stderr(), "  {text}"));
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        // As the program itself is run: as many threads as there are cores to use.
        Command::Bare => {
            runtime(tokio::runtime::Builder::new_multi_thread())?.block_on(bare::serve())
        }
        Command::Run(options) => {
            runtime(tokio::runtime::Builder::new_current_thread())?.block_on(run(&options))
        }
        Command::Scale(options) => {
            runtime(tokio::runtime::Builder::new_current_thread())?.block_on(scale::run(&options))
        }
    }
}

fn runtime(mut builder: tokio::runtime::Builder) -> std::io::Result<tokio::runtime::Runtime> {
    builder.enable_all().build()
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    if options.wants("bare axum handler") {
        let bare = server::Server::bare(options.server_core)?;
        rows.push(scenarios::bare(&bare, options).await?);
    }
    let server = server::Server::demo(&options.binary, options.server_core)?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let idle = server.memory("VmRSS")?;
    let market = scenarios::Market::open(&server).await?;
    rows.extend(market.browse(options).await?);
    rows.extend(market.change(options).await?);
    if options.wants("checkout with payment") {
        rows.push(checkout::run(&market, options).await?);
    }
    let (after, most) = (server.memory("VmRSS")?, server.memory("VmHWM")?);
    say(&report::memory(server.took(), (idle, after, most)));
    say(&report::table(&rows));
    Ok(())
}
