//! How the process ends: exit codes of `sysexits.h`, and one clear line.

use std::{io::Write as _, process::ExitCode};

/// The command line or the configuration is wrong.
const USAGE: u8 = 64;
/// A socket or a folder that is needed cannot be had.
const CANNOT_CREATE: u8 = 73;
/// Anything else.
const SOFTWARE: u8 = 70;

/// An error that knows its exit code.
#[derive(Debug)]
struct Coded(u8);

impl std::fmt::Display for Coded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            USAGE => "configuration",
            _ => "cannot go on",
        })
    }
}

impl std::error::Error for Coded {}

/// The configuration is wrong.
pub(crate) fn usage(error: anyhow::Error) -> anyhow::Error {
    error.context(Coded(USAGE))
}

/// Something that is needed cannot be had.
pub(crate) fn cannot_create(error: impl Into<anyhow::Error>) -> anyhow::Error {
    error.into().context(Coded(CANNOT_CREATE))
}

/// The command line cannot be read, or asked only for help or the version.
pub(crate) fn command_line(error: &clap::Error) -> ExitCode {
    // Nobody reads what cannot be written.
    drop(error.print());
    if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
}

/// Says what went wrong, and ends with the code for it.
pub(crate) fn code(outcome: anyhow::Result<()>) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    let code = error.downcast_ref::<Coded>().map_or(SOFTWARE, |coded| coded.0);
    drop(writeln!(std::io::stderr(), "ultramarket: {error:#}"));
    ExitCode::from(code)
}
