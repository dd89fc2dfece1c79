//! Reads the Fluent files and writes one method per message, so that a template that asks for a missing text does not compile.
//! The build stops when the languages do not hold the same messages with the same variables.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a build script stops the build by panicking"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "cargo speaks to build scripts through the environment"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::Write as _,
    fs,
    path::PathBuf,
};

/// The first one is what the others are compared with.
const LANGUAGES: [&str; 3] = ["uz", "ru", "en"];

/// Name of a message -> names of its variables.
type Messages = BTreeMap<String, BTreeSet<String>>;

fn main() {
    println!("cargo:rerun-if-changed=locales");
    println!("cargo:rerun-if-changed=src");
    let [first, others @ ..] = LANGUAGES;
    let reference = read(first);
    for language in others {
        compare(first, &reference, language, &read(language));
    }
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("texts.rs"), methods(&reference)).expect("OUT_DIR can be written");
}

/// A message starts at the beginning of a line with `name =`; indented lines belong to it.
fn read(language: &str) -> Messages {
    let path = format!("locales/{language}/storefront.ftl");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut messages = Messages::new();
    let mut current = None;
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if !line.starts_with([' ', '}']) {
            let name = line.split_once(" =").map(|(name, _)| name.to_owned());
            let name =
                name.unwrap_or_else(|| panic!("{path}:{}: expected `name = text`", index + 1));
            let known = messages.insert(name.clone(), BTreeSet::new());
            assert!(known.is_none(), "{path}:{}: {name} stands there twice", index + 1);
            current = Some(name);
        }
        let name = current.as_ref().expect("an indented line follows a message");
        let variables = messages.get_mut(name).expect("it was inserted");
        for rest in line.split('$').skip(1) {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
            variables.insert(rest.get(..end).unwrap_or_default().to_owned());
        }
    }
    messages
}

fn compare(first: &str, reference: &Messages, language: &str, messages: &Messages) {
    for name in reference.keys().chain(messages.keys()) {
        match (reference.get(name), messages.get(name)) {
            (Some(one), Some(other)) => {
                assert_eq!(one, other, "{name} has other variables in {first} than in {language}");
            }
            (None, _) => panic!("{name} is in {language} but not in {first}"),
            (_, None) => panic!("{name} is in {first} but not in {language}"),
        }
    }
}

fn methods(messages: &Messages) -> String {
    let mut code = String::from("impl Texts {\n");
    let mut names = String::new();
    for (name, variables) in messages {
        let method = name.replace('-', "_");
        let mut arguments = String::new();
        let mut pairs = String::new();
        for variable in variables {
            write!(arguments, ", {variable}: impl Argument").expect("text can be written");
            write!(pairs, "({variable:?}, {variable}.value()), ").expect("text can be written");
        }
        writeln!(
            code,
            "    /// The text `{name}`.\n    pub fn {method}(self{arguments}) -> String {{ self.text({name:?}, [{pairs}]) }}"
        )
        .expect("text can be written");
        writeln!(names, "    ({name:?}, &{:?}),", variables.iter().collect::<Vec<_>>())
            .expect("text can be written");
    }
    let table = format!(
        "/// Every message with its variables.\n#[cfg(test)]\npub(crate) const MESSAGES: &[(&str, &[&str])] = &[\n{names}];\n"
    );
    code + "}\n" + &table
}
