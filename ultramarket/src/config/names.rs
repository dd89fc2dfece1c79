//! Names of variables that deployments know (`.env.production`), and what each is here. They are read in production only: a
//! developer's shell may hold the keys of something else.

/// What a name means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The value of a key of the configuration.
    Key(&'static str),
    /// The password of every server whose address has this scheme and holds none.
    Password(&'static [&'static str]),
    /// Nothing; this does its work.
    Instead(&'static str),
}

use Meaning::{Instead, Key, Password};

const SIGNED: &str = "access tokens are signed with Ed25519 keys that auth makes and keeps";
const RANDOM: &str = "cookies and refresh tokens are random and kept as hashes: nothing signs them";
const DATABASES: &str = "each service has a database of its own: UM_<ROLE>__STORE";
const REDIS: &str = "UM_CART__STORE and UM_GATEWAY__STORE, which the compose file makes of it";
const POOL: &str = "pool=<n> in the address of a store";
const PROFILE: &str = "profile = \"production\"";
const MODELS: &str = "nothing here asks a model";

/// Every name, in the order of `.env.production`.
pub(crate) const NAMES: &[(&str, Meaning)] = &[
    ("POSTGRES_PASSWORD", Password(&["postgres", "postgresql"])),
    ("MONGODB_PASSWORD", Password(&["mongodb", "mongodb+srv"])),
    ("REDIS_PASSWORD", Password(&["redis", "rediss"])),
    ("ELASTIC_PASSWORD", Password(&["http", "https"])),
    ("MINIO_ROOT_USER", Key("file.access_key")),
    ("MINIO_ROOT_PASSWORD", Key("file.secret_key")),
    ("PAYME_MERCHANT_ID", Key("payment.payme.merchant_id")),
    ("PAYME_SECRET_KEY", Key("payment.payme.key")),
    ("CLICK_SERVICE_ID", Key("payment.click.service_id")),
    ("CLICK_MERCHANT_ID", Key("payment.click.merchant_id")),
    ("CLICK_MERCHANT_USER_ID", Key("payment.click.merchant_user_id")),
    ("CLICK_SECRET_KEY", Key("payment.click.secret_key")),
    ("UZCARD_MERCHANT_ID", Key("payment.uzcard.store_id")),
    ("UZCARD_CONSUMER_KEY", Key("payment.uzcard.consumer_key")),
    ("UZCARD_CONSUMER_SECRET", Key("payment.uzcard.consumer_secret")),
    ("UZCARD_API_KEY", Key("payment.uzcard.api_key")),
    ("STRIPE_SECRET_KEY", Key("payment.stripe.secret_key")),
    ("STRIPE_WEBHOOK_SECRET", Key("payment.stripe.webhook_secret")),
    ("STRIPE_RATE", Key("payment.stripe.rate")),
    ("SENDGRID_API_KEY", Key("notification.sendgrid_key")),
    ("MAIL_FROM", Key("notification.mail_from")),
    ("CORS_ORIGINS", Key("gateway.cors_origins")),
    ("API_RATE_LIMIT_PER_MINUTE", Key("gateway.rate_limit.anonymous_writes_per_minute")),
    ("JWT_SECRET", Instead(SIGNED)),
    ("JWT_REFRESH_SECRET", Instead(RANDOM)),
    ("SECRET_KEY", Instead(RANDOM)),
    ("SESSION_SECRET", Instead(RANDOM)),
    ("DATABASE_URL", Instead(DATABASES)),
    ("DB_POOL_SIZE", Instead(POOL)),
    ("DB_MAX_OVERFLOW", Instead(POOL)),
    ("SQLITE_PATH", Instead("data_dir (UM_DATA_DIR)")),
    ("REDIS_URL", Instead(DATABASES)),
    ("REDIS_HOST", Instead(REDIS)),
    ("REDIS_PORT", Instead(REDIS)),
    ("PORT", Instead("gateway.listen (UM_GATEWAY__LISTEN)")),
    ("NODE_ENV", Instead(PROFILE)),
    ("RAILWAY_ENVIRONMENT", Instead(PROFILE)),
    ("OPENAI_API_KEY", Instead(MODELS)),
    ("ANTHROPIC_API_KEY", Instead(MODELS)),
    ("REPLICATE_API_KEY", Instead(MODELS)),
    ("IDEOGRAM_API_KEY", Instead(MODELS)),
];

/// Whether a value was copied from an example and is known to everybody.
pub(crate) fn is_example(value: &str) -> bool {
    const KNOWN: [&str; 4] =
        ["changeme", "password", "minio_secure_password", "ultramarket_grafana_admin_2024"];
    let value = value.to_ascii_lowercase();
    KNOWN.contains(&value.as_str())
        || ["your_", "your-", "sk_live_your", "sg.your", "change_me", "change-me", "<"]
            .iter()
            .any(|start| value.starts_with(start))
}
