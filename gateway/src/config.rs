//! The `[gateway]` table of the configuration.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Deserializer, de::Error as _};

/// How the role runs. `default.toml` of the binary documents each key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the public listens to.
    pub listen: SocketAddr,
    /// Where metrics are shown.
    pub ops_listen: SocketAddr,
    /// Address of the store of replayed answers: `sqlite:<file>`, or `redis://<host>` for several gateways, which then also count
    /// requests together and tell each other of changes in the catalogue.
    pub store: String,
    /// How the outside reaches this gateway, for links: `https://example.uz`.
    pub public_url: String,
    /// Origins whose pages may call the API from a browser.
    pub cors_origins: Vec<String>,
    /// How old a public catalogue answer may be, in milliseconds; 0 asks every time.
    pub cache_ms: u64,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// How much one address may ask for.
    pub rate_limit: RateLimit,
    /// Session cookies only over https.
    pub secure_cookies: bool,
    /// Origins of payment pages, which the checkout form may lead to.
    pub payment_origins: Vec<String>,
}

/// Bounds for one IP address.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Whether there are bounds at all.
    pub enabled: bool,
    /// Changes by callers who are not signed in.
    pub anonymous_writes_per_minute: u32,
    /// Passwords and codes.
    pub sign_in_per_minute: u32,
    /// Everything else.
    pub reads_per_minute: u32,
    /// How long a request waits for what the gateways count together, in milliseconds; after that its gateway counts alone.
    pub shared_wait_ms: u64,
}

/// An address, or a network such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether the address lies in it.
    pub fn contains(&self, other: IpAddr) -> bool {
        match (self.address, other.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                u32::from(own) & mask == u32::from(other) & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                u128::from(own) & mask == u128::from(other) & mask
            }
            _ => false,
        }
    }
}

impl std::str::FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("{text:?} is neither an address nor a network such as 10.0.0.0/8");
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= most).ok_or_else(wrong)?,
            None => most,
        };
        Ok(Self { address, bits })
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses() {
        let network: Network = "10.1.0.0/16".parse().unwrap();
        assert!(network.contains("10.1.255.3".parse().unwrap()));
        assert!(!network.contains("10.2.0.1".parse().unwrap()));
        assert!(network.contains("::ffff:10.1.2.3".parse().unwrap()));
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("8.8.8.8".parse().unwrap()));
        assert!("10.0.0.0/33".parse::<Network>().is_err());
        assert!("office".parse::<Network>().is_err());
    }
}
