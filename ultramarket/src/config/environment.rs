//! `UM_<TABLE>__<KEY>`, and in production the names that deployments know: the only place that reads the environment.

use std::collections::BTreeMap;

use figment::{
    Figment, Profile,
    value::{Dict, Map, Num, Tag, Value},
};
use mesh::Role;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::names::{self, Meaning, NAMES};

/// Variables of tests and scripts that are not configuration.
const OTHERS: [&str; 3] = ["test_", "ci_", "bench_"];

type Variables = BTreeMap<String, String>;

/// Merges the environment over what is there. A value is read as what the default is: "7" for a text stays a text.
pub(super) fn merge(figment: Figment) -> anyhow::Result<Figment> {
    merge_from(figment, &std::env::vars().collect())
}

fn merge_from(figment: Figment, variables: &Variables) -> anyhow::Result<Figment> {
    let ours = own(figment.clone(), variables)?;
    if !is_production(&ours) {
        return Ok(ours);
    }
    // What is ours says it more exactly, and wins.
    let ours = own(named(figment, variables)?, variables)?;
    with_passwords(ours, variables)
}

fn is_production(figment: &Figment) -> bool {
    figment.find_value("profile").is_ok_and(|profile| profile.as_str() == Some("production"))
}

/// Variables that are set, with what does the work that they do elsewhere.
pub(crate) fn without_effect() -> Vec<(&'static str, &'static str)> {
    let variables: Variables = std::env::vars().collect();
    let idle = |(name, meaning): &(&'static str, Meaning)| match meaning {
        Meaning::Instead(instead) if variables.get(*name).is_some_and(|text| !text.is_empty()) => {
            Some((*name, *instead))
        }
        _ => None,
    };
    NAMES.iter().filter_map(idle).collect()
}

/// `UM_<TABLE>__<KEY>`.
fn own(figment: Figment, variables: &Variables) -> anyhow::Result<Figment> {
    let mut figment = figment;
    for (name, text) in variables {
        let Some(key) = name.strip_prefix("UM_") else { continue };
        let key = key.to_lowercase();
        if OTHERS.iter().any(|other| key.starts_with(other)) {
            continue;
        }
        let path = key.replace("__", ".");
        let value = match figment.find_value(&path) {
            Ok(default) => read(&default, text).ok_or_else(|| {
                anyhow::anyhow!("{name}: {text:?} is not {}", default.to_actual())
            })?,
            // Not a key of the defaults: an entry of a map, or unknown and refused when all is extracted.
            Err(_) => Value::from(text.as_str()),
        };
        figment = figment.merge(One { path, value });
    }
    Ok(figment)
}

/// The names of deployments that are keys here.
fn named(mut figment: Figment, variables: &Variables) -> anyhow::Result<Figment> {
    for (name, meaning) in NAMES {
        let Some(text) = variables.get(*name).filter(|text| !text.is_empty()) else { continue };
        anyhow::ensure!(
            !names::is_example(text),
            "{name} has the value of an example, which everybody knows"
        );
        let Meaning::Key(path) = meaning else { continue };
        let default = figment.find_value(path)?;
        // Most of these are secrets: the text is not repeated.
        let value = read(&default, text)
            .ok_or_else(|| anyhow::anyhow!("{name}: expected {}", default.to_actual()))?;
        figment = figment.merge(One { path: (*path).to_owned(), value });
    }
    Ok(figment)
}

/// Puts passwords into the addresses of servers that hold none.
fn with_passwords(mut figment: Figment, variables: &Variables) -> anyhow::Result<Figment> {
    for (name, meaning) in NAMES {
        let (Meaning::Password(schemes), Some(password)) = (meaning, variables.get(*name)) else {
            continue;
        };
        let stores = Role::ALL.map(|role| format!("{role}.store"));
        for path in stores.into_iter().chain(["notification.bell".to_owned()]) {
            let Ok(address) = figment.find_value(&path) else { continue };
            let address = address.as_str().unwrap_or_default();
            let Some(complete) = with_password(address, schemes, password) else { continue };
            anyhow::ensure!(!password.is_empty(), "{name} is empty, and {path} needs it");
            figment = figment.merge(One { path, value: Value::from(complete) });
        }
    }
    Ok(figment)
}

/// The address with the password, when it is of one of these schemes and has a place for one.
fn with_password(address: &str, schemes: &[&str], password: &str) -> Option<String> {
    let (scheme, rest) =
        address.split_once("://").filter(|(scheme, _)| schemes.contains(scheme))?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    // Redis alone knows a password without a user.
    let place = !user.contains(':') && (!user.is_empty() || scheme.starts_with("redis"));
    let password = utf8_percent_encode(password, NON_ALPHANUMERIC);
    place.then(|| format!("{scheme}://{user}:{password}@{hosts}{path}"))
}

/// The text as the kind of value that the default is.
fn read(default: &Value, text: &str) -> Option<Value> {
    Some(match default {
        Value::Bool(..) => Value::from(text.parse::<bool>().ok()?),
        Value::Num(_, Num::F32(_) | Num::F64(_)) => Value::from(text.parse::<f64>().ok()?),
        Value::Num(..) => Value::from(text.parse::<i64>().ok()?),
        Value::Array(..) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Value::Array(Tag::Default, items.map(Value::from).collect())
        }
        Value::Dict(..) => return None,
        _ => Value::from(text),
    })
}

/// One value at one path.
struct One {
    path: String,
    value: Value,
}

impl figment::Provider for One {
    fn metadata(&self) -> figment::Metadata {
        figment::Metadata::named("environment")
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        let nested = figment::util::nest(&self.path, self.value.clone());
        let dict = nested.into_dict().unwrap_or_default();
        Ok([(Profile::Default, dict)].into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSTGRES: &[&str] = &["postgres"];

    fn production(pairs: &[(&str, &str)]) -> anyhow::Result<Figment> {
        use figment::providers::{Format as _, Toml};
        let defaults = Figment::from(Toml::string(super::super::DEFAULTS));
        let mut variables: Variables =
            pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        variables.entry("UM_PROFILE".to_owned()).or_insert_with(|| "production".to_owned());
        merge_from(defaults, &variables)
    }

    fn text(figment: &Figment, path: &str) -> String {
        figment.find_value(path).unwrap().as_str().unwrap().to_owned()
    }

    #[test]
    fn every_name_is_a_key_of_its_own() {
        let defaults = production(&[]).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for (name, meaning) in NAMES {
            assert!(seen.insert(*name), "{name} stands there twice");
            match meaning {
                Meaning::Key(path) => {
                    assert!(defaults.find_value(path).is_ok(), "{name}: there is no {path}");
                }
                Meaning::Password(schemes) => assert!(!schemes.is_empty(), "{name}"),
                Meaning::Instead(instead) => assert!(instead.len() > 5, "{name}"),
            }
        }
    }

    #[test]
    fn names_of_deployments_count_in_production_alone() {
        let pair = ("STRIPE_SECRET_KEY", "sk_live_1");
        let figment = production(&[pair]).unwrap();
        assert_eq!(text(&figment, "payment.stripe.secret_key"), "sk_live_1");
        let figment = production(&[pair, ("UM_PROFILE", "development")]).unwrap();
        assert_eq!(text(&figment, "payment.stripe.secret_key"), "");
        let ours = ("UM_PAYMENT__STRIPE__SECRET_KEY", "sk_live_2");
        let figment = production(&[pair, ours]).unwrap();
        assert_eq!(text(&figment, "payment.stripe.secret_key"), "sk_live_2");
        let figment = production(&[("API_RATE_LIMIT_PER_MINUTE", "250")]).unwrap();
        let limit = figment.find_value("gateway.rate_limit.anonymous_writes_per_minute").unwrap();
        assert_eq!(limit.to_i128(), Some(250));
        assert!(production(&[("API_RATE_LIMIT_PER_MINUTE", "many")]).is_err());
    }

    #[test]
    fn values_of_examples_are_refused_without_repeating_them() {
        for value in ["your_secure_postgres_password", "sk_live_your_real_stripe_key", "changeme"] {
            let error = production(&[("POSTGRES_PASSWORD", value)]).unwrap_err().to_string();
            assert!(error.contains("POSTGRES_PASSWORD") && !error.contains(value), "{error}");
        }
    }

    #[test]
    fn passwords_go_into_addresses_that_have_none() {
        let figment = production(&[
            ("UM_ORDER__STORE", "postgres://order@postgres:5432/order?pool=40"),
            ("UM_PAYMENT__STORE", "postgres://payment:own@postgres/payment"),
            ("UM_CART__STORE", "redis://redis:6379/0"),
            ("POSTGRES_PASSWORD", "p@ss/w:rd%"),
            ("REDIS_PASSWORD", "r"),
        ])
        .unwrap();
        let order = "postgres://order:p%40ss%2Fw%3Ard%25@postgres:5432/order?pool=40";
        assert_eq!(text(&figment, "order.store"), order);
        assert_eq!(text(&figment, "payment.store"), "postgres://payment:own@postgres/payment");
        assert_eq!(text(&figment, "cart.store"), "redis://:r@redis:6379/0");
        assert_eq!(text(&figment, "auth.store"), "sqlite:{data}/auth.db");
        let empty =
            [("UM_ORDER__STORE", "postgres://order@postgres/order"), ("POSTGRES_PASSWORD", "")];
        let error = production(&empty).unwrap_err().to_string();
        assert!(error.contains("POSTGRES_PASSWORD") && error.contains("order.store"), "{error}");
        assert!(production(&[("POSTGRES_PASSWORD", "")]).is_ok(), "nobody needs it");
    }

    #[test]
    fn an_address_keeps_what_is_no_password() {
        let set = "mongodb://um@a:1,b:2/product?replicaSet=rs";
        let complete = with_password(set, &["mongodb"], "x").unwrap();
        assert_eq!(complete, "mongodb://um:x@a:1,b:2/product?replicaSet=rs");
        assert_eq!(with_password("postgres://host/db?a=b@c", POSTGRES, "x"), None);
        assert_eq!(with_password("http://elastic@h:9200/um", POSTGRES, "x"), None);
        assert_eq!(with_password("sqlite:{data}/auth.db", POSTGRES, "x"), None);
    }

    #[test]
    fn values_are_read_as_what_the_default_is() {
        assert_eq!(read(&Value::from("x"), "77").unwrap().as_str(), Some("77"));
        assert_eq!(read(&Value::from(1), "77").unwrap().to_i128(), Some(77));
        assert_eq!(read(&Value::from(true), "false").unwrap().to_bool(), Some(false));
        assert!(read(&Value::from(1), "many").is_none());
        let list = read(&Value::from(Vec::<String>::new()), "a, b").unwrap();
        assert_eq!(list.as_array().map(<[Value]>::len), Some(2));
    }
}
