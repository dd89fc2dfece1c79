//! The real Prometheus reads a running platform: every query of the dashboard and every rule finds what it asks for.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use testkit::{Folder, real_store};

use crate::{
    repository::{hold, text},
    support::{
        client::Client,
        platform::{environment, free_ports, run},
        process::Program,
        shop::{self, HUNAR_UYI, text as string},
    },
    watch::queries,
};

/// Panels that show nothing as long as all is well, nobody has sent a picture, and nobody listens.
const QUIET: [&str; 3] = ["Calls that fail", "Work on a picture", "Open WebSockets"];

/// A running Prometheus.
struct Prometheus {
    child: Child,
    folder: Folder,
    client: Client,
}

impl Prometheus {
    /// Starts it with the real configuration: only the places of the roles differ, and how often they are asked.
    fn start(ready: &Value) -> Option<Self> {
        let program = real_store("prometheus")?;
        let folder = Folder::new("prometheus");
        let address = format!("127.0.0.1:{}", free_ports(1)[0]);
        let configuration: Vec<String> = text("deploy/prometheus/prometheus.yml")
            .lines()
            .map(|line| here(line, ready).replace("127.0.0.1:9090", &address))
            .collect();
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, configuration.join("\n")).unwrap();
        write(folder.path(), "alerts.yml");
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new(program)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Some(Self { child, folder, client: Client::new(format!("http://{address}")) })
    }

    /// What a query finds; why it is refused.
    async fn ask(&self, query: &str) -> Result<Vec<Value>, String> {
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let path = format!("/api/v1/query?query={query}");
        let asked = self.client.try_send(reqwest::Method::GET, &path, None, Vec::new()).await;
        let answer = asked.map_err(|error| error.to_string())?;
        let answer: Value = answer.json();
        if answer["status"] != "success" {
            return Err(answer["error"].to_string());
        }
        Ok(answer["data"]["result"].as_array().cloned().unwrap_or_default())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may be gone already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn write(folder: &Path, name: &str) {
    std::fs::write(folder.join(name), text(&format!("deploy/prometheus/{name}"))).unwrap();
}

/// A line of the configuration as it is here.
fn here(line: &str, ready: &Value) -> String {
    let Some(rest) = line.trim().strip_prefix("dns_sd_configs: [{ names: [") else {
        return match line.trim().split_once("_interval: 15s") {
            Some((what, _)) => format!("  {what}_interval: 1s"),
            None => line.replace("scrape_timeout: 5s", "scrape_timeout: 1s"),
        };
    };
    let role = rest.split(']').next().unwrap();
    let url = if role == "gateway" { &ready["ops"] } else { &ready["roles"][role] };
    let target = string(url).trim_start_matches("http://");
    format!("    static_configs: [{{ targets: [\"{target}\"] }}]")
}

#[test]
fn a_running_platform_answers_every_query() {
    if real_store("prometheus").is_none() {
        return;
    }
    let folder = Folder::new("measured");
    let data = folder.path().display().to_string();
    let arguments = ["demo", "--json", "--port-base", "0", "--data-dir", &data];
    let demo = Program::start(folder.path(), &arguments, &environment());
    let ready = demo.ready().clone();
    let prometheus = Prometheus::start(&ready).unwrap();
    run(async {
        let mut read = false;
        for _ in 0..60 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let up = prometheus.ask("count(up == 1)").await.unwrap_or_default();
            read = up.first().is_some_and(|up| up["value"][1] == "10");
            if read {
                break;
            }
        }
        assert!(read, "Prometheus does not read all nine roles: {}", prometheus.log());
        // Something of everything happens, again and again, so that there are rates.
        for _ in 0..4 {
            people_come(&ready).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let mut violations = Vec::new();
        for (title, query) in queries() {
            let query = query.replace("$__rate_interval", "10s");
            match prometheus.ask(&query).await {
                Err(error) => violations.push(format!("{title}: {error}: {query}")),
                Ok(found) if found.is_empty() && !QUIET.contains(&title.as_str()) => {
                    violations.push(format!("{title} finds nothing: {query}"));
                }
                Ok(_) => {}
            }
        }
        hold("A panel shows something.", &violations);

        let rules = prometheus.client.get("/api/v1/rules").await.json();
        let groups = rules["data"]["groups"].as_array().unwrap();
        let rules: Vec<&Value> =
            groups.iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
        assert!(rules.len() > 10, "{}", prometheus.log());
        for rule in rules {
            assert_eq!(rule["health"], "ok", "{rule}");
            assert_ne!(rule["state"], "firing", "all is well: {rule}");
        }
    });
}

/// Somebody searches, buys, pays, and is told so.
async fn people_come(ready: &Value) {
    let guest = Client::new(string(&ready["gateway"]));
    guest.get("/").await;
    for query in ["choynak", "qwertyuiop"] {
        guest.get(&format!("/v1/store/search?q={query}")).await;
    }
    for _ in 0..3 {
        guest.get("/v1/store/products").await;
    }
    let password = string(&ready["accounts"]["merchant"]["password"]);
    let merchant = shop::login(&guest, HUNAR_UYI, password).await;
    let goods = shop::goods(&merchant, 150_000, 2).await;
    let bought = shop::order(&guest, &goods, 1, "payme").await;
    let sandbox = Client::new(string(&ready["sandboxes"]["payme"]));
    sandbox.post("/pay", json!({ "reference": bought.number })).await.expect(200);
    bought.becomes("paid").await;
}
