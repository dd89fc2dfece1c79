//! The image of the roles, and how it says that it is well.

use mesh::Role;
use testkit::Folder;

use crate::{
    repository::text,
    support::{
        platform::free_ports,
        process::{self, Environment, Program},
    },
};

/// Instructions of a Dockerfile, one line each.
fn instructions(path: &str) -> Vec<String> {
    let whole = text(path).replace("\\\n", " ");
    let lines = whole.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn images_are_built_from_what_is_pinned_and_run_as_nobody() {
    for path in ["deploy/Dockerfile", "deploy/minio/Dockerfile"] {
        let lines = instructions(path);
        let bases: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("FROM ")).collect();
        assert_eq!(bases.len(), 2, "{path}: one stage builds, one runs");
        for base in bases {
            let tag = base.split(' ').next().unwrap().split_once(':').map(|(_, tag)| tag);
            let pinned = tag.is_some_and(|tag| tag.matches('.').count() >= 1);
            assert!(pinned, "{path}: {base} is not pinned by its version");
        }
        let last = lines.iter().rposition(|line| line.starts_with("FROM ")).unwrap();
        let user = lines[last..].iter().find_map(|line| line.strip_prefix("USER "));
        assert_eq!(user, Some("10001:10001"), "{path}");
        assert!(
            !lines[last..].iter().any(|line| line.contains("apt-get")),
            "{path}: it stays small"
        );
    }
    // The same server as in the tests.
    let version =
        |text: &str| text.split("v0.0.0-").nth(1).unwrap().chars().take(27).collect::<String>();
    let tested = version(&text("scripts/stores.d/s3.sh"));
    assert_eq!(version(&text("deploy/minio/Dockerfile")), tested);
}

#[test]
fn the_image_holds_the_locked_program_and_what_it_needs() {
    let lines = instructions("deploy/Dockerfile");
    let cargo: toml::Table = toml::from_str(&text("Cargo.toml")).unwrap();
    let rust = cargo["workspace"]["package"]["rust-version"].as_str().unwrap();
    assert!(lines[0].starts_with(&format!("FROM rust:{rust}.")), "{}", lines[0]);
    assert!(lines.iter().any(|line| line.contains("cargo build --release --locked")));
    let ports = lines.iter().find_map(|line| line.strip_prefix("EXPOSE ")).unwrap();
    for role in Role::ALL {
        assert!(ports.split(' ').any(|port| port == role.port().to_string()), "{role}");
    }
    // Certificates of those whom payment calls.
    assert!(lines.iter().any(|line| line.contains("/out/etc/ssl/certs/ca-certificates.crt")));
    // Everything that is built is sent to the builder, and nothing that is secret.
    let sent = text(".dockerignore");
    let members = cargo["workspace"]["members"].as_array().unwrap();
    for member in members.iter().filter_map(toml::Value::as_str) {
        let folder = member.split('/').next().unwrap();
        assert!(sent.lines().any(|line| line == format!("!{folder}")), "{folder} is not sent");
    }
    for file in ["!Cargo.toml", "!Cargo.lock", "!.cargo"] {
        assert!(sent.lines().any(|line| line == file), "{file}");
    }
    assert_eq!(sent.lines().find(|line| !line.starts_with('#')), Some("*"), "named is what goes");
    assert!(!sent.contains("!deploy") && !sent.contains("!data"), "{sent}");
}

#[test]
fn a_container_says_how_it_is() {
    let lines = instructions("deploy/Dockerfile");
    let check = lines.iter().find(|line| line.starts_with("HEALTHCHECK ")).unwrap();
    assert!(check.ends_with(r#"CMD ["ultramarket", "health"]"#), "{check}");

    let folder = Folder::new("deployment");
    let ports = free_ports(3);
    let mut told: Environment = Role::ALL
        .iter()
        .map(|role| {
            // Where another role would listen in another container, nobody does.
            let port = if *role == Role::Cart { ports[0] } else { ports[1] };
            let name = format!("UM_{}__LISTEN", role.as_str().to_uppercase());
            (name, format!("0.0.0.0:{port}"))
        })
        .collect();
    told.insert("UM_GATEWAY__OPS_LISTEN".to_owned(), format!("127.0.0.1:{}", ports[2]));
    let data = folder.path().join("data").display().to_string();
    told.insert("UM_DATA_DIR".to_owned(), data);
    let health = |more: &[&str]| process::run(folder.path(), &[&["health"], more].concat(), &told);

    let none = health(&[]);
    assert_eq!(none.code, 70, "{none:?}");
    assert!(none.stderr.contains("no role answers here"), "{none:?}");

    let cart = Program::start(folder.path(), &["serve", "cart", "--json"], &told);
    let well = health(&[]);
    assert_eq!((well.code, well.stdout.as_str()), (0, "cart: ready\n"), "{well:?}");
    let url = format!("http://127.0.0.1:{}", ports[0]);
    assert_eq!(health(&["--url", &url]).code, 0);
    assert_eq!(health(&["--url", &format!("{url}/health/live")]).code, 0);
    let missing = health(&["--url", &format!("{url}/nothing")]);
    assert_eq!(missing.code, 70, "{missing:?}");
    assert_eq!(health(&["--url", "cart:3008"]).code, 64);

    assert!(cart.terminate().success());
    assert_eq!(health(&[]).code, 70);
}

#[test]
fn names_without_effect_are_said_once() {
    let folder = Folder::new("deployment");
    let mut told: Environment = [
        ("UM_PROFILE", "production"),
        ("UM_MESH__TOKEN", "0123456789abcdef0123456789abcdef"),
        ("UM_GATEWAY__PUBLIC_URL", "https://shop.example.uz"),
        ("UM_GATEWAY__SECURE_COOKIES", "true"),
        ("UM_CART__LISTEN", "127.0.0.1:0"),
        ("UM_DATA_DIR", "data"),
        ("JWT_SECRET", "a-secret-that-nobody-needs"),
        ("SESSION_SECRET", ""),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    let cart = Program::start(folder.path(), &["serve", "cart", "--json"], &told);
    assert!(cart.terminate().success());
    let log = std::fs::read_to_string(folder.path().join("stderr.log")).unwrap();
    assert_eq!(log.matches("JWT_SECRET").count(), 1, "{log}");
    assert!(log.contains("Ed25519") && !log.contains("nobody-needs"), "{log}");
    assert!(!log.contains("SESSION_SECRET"), "{log}");

    told.insert("POSTGRES_PASSWORD".to_owned(), "your_secure_postgres_password".to_owned());
    let refused = process::run(folder.path(), &["serve", "cart"], &told);
    assert_eq!(refused.code, 64, "{refused:?}");
    assert!(refused.stderr.contains("POSTGRES_PASSWORD"), "{refused:?}");
    assert!(!refused.stderr.contains("your_secure"), "{refused:?}");
}
