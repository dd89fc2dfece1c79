//! UltraMarket: one program, nine roles.

use std::process::ExitCode;

use clap::Parser as _;

mod admin;
mod backup;
mod cli;
mod config;
mod demonstration;
mod events;
mod exit;
mod health;
mod migrate;
mod payments;
mod platform;
mod ready;
mod reindex;
mod restore;
mod roles;

use cli::{BackupCommand, Cli, Command, PaymentsCommand};
use config::Config;

#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator;

fn main() -> ExitCode {
    allocator::return_freed_memory();
    match Cli::try_parse() {
        Ok(cli) => exit::code(run(&cli)),
        Err(error) => exit::command_line(&error),
    }
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    // Two TLS stacks are linked in; one is chosen, here.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let flags = cli.flags();
    if let Command::Config = cli.command {
        cli::say(&config::print(&flags).map_err(exit::usage)?);
        return Ok(());
    }
    let config = Config::load(&flags).map_err(exit::usage)?;
    let _flush = telemetry::init(&cli.telemetry(&config)).map_err(exit::usage)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match &cli.command {
            Command::Serve { roles } => platform::serve(config, roles, cli.json).await,
            Command::Demo { stores } => {
                Box::pin(demonstration::run(config, &flags, *stores, cli.json)).await
            }
            Command::Migrate { roles } => migrate::run(&config, roles).await,
            Command::Health { url } => health::run(&config, url.as_deref()).await,
            Command::Backup { command: Some(BackupCommand::Verify { backup }), .. } => {
                backup::verify(backup, cli.json)
            }
            Command::Backup { command: Some(BackupCommand::Fetch { address, to }), .. } => {
                Box::pin(backup::fetch(&config, address, to.as_deref(), cli.json)).await
            }
            Command::Backup { options, command: None } => {
                Box::pin(backup::run(&config, options, cli.json)).await
            }
            Command::Restore { backup, replace } => {
                Box::pin(restore::run(&config, backup, *replace, cli.json)).await
            }
            Command::Reindex => reindex::run(&config, cli.json).await,
            Command::Admin { command } => admin::run(config, command).await,
            Command::Events { command } => events::run(&config, command, cli.json).await,
            Command::Payments { command: PaymentsCommand::Check { provider } } => {
                payments::check(&config, *provider, cli.json).await
            }
            Command::Config => Ok(()),
        }
    })
}
