//! The command line.

use std::{io::Write as _, path::PathBuf};

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use ids::EventId;
use mesh::Role;

use crate::config::{Config, Flags};

/// UltraMarket: a marketplace in one program.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Configuration file (default: ultramarket.toml when it is there).
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where embedded stores live (default: ./data; demo: a fresh temporary folder).
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// First of a row of ports on 127.0.0.1; 0 takes any free ones.
    #[arg(long, global = true, value_name = "N")]
    port_base: Option<u16>,
    /// Print one JSON line on standard output when ready, or when it is done.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run roles; all of them when none is named.
    Serve {
        /// gateway, auth, product, order, payment, cart, file, search, notification.
        #[arg(value_parser = |name: &str| name.parse::<Role>())]
        roles: Vec<Role>,
    },
    /// Run everything with a demo catalogue, demo accounts and stand-ins for the payment providers.
    Demo {
        /// "production": the stores that are configured (UM_<ROLE>__STORE), none of them embedded.
        #[arg(long, value_enum, default_value_t)]
        stores: Stores,
    },
    /// Prepare the stores: tables, indexes, buckets. Safe to run again, and by several at once.
    Migrate {
        /// gateway, auth, product, order, payment, cart, file, search, notification; all when none is named.
        #[arg(value_parser = |name: &str| name.parse::<Role>())]
        roles: Vec<Role>,
    },
    /// Ask whether the roles that listen on this machine are ready. Ends with 70 when one is not, or when none is there.
    Health {
        /// Ask this address alone, such as http://127.0.0.1:3005; without a path, its /health/ready.
        #[arg(long, value_name = "URL")]
        url: Option<String>,
    },
    /// Copy every store, as of one moment, while the platform runs.
    #[command(args_conflicts_with_subcommands = true)]
    Backup {
        #[command(flatten)]
        options: BackupOptions,
        #[command(subcommand)]
        command: Option<BackupCommand>,
    },
    /// Put a backup into the stores. The platform must not run.
    Restore {
        /// The folder of the backup.
        #[arg(value_name = "DIR")]
        backup: PathBuf,
        /// Throw away what is in the stores.
        #[arg(long)]
        replace: bool,
    },
    /// Let the search role of a platform that runs build its index anew, and wait until it has. Searches go on meanwhile.
    Reindex,
    /// Events that were set aside because a subscriber kept refusing them.
    Events {
        #[command(subcommand)]
        command: EventsCommand,
    },
    /// Payment providers.
    Payments {
        #[command(subcommand)]
        command: PaymentsCommand,
    },
    /// Print the configuration that is in force, with secrets masked.
    Config,
    /// Administer the platform.
    Admin {
        #[command(subcommand)]
        command: AdminCommand,
    },
}

/// Where a backup goes. What is not told is configured: the `[backup]` table.
#[derive(Debug, Args)]
pub(crate) struct BackupOptions {
    /// The folder with all backups.
    #[arg(long, value_name = "DIR")]
    pub(crate) to: Option<PathBuf>,
    /// Backups to keep, this one included.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) keep: Option<u32>,
    /// Bucket to send it to: s3://host[:port]/bucket[/prefix]; its keys belong into the configuration.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) upload: Option<String>,
    /// File for Prometheus' node exporter (default: backup.prom beside the backups).
    #[arg(long, value_name = "FILE")]
    pub(crate) metrics: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// Bring a backup from the bucket that it was sent to, and verify it.
    Fetch {
        /// s3://host[:port]/bucket[/prefix]/name
        #[arg(value_name = "ADDRESS")]
        address: String,
        /// The folder with all backups.
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
    /// Read a backup to its last byte and compare every sum.
    Verify {
        /// The folder of the backup.
        #[arg(value_name = "DIR")]
        backup: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// List what was set aside, the oldest first. May be run beside a platform that runs.
    Parked {
        /// Whose events: auth, product, order, payment; all when none is named.
        #[arg(value_parser = |name: &str| name.parse::<Role>())]
        role: Option<Role>,
    },
    /// Send again what was set aside, once its cause is repaired. May be run beside a platform that runs.
    #[command(group(ArgGroup::new("which").required(true).args(["id", "all"])))]
    Replay {
        /// Whose events: auth, product, order, payment.
        #[arg(value_parser = |name: &str| name.parse::<Role>())]
        role: Role,
        /// This event, to every subscriber that refused it.
        #[arg(long, value_name = "ID")]
        id: Option<EventId>,
        /// Everything that this role has set aside.
        #[arg(long)]
        all: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PaymentsCommand {
    /// Look whether keys, addresses and clocks are right. Moves no money. Ends with 70 when payments would not work.
    Check {
        /// payme, click, uzcard or stripe; all that have keys when it is not named.
        #[arg(long, value_parser = provider)]
        provider: Option<payment::domain::Provider>,
    },
}

fn provider(name: &str) -> Result<payment::domain::Provider, String> {
    use payment::domain::Provider;
    match Provider::parse(name) {
        Some(Provider::Cash) | None => Err("expected payme, click, uzcard or stripe".to_owned()),
        Some(provider) => Ok(provider),
    }
}

/// Where the demo keeps its data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stores {
    /// As configured: embedded, unless told otherwise.
    #[default]
    Configured,
    /// Servers only; an embedded store is an error.
    Production,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Create a platform administrator, or reset one; the password is read from standard input.
    Create {
        /// Phone or e-mail address.
        #[arg(long)]
        login: String,
        /// Shown to other administrators.
        #[arg(long, default_value = "Administrator")]
        name: String,
    },
}

impl Cli {
    pub(crate) fn flags(&self) -> Flags {
        Flags {
            file: self.config.clone(),
            data_dir: self.data_dir.clone(),
            port_base: self.port_base,
        }
    }

    /// What to log: the demo and one-off commands talk to a person, who needs only what went wrong.
    pub(crate) fn telemetry(&self, config: &Config) -> telemetry::Config {
        let mut telemetry = config.telemetry.clone();
        if !matches!(self.command, Command::Serve { .. }) && telemetry.level == "info" {
            "warn".clone_into(&mut telemetry.level);
        }
        telemetry
    }
}

/// A line for the person at the terminal, or the program that reads from it.
pub(crate) fn say(text: &str) {
    // Whoever closed standard output does not want to hear it.
    drop(writeln!(std::io::stdout(), "{text}"));
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
