//! What an image sets differently than its base, over another base.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::merge::key;
use crate::oci::ContainerConfig;

/// A config over another base.
#[derive(Debug, Clone, PartialEq)]
pub struct Carried {
    /// The config.
    pub config: ContainerConfig,
    /// What both the image and the new base changed, each in its own way: the image's is kept.
    pub clashes: Vec<String>,
}

/// The config of `image`, which was built on `old`, on `new`, as if it had been built there: what it says differently
/// than `old` is kept, and all else is what `new` says.
///
/// Variables and labels are compared one by one, and so are ports and volumes; what the image removed stays removed. An
/// entrypoint of the image's comes with its command, since one that is set in a Dockerfile clears the command of the
/// base. `ONBUILD` instructions of a base are not inherited.
pub fn carry(image: &ContainerConfig, old: &ContainerConfig, new: &ContainerConfig) -> Carried {
    let mut carrier = Carrier { clashes: Vec::new() };
    let config = carrier.carry(image, old, new);
    Carried { config, clashes: carrier.clashes }
}

struct Carrier {
    clashes: Vec<String>,
}

/// One value of the image, its old base and the new one.
type Three<'a, T> = (&'a T, &'a T, &'a T);

impl Carrier {
    fn carry(&mut self, image: &ContainerConfig, old: &ContainerConfig, new: &ContainerConfig) -> ContainerConfig {
        macro_rules! pick {
            ($what:literal, $field:ident) => {
                self.pick($what, (&image.$field, &old.$field, &new.$field))
            };
        }
        let (entrypoint, cmd, args_escaped) = self.command(image, old, new);
        ContainerConfig {
            hostname: pick!("host name", hostname),
            domainname: pick!("domain name", domainname),
            user: pick!("user", user),
            attach_stdin: pick!("standard input", attach_stdin),
            attach_stdout: pick!("standard output", attach_stdout),
            attach_stderr: pick!("standard error", attach_stderr),
            exposed_ports: set((&image.exposed_ports, &old.exposed_ports, &new.exposed_ports)),
            tty: pick!("terminal", tty),
            open_stdin: pick!("open standard input", open_stdin),
            stdin_once: pick!("standard input of one client", stdin_once),
            env: self.variables((&image.env, &old.env, &new.env)),
            cmd,
            healthcheck: pick!("health check", healthcheck),
            args_escaped,
            image: image.image.clone(),
            volumes: set((&image.volumes, &old.volumes, &new.volumes)),
            working_dir: pick!("working directory", working_dir),
            entrypoint,
            network_disabled: pick!("network", network_disabled),
            mac_address: pick!("MAC address", mac_address),
            on_build: image.on_build.clone(),
            labels: self.labels((&image.labels, &old.labels, &new.labels)),
            stop_signal: pick!("stop signal", stop_signal),
            stop_timeout: pick!("stop timeout", stop_timeout),
            shell: pick!("shell", shell),
            other: self.other((&image.other, &old.other, &new.other)),
        }
    }

    fn pick<T: PartialEq + Clone>(&mut self, what: &str, (image, old, new): Three<'_, T>) -> T {
        if image == old {
            return new.clone();
        }
        if old != new && image != new {
            self.clashes.push(what.to_owned());
        }
        image.clone()
    }

    /// The entrypoint, the command, and whether that is escaped.
    fn command(
        &mut self,
        image: &ContainerConfig,
        old: &ContainerConfig,
        new: &ContainerConfig,
    ) -> (Option<Vec<String>>, Option<Vec<String>>, bool) {
        // A list that is not there is an empty one.
        let of = |list: &Option<Vec<String>>| list.clone().filter(|words| !words.is_empty());
        let entrypoint = |config: &ContainerConfig| of(&config.entrypoint);
        let command = |config: &ContainerConfig| of(&config.cmd);
        if entrypoint(image) != entrypoint(old) {
            self.pick("entrypoint", (&entrypoint(image), &entrypoint(old), &entrypoint(new)));
            return (image.entrypoint.clone(), image.cmd.clone(), image.args_escaped);
        }
        if command(image) != command(old) {
            self.pick("command", (&command(image), &command(old), &command(new)));
            return (new.entrypoint.clone(), image.cmd.clone(), image.args_escaped);
        }
        (new.entrypoint.clone(), new.cmd.clone(), new.args_escaped)
    }

    /// Those of the new base are first, in its order, then the image's own.
    fn variables(&mut self, (image, old, new): Three<'_, Option<Vec<String>>>) -> Option<Vec<String>> {
        let map = |settings: &Option<Vec<String>>| -> BTreeMap<String, String> {
            settings.iter().flatten().map(|setting| (key(setting).to_owned(), setting.clone())).collect()
        };
        let mut settings = self.each("variable", (&map(image), &map(old), &map(new)));
        let mut seen = HashSet::new();
        let names = new.iter().chain(image).flatten().map(|setting| key(setting));
        let ordered: Vec<String> =
            names.filter(|name| seen.insert(*name)).filter_map(|name| settings.remove(name)).collect();
        let list = if ordered.is_empty() { None } else { Some(ordered) };
        list.or_else(|| image.clone().filter(Vec::is_empty))
    }

    fn labels(
        &mut self,
        (image, old, new): Three<'_, Option<BTreeMap<String, String>>>,
    ) -> Option<BTreeMap<String, String>> {
        let map = |labels: &Option<BTreeMap<String, String>>| labels.clone().unwrap_or_default();
        let labels = self.each("label", (&map(image), &map(old), &map(new)));
        if labels.is_empty() { image.clone().filter(BTreeMap::is_empty) } else { Some(labels) }
    }

    fn other(
        &mut self,
        (image, old, new): Three<'_, serde_json::Map<String, serde_json::Value>>,
    ) -> serde_json::Map<String, serde_json::Value> {
        let map = |fields: &serde_json::Map<_, _>| fields.clone().into_iter().collect::<BTreeMap<_, _>>();
        self.each("setting", (&map(image), &map(old), &map(new))).into_iter().collect()
    }

    /// Values that have names, one by one.
    fn each<V: PartialEq + Clone>(
        &mut self,
        what: &str,
        (image, old, new): Three<'_, BTreeMap<String, V>>,
    ) -> BTreeMap<String, V> {
        let names: BTreeSet<&String> = image.keys().chain(new.keys()).collect();
        let pick = |name: &String| {
            let three = (&image.get(name).cloned(), &old.get(name).cloned(), &new.get(name).cloned());
            Some((name.clone(), self.pick(&format!("{what} {name}"), three)?))
        };
        names.into_iter().filter_map(pick).collect()
    }
}

/// What the image added is there, and what it removed is not.
fn set((image, old, new): Three<'_, Option<BTreeSet<String>>>) -> Option<BTreeSet<String>> {
    let has = |set: &Option<BTreeSet<String>>, item: &String| set.as_ref().is_some_and(|set| set.contains(item));
    let stays = |item: &&String| if has(image, item) == has(old, item) { has(new, item) } else { has(image, item) };
    let items: BTreeSet<String> = image.iter().chain(new).flatten().filter(stays).cloned().collect();
    if items.is_empty() { image.clone().filter(BTreeSet::is_empty) } else { Some(items) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::Healthcheck;

    fn words(words: &[&str]) -> Option<Vec<String>> {
        (!words.is_empty()).then(|| words.iter().map(|word| (*word).to_owned()).collect())
    }

    fn items(items: &[&str]) -> Option<BTreeSet<String>> {
        (!items.is_empty()).then(|| items.iter().map(|item| (*item).to_owned()).collect())
    }

    fn labels(labels: &[(&str, &str)]) -> Option<BTreeMap<String, String>> {
        (!labels.is_empty())
            .then(|| labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn what_the_image_did_not_touch_is_the_new_bases() {
        let old = ContainerConfig {
            env: words(&["PATH=/bin", "V=1", "OLD=x"]),
            cmd: words(&["sh"]),
            user: "1".to_owned(),
            working_dir: "/a".to_owned(),
            labels: labels(&[("version", "1"), ("gone", "")]),
            exposed_ports: items(&["1/tcp"]),
            volumes: items(&["/v"]),
            stop_signal: "SIGINT".to_owned(),
            shell: words(&["/bin/sh"]),
            healthcheck: Some(Healthcheck::default()),
            ..ContainerConfig::default()
        };
        let new = ContainerConfig {
            env: words(&["PATH=/usr/bin", "V=2", "NEW=y"]),
            entrypoint: words(&["/e"]),
            stop_timeout: Some(3),
            labels: labels(&[("version", "2")]),
            ..ContainerConfig::default()
        };
        assert_eq!(carry(&old, &old, &new), Carried { config: new.clone(), clashes: Vec::new() });
        // Nothing changes on the same base.
        assert_eq!(carry(&new, &old, &old), Carried { config: new, clashes: Vec::new() });
    }

    #[test]
    fn variables_and_labels_are_looked_at_one_by_one() {
        let old = words(&["PATH=/bin", "V=1", "GONE=1", "BOTH=1", "CUT=1"]);
        let image = words(&["PATH=/bin", "V=mine", "BOTH=image", "OWN=1", "CUT=mine"]);
        let new = words(&["FIRST=1", "BOTH=new", "PATH=/usr/bin", "V=1", "GONE=1"]);
        let config = |env| ContainerConfig { env, ..ContainerConfig::default() };
        let carried = carry(&config(image), &config(old), &config(new));
        assert_eq!(
            carried.config.env,
            words(&["FIRST=1", "BOTH=image", "PATH=/usr/bin", "V=mine", "OWN=1", "CUT=mine"])
        );
        assert_eq!(carried.clashes, ["variable BOTH", "variable CUT"]);
        let config = |labels| ContainerConfig { labels, ..ContainerConfig::default() };
        let carried = carry(
            &config(labels(&[("a", "1"), ("own", "1"), ("b", "mine")])),
            &config(labels(&[("a", "1"), ("b", "1"), ("c", "1")])),
            &config(labels(&[("a", "2"), ("b", "2"), ("c", "1"), ("d", "1")])),
        );
        assert_eq!(carried.config.labels, labels(&[("a", "2"), ("b", "mine"), ("d", "1"), ("own", "1")]));
        assert_eq!(carried.clashes, ["label b"]);
    }

    #[test]
    fn ports_and_volumes_that_were_removed_stay_so() {
        for (image, old, new, expected) in [
            (items(&["1", "2"]), items(&["1"]), items(&["3"]), items(&["2", "3"])),
            (None, items(&["1"]), items(&["1", "2"]), items(&["2"])),
            (items(&["1"]), None, None, items(&["1"])),
            (items(&["1"]), items(&["1"]), None, None),
            (None, None, items(&["1"]), items(&["1"])),
        ] {
            let config = |exposed_ports: Option<BTreeSet<String>>| ContainerConfig {
                volumes: exposed_ports.clone(),
                exposed_ports,
                ..ContainerConfig::default()
            };
            let carried = carry(&config(image), &config(old), &config(new)).config;
            assert_eq!((carried.exposed_ports, carried.volumes), (expected.clone(), expected));
        }
    }

    /// The entrypoint and the command of an image, of its old base and of the new one; what becomes of them, and what
    /// is told.
    #[test]
    fn an_entrypoint_comes_with_its_command() {
        type Command<'a> = (&'a [&'a str], &'a [&'a str]);
        let cases: [(Command, Command, Command, Command, &[&str]); 7] = [
            ((&[], &["sh"]), (&[], &["sh"]), (&["e"], &["bash"]), (&["e"], &["bash"]), &[]),
            ((&[], &["run"]), (&[], &["sh"]), (&["e"], &["sh"]), (&["e"], &["run"]), &[]),
            ((&[], &["run"]), (&[], &["sh"]), (&[], &["bash"]), (&[], &["run"]), &["command"]),
            ((&["mine"], &[]), (&["old"], &["sh"]), (&["old"], &["bash"]), (&["mine"], &[]), &[]),
            ((&["mine"], &["sh"]), (&[], &["sh"]), (&["e"], &["bash"]), (&["mine"], &["sh"]), &["entrypoint"]),
            ((&["e"], &["a"]), (&["e"], &["b"]), (&["f"], &["b"]), (&["f"], &["a"]), &[]),
            ((&[], &["sh"]), (&["e"], &["sh"]), (&["e"], &["x"]), (&[], &["sh"]), &[]),
        ];
        for (image, old, new, expected, clashes) in cases {
            let config = |(entrypoint, cmd): Command| ContainerConfig {
                entrypoint: words(entrypoint),
                cmd: words(cmd),
                ..ContainerConfig::default()
            };
            let carried = carry(&config(image), &config(old), &config(new));
            assert_eq!(carried.config, config(expected), "{image:?} {old:?} {new:?}");
            assert_eq!(carried.clashes, clashes, "{image:?} {old:?} {new:?}");
        }
    }

    #[test]
    fn single_values_and_unknown_ones_are_kept_where_they_differ() {
        let config = |user: &str, shell: Option<Vec<String>>, triggers: Option<Vec<String>>, memory: u64| {
            let other = [("Memory".to_owned(), memory.into())].into_iter().collect();
            ContainerConfig { user: user.to_owned(), shell, on_build: triggers, other, ..ContainerConfig::default() }
        };
        let carried = carry(
            &config("app", words(&["/bin/bash"]), words(&["RUN own"]), 5),
            &config("", words(&["/bin/sh"]), words(&["RUN old"]), 1),
            &config("nobody", words(&["/bin/sh"]), words(&["RUN new"]), 2),
        );
        assert_eq!(carried.config, config("app", words(&["/bin/bash"]), words(&["RUN own"]), 5));
        assert_eq!(carried.clashes, ["user", "setting Memory"]);
        let healthcheck = |interval| Some(Healthcheck { interval, ..Healthcheck::default() });
        let config = |healthcheck| ContainerConfig { healthcheck, ..ContainerConfig::default() };
        let carried = carry(&config(healthcheck(1)), &config(None), &config(healthcheck(2)));
        assert_eq!((carried.config.healthcheck, carried.clashes), (healthcheck(1), vec!["health check".to_owned()]));
    }
}
