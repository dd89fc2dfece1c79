//! nginx with the real configuration. Ports, paths and addresses of gateways are those of the test, the certificate is its own, and what
//! an nginx older than the one of the compose file does not know is written as that knows it.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use testkit::{Folder, real_store};

use crate::{
    model::DOMAIN,
    repository::root,
    support::{client::Client, platform::free_ports},
};

const PATIENCE: Duration = Duration::from_secs(20);

/// A running nginx.
pub(crate) struct Nginx {
    child: Child,
    folder: Folder,
    certificate: reqwest::Certificate,
    pub(crate) https: SocketAddr,
    pub(crate) http: SocketAddr,
}

impl Nginx {
    /// Starts it in front of these gateways; none when there is no nginx.
    pub(crate) fn start(gateways: &[SocketAddr]) -> Option<Self> {
        let program = real_store("nginx")?;
        let folder = Folder::new("nginx");
        let loopback = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        let ports = free_ports(3);
        let (http, https) = (loopback(ports[0]), loopback(ports[1]));
        let terms =
            Terms { http, https, health: loopback(ports[2]), gateways, home: folder.path() };
        terms.write();
        let certificate = certify(folder.path());

        let command = |last: &[&str]| {
            let mut command = Command::new(&program);
            command.arg("-p").arg(folder.path()).arg("-c").arg(folder.path().join("nginx.conf"));
            command.args(["-e", "stderr"]).args(last).stdin(Stdio::null());
            command
        };
        let test = command(&["-t"]).output().unwrap();
        let told = String::from_utf8_lossy(&test.stderr).into_owned();
        assert!(test.status.success() && told.contains("test is successful"), "{told}");
        assert!(!told.contains("[warn]"), "{told}");

        let log = |name: &str| std::fs::File::create(folder.path().join(name)).unwrap();
        let child = command(&["-g", "daemon off;"])
            .stdout(log("access.log"))
            .stderr(log("error.log"))
            .spawn()
            .unwrap();
        let nginx = Self { child, folder, certificate, https, http };
        let started = Instant::now();
        while std::net::TcpStream::connect(https).is_err() {
            assert!(started.elapsed() < PATIENCE, "{}", nginx.log("error.log"));
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(nginx)
    }

    /// What it has written so far.
    pub(crate) fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// Connections to it that trust its certificate, from an address of this machine.
    pub(crate) fn connections(&self, from: &str) -> reqwest::ClientBuilder {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // Answers are looked at as they come.
            .no_gzip()
            .timeout(Duration::from_secs(30))
            .local_address(from.parse::<IpAddr>().unwrap())
            .tls_certs_only([self.certificate.clone()]);
        for name in ["", "www.", "api.", "monitoring."] {
            builder = builder.resolve(&format!("{name}{DOMAIN}"), self.https);
        }
        builder
    }

    /// A client of the shop behind it.
    pub(crate) fn client(&self) -> Client {
        self.client_from("127.0.0.1")
    }

    /// The same from another address of this machine.
    pub(crate) fn client_from(&self, from: &str) -> Client {
        Client::through(self.connections(from).build().unwrap(), self.url(""))
    }

    /// The address of the shop, or of a name below it.
    pub(crate) fn url(&self, below: &str) -> String {
        format!("https://{below}{DOMAIN}:{}", self.https.port())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It ends its workers when it is asked to; by force it would leave them behind.
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        if asked.is_ok_and(|status| status.success()) {
            drop(self.child.wait());
        }
    }
}

/// What differs from production.
struct Terms<'a> {
    http: SocketAddr,
    https: SocketAddr,
    health: SocketAddr,
    gateways: &'a [SocketAddr],
    home: &'a Path,
}

impl Terms<'_> {
    /// Writes the configuration as it is run here.
    fn write(&self) {
        let source = root().join("deploy/nginx");
        for folder in ["conf.d", "snippets", "pages", "ssl", "cache", "acme"] {
            std::fs::create_dir_all(self.home.join(folder)).unwrap();
        }
        self.copy(&source.join("nginx.conf"), "nginx.conf");
        for folder in ["snippets", "pages", "templates"] {
            for file in std::fs::read_dir(source.join(folder)).unwrap() {
                let file = file.unwrap();
                let name = file.file_name().into_string().unwrap();
                let target = match name.strip_suffix(".template") {
                    Some(name) => format!("conf.d/{name}"),
                    None => format!("{folder}/{name}"),
                };
                self.copy(&file.path(), &target);
            }
        }
        // What the certificate authority would look for.
        let challenge = self.home.join("acme/.well-known/acme-challenge");
        std::fs::create_dir_all(&challenge).unwrap();
        std::fs::write(challenge.join("proof"), "proven").unwrap();
    }

    fn copy(&self, from: &Path, to: &str) {
        let text = std::fs::read_to_string(from).unwrap();
        let lines: Vec<String> =
            text.lines().filter_map(|line| self.line(&line.replace("${DOMAIN}", DOMAIN))).collect();
        std::fs::write(self.home.join(to), lines.join("\n")).unwrap();
    }

    fn line(&self, line: &str) -> Option<String> {
        let home = self.home.display().to_string();
        let line = line
            .replace("/var/cache/nginx", &format!("{home}/cache"))
            .replace("/run/nginx.pid", &format!("{home}/nginx.pid"))
            .replace("/etc/nginx/pages", &format!("{home}/pages"))
            .replace("/var/www/acme", &format!("{home}/acme"))
            .replace("listen 80 ", &format!("listen {} ", self.http))
            .replace("listen 127.0.0.1:8080", &format!("listen {}", self.health))
            .replace("listen 443 ssl", &format!("listen {} ssl http2", self.https));
        match line.trim() {
            // Older versions have it as a word of `listen`.
            "http2 on;" => None,
            other if other.starts_with("listen [::]:") => None,
            "server gateway:8000 resolve max_fails=2 fail_timeout=1s;" => {
                let server = |address| format!("server {address} max_fails=2 fail_timeout=1s;\n");
                Some(self.gateways.iter().map(server).collect())
            }
            // Nobody is there.
            "server grafana:3000 resolve;" => Some("server 127.0.0.1:9;".to_owned()),
            other => {
                assert!(
                    !other.contains(" resolve"),
                    "an upstream that the test does not know: {other}"
                );
                Some(line)
            }
        }
    }
}

/// A certificate for the shop, signed by itself.
fn certify(home: &Path) -> reqwest::Certificate {
    let names: Vec<String> = ["", "www.", "api.", "monitoring."]
        .iter()
        .map(|name| format!("DNS:{name}{DOMAIN}"))
        .collect();
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", "2", "-subj", &format!("/CN={DOMAIN}")])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-addext", &format!("subjectAltName={}", names.join(","))])
        .args(["-keyout", "ssl/ultramarket.key", "-out", "ssl/ultramarket.crt"])
        .current_dir(home)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let pem = std::fs::read(home.join("ssl/ultramarket.crt")).unwrap();
    reqwest::Certificate::from_pem(&pem).unwrap()
}
