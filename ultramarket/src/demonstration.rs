//! `ultramarket demo`: everything in one process, with something to see.

use std::{io::Write as _, path::PathBuf, sync::Arc, time::Instant};

use clock::Clock;
use mesh::{Context, Mesh, Role};
use sandbox::{Ports, Sandboxes};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    cli::Stores,
    config::{Config, Flags, Profile, SANDBOX_OFFSET},
    exit, migrate, platform, ready,
};

/// Where the stand-ins' ports begin when the platform's are the usual ones.
const SANDBOX_PORTS: u16 = 8100;

pub(crate) async fn run(
    mut config: Config,
    flags: &Flags,
    stores: Stores,
    json: bool,
) -> anyhow::Result<()> {
    let started = Instant::now();
    if config.profile == Profile::Production {
        let error = anyhow::anyhow!("profile: production has no demo data and no stand-ins");
        return Err(exit::usage(error));
    }
    if stores == Stores::Production {
        refuse_embedded(&config)?;
    }
    let temporary = Temporary::choose(flags, &mut config)?;
    let sockets = platform::bind(&config, &Role::ALL)?;
    let gateway = sockets.bound().url(Role::Gateway).unwrap_or_default();
    let ports = match flags.port_base {
        None => Ports::from_base(SANDBOX_PORTS),
        Some(0) => Ports::from_base(0),
        Some(base) => Ports::from_base(base.saturating_add(SANDBOX_OFFSET)),
    };
    let sandboxes = Sandboxes::bind(&ports).map_err(exit::cannot_create)?;
    let terms = sandbox_terms(&mut config, &sandboxes, gateway, ports)?;

    let say = |text: &str| {
        // Progress is for people; programs read standard output.
        drop(writeln!(std::io::stderr(), "  {:>5.1} s  {text}", started.elapsed().as_secs_f64()));
    };
    for role in Role::ALL.into_iter().filter(|role| !migrate::is_embedded(config.store(*role))) {
        say(&format!("preparing {} of {role}", migrate::kind(config.store(role))));
        migrate::prepare(role, &config).await.map_err(exit::cannot_create)?;
    }
    say("starting nine roles");
    let platform = platform::start(config, &Role::ALL, sockets).await?;
    let terms = sandbox::Config { amounts: Some(amounts(platform.mesh.clone())), ..terms };
    let sandboxes = sandboxes.start(&terms, &platform.tasks)?;
    let accounts = demo::load(&platform.mesh, say).await?;
    let signals = platform::Signals::listen()?;
    ready::announce_demo(&platform, &accounts, sandboxes.urls(), (started.elapsed(), json));
    let outcome = platform::drain(platform.running, signals).await;
    drop(temporary);
    outcome
}

fn refuse_embedded(config: &Config) -> anyhow::Result<()> {
    let embedded: Vec<String> = Role::ALL
        .into_iter()
        .filter(|role| migrate::is_embedded(config.store(*role)))
        .map(|role| format!("UM_{}__STORE", role.as_str().to_uppercase()))
        .collect();
    if embedded.is_empty() {
        return Ok(());
    }
    let error = anyhow::anyhow!(
        "--stores production needs servers: set {} (scripts/stores up prints addresses)",
        embedded.join(", ")
    );
    Err(exit::usage(error))
}

/// The data directory of a demo that nobody asked to keep.
struct Temporary(Option<PathBuf>);

impl Temporary {
    fn choose(flags: &Flags, config: &mut Config) -> anyhow::Result<Self> {
        // Told by flag, file or environment: theirs, and kept.
        if flags.data_dir.is_some() || config.data_dir != std::path::Path::new("data") {
            return Ok(Self(None));
        }
        let folder = std::env::temp_dir().join(format!("ultramarket-{}", ids::RequestId::new()));
        platform::make_private(&folder).map_err(exit::cannot_create)?;
        let kept = Flags { data_dir: Some(folder.clone()), ..flags.clone() };
        *config = Config::load(&kept).map_err(exit::usage)?;
        Ok(Self(Some(folder)))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(folder) = self.0.take() {
            // What cannot be removed stays in the system's temporary folder.
            drop(std::fs::remove_dir_all(folder));
        }
    }
}

/// Points the platform at the stand-ins, and tells the stand-ins the platform's keys. Keys that are configured are kept.
fn sandbox_terms(
    config: &mut Config,
    sandboxes: &Sandboxes,
    gateway: String,
    ports: Ports,
) -> anyhow::Result<sandbox::Config> {
    let url = |name: &str| sandboxes.urls().get(name).cloned().unwrap_or_default();
    let defaults = Config::builtin()?;
    let payment = &mut config.payment;
    let text = |value: &mut String, demo: &str| {
        if value.is_empty() {
            demo.clone_into(value);
        }
    };
    let secret = |value: &mut SecretString, demo: &str| {
        if value.expose_secret().is_empty() {
            *value = SecretString::from(demo.to_owned());
        }
    };
    let address = |value: &mut String, default: &str, sandbox: &str| {
        if value == default {
            *value = url(sandbox);
        }
    };
    text(&mut payment.payme.merchant_id, "65f0c0ffee65f0c0ffee6500");
    secret(&mut payment.payme.key, "demo-kassa-key-of-36-characters-0001");
    address(&mut payment.payme.base_url, &defaults.payment.payme.base_url, "payme");
    text(&mut payment.click.service_id, "77001");
    text(&mut payment.click.merchant_id, "77002");
    text(&mut payment.click.merchant_user_id, "77003");
    text(&mut payment.fiscal.tin, "300000001");
    text(&mut payment.fiscal.delivery_mxik, "10112006002000000");
    text(&mut payment.fiscal.delivery_package_code, "1209885");
    secret(&mut payment.click.secret_key, "demo-click-secret");
    address(&mut payment.click.base_url, &defaults.payment.click.base_url, "click");
    address(&mut payment.click.api_url, &defaults.payment.click.api_url, "click");
    text(&mut payment.uzcard.store_id, "4001");
    text(&mut payment.uzcard.consumer_key, "demo-atmos");
    secret(&mut payment.uzcard.consumer_secret, "demo-atmos-secret");
    secret(&mut payment.uzcard.api_key, "demo-atmos-api-key");
    address(&mut payment.uzcard.base_url, &defaults.payment.uzcard.base_url, "uzcard");
    address(&mut payment.uzcard.page_url, &defaults.payment.uzcard.page_url, "uzcard");
    secret(&mut payment.stripe.secret_key, "sk_test_demo");
    secret(&mut payment.stripe.webhook_secret, "whsec_demo");
    text(&mut payment.stripe.rate, "12650");
    address(&mut payment.stripe.base_url, &defaults.payment.stripe.base_url, "stripe");
    address(&mut payment.stripe.page_url, &defaults.payment.stripe.page_url, "stripe");
    text(&mut config.notification.sms_url, &format!("{}/send", url("sms")));
    text(&mut config.notification.mail_url, &format!("{}/send", url("mail")));

    let number = |text: &str| text.parse().unwrap_or(0);
    let payment = &config.payment;
    Ok(sandbox::Config {
        ports,
        gateway,
        merchant_name: "UltraMarket".to_owned(),
        clock: Clock::system(),
        amounts: None,
        payme: sandbox::Payme {
            merchant_id: payment.payme.merchant_id.clone(),
            key: payment.payme.key.clone(),
        },
        click: sandbox::Click {
            service_id: number(&payment.click.service_id),
            merchant_id: number(&payment.click.merchant_id),
            merchant_user_id: number(&payment.click.merchant_user_id),
            secret_key: payment.click.secret_key.clone(),
        },
        uzcard: sandbox::Uzcard {
            store_id: number(&payment.uzcard.store_id),
            consumer_key: payment.uzcard.consumer_key.clone(),
            consumer_secret: payment.uzcard.consumer_secret.clone(),
            api_key: payment.uzcard.api_key.clone(),
            hash: sandbox::Hash::default(),
        },
        stripe: sandbox::Stripe {
            secret_key: payment.stripe.secret_key.clone(),
            webhook_secret: payment.stripe.webhook_secret.clone(),
        },
    })
}

/// The stand-ins' `POST /pay` may be told only a reference: what is due for it is asked of the platform.
fn amounts(mesh: Mesh) -> sandbox::AmountLookup {
    Arc::new(move |reference: &str| {
        let (mesh, reference) = (mesh.clone(), reference.to_owned());
        Box::pin(async move {
            let request = proto::order::GetOrderRequest { id: reference, ..Default::default() };
            let mut orders = mesh.order();
            let found = Context::service("sandbox").scope(orders.get_order(request)).await;
            Some(found.ok()?.into_inner().order?.totals?.total?.amount)
        })
    })
}
