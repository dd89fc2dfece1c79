//! What is said when the platform is ready.

use std::collections::BTreeMap;

use demo::Accounts;
use mesh::Role;
use serde::Serialize;

use crate::{cli::say, platform::Platform};

/// The line that `--json` prints.
#[derive(Debug, Serialize)]
struct Line<'a> {
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<&'a str>,
    roles: BTreeMap<&'static str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ops: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accounts: Option<&'a Accounts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sandboxes: Option<&'a BTreeMap<&'static str, String>>,
}

fn line(platform: &Platform) -> Line<'_> {
    let roles: BTreeMap<_, _> =
        platform.urls.iter().map(|(role, url)| (role.as_str(), url.as_str())).collect();
    Line {
        ready: true,
        gateway: roles.get(Role::Gateway.as_str()).copied(),
        roles,
        ops: platform.ops.as_deref(),
        accounts: None,
        sandboxes: None,
    }
}

/// After `serve`.
pub(crate) fn announce(platform: &Platform, json: bool) {
    if json {
        print(&line(platform));
    } else {
        for (role, url) in &platform.urls {
            tracing::info!(%role, url, "listening");
        }
    }
}

/// After `demo`.
pub(crate) fn announce_demo(
    platform: &Platform,
    accounts: &Accounts,
    sandboxes: &BTreeMap<&'static str, String>,
    (took, json): (std::time::Duration, bool),
) {
    let line = Line { accounts: Some(accounts), sandboxes: Some(sandboxes), ..line(platform) };
    if json {
        return print(&line);
    }
    let gateway = line.gateway.unwrap_or_default();
    let mut text = format!(
        "\nUltraMarket is ready after {:.1} s.\n\n  shop      {gateway}/\n  API       {gateway}/docs\n\n",
        took.as_secs_f64()
    );
    for (name, account) in [
        ("shopper", &accounts.shopper),
        ("merchant", &accounts.merchant),
        ("admin", &accounts.admin),
    ] {
        text.push_str(&row(name, &format!("{}   {}", account.login, account.password)));
    }
    text.push_str("\nStand-ins that play the providers' side (no real money):\n");
    for (name, url) in sandboxes {
        text.push_str(&row(name, url));
    }
    text.push_str("\nCtrl-C ends it and removes its data, unless --data-dir keeps them.");
    say(&text);
}

fn row(name: &str, value: &str) -> String {
    format!("  {name:<9} {value}\n")
}

fn print(line: &Line<'_>) {
    match serde_json::to_string(line) {
        Ok(text) => say(&text),
        Err(error) => tracing::error!(%error, "the ready line could not be written"),
    }
}
