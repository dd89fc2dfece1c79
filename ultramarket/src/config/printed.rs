//! What is in force, with secrets masked.

use figment::value::{Dict, Value};

use super::{Flags, sources};

/// Names of keys whose values are nobody's business.
const SECRET: [&str; 4] = ["key", "secret", "token", "password"];

/// The effective configuration as TOML.
pub(crate) fn print(flags: &Flags) -> anyhow::Result<String> {
    // Refuses what could not be run.
    super::Config::load(flags)?;
    let mut tree: Dict = sources(flags)?.extract()?;
    if let Some(data_dir) = &flags.data_dir {
        tree.insert("data_dir".to_owned(), Value::from(data_dir.display().to_string()));
    }
    mask(&mut tree);
    Ok(toml::to_string(&tree)?)
}

fn mask(tree: &mut Dict) {
    for (key, value) in tree.iter_mut() {
        match value {
            Value::Dict(_, inner) => mask(inner),
            Value::String(_, text) if !text.is_empty() && is_secret(key) => {
                "***".clone_into(text);
            }
            Value::String(_, text) => *text = without_password(text),
            _ => {}
        }
    }
}

/// An address without the password that may stand in it.
fn without_password(text: &str) -> String {
    let hidden = || {
        let (scheme, rest) = text.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (credentials, host) = rest.get(..end)?.rsplit_once('@')?;
        let (user, _) = credentials.split_once(':')?;
        Some(format!("{scheme}://{user}:***@{host}{}", rest.get(end..)?))
    };
    hidden().unwrap_or_else(|| text.to_owned())
}

fn is_secret(key: &str) -> bool {
    SECRET.iter().any(|word| key == *word || key.ends_with(&format!("_{word}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_names_are_not() {
        assert!(is_secret("secret_key") && is_secret("token") && is_secret("webhook_secret"));
        assert!(!is_secret("merchant_id") && !is_secret("base_url"));
        let mut tree: Dict = [("secret_key".to_owned(), Value::from("hunter2"))].into();
        mask(&mut tree);
        assert_eq!(tree["secret_key"].as_str(), Some("***"));
    }

    #[test]
    fn passwords_in_addresses_are_masked() {
        assert_eq!(
            without_password("postgres://um:a@b@h:5432/d?x=@"),
            "postgres://um:***@h:5432/d?x=@"
        );
        for plain in ["sqlite:{data}/a.db", "http://h:9200/p", "redis://h/0?a=b@c:d", "a@b:c"] {
            assert_eq!(without_password(plain), plain);
        }
    }
}
