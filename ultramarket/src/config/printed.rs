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
            _ => {}
        }
    }
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
}
