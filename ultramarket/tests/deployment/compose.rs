//! Our own rules for the compose file.

use mesh::Role;
use serde_json::Value;
use testkit::Folder;

use crate::{
    environment::read_by_compose,
    model::{DOMAIN, filled_in, listed, model, resolve},
    names::{Meaning, NAMES},
    repository::{hold, root, text},
    support::process,
};

/// What keeps data, each in a volume of its own.
const STORES: [&str; 5] = ["postgres", "mongodb", "redis", "elasticsearch", "minio"];
/// How variables end that hold the address of a server.
const SERVERS: [&str; 2] = ["__STORE", "__BELL"];
/// What is neither a role nor a store.
const OTHERS: [&str; 6] = ["nginx", "migrate", "backup", "prometheus", "figures", "grafana"];

#[test]
fn every_service_is_watched_bounded_and_started_again() {
    let Some(model) = model() else { return };
    let mut violations = Vec::new();
    let mut wrong = |name: &str, what: &str| violations.push(format!("{name}: {what}"));
    for (name, service) in model.services() {
        let image = service["image"].as_str().unwrap_or_default();
        let tag = image.rsplit_once('/').map_or(image, |(_, last)| last).split_once(':');
        if tag.is_none_or(|(_, tag)| tag == "latest" || tag.is_empty()) {
            wrong(name, &format!("its image {image:?} is not pinned"));
        }
        let limits = &service["deploy"]["resources"]["limits"];
        if limits["cpus"].is_null() || limits["memory"].is_null() {
            wrong(name, "it has no limits");
        }
        if service["logging"]["options"]["max-size"].is_null() {
            wrong(name, "its log grows for ever");
        }
        if !listed(&service["security_opt"]).contains(&"no-new-privileges:true".to_owned()) {
            wrong(name, "it may gain privileges");
        }
        if service.get("ports").is_some() != (name == "nginx") {
            wrong(name, "nginx alone is published");
        }
        if service.get("privileged").is_some() || service.get("network_mode").is_some() {
            wrong(name, "it is closer to the machine than it has to be");
        }
        if matches!(name.as_str(), "migrate" | "backup") {
            // They end.
            continue;
        }
        if service["restart"] != "unless-stopped" {
            wrong(name, "it is not started again");
        }
        if service["healthcheck"]["test"].as_array().is_none_or(Vec::is_empty) {
            wrong(name, "nobody asks how it is");
        }
    }
    hold("A service in production.", &violations);
}

#[test]
fn everything_is_there() {
    let Some(model) = model() else { return };
    let mut wanted: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
    wanted.extend(STORES.iter().chain(&OTHERS));
    wanted.sort_unstable();
    let mut found = listed(&Value::Object(model.services().clone()));
    found.sort_unstable();
    assert_eq!(found, wanted);
    for store in STORES.iter().chain(&["prometheus", "grafana"]) {
        let volumes = model.service(store)["volumes"].as_array().unwrap();
        let named = volumes.iter().filter(|volume| volume["type"] == "volume");
        assert!(named.count() > 0, "{store} keeps its data in a volume");
    }
    for (name, service) in model.services() {
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let source = volume["source"].as_str().unwrap();
            match volume["type"].as_str().unwrap() {
                "volume" => assert!(model.volumes().contains_key(source), "{name}: {source}"),
                // The certificate is the owner's to bring.
                _ if source.ends_with("/ssl") => {}
                _ => assert!(std::path::Path::new(source).exists(), "{name}: {source}"),
            }
        }
    }
}

#[test]
fn roles_are_one_image_that_may_do_nothing() {
    let Some(model) = model() else { return };
    let image = &model.service("migrate")["image"];
    assert_eq!(model.environment("backup"), model.environment("migrate"), "all stores");
    assert_eq!(listed(&model.service("backup")["profiles"]), ["backup"], "when it is asked for");
    let names = Role::ALL.iter().map(|role| role.as_str()).chain(["backup", "migrate"]);
    for name in names {
        let service = model.service(name);
        assert_eq!(&service["image"], image, "{name}");
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(listed(&service["cap_drop"]), ["ALL"], "{name}");
        assert!(service.get("user").is_none(), "{name}: the image says who it is");
        if matches!(name, "migrate" | "backup") {
            assert_eq!(listed(&service["command"])[0], name);
            for store in STORES {
                assert_eq!(service["depends_on"][store]["condition"], "service_healthy", "{store}");
            }
            continue;
        }
        assert_eq!(listed(&service["command"]), ["serve", name]);
        let after = &service["depends_on"]["migrate"]["condition"];
        assert_eq!(after, "service_completed_successfully", "{name}");
        assert_eq!(listed(&service["healthcheck"]["test"]), ["CMD", "ultramarket", "health"]);
        let grace = service["stop_grace_period"].as_str().unwrap();
        assert_eq!(grace, "30s", "{name}: a drain takes 20 s, closing a store 5 s");
    }
}

#[test]
fn stores_are_reached_by_the_roles_alone() {
    let Some(model) = model() else { return };
    let networks = model.networks();
    for inner in ["mesh", "stores", "watch"] {
        assert_eq!(networks[inner]["internal"], true, "{inner} has no way out");
    }
    let of = |name: &str| listed(&model.service(name)["networks"]);
    for store in STORES {
        assert_eq!(of(store), ["stores"], "{store}");
    }
    assert_eq!(of("nginx"), ["edge"]);
    assert_eq!(of("prometheus"), ["mesh", "watch"]);
    assert_eq!(of("grafana"), ["edge", "watch"]);
    assert_eq!(of("figures"), ["watch"]);
    for role in Role::ALL {
        let networks = of(role.as_str());
        assert_eq!(networks.contains(&"edge".to_owned()), role == Role::Gateway, "{role}");
        let calls_out = matches!(role, Role::Payment | Role::Notification);
        assert_eq!(networks.contains(&"outside".to_owned()), calls_out, "{role}");
    }
    // The gateway believes what nginx says of clients, and nginx stands where the gateway thinks.
    let edge = networks["edge"]["ipam"]["config"][0]["subnet"].as_str().unwrap();
    let told: toml::Table = toml::from_str(&text("deploy/ultramarket.toml")).unwrap();
    let trusted = told["gateway"]["trusted_proxies"].as_array().unwrap();
    assert_eq!(trusted.iter().filter_map(toml::Value::as_str).collect::<Vec<_>>(), [edge]);
}

/// The volume that a service has at a place, and whether it may only read.
fn volume_at(service: &Value, place: &str) -> Option<(String, bool)> {
    let volumes = service["volumes"].as_array()?;
    let volume = volumes.iter().find(|volume| volume["target"] == place)?;
    Some((volume["source"].as_str()?.to_owned(), volume["read_only"] == true))
}

#[test]
fn figures_of_backups_are_shown_and_backups_are_not() {
    let Some(model) = model() else { return };
    let told: toml::Table = toml::from_str(&text("deploy/ultramarket.toml")).unwrap();
    let (to, file) = (&told["backup"]["to"], &told["backup"]["metrics"]);
    let file = std::path::Path::new(file.as_str().unwrap());
    assert_eq!(file.extension().unwrap(), "prom", "what the collector reads");
    let folder = file.parent().unwrap().to_str().unwrap();
    let (backup, figures) = (model.service("backup"), model.service("figures"));
    let (volume, _) = volume_at(backup, folder).unwrap();
    assert_eq!(volume_at(figures, folder), Some((volume.clone(), true)));
    // Ours mounts it first, and so owns it.
    assert_eq!(volume_at(model.service("migrate"), folder), Some((volume.clone(), false)));
    let after = &figures["depends_on"]["migrate"]["condition"];
    assert_eq!(after, "service_completed_successfully");
    let collects = format!("--collector.textfile.directory={folder}");
    assert!(listed(&figures["command"]).contains(&collects));
    let image = text("deploy/Dockerfile");
    assert!(image.contains(&format!("-m 755 -o 10001 -g 10001 /out{folder}")), "{image}");
    let (backups, _) = volume_at(backup, to.as_str().unwrap()).unwrap();
    assert_ne!(backups, volume);
    for (name, service) in model.services() {
        let all = service["volumes"].as_array().into_iter().flatten();
        let has = all.clone().any(|volume| volume["source"] == backups.as_str());
        assert_eq!(has, name == "backup", "{name}: backups are for who takes them");
    }
    let scraped = text("deploy/prometheus/prometheus.yml");
    assert!(
        scraped
            .contains("- job_name: figures\n    static_configs: [{ targets: [\"figures:9100\"] }]")
    );
}

#[test]
fn nothing_starts_while_a_required_value_is_empty() {
    let required = read_by_compose().into_iter().filter(|(_, required)| *required);
    let mut count = 0;
    for (name, _) in required {
        let mut variables = filled_in();
        variables.insert(name.clone(), String::new());
        let Some(outcome) = resolve(&variables) else { return };
        let complaint = outcome.expect_err(&name);
        assert!(complaint.contains(&name) && complaint.contains("is empty in .env"), "{complaint}");
        count += 1;
    }
    assert!(count >= 9, "{count}");
}

#[test]
fn a_role_is_given_what_it_needs_and_no_secret_of_another() {
    let Some(model) = model() else { return };
    let mut violations = Vec::new();
    for role in Role::ALL {
        let given = model.environment(role.as_str());
        let store = format!("UM_{}__STORE", role.as_str().to_uppercase());
        if !given.contains_key(&store) {
            violations.push(format!("{role}: {store} is missing"));
        }
        let servers =
            given.iter().filter(|(name, _)| SERVERS.iter().any(|end| name.ends_with(end)));
        let schemes: Vec<&str> =
            servers.filter_map(|(_, address)| address.split("://").next()).collect();
        for (name, meaning) in NAMES {
            let needs = match meaning {
                Meaning::Key(path) => path.split('.').next() == Some(role.as_str()),
                Meaning::Password(of) => of.iter().any(|scheme| schemes.contains(scheme)),
                Meaning::Instead(_) => false,
            };
            if needs != given.contains_key(*name) {
                let wrong = if needs { "lacks" } else { "is given" };
                violations.push(format!("{role} {wrong} {name}"));
            }
        }
        let all = model.environment("migrate");
        for (name, value) in given.iter().filter(|(name, _)| name.ends_with("__STORE")) {
            if all.get(name) != Some(value) {
                violations.push(format!("migrate prepares another store than {name} of {role}"));
            }
        }
    }
    hold("Secrets go where they are used.", &violations);
}

#[test]
fn every_role_understands_what_it_is_given() {
    let Some(model) = model() else { return };
    let folder = Folder::new("deployment");
    let told = root().join("deploy/ultramarket.toml");
    std::fs::copy(told, folder.path().join("ultramarket.toml")).unwrap();
    let mut common = None;
    for name in Role::ALL.iter().map(|role| role.as_str()).chain(["migrate"]) {
        let ended = process::run(folder.path(), &["config"], &model.environment(name));
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{name}: {ended:?}");
        assert!(!ended.stdout.contains("S3cret"), "{name} shows a secret: {}", ended.stdout);
        let config: toml::Table = toml::from_str(&ended.stdout).unwrap();
        assert_eq!(config["profile"].as_str(), Some("production"));
        let url = config["gateway"]["public_url"].as_str().unwrap();
        assert_eq!(url, format!("https://{DOMAIN}"));
        // Everybody finds everybody where compose lets them listen.
        for role in Role::SERVICES {
            let listen = config[role.as_str()]["listen"].as_str().unwrap();
            let port = listen.strip_prefix("0.0.0.0:").unwrap();
            let peer = config["peers"][role.as_str()].as_str().unwrap();
            assert_eq!(peer, format!("http://{role}:{port}"));
        }
        let store = config.get(name).map(|own| own["store"].as_str().unwrap());
        if let Some(address) = store {
            let server = address.rsplit('@').next().unwrap();
            let server = server.split_once("://").map_or(server, |(_, server)| server);
            let host = server.split(':').next().unwrap();
            assert!(STORES.contains(&host), "{name}: {address}");
            assert!(name == "file" || address.contains(":***@"), "{name}: {address}");
        }
        let peers = config["peers"].clone();
        assert_eq!(*common.get_or_insert(peers.clone()), peers);
    }
    // A misspelt one would have been refused.
    let mut misspelt = model.environment("order");
    misspelt.insert("UM_ORDER__STORRE".to_owned(), "x".to_owned());
    assert_eq!(process::run(folder.path(), &["config"], &misspelt).code, 64);
}

#[test]
fn connections_to_the_database_suffice() {
    let Some(model) = model() else { return };
    let mut connections = 0;
    for role in Role::ALL {
        let service = model.service(role.as_str());
        let given = model.environment(role.as_str());
        let store = given.get(&format!("UM_{}__STORE", role.as_str().to_uppercase())).unwrap();
        if let Some((_, pool)) = store.split_once("pool=") {
            let replicas = service["deploy"]["replicas"].as_u64().unwrap();
            connections += replicas * pool.parse::<u64>().unwrap();
        }
    }
    let command = listed(&model.service("postgres")["command"]);
    let most = command.iter().find_map(|word| word.strip_prefix("max_connections=")).unwrap();
    let most: u64 = most.parse().unwrap();
    // During an upgrade there is one process more of a role.
    assert!(connections > 0 && connections + 40 <= most, "{connections} of {most}");
}
