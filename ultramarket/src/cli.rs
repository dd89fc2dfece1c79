//! The command line.

use std::{io::Write as _, path::PathBuf};

use clap::{Parser, Subcommand, ValueEnum};
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
    /// Print one JSON line on standard output when ready.
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
    /// Print the configuration that is in force, with secrets masked.
    Config,
    /// Administer the platform.
    Admin {
        #[command(subcommand)]
        command: AdminCommand,
    },
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
