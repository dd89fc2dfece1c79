//! Prometheus and Grafana: what they ask for exists, and alerts say what to do.

use std::{collections::BTreeSet, path::Path, process::Command};

use mesh::Role;
use serde_json::Value;
use testkit::real_store;

use crate::repository::{hold, root, text};

const ALERTS: &str = "deploy/prometheus/alerts.yml";
const DASHBOARD: &str = "deploy/grafana/dashboards/ultramarket-overview.json";
/// What the library counts of each process.
const PROCESS: [&str; 4] = [
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
];

/// Runs promtool in `deploy/prometheus`; false when it is not there.
fn promtool(arguments: &[&str]) -> bool {
    let Some(program) = real_store("promtool") else { return false };
    let folder = root().join("deploy/prometheus");
    let ended = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    let told = [ended.stdout, ended.stderr].concat();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&told));
    true
}

#[test]
fn prometheus_takes_its_configuration_and_its_rules() {
    let _ = promtool(&["check", "config", "prometheus.yml"])
        && promtool(&["check", "rules", "alerts.yml"]);
}

#[test]
fn alerts_are_raised_by_what_they_are_for() {
    promtool(&["test", "rules", "alerts.test.yml"]);
}

#[test]
fn every_role_is_scraped_where_it_shows_its_metrics() {
    let scraped = text("deploy/prometheus/prometheus.yml");
    for role in Role::ALL {
        // The gateway shows them beside its public port.
        let port = if role == Role::Gateway { 9100 } else { role.port() };
        let wanted = format!(
            "- job_name: {role}\n    dns_sd_configs: [{{ names: [{role}], type: A, port: {port},"
        );
        assert!(scraped.contains(&wanted), "{wanted}");
        assert!(text(ALERTS).contains(&format!("absent(up{{job=\"{role}\"}})")), "{role}");
    }
}

/// Names of alerts.
fn alerts() -> Vec<String> {
    let rules = text(ALERTS);
    let names = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    names.map(str::to_owned).collect()
}

#[test]
fn every_alert_is_explained_and_tested() {
    let (rules, tests, operations) =
        (text(ALERTS), text("deploy/prometheus/alerts.test.yml"), text("docs/operations.md"));
    let names = alerts();
    assert!(names.len() >= 10, "{names:?}");
    let mut violations = Vec::new();
    for name in &names {
        let rule = rules.split(&format!("- alert: {name}\n")).nth(1).unwrap();
        let rule = rule.split("- alert: ").next().unwrap();
        let anchor = format!("runbook: \"docs/operations.md#{}\"", name.to_lowercase());
        if !rule.contains(&anchor) {
            violations.push(format!("{name}: {anchor}"));
        }
        if !rule.contains("severity: page") && !rule.contains("severity: ticket") {
            violations.push(format!("{name}: it has no severity"));
        }
        let explained = operations.split(&format!("#### {name}\n")).nth(1);
        if explained.is_none_or(|text| text.trim().len() < 40) {
            violations.push(format!("{name}: docs/operations.md does not say what to do"));
        }
        if !tests.contains(&format!("alertname: {name}\n        exp_alerts:\n")) {
            violations.push(format!("{name}: no test raises it"));
        }
    }
    for line in operations.lines().filter_map(|line| line.strip_prefix("#### ")) {
        if !names.iter().any(|name| name == line) {
            violations.push(format!("{line}: there is no such alert"));
        }
    }
    hold("An alert says what to do, and a test shows when it comes.", &violations);
}

/// Metrics that the code makes, under the names that Prometheus sees.
fn metrics() -> BTreeSet<String> {
    let mut found: BTreeSet<String> =
        PROCESS.iter().map(|name| format!("ultramarket_{name}")).collect();
    found.insert("ultramarket_process_start_time_seconds".to_owned());
    let mut folders: Vec<_> =
        ["crates", "services", "gateway"].iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("tests") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                made_in(&path, &mut found);
            }
        }
    }
    assert!(found.len() > 15, "{found:?}");
    // What a backup leaves in a file.
    let left = text("ultramarket/src/backup/figures.rs");
    let names = left.split("gauge(\"").skip(1).filter_map(|rest| rest.split('"').next());
    found.extend(names.map(|name| format!("ultramarket_backup_{name}")));
    found
}

fn made_in(path: &Path, found: &mut BTreeSet<String>) {
    let code = std::fs::read_to_string(path).unwrap();
    for (kind, endings) in [
        (".counter(", &[""][..]),
        (".gauge(", &[""]),
        (".histogram(", &["_bucket", "_count", "_sum"]),
    ] {
        for call in code.split(kind).skip(1) {
            let Some(rest) = call.trim_start().strip_prefix('"') else { continue };
            let name = rest.split('"').next().unwrap();
            found.extend(endings.iter().map(|ending| format!("ultramarket_{name}{ending}")));
        }
    }
}

/// Our metrics that a text asks for.
fn asked_for(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("ultramarket_"))
        .map(str::to_owned)
        .collect()
}

/// Queries of the dashboard, each with the title of its panel.
pub(crate) fn queries() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(&text(DASHBOARD)).unwrap();
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap().to_owned();
        for target in panel["targets"].as_array().into_iter().flatten() {
            queries.push((title.clone(), target["expr"].as_str().unwrap().to_owned()));
        }
    }
    queries
}

#[test]
fn what_is_asked_for_exists() {
    let known = metrics();
    let mut violations = Vec::new();
    let queries = queries();
    assert!(queries.len() > 20, "{}", queries.len());
    for (title, query) in &queries {
        let missing = asked_for(query).into_iter().filter(|name| !known.contains(name));
        violations.extend(missing.map(|name| format!("{title}: {name}")));
    }
    for file in [ALERTS, "deploy/prometheus/alerts.test.yml"] {
        let missing = asked_for(&text(file)).into_iter().filter(|name| !known.contains(name));
        violations.extend(missing.map(|name| format!("{file}: {name}")));
    }
    hold("Queries ask for metrics that the code makes.", &violations);
}

#[test]
fn the_dashboard_can_be_read() {
    let dashboard: Value = serde_json::from_str(&text(DASHBOARD)).unwrap();
    assert_eq!(dashboard["templating"]["list"][0]["type"], "datasource");
    let (mut ids, mut fields) = (BTreeSet::new(), BTreeSet::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_i64().unwrap()), "{title}: its id is taken");
        let place = &panel["gridPos"];
        let number = |name: &str| place[name].as_i64().unwrap();
        for x in number("x")..number("x") + number("w") {
            for y in number("y")..number("y") + number("h") {
                assert!(x < 24 && fields.insert((x, y)), "{title} lies over another panel");
            }
        }
        if panel["type"] == "row" {
            continue;
        }
        assert!(panel["description"].as_str().is_some_and(|text| text.len() > 15), "{title}");
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{title} has a unit");
    }
    let source = text("deploy/grafana/provisioning/datasources/prometheus.yml");
    assert!(source.contains("url: http://prometheus:9090"), "{source}");
    let provider = text("deploy/grafana/provisioning/dashboards/ultramarket.yml");
    let compose = text("docker-compose.production.yml");
    assert!(provider.contains("path: /etc/grafana/dashboards"), "{provider}");
    assert!(compose.contains("./deploy/grafana/dashboards:/etc/grafana/dashboards:ro"));
}
