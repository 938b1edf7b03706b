//! Variables: `ARG`s, the platform's, and the environment of the config.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use crate::dockerfile::{ArgPair, Variables};
use crate::oci::Platform;

/// The names of the variables for proxies, which need no `ARG`, and are in no history and no cache key.
const PROXIES: [&str; 10] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// The values of `--build-arg`, and which of them were used.
#[derive(Debug, Default)]
pub(super) struct BuildArgs {
    given: BTreeMap<String, String>,
    used: Mutex<BTreeSet<String>>,
}

impl BuildArgs {
    pub(super) fn new(given: BTreeMap<String, String>) -> Self {
        Self { given, used: Mutex::default() }
    }

    /// The value that was given for an `ARG`.
    fn take(&self, name: &str) -> Option<String> {
        let value = self.given.get(name)?;
        self.used.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(name.to_owned());
        Some(value.clone())
    }

    /// The proxies that were given.
    pub(super) fn proxies(&self) -> impl Iterator<Item = (&str, &str)> {
        let given = self.given.iter().filter(|(name, _)| PROXIES.contains(&name.as_str()));
        given.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// What was given for nothing.
    pub(super) fn unused(&self) -> Vec<String> {
        let used = self.used.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let silent =
            |name: &str| PROXIES.contains(&name) || name == "SOURCE_DATE_EPOCH" || name.starts_with("BUILDKIT_");
        self.given.keys().filter(|name| !used.contains(*name) && !silent(name)).cloned().collect()
    }
}

/// The variables before the first `FROM`: what `FROM` can use, and defaults of `ARG`s in stages.
#[derive(Debug, Clone, Default)]
pub(super) struct Globals(BTreeMap<String, String>);

impl Globals {
    /// Those of the platforms of the target and of this machine.
    pub(super) fn of_platforms(target: &Platform, host: &Platform, stage: &str) -> Self {
        let mut all = BTreeMap::new();
        for (prefix, platform) in [("TARGET", target), ("BUILD", host)] {
            let variant = platform.variant.clone().unwrap_or_default();
            all.insert(format!("{prefix}PLATFORM"), platform.to_string());
            all.insert(format!("{prefix}OS"), platform.os.clone());
            all.insert(format!("{prefix}ARCH"), platform.architecture.clone());
            all.insert(format!("{prefix}VARIANT"), variant);
        }
        all.insert("TARGETSTAGE".to_owned(), stage.to_owned());
        Self(all)
    }

    /// Declares an `ARG` before the first `FROM`.
    pub(super) fn declare(&mut self, (name, default): &ArgPair, given: &BuildArgs) {
        if let Some(value) = given.take(name).or_else(|| default.clone()) {
            self.0.insert(name.clone(), value);
        }
    }
}

impl Variables for Globals {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// The variables of a stage.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    /// The `ARG`s in the order in which they were declared first.
    pub(super) args: Vec<ArgPair>,
    /// The environment of the config, `NAME=value` each.
    pub(super) env: Vec<String>,
}

impl Scope {
    /// Declares an `ARG`.
    pub(super) fn declare(&mut self, (name, default): &ArgPair, given: &BuildArgs, globals: &Globals) {
        let global = || globals.get(name).map(ToOwned::to_owned);
        let value = given.take(name).or_else(|| default.clone()).or_else(global);
        match self.args.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => self.args.push((name.clone(), value)),
        }
    }

    /// The `ARG`s that have a value, as a `RUN` gets them.
    pub(super) fn with_values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.args.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?)))
    }
}

impl Variables for Scope {
    fn get(&self, name: &str) -> Option<&str> {
        Variables::get(&self.env, name).or_else(|| self.args.iter().find(|(known, _)| known == name)?.1.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(given: &[(&str, &str)]) -> BuildArgs {
        BuildArgs::new(given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    fn arg(name: &str, default: Option<&str>) -> ArgPair {
        (name.to_owned(), default.map(ToOwned::to_owned))
    }

    #[test]
    fn what_an_arg_is() {
        let given = args(&[("A", "cli"), ("LOST", "x"), ("HTTP_PROXY", "p")]);
        let mut globals = Globals::default();
        globals.declare(&arg("G", Some("global")), &given);
        let mut scope = Scope { env: vec!["E=env".to_owned()], ..Scope::default() };
        for pair in
            [arg("A", Some("default")), arg("B", Some("b")), arg("G", None), arg("NONE", None), arg("E", Some("arg"))]
        {
            scope.declare(&pair, &given, &globals);
        }
        let values = ["A", "B", "G", "NONE", "E", "LOST"].map(|name| Variables::get(&scope, name));
        assert_eq!(values, [Some("cli"), Some("b"), Some("global"), None, Some("env"), None]);
        assert_eq!(given.unused(), ["LOST"]);
        assert_eq!(given.proxies().collect::<Vec<_>>(), [("HTTP_PROXY", "p")]);
    }
}
