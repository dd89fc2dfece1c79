//! The configuration: `default.toml`, then a file, then the environment, then flags.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use figment::{
    Figment,
    providers::{Format as _, Toml},
};
use mesh::Role;
use serde::Deserialize;

mod environment;
mod names;
mod printed;

pub(crate) use environment::without_effect;
pub(crate) use printed::print;

const DEFAULTS: &str = include_str!("../default.toml");
/// Read when it is there and no other file is named.
const FILE: &str = "ultramarket.toml";

/// Where the metrics of the gateway stand in a row of ports: behind the roles.
const OPS_OFFSET: u16 = Role::COUNT;
/// Where the stand-ins of a demo begin in a row of ports.
pub(crate) const SANDBOX_OFFSET: u16 = OPS_OFFSET + 1;

/// Everything that can be configured. `default.toml` documents each key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) profile: Profile,
    pub(crate) data_dir: PathBuf,
    pub(crate) telemetry: telemetry::Config,
    pub(crate) mesh: MeshConfig,
    peers: BTreeMap<String, String>,
    pub(crate) egress: Egress,
    pub(crate) backup: Backup,
    pub(crate) gateway: gateway::Config,
    pub(crate) auth: auth::Config,
    pub(crate) product: product::Config,
    pub(crate) order: order::Config,
    pub(crate) payment: payment::Config,
    pub(crate) cart: cart::Config,
    pub(crate) file: file::Config,
    pub(crate) search: search::Config,
    pub(crate) notification: notification::Config,
}

/// What the platform is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Profile {
    Development,
    Production,
}

/// The `[mesh]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeshConfig {
    pub(crate) token: secrecy::SecretString,
}

/// The `[egress]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Egress {
    /// Pairs of host and port; nothing calls private addresses yet unless configured to, so the list only has to be well-formed.
    pub(crate) allow: String,
}

/// The `[backup]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Backup {
    pub(crate) to: PathBuf,
    pub(crate) keep: u32,
    pub(crate) upload: String,
    pub(crate) access_key: String,
    pub(crate) secret_key: secrecy::SecretString,
    pub(crate) metrics: PathBuf,
}

/// What the command line says of the configuration.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    pub(crate) file: Option<PathBuf>,
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) port_base: Option<u16>,
}

impl Config {
    /// Merges all sources and checks the result.
    pub(crate) fn load(flags: &Flags) -> anyhow::Result<Self> {
        let figment = sources(flags)?;
        let mut config: Self = figment.extract().map_err(|error| explain(&error))?;
        if let Some(data_dir) = &flags.data_dir {
            config.data_dir.clone_from(data_dir);
        }
        if let Some(base) = flags.port_base {
            config.move_ports(base);
        }
        config.put_data_dir();
        config.check()?;
        Ok(config)
    }

    /// The defaults alone.
    pub(crate) fn builtin() -> anyhow::Result<Self> {
        Ok(Figment::from(Toml::string(DEFAULTS)).extract()?)
    }

    /// Where each role listens.
    pub(crate) fn listen(&self, role: Role) -> SocketAddr {
        match role {
            Role::Gateway => self.gateway.listen,
            Role::Auth => self.auth.listen,
            Role::Product => self.product.listen,
            Role::Order => self.order.listen,
            Role::Payment => self.payment.listen,
            Role::Cart => self.cart.listen,
            Role::File => self.file.listen,
            Role::Search => self.search.listen,
            Role::Notification => self.notification.listen,
        }
    }

    fn listen_mut(&mut self, role: Role) -> &mut SocketAddr {
        match role {
            Role::Gateway => &mut self.gateway.listen,
            Role::Auth => &mut self.auth.listen,
            Role::Product => &mut self.product.listen,
            Role::Order => &mut self.order.listen,
            Role::Payment => &mut self.payment.listen,
            Role::Cart => &mut self.cart.listen,
            Role::File => &mut self.file.listen,
            Role::Search => &mut self.search.listen,
            Role::Notification => &mut self.notification.listen,
        }
    }

    /// Addresses of roles that run elsewhere.
    pub(crate) fn peers(&self) -> anyhow::Result<BTreeMap<Role, String>> {
        self.peers
            .iter()
            .map(|(name, url)| {
                let role =
                    name.parse::<Role>().map_err(|error| anyhow::anyhow!("peers: {error}"))?;
                Ok((role, url.clone()))
            })
            .collect()
    }

    /// All ports in a row from `base`, or any free ones for 0; on loopback, so that instances live side by side.
    fn move_ports(&mut self, base: u16) {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        for (offset, role) in (0..).zip(Role::ALL) {
            let port = if base == 0 { 0 } else { base.saturating_add(offset) };
            *self.listen_mut(role) = SocketAddr::new(loopback, port);
        }
        let ops = if base == 0 { 0 } else { base.saturating_add(OPS_OFFSET) };
        self.gateway.ops_listen = SocketAddr::new(loopback, ops);
    }

    /// The address of a role's store.
    pub(crate) fn store(&self, role: Role) -> &str {
        match role {
            Role::Gateway => &self.gateway.store,
            Role::Auth => &self.auth.store,
            Role::Product => &self.product.store,
            Role::Order => &self.order.store,
            Role::Payment => &self.payment.store,
            Role::Cart => &self.cart.store,
            Role::File => &self.file.store,
            Role::Search => &self.search.store,
            Role::Notification => &self.notification.store,
        }
    }

    fn put_data_dir(&mut self) {
        let data = self.data_dir.display().to_string();
        for store in [
            &mut self.gateway.store,
            &mut self.auth.store,
            &mut self.product.store,
            &mut self.order.store,
            &mut self.payment.store,
            &mut self.cart.store,
            &mut self.file.store,
            &mut self.search.store,
            &mut self.notification.store,
        ] {
            *store = store.replace("{data}", &data);
        }
    }

    /// Fills what follows from where the gateway listens and whom it works with.
    pub(crate) fn settle(&mut self, gateway: &str) {
        if self.gateway.payment_origins.is_empty() {
            let payment = &self.payment;
            self.gateway.payment_origins = vec![
                payment.payme.base_url.clone(),
                payment.click.base_url.clone(),
                payment.uzcard.page_url.clone(),
                payment.stripe.page_url.clone(),
            ];
        }
        if self.gateway.public_url.is_empty() {
            gateway.clone_into(&mut self.gateway.public_url);
        }
        if self.order.return_url.is_empty() {
            let public = self.gateway.public_url.trim_end_matches('/');
            self.order.return_url = format!("{public}/orders/{{order_id}}");
        }
    }

    fn check(&self) -> anyhow::Result<()> {
        use secrecy::ExposeSecret as _;
        self.peers()?;
        for pair in self.egress.allow.split(',').filter(|pair| !pair.trim().is_empty()) {
            let port = pair.rsplit_once(':').and_then(|(_, port)| port.trim().parse::<u16>().ok());
            anyhow::ensure!(port.is_some(), "egress.allow: {pair:?} is not host:port");
        }
        if self.profile == Profile::Production {
            let token = self.mesh.token.expose_secret();
            anyhow::ensure!(
                token.len() >= 32,
                "mesh.token: production needs a secret of at least 32 characters (UM_MESH__TOKEN)"
            );
            anyhow::ensure!(
                self.gateway.public_url.starts_with("https://"),
                "gateway.public_url: production needs an https:// address (UM_GATEWAY__PUBLIC_URL)"
            );
            anyhow::ensure!(
                self.gateway.secure_cookies,
                "gateway.secure_cookies: production needs true"
            );
        }
        Ok(())
    }
}

fn sources(flags: &Flags) -> anyhow::Result<Figment> {
    let mut figment = Figment::from(Toml::string(DEFAULTS));
    let file = match &flags.file {
        Some(file) => {
            anyhow::ensure!(file.is_file(), "--config: there is no file {}", file.display());
            Some(file.as_path())
        }
        None => Some(Path::new(FILE)).filter(|file| file.is_file()),
    };
    if let Some(file) = file {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        figment = figment.merge(Toml::string(&text));
    }
    environment::merge(figment)
}

/// One line: which key, what is wrong, what would be right.
fn explain(error: &figment::Error) -> anyhow::Error {
    let first = error.clone().into_iter().next();
    let Some(first) = first else { return anyhow::anyhow!("the configuration cannot be read") };
    let path = first.path.join(".");
    match &first.kind {
        figment::error::Kind::UnknownField(name, known) => {
            let at = match path.as_str() {
                "" => name.clone(),
                whole if whole.ends_with(name.as_str()) => path,
                table => format!("{table}.{name}"),
            };
            anyhow::anyhow!("unknown key {at:?}; known here: {}", known.join(", "))
        }
        kind => anyhow::anyhow!("{path}: {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> anyhow::Result<Config> {
        let figment = Figment::from(Toml::string(DEFAULTS)).merge(Toml::string(text));
        let config: Config = figment.extract().map_err(|error| explain(&error))?;
        config.check()?;
        Ok(config)
    }

    #[test]
    fn the_defaults_are_valid() {
        let config = load("").unwrap();
        for role in Role::ALL {
            assert_eq!(config.listen(role).port(), role.port());
        }
    }

    #[test]
    fn unknown_keys_are_named_with_the_known_ones() {
        let error = load("[order]\nreservation_minuts = 5").unwrap_err().to_string();
        assert!(error.contains("order.reservation_minuts"), "{error}");
        assert!(error.contains("reservation_minutes"), "{error}");
        assert!(load("colour = 1").unwrap_err().to_string().contains("colour"));
    }

    #[test]
    fn a_wrong_type_names_its_key() {
        let error = load("[cart]\nguest_cart_days = \"many\"").unwrap_err().to_string();
        assert!(error.contains("cart.guest_cart_days"), "{error}");
    }

    #[test]
    fn production_refuses_what_must_not_be_there() {
        let error = load("profile = \"production\"").unwrap_err().to_string();
        assert!(error.contains("mesh.token"), "{error}");
    }

    #[test]
    fn unknown_peers_are_refused() {
        assert!(
            load("[peers]\norders = \"http://x:1\"").unwrap_err().to_string().contains("orders")
        );
    }
}
