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
    env: Vec<String>,
    /// The values of `ARG`s that no later `ENV` has replaced: of two of one name the last counts, as in `BuildKit`.
    latest: BTreeMap<String, String>,
}

impl Scope {
    /// The scope of a stage that begins with this environment.
    pub(super) fn of(env: Vec<String>) -> Self {
        Self { env, ..Self::default() }
    }

    /// Takes the environment over after an `ENV` that sets these names.
    pub(super) fn set_env<'n>(&mut self, env: Vec<String>, names: impl IntoIterator<Item = &'n str>) {
        self.env = env;
        for name in names {
            self.latest.remove(name);
        }
    }

    /// Declares an `ARG`.
    pub(super) fn declare(&mut self, (name, default): &ArgPair, given: &BuildArgs, globals: &Globals) {
        let global = || globals.get(name).map(ToOwned::to_owned);
        let value = given.take(name).or_else(|| default.clone()).or_else(global);
        if let Some(value) = &value {
            self.latest.insert(name.clone(), value.clone());
        }
        match self.args.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => self.args.push((name.clone(), value)),
        }
    }

    /// The `ARG`s in the order in which they were declared first, with what their names stand for now.
    pub(super) fn declared(&self) -> impl Iterator<Item = (&str, &str)> {
        self.args.iter().map(|(name, _)| (name.as_str(), Variables::get(self, name).unwrap_or_default()))
    }

    /// The environment of a program: `ARG`s, and the environment of the config.
    pub(super) fn environment(&self) -> Vec<String> {
        let name = |setting: &str| setting.split('=').next().unwrap_or_default().to_owned();
        let is_set = |arg: &str| self.env.iter().any(|setting| name(setting) == arg);
        let args = self.args.iter().map(|(name, _)| name).filter(|name| !is_set(name));
        let args = args.filter_map(|name| Some(format!("{name}={}", self.latest.get(name)?)));
        let env = self.env.iter().map(|setting| match self.latest.get(&name(setting)) {
            Some(value) => format!("{}={value}", name(setting)),
            None => setting.clone(),
        });
        args.chain(env).collect()
    }
}

impl Variables for Scope {
    fn get(&self, name: &str) -> Option<&str> {
        self.latest.get(name).map(String::as_str).or_else(|| Variables::get(&self.env, name))
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
        let mut scope = Scope::of(vec!["E=env".to_owned()]);
        for pair in
            [arg("A", Some("default")), arg("B", Some("b")), arg("G", None), arg("NONE", None), arg("E", Some("arg"))]
        {
            scope.declare(&pair, &given, &globals);
        }
        let values = ["A", "B", "G", "NONE", "E", "LOST"].map(|name| Variables::get(&scope, name));
        assert_eq!(values, [Some("cli"), Some("b"), Some("global"), None, Some("arg"), None]);
        assert_eq!(scope.environment(), ["A=cli", "B=b", "G=global", "E=arg"]);
        let declared: Vec<String> = scope.declared().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(declared, ["A=cli", "B=b", "G=global", "NONE=", "E=arg"]);
        scope.set_env(vec!["E=new".to_owned(), "A=env".to_owned()], ["E", "A"]);
        assert_eq!(["A", "E"].map(|name| Variables::get(&scope, name)), [Some("env"), Some("new")]);
        assert_eq!(scope.environment(), ["B=b", "G=global", "E=new", "A=env"]);
        assert_eq!(given.unused(), ["LOST"]);
        assert_eq!(given.proxies().collect::<Vec<_>>(), [("HTTP_PROXY", "p")]);
    }
}
