//! What compose would run, as processes: `migrate`, then nine roles in production, each with the environment that the compose file gives
//! it and with `deploy/ultramarket.toml`, on real servers and behind nginx. Only addresses and passwords of the servers are others.

use std::{collections::BTreeMap, path::PathBuf};

use mesh::Role;
use serde_json::{Value, json};
use testkit::{Folder, real_store};
use url::Url;

use crate::{
    model::{Model, model},
    nginx::Nginx,
    repository::root,
    support::{
        platform::{free_ports, run},
        process::{self, Environment, Program},
        servers, shop,
    },
};

/// Where everything is on this machine.
struct Ground {
    folder: Folder,
    model: Model,
    /// What every process is told beside what compose tells it.
    common: Environment,
    stores: Environment,
    gateway: String,
}

impl Ground {
    fn prepare() -> Option<Self> {
        real_store("nginx")?;
        let (model, mut stores) = (model()?, servers::stores()?);
        let shared = stores["UM_CART__STORE"].replace("cart%3A", "gateway%3A");
        stores.insert("UM_NOTIFICATION__BELL".to_owned(), shared.clone());
        stores.insert("UM_GATEWAY__STORE".to_owned(), shared);
        let folder = Folder::new("whole");
        let mut ports = free_ports(10).into_iter();
        let mut common = Environment::new();
        let mut gateway = String::new();
        for role in Role::ALL {
            let name = role.as_str().to_uppercase();
            let address = format!("127.0.0.1:{}", ports.next().unwrap());
            common.insert(format!("UM_{name}__LISTEN"), address.clone());
            if role == Role::Gateway {
                gateway = address;
            } else {
                common.insert(format!("UM_PEERS__{name}"), format!("http://{address}"));
            }
        }
        let ops = format!("127.0.0.1:{}", ports.next().unwrap());
        common.insert("UM_GATEWAY__OPS_LISTEN".to_owned(), ops);
        common.insert("UM_GATEWAY__TRUSTED_PROXIES".to_owned(), "127.0.0.1".to_owned());
        Some(Self { folder, model, common, stores, gateway })
    }

    /// The environment of a service: stores have other addresses, and their passwords stand where compose puts them.
    fn environment(&self, service: &str) -> Environment {
        let mut all = self.model.environment(service);
        all.extend(self.common.clone());
        let passwords = [
            ("postgres", "POSTGRES_PASSWORD"),
            ("mongodb", "MONGODB_PASSWORD"),
            ("redis", "REDIS_PASSWORD"),
            ("http", "ELASTIC_PASSWORD"),
            ("s3", "MINIO_ROOT_PASSWORD"),
        ];
        for (name, address) in &self.stores {
            if !all.contains_key(name) {
                continue;
            }
            let mut url = Url::parse(address).unwrap();
            let (_, password) =
                passwords.iter().find(|(scheme, _)| *scheme == url.scheme()).unwrap();
            let given = url.password().map(str::to_owned);
            if url.scheme() == "s3" {
                all.insert("MINIO_ROOT_USER".to_owned(), url.username().to_owned());
                url.set_username("").unwrap();
            }
            url.set_password(None).unwrap();
            all.insert(name.clone(), url.into());
            match given {
                Some(given) => all.insert((*password).to_owned(), given),
                // A test server that asks nobody who he is.
                None => all.remove(*password),
            };
        }
        all
    }

    /// A working directory with the configuration in it, as in the image.
    fn home(&self, name: &str) -> PathBuf {
        let home = self.folder.path().join(name);
        std::fs::create_dir_all(&home).unwrap();
        let told = root().join("deploy/ultramarket.toml");
        std::fs::copy(told, home.join("ultramarket.toml")).unwrap();
        home
    }
}

#[test]
fn what_compose_would_run() {
    let Some(ground) = Ground::prepare() else { return };
    // More than one may do it, and again.
    for _ in 0..2 {
        let told = ground.environment("migrate");
        let migrated = process::run(&ground.home("migrate"), &["migrate"], &told);
        assert_eq!(migrated.code, 0, "{migrated:?}");
        assert_eq!(migrated.stdout.matches("is up to date").count(), 9, "{migrated:?}");
    }
    let roles: BTreeMap<Role, Program> = Role::ALL
        .into_iter()
        .map(|role| {
            let (home, told) = (ground.home(role.as_str()), ground.environment(role.as_str()));
            (role, Program::start(&home, &["serve", role.as_str(), "--json"], &told))
        })
        .collect();

    let auth = ground.environment("auth");
    let well = process::run(&ground.home("health"), &["health"], &auth);
    assert_eq!((well.code, well.stdout.matches(": ready").count()), (0, 9), "{well:?}");
    let create = ["admin", "create", "--login", "boshliq@example.uz"];
    let password = "birinchi-parol-2026";
    let admin = process::run_with_input(&ground.home("admin"), &create, &auth, password);
    assert_eq!(admin.code, 0, "{admin:?}");

    let nginx = Nginx::start(&[ground.gateway.parse().unwrap()]).unwrap();
    run(async {
        let guest = nginx.client();
        let page = guest.get("/login").await;
        assert_eq!(page.status, 200, "{}", page.text());
        for cookie in page.headers.get_all("set-cookie") {
            assert!(cookie.to_str().unwrap().contains("Secure"), "{cookie:?}");
        }
        let admin = shop::login(&guest, "boshliq@example.uz", password).await;
        let users = admin.get("/v1/admin/users").await.expect(200);
        assert_eq!(users["data"].as_array().unwrap().len(), 1);
        let person = shop::register(&guest).await;
        let cart = person.client.post("/v1/store/carts", json!({})).await.expect(201);
        let path = format!("/v1/store/carts/{}", shop::text(&cart["id"]));
        assert_eq!(person.client.get(&path).await.status, 200);
        for path in ["/v1/store/products", "/v1/store/search?q=choynak", "/v1/store/categories"] {
            assert_eq!(guest.get(path).await.status, 200, "{path}");
        }
    });

    for (role, program) in roles {
        assert!(program.terminate().success(), "{role} ends in order");
        let log = std::fs::read_to_string(ground.home(role.as_str()).join("stderr.log")).unwrap();
        for line in log.lines() {
            let entry: Value =
                serde_json::from_str(line).unwrap_or_else(|_| panic!("{role}: {line}"));
            assert_ne!(entry["level"], "ERROR", "{role}: {line}");
        }
    }
}
