//! Figures about backups, for whoever watches: a file of the form that Prometheus' node exporter collects.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use archive::Manifest;
use clock::Timestamp;

use crate::config::Config;

/// Where the figures are written: as told, or beside the backups.
pub(super) fn place(told: Option<&Path>, config: &Config, to: &Path) -> PathBuf {
    match told {
        Some(place) => place.to_owned(),
        None if config.backup.metrics.as_os_str().is_empty() => to.join("backup.prom"),
        None => config.backup.metrics.clone(),
    }
}

/// Writes them anew; the newest backup is what counts as success, whichever run it is of.
pub(super) fn write(
    place: &Path,
    shelf: &Path,
    begun: Timestamp,
    took: Duration,
    good: bool,
) -> anyhow::Result<()> {
    let newest =
        archive::complete(shelf)?.pop().map(|backup| Manifest::read(&backup)).transpose()?;
    let text = text(newest.as_ref(), begun, took, good);
    // A collector reads all of it or the one before.
    let draft = place.with_extension("prom.new");
    std::fs::write(&draft, text)
        .and_then(|()| std::fs::rename(&draft, place))
        .with_context(|| format!("the figures could not be written to {}", place.display()))
}

fn text(newest: Option<&Manifest>, begun: Timestamp, took: Duration, good: bool) -> String {
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, value: String| {
        let name = format!("ultramarket_backup_{name}");
        text.extend([
            format!("# HELP {name} {help}\n# TYPE {name} gauge\n"),
            format!("{name} {value}\n"),
        ]);
    };
    if let Some(newest) = newest {
        let at = (newest.taken_at.millis() / 1000).to_string();
        gauge("last_success_timestamp_seconds", "The moment of the newest backup.", at);
        gauge("size_bytes", "The size of the newest backup.", newest.size().to_string());
        let held = Duration::from_millis(newest.held_ms).as_secs_f64().to_string();
        gauge("held_seconds", "How long writers had to wait for the newest backup.", held);
    }
    let at = (begun.millis() / 1000).to_string();
    gauge("last_attempt_timestamp_seconds", "When the last backup was begun.", at);
    let took = took.as_secs_f64().to_string();
    gauge("last_attempt_duration_seconds", "How long that took.", took);
    gauge("last_attempt_failed", "Whether it failed.", u8::from(!good).to_string());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_does_not_hide_the_last_success() {
        let newest = Manifest {
            format: 1,
            program: String::new(),
            taken_at: Timestamp::from_millis(1_795_253_400_000),
            held_ms: 12,
            stores: std::collections::BTreeMap::new(),
        };
        let now = Timestamp::from_millis(1_795_339_800_000);
        let text = text(Some(&newest), now, Duration::from_millis(1500), false);
        for line in [
            "ultramarket_backup_last_success_timestamp_seconds 1795253400",
            "ultramarket_backup_held_seconds 0.012",
            "ultramarket_backup_last_attempt_timestamp_seconds 1795339800",
            "ultramarket_backup_last_attempt_duration_seconds 1.5",
            "ultramarket_backup_last_attempt_failed 1",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} is not in\n{text}");
        }
        let none = super::text(None, now, Duration::ZERO, false);
        assert!(!none.contains("last_success"), "an absent figure is one that alerts see");
    }
}
