//! The file of `serve --config`: JSON whose keys are the flags, and rules for users.
//!
//! ```json
//! {
//!   "addr": ["0.0.0.0:5000", "unix:/run/imgtool.sock"],
//!   "tls-cert": "/etc/imgtool/server.crt", "tls-key": "/etc/imgtool/server.key",
//!   "htpasswd": "/etc/imgtool/users",
//!   "groups": {"team": ["ada", "grace"]},
//!   "rules": [
//!     {"who": ["@team"], "repositories": ["team/**"], "rights": ["push", "delete"]},
//!     {"who": ["users"], "repositories": ["base/*"], "rights": ["pull"]},
//!     {"who": ["anonymous"], "repositories": ["public/**"], "rights": ["pull"]}
//!   ]
//! }
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use serde_json::{Map, Value};

use crate::cli::error::CliError;
use crate::cli::suggest::nearest;
use crate::serve::{Right, Rule, Subject};

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// What is in a file.
#[derive(Debug)]
pub(super) struct Config<F> {
    pub(super) flags: F,
    pub(super) groups: BTreeMap<String, Vec<String>>,
    pub(super) rules: Vec<Rule>,
}

/// Reads a file.
pub(super) fn read<F: clap::Args>(path: &Path) -> Result<Config<F>, CliError> {
    let wrong = |why: String| CliError::Plain(format!("{}: {why}", path.display()));
    let mut text = String::new();
    let file = fs::File::open(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    file.take(MAX_FILE).read_to_string(&mut text).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    parse(&text).map_err(wrong)
}

fn parse<F: clap::Args>(text: &str) -> Result<Config<F>, String> {
    let document: Value = serde_json::from_str(text).map_err(|error| format!("it is not valid JSON: {error}"))?;
    let Value::Object(mut document) = document else { return Err("it is not a JSON object".to_owned()) };
    let (mut groups, mut rules) = (BTreeMap::new(), Vec::new());
    if let Some(value) = document.remove("groups") {
        groups = object("groups", value)?
            .into_iter()
            .map(|(name, users)| Ok((name.clone(), texts(&format!("groups.{name}"), users)?)))
            .collect::<Result<_, String>>()?;
    }
    if let Some(value) = document.remove("rules") {
        let Value::Array(list) = value else { return Err("rules: expected a list".to_owned()) };
        rules = (1..).zip(list).map(|(number, value)| rule(number, value)).collect::<Result<_, _>>()?;
    }
    Ok(Config { flags: flags(document)?, groups, rules })
}

/// The flags that keys are.
fn flags<F: clap::Args>(document: Map<String, Value>) -> Result<F, String> {
    let command = F::augment_args(clap::Command::default().name("serve").no_binary_name(true).disable_help_flag(true));
    let known: Vec<&str> =
        command.get_arguments().filter_map(clap::Arg::get_long).filter(|name| *name != "config").collect();
    let mut words = Vec::new();
    for (key, value) in document {
        if !known.contains(&key.as_str()) {
            return Err(unknown("key", &key, known.iter().copied().chain(["groups", "rules"])));
        }
        let takes_value = command
            .get_arguments()
            .any(|argument| argument.get_long() == Some(&key) && argument.get_action().takes_values());
        match (value, takes_value) {
            (Value::Bool(true), false) => words.push(format!("--{key}")),
            (Value::Bool(false), false) => {}
            (_, false) => return Err(format!("{key}: expected true or false")),
            (Value::Number(number), true) => words.push(format!("--{key}={number}")),
            (value, true) => words.extend(texts(&key, value)?.into_iter().map(|text| format!("--{key}={text}"))),
        }
    }
    let said = |error: clap::Error| {
        let text = error.to_string();
        text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
    };
    let matches = command.try_get_matches_from(words).map_err(said)?;
    F::from_arg_matches(&matches).map_err(said)
}

fn rule(number: usize, value: Value) -> Result<Rule, String> {
    let at = format!("rule {number}");
    let (mut who, mut repositories, mut rights) = (Vec::new(), Vec::new(), Vec::new());
    for (key, value) in object(&at, value)? {
        let list = texts(&format!("{at}: {key}"), value)?;
        match key.as_str() {
            "who" => who = list.iter().map(|text| subject(text)).collect(),
            "repositories" => repositories = list,
            "rights" => rights = list.iter().map(|text| right(&at, text)).collect::<Result<_, _>>()?,
            _ => return Err(format!("{at}: {}", unknown("key", &key, ["who", "repositories", "rights"].into_iter()))),
        }
    }
    let lists = [("who", who.is_empty()), ("repositories", repositories.is_empty()), ("rights", rights.is_empty())];
    match lists.iter().find(|(_, is_empty)| *is_empty) {
        Some((key, _)) => Err(format!("{at}: there is no {key}")),
        None => Ok(Rule { who, repositories, rights }),
    }
}

fn subject(text: &str) -> Subject {
    match text {
        "anonymous" => Subject::Anonymous,
        "users" => Subject::AnyUser,
        text => text
            .strip_prefix('@')
            .map_or_else(|| Subject::User(text.to_owned()), |group| Subject::Group(group.to_owned())),
    }
}

fn right(at: &str, text: &str) -> Result<Right, String> {
    match text {
        "pull" => Ok(Right::Pull),
        "push" => Ok(Right::Push),
        "delete" => Ok(Right::Delete),
        _ => Err(format!("{at}: {}", unknown("right", text, ["pull", "push", "delete"].into_iter()))),
    }
}

/// The text, or the list of texts, that a key has.
fn texts(key: &str, value: Value) -> Result<Vec<String>, String> {
    let values = match value {
        Value::Array(values) => values,
        value => vec![value],
    };
    let text = |value| match value {
        Value::String(text) => Ok(text),
        _ => Err(format!("{key}: expected a text or a list of texts")),
    };
    values.into_iter().map(text).collect()
}

fn object(key: &str, value: Value) -> Result<Map<String, Value>, String> {
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(format!("{key}: expected an object")),
    }
}

fn unknown<'a>(what: &str, word: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(word, known.clone()) {
        Some(meant) => format!("unknown {what} {word:?}: did you mean {meant:?}?"),
        None => format!("unknown {what} {word:?}: expected one of {}", known.collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::serve::Args;

    #[test]
    fn keys_are_flags() {
        let config = parse(
            r#"{"addr": ["127.0.0.1:1", "[::1]:2"], "read-only": true, "no-delete": false, "stop-timeout": 5,
                "htpasswd": "users", "groups": {"team": ["ada"]},
                "rules": [{"who": ["@team", "eve", "users", "anonymous"], "repositories": "a/**", "rights": ["pull"]}]}"#,
        );
        let config: Config<Args> = config.expect("it is valid");
        assert_eq!(config.flags.addr.len(), 2);
        assert!(config.flags.read_only && !config.flags.no_delete);
        assert_eq!(config.flags.stop_timeout, Some(5));
        assert_eq!(config.groups["team"], ["ada"]);
        let expected =
            [Subject::Group("team".into()), Subject::User("eve".into()), Subject::AnyUser, Subject::Anonymous];
        assert_eq!(config.rules[0].who, expected);
        assert_eq!(config.rules[0].repositories, ["a/**"]);
    }

    #[test]
    fn what_is_not_meant_so_is_refused() {
        for (text, expected) in [
            ("", "not valid JSON"),
            ("[]", "not a JSON object"),
            (r#"{"adr": "x"}"#, "did you mean \"addr\"?"),
            (r#"{"config": "x"}"#, "unknown key"),
            (r#"{"storage": {}}"#, "expected one of addr"),
            (r#"{"addr": "nowhere"}"#, "expected an IP address"),
            (r#"{"addr": [1]}"#, "addr: expected a text"),
            (r#"{"read-only": "yes"}"#, "read-only: expected true or false"),
            (r#"{"stop-timeout": -1}"#, "stop-timeout"),
            (r#"{"groups": []}"#, "groups: expected an object"),
            (r#"{"rules": {}}"#, "rules: expected a list"),
            (r#"{"rules": [{"who": "ada", "rights": "pull"}]}"#, "rule 1: there is no repositories"),
            (r#"{"rules": [{"who": "ada", "repositories": "x", "rights": "pul"}]}"#, "did you mean \"pull\"?"),
            (r#"{"rules": [{"users": "ada"}]}"#, "unknown key"),
        ] {
            let error = parse::<Args>(text).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
