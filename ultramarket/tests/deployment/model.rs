//! The compose file as a strict parser resolves it.

use std::{collections::BTreeMap, process::Command};

use serde_json::{Map, Value};
use testkit::real_store;

use crate::{
    environment::{read_by_compose, template},
    repository::root,
};

/// Values for what the template leaves empty. The characters are those that break addresses.
const SECRET: &str = "S3cret-of/the@test:0123456789#%25";
/// The shop of these tests.
pub(crate) const DOMAIN: &str = "shop.example.uz";

/// The resolved compose file.
#[derive(Debug)]
pub(crate) struct Model(Value);

/// Everything that the template wants filled in, filled in.
pub(crate) fn filled_in() -> BTreeMap<String, String> {
    let required = read_by_compose();
    let value = |name: &String, value: String| match name.as_str() {
        "DOMAIN" => DOMAIN.to_owned(),
        _ if required.get(name) == Some(&true) => SECRET.to_owned(),
        _ => value,
    };
    template().into_iter().map(|(name, entry)| (name.clone(), value(&name, entry.value))).collect()
}

/// What the parser makes of the file with these variables; its complaint when it refuses. None when the parser is not there.
pub(crate) fn resolve(variables: &BTreeMap<String, String>) -> Option<Result<Model, String>> {
    let parser = real_store("compose")?;
    let output = Command::new(parser)
        .arg("docker-compose.production.yml")
        .current_dir(root())
        .env_clear()
        .envs(variables)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Some(Err(told));
    }
    assert_eq!(told, "", "the parser has nothing to complain about");
    Some(Ok(Model(serde_json::from_slice(&output.stdout).unwrap())))
}

/// The file with everything filled in; none when the parser is not there.
pub(crate) fn model() -> Option<Model> {
    resolve(&filled_in()).map(Result::unwrap)
}

impl Model {
    pub(crate) fn services(&self) -> &Map<String, Value> {
        self.0["services"].as_object().unwrap()
    }

    pub(crate) fn service(&self, name: &str) -> &Value {
        self.services().get(name).unwrap_or_else(|| panic!("there is no service {name}"))
    }

    pub(crate) fn networks(&self) -> &Value {
        &self.0["networks"]
    }

    pub(crate) fn volumes(&self) -> &Map<String, Value> {
        self.0["volumes"].as_object().unwrap()
    }

    /// The environment of a service.
    pub(crate) fn environment(&self, name: &str) -> BTreeMap<String, String> {
        let Some(all) = self.service(name)["environment"].as_object() else {
            return BTreeMap::new();
        };
        let text = |value: &Value| match value {
            Value::String(text) => text.replace("$$", "$"),
            other => other.to_string(),
        };
        all.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    }
}

/// The names in an array, or of an object.
pub(crate) fn listed(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().map(|item| item.as_str().unwrap().to_owned()).collect(),
        Value::Object(map) => map.keys().cloned().collect(),
        _ => Vec::new(),
    }
}
