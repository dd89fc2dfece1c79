//! `UM_<TABLE>__<KEY>`: the only place that reads the environment.

use figment::{
    Figment, Profile,
    value::{Dict, Map, Num, Tag, Value},
};

/// Variables of tests and scripts that are not configuration.
const OTHERS: [&str; 3] = ["test_", "ci_", "bench_"];

/// Merges the environment over what is there. A value is read as what the default is: "7" for a text stays a text.
pub(super) fn merge(figment: Figment) -> anyhow::Result<Figment> {
    let mut figment = figment;
    for (name, text) in std::env::vars() {
        let Some(key) = name.strip_prefix("UM_") else { continue };
        let key = key.to_lowercase();
        if OTHERS.iter().any(|other| key.starts_with(other)) {
            continue;
        }
        let path = key.replace("__", ".");
        let value = match figment.find_value(&path) {
            Ok(default) => read(&default, &text).ok_or_else(|| {
                anyhow::anyhow!("{name}: {text:?} is not {}", default.to_actual())
            })?,
            // Not a key of the defaults: an entry of a map, or unknown and refused when all is extracted.
            Err(_) => Value::from(text),
        };
        figment = figment.merge(One { path, value });
    }
    Ok(figment)
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
