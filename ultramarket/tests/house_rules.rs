//! The shape of the repository. Each rule is one test; what breaks it is named with the file and the way out.

use std::collections::BTreeSet;

use mesh::Role;

#[path = "house_rules/tree.rs"]
mod tree;

use tree::{Source, Tree, crates, mentions};

/// Libraries that speak to a store.
const DRIVERS: [&str; 9] = [
    "sqlx",
    "rusqlite",
    "tantivy",
    "mongodb",
    "bson",
    "redis",
    "elasticsearch",
    "aws_sdk_s3",
    "tokio_postgres",
];

/// Names that say where something was put, not what it is.
const NOWHERE: [&str; 10] =
    ["common", "core", "helper", "helpers", "misc", "shared", "types", "util", "utils", "stuff"];

/// Lines of a source file; tests may be a little longer.
const LINES: usize = 400;
const TEST_LINES: usize = 500;

/// Fails with every violation at once.
#[track_caller]
fn hold(rule: &str, violations: &[String]) {
    assert!(violations.is_empty(), "{rule}\n  {}\n", violations.join("\n  "));
}

#[test]
fn a_service_has_the_shape_of_the_others() {
    let tree = Tree::read();
    let mut missing = Vec::new();
    for service in tree.services() {
        let folder = format!("services/{service}");
        let mut wanted = vec!["README.md".to_owned(), "tests/contract.rs".to_owned()];
        wanted.push(format!("tests/{service}.rs"));
        for module in ["lib", "config", "domain", "error", "store", "service", "grpc"] {
            wanted.push(format!("src/{module}.rs"));
        }
        missing.extend(
            wanted.iter().map(|file| format!("{folder}/{file}")).filter(|file| !tree.has(file)),
        );
        for (driver, dialect) in [("sqlite", "sqlite"), ("sqlx", "postgres")] {
            let sql = tree.under(&format!("{folder}/src/store")).any(|file| file.mentions(driver));
            if sql && !tree.has_under(&format!("{folder}/migrations/{dialect}")) {
                missing.push(format!("{folder}/migrations/{dialect}/0001_{service}.sql"));
            }
        }
    }
    hold(
        "Every service is read in the same order: add the file (services/cart is the pattern).",
        &missing,
    );
}

#[test]
fn the_domain_knows_no_outside_world() {
    let outside = [
        "sqlx",
        "sqlite",
        "tonic",
        "proto",
        "prost",
        "reqwest",
        "tokio",
        "axum",
        "Clock",
        "SystemTime",
        "Instant",
        "fs",
        "std::net",
        "std::env",
        "std::process",
    ];
    let mut violations = Vec::new();
    for file in Tree::read().rust("services/") {
        if !file.is_in("domain") {
            continue;
        }
        let named = outside.iter().chain(&DRIVERS).filter(|name| file.mentions(name));
        violations.extend(named.map(|name| format!("{} mentions {name}", file.path)));
    }
    hold(
        "domain.rs and domain/ decide from what they are given: pass times and values in, and do the work in service.rs or store/.",
        &violations,
    );
}

#[test]
fn wire_types_stay_at_the_wire() {
    let mut violations = Vec::new();
    for file in Tree::read().rust("services/") {
        let at_the_wire = file.is_in("grpc") || file.path.ends_with("/src/lib.rs");
        if file.is_source() && !at_the_wire && file.mentions("proto::") {
            violations.push(file.path.clone());
        }
    }
    hold(
        "proto:: stands only in grpc.rs and grpc/ (and for mounting in lib.rs): decode there into types of the domain.",
        &violations,
    );
}

#[test]
fn drivers_stay_behind_the_store() {
    let tree = Tree::read();
    let mut violations = Vec::new();
    for part in ["services/", "gateway/", "web/", "demo/", "sandbox/", "ultramarket/"] {
        for file in tree.rust(part) {
            if !file.is_source() || file.path.contains("/src/store/") {
                continue;
            }
            // The one thing of a driver that may be known outside: how its failure becomes ours.
            let code = if file.path.ends_with("/src/error.rs") {
                file.code.replace("sqlx::Error", "")
            } else {
                file.code.clone()
            };
            // A module of ours may bear the name of what it drives.
            let own = |driver: &str| mentions(&code, &format!("mod {driver}"));
            // An address in a text may begin with the name of one, too.
            let used = |driver: &str| code.contains(&format!("{driver}::"));
            let named = DRIVERS.iter().filter(|driver| used(driver) && !own(driver));
            violations.extend(named.map(|driver| format!("{} uses {driver}", file.path)));
        }
    }
    hold(
        "Drivers stand only under store/; error.rs may turn sqlx::Error into its own.",
        &violations,
    );
}

#[test]
fn no_service_depends_on_another() {
    let tree = Tree::read();
    let services = tree.services();
    let mut violations = Vec::new();
    for member in crates(&tree) {
        let Some(folder) = member.path.strip_prefix("services/") else { continue };
        for table in ["dependencies", "build-dependencies", "dev-dependencies"] {
            let others = member.dependencies(table).filter(|(name, _)| *name != folder);
            let others = others.filter(|(name, _)| services.contains(*name) || *name == "gateway");
            violations.extend(others.map(|(name, _)| format!("{}: {table}.{name}", member.path)));
        }
    }
    hold(
        "Services know each other by proto alone: ask through mesh, or send an event.",
        &violations,
    );
}

#[test]
fn shared_crates_know_no_service() {
    let tree = Tree::read();
    let mut outer = tree.services();
    outer.extend(["gateway", "web", "demo", "sandbox", "ultramarket"].map(str::to_owned));
    let mut violations = Vec::new();
    for member in crates(&tree).iter().filter(|member| member.path.starts_with("crates/")) {
        let known = member.dependencies("dependencies").filter(|(name, _)| outer.contains(*name));
        violations.extend(known.map(|(name, _)| format!("{}: {name}", member.path)));
    }
    hold("crates/ lies below the services: turn the dependency round.", &violations);
}

#[test]
fn names_say_what_is_inside() {
    let tree = Tree::read();
    let mut violations = BTreeSet::new();
    for file in tree.rust("") {
        for part in file.path.trim_end_matches(".rs").split('/') {
            if NOWHERE.contains(&part) {
                violations.insert(format!("{}: {part}", file.path));
            }
        }
        for name in NOWHERE {
            if mentions(&file.code, &format!("mod {name}")) {
                violations.insert(format!("{}: mod {name}", file.path));
            }
        }
    }
    let violations: Vec<_> = violations.into_iter().collect();
    hold(
        "Name crates, folders and modules for what they do, not for being used in many places.",
        &violations,
    );
}

#[test]
fn modules_are_named_by_their_file() {
    let files = Tree::read();
    let found = files.rust("").filter(|file| file.path.ends_with("/mod.rs"));
    let outside_tests = found.filter(|file| !file.path.contains("/tests/"));
    let violations: Vec<_> = outside_tests.map(|file| file.path.clone()).collect();
    hold("Write x.rs beside x/, not x/mod.rs.", &violations);
}

#[test]
fn files_can_be_read_in_one_sitting() {
    let tree = Tree::read();
    let mut violations = Vec::new();
    for file in tree.rust("") {
        let limit = if file.is_source() { LINES } else { TEST_LINES };
        let lines = file.text.lines().count();
        if lines > limit {
            violations.push(format!("{}: {lines} lines of at most {limit}", file.path));
        }
    }
    hold("Split the file by use case, not by kind.", &violations);
}

#[test]
fn every_crate_introduces_itself() {
    let tree = Tree::read();
    let mut violations = Vec::new();
    for member in crates(&tree) {
        if !tree.has(&format!("{}/README.md", member.path)) {
            violations.push(format!("{}/README.md is missing", member.path));
        }
        let description =
            member.manifest.get("package").and_then(|package| package.get("description"));
        if description.and_then(toml::Value::as_str).is_none_or(|text| text.len() <= 10) {
            violations.push(format!("{}/Cargo.toml: package.description is missing", member.path));
        }
    }
    hold(
        "Every crate says what it is, what it promises and what does not belong there.",
        &violations,
    );
}

#[test]
fn versions_and_lints_stand_in_one_place() {
    let tree = Tree::read();
    let mut violations = Vec::new();
    for member in crates(&tree) {
        for table in ["dependencies", "build-dependencies", "dev-dependencies"] {
            for (name, wanted) in member.dependencies(table) {
                if wanted.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                    violations.push(format!("{}: write {name}.workspace = true", member.path));
                }
            }
        }
        // The one crate that speaks to C cannot forbid what it is there for.
        if member.path == "crates/allocator" {
            continue;
        }
        let lints = member.manifest.get("lints").and_then(|lints| lints.get("workspace"));
        if lints.and_then(toml::Value::as_bool) != Some(true) {
            violations.push(format!("{}: write [lints] workspace = true", member.path));
        }
    }
    hold("Versions and lints stand in the root Cargo.toml.", &violations);
}

#[test]
fn nothing_is_left_for_later() {
    // Put together here, so that this file does not break its own rule.
    let marks = [
        concat!("to", "do!("),
        concat!("unimpl", "emented!("),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("#[ig", "nore"),
    ];
    let tree = Tree::read();
    let mut violations = Vec::new();
    for file in tree.rust("") {
        for (number, line) in (1..).zip(file.text.lines()) {
            let found = marks.iter().filter(|mark| line.contains(*mark));
            violations.extend(found.map(|mark| format!("{}:{number}: {mark}", file.path)));
        }
    }
    hold("Finish it or leave it out; a test that must not run is no test.", &violations);
}

#[test]
fn every_role_is_configured_and_lives_somewhere() {
    let tree = Tree::read();
    let text = tree.text("ultramarket/default.toml");
    let defaults: toml::Table = toml::from_str(&text).unwrap();
    let mut violations = Vec::new();
    for role in Role::ALL {
        for key in ["listen", "store"] {
            if defaults.get(role.as_str()).and_then(|table| table.get(key)).is_none() {
                violations.push(format!("ultramarket/default.toml: [{role}] {key} is missing"));
            }
        }
    }
    let services: BTreeSet<String> = Role::SERVICES.iter().map(ToString::to_string).collect();
    let folders = tree.services();
    violations
        .extend(services.difference(&folders).map(|role| format!("services/{role} is missing")));
    violations
        .extend(folders.difference(&services).map(|folder| format!("mesh::Role lacks {folder}")));
    hold(
        "A role stands in mesh::Role, in ultramarket/default.toml and under services/.",
        &violations,
    );
}

#[test]
fn every_script_says_what_it_needs() {
    let tree = Tree::read();
    let mut violations = Vec::new();
    for script in ["scripts/test", "scripts/split", ".ci/run"] {
        let text = tree.text(script);
        if !text.starts_with("#!/usr/bin/env bash\n") || !text.contains("\nset -euo pipefail\n") {
            violations
                .push(format!("{script}: begin with #!/usr/bin/env bash and set -euo pipefail"));
        }
    }
    hold("A script stops at its first failure.", &violations);
}

#[test]
fn the_rules_would_notice() {
    let source = |path: &str, text: &str| Source::new(path.to_owned(), text.to_owned());
    let domain = source(
        "services/x/src/domain/a.rs",
        "// tokio is fine here\nuse std::{fs, sync};\nlet url = \"http://tokio\";",
    );
    assert!(domain.is_in("domain") && domain.is_source());
    assert!(domain.mentions("fs"));
    assert!(domain.mentions("tokio"), "in code, even in a text");
    assert!(!source("a.rs", "/// tokio\n//! sqlx\nlet x = 1; // redis").mentions("tokio"));
    assert!(!source("a.rs", "let stokio = tokio_util::x;").mentions("tokio"));
    assert!(source("a.rs", "use proto::auth;").mentions("proto::"));
    assert!(!source("a.rs", "use my_proto::auth;").mentions("proto::"));
    assert!(!source("services/x/src/service.rs", "").is_in("domain"));
    assert!(!source("services/x/tests/x.rs", "").is_source());
}
