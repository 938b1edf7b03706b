//! Changes to a config one value at a time: setting one, and what no Dockerfile can do, removing one.

use super::merge::key;
use super::{ChangeError, ConfigChange, Performer, ports};
use crate::dockerfile::Instruction;
use crate::oci::{ContainerConfig, Healthcheck};

/// One value that is set or removed.
#[derive(Debug, Clone, PartialEq)]
pub enum Adjustment {
    /// It is set as the instruction of a Dockerfile would, but its text is taken as it stands, without variables.
    Set(Box<Instruction>),
    /// It is removed.
    Remove(Removal),
}

/// A value that is removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// The variable of that name.
    Env(String),
    /// The label of that name.
    Label(String),
    /// The entrypoint; the command stays.
    Entrypoint,
    /// The command.
    Cmd,
    /// The user: containers run as root.
    User,
    /// The working directory: containers start in `/`.
    Workdir,
    /// A port, or several of them: `80`, `53/udp`, `8000-8010`.
    Expose(String),
    /// A volume.
    Volume(String),
    /// The signal: containers are stopped with SIGTERM.
    StopSignal,
    /// The health check, also `NONE`: that of the image below is inherited again.
    Healthcheck,
    /// The instructions for images that are built on this one.
    Onbuild,
}

/// A value of a config that a flag of `edit` is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// `NAME=VALUE`, or `NAME-`.
    Env,
    /// `NAME=VALUE`, `NAME`, or `NAME-`.
    Label,
    /// As in a Dockerfile, or `-`.
    Entrypoint,
    /// As in a Dockerfile, or `-`.
    Cmd,
    /// A user, or `-`.
    User,
    /// A directory, or `-`.
    Workdir,
    /// A port, or one with `-` at its end.
    Expose,
    /// A directory, or one with `-` at its end.
    Volume,
    /// A signal, or `-`.
    StopSignal,
    /// `none`, the rest of a `HEALTHCHECK`, or `-`.
    Healthcheck,
    /// An instruction, or `-`.
    Onbuild,
}

/// What became of the changes that were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Adjusted {
    /// What was to be removed and was not there.
    pub missing: Vec<Removal>,
    /// The command that a new entrypoint cleared, as in a Dockerfile.
    pub cleared: Option<Vec<String>>,
}

impl Adjustment {
    /// Reads what was typed for a setting.
    pub fn parse(setting: Setting, typed: &str) -> Result<Self, ChangeError> {
        if typed == "-"
            && let Some(removal) = setting.whole()
        {
            return Ok(Self::Remove(removal));
        }
        let set = |instruction| Ok(Self::Set(Box::new(instruction)));
        match setting {
            Setting::Env => match pair(typed) {
                Some((name, Some(value))) => set(Instruction::Env(vec![(name, value)])),
                Some((name, None)) => Ok(Self::Remove(Removal::Env(name))),
                None => Err(ChangeError::NotASetting { expected: "NAME=VALUE, or NAME- to remove it" }),
            },
            Setting::Label => match pair(typed) {
                Some((name, Some(value))) => set(Instruction::Label(vec![(name, value)])),
                Some((name, None)) => Ok(Self::Remove(Removal::Label(name))),
                None if !typed.is_empty() && !typed.starts_with('=') => {
                    set(Instruction::Label(vec![(typed.to_owned(), String::new())]))
                }
                None => Err(ChangeError::NotASetting { expected: "NAME=VALUE, or NAME- to remove it" }),
            },
            Setting::Expose => match typed.strip_suffix('-') {
                Some(port) => ports::parse(port).map(|_| Self::Remove(Removal::Expose(port.to_owned()))),
                None => set(Instruction::Expose(vec![typed.to_owned()])),
            },
            Setting::Volume => match typed.strip_suffix('-') {
                Some(volume) => Ok(Self::Remove(Removal::Volume(volume.to_owned()))),
                None => set(Instruction::Volume(vec![typed.to_owned()])),
            },
            Setting::User if typed.is_empty() => {
                Err(ChangeError::NotASetting { expected: "a user, or - to remove it" })
            }
            Setting::User => set(Instruction::User(typed.to_owned())),
            Setting::Workdir => set(Instruction::Workdir(typed.to_owned())),
            Setting::StopSignal => set(Instruction::StopSignal(typed.to_owned())),
            Setting::Healthcheck if typed.eq_ignore_ascii_case("none") => {
                set(Instruction::Healthcheck(Healthcheck { test: vec!["NONE".to_owned()], ..Healthcheck::default() }))
            }
            Setting::Entrypoint => instruction("ENTRYPOINT", typed),
            Setting::Cmd => instruction("CMD", typed),
            Setting::Healthcheck => instruction("HEALTHCHECK", typed),
            Setting::Onbuild => instruction("ONBUILD", typed),
        }
    }
}

impl Setting {
    /// What `-` alone removes.
    fn whole(self) -> Option<Removal> {
        match self {
            Self::Entrypoint => Some(Removal::Entrypoint),
            Self::Cmd => Some(Removal::Cmd),
            Self::User => Some(Removal::User),
            Self::Workdir => Some(Removal::Workdir),
            Self::StopSignal => Some(Removal::StopSignal),
            Self::Healthcheck => Some(Removal::Healthcheck),
            Self::Onbuild => Some(Removal::Onbuild),
            Self::Env | Self::Label | Self::Expose | Self::Volume => None,
        }
    }
}

/// `NAME=VALUE`, or `NAME-`, whose value is `None`.
fn pair(typed: &str) -> Option<(String, Option<String>)> {
    let (name, value) = match typed.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (typed.strip_suffix('-')?, None),
    };
    (!name.is_empty()).then(|| (name.to_owned(), value))
}

/// One instruction with a text that a Dockerfile may have behind it.
fn instruction(keyword: &str, text: &str) -> Result<Adjustment, ChangeError> {
    // A second line would be a second instruction.
    let line = format!("{keyword} {}", text.replace('\n', " "));
    let mut changes = ConfigChange::parse_all(&[line])?;
    let refuse = || ChangeError::NotAChange { instruction: keyword.to_owned() };
    changes
        .pop()
        .filter(|_| changes.is_empty())
        .map(|change| Adjustment::Set(Box::new(change.instruction)))
        .ok_or_else(refuse)
}

/// Makes the changes in their order; the config is as it was if one of them cannot be made. A new entrypoint clears
/// the command, as in a Dockerfile, unless the changes set one.
pub fn adjust(config: &mut ContainerConfig, adjustments: &[Adjustment]) -> Result<Adjusted, ChangeError> {
    let (mut changed, mut performer, mut adjusted) = (config.clone(), Performer::default(), Adjusted::default());
    for adjustment in adjustments {
        match adjustment {
            Adjustment::Set(instruction) => performer.perform(&mut changed, instruction)?,
            Adjustment::Remove(removal) if !remove(&mut changed, removal) => adjusted.missing.push(removal.clone()),
            Adjustment::Remove(_) => {}
        }
    }
    let is_about_command = |adjustment: &Adjustment| match adjustment {
        Adjustment::Set(instruction) => matches!(**instruction, Instruction::Cmd(_)),
        Adjustment::Remove(removal) => *removal == Removal::Cmd,
    };
    if changed.cmd.is_none() && !adjustments.iter().any(is_about_command) {
        adjusted.cleared = config.cmd.clone().filter(|words| !words.is_empty());
    }
    *config = changed;
    Ok(adjusted)
}

/// Removes a value; whether it was there.
fn remove(config: &mut ContainerConfig, removal: &Removal) -> bool {
    match removal {
        Removal::Env(name) => shorten(&mut config.env, |setting| key(setting) != name),
        Removal::Label(name) => {
            let was_there = config.labels.as_mut().and_then(|labels| labels.remove(name)).is_some();
            config.labels = config.labels.take().filter(|labels| !labels.is_empty());
            was_there
        }
        Removal::Entrypoint => config.entrypoint.take().is_some(),
        Removal::Cmd => config.cmd.take().is_some(),
        Removal::User => !std::mem::take(&mut config.user).is_empty(),
        Removal::Workdir => !std::mem::take(&mut config.working_dir).is_empty(),
        Removal::StopSignal => !std::mem::take(&mut config.stop_signal).is_empty(),
        Removal::Healthcheck => config.healthcheck.take().is_some(),
        Removal::Onbuild => config.on_build.take().is_some_and(|triggers| !triggers.is_empty()),
        Removal::Volume(volume) => {
            let was_there = config.volumes.as_mut().is_some_and(|volumes| volumes.remove(volume));
            config.volumes = config.volumes.take().filter(|volumes| !volumes.is_empty());
            was_there
        }
        Removal::Expose(port) => {
            let Some(exposed) = &mut config.exposed_ports else { return false };
            let before = exposed.len();
            for port in ports::parse(port).into_iter().flatten() {
                exposed.remove(&port);
            }
            let was_there = exposed.len() < before;
            config.exposed_ports = config.exposed_ports.take().filter(|exposed| !exposed.is_empty());
            was_there
        }
    }
}

/// Keeps some of a list, which is `None` when nothing is left; whether it got shorter.
fn shorten(list: &mut Option<Vec<String>>, keep: impl FnMut(&String) -> bool) -> bool {
    let Some(kept) = list else { return false };
    let before = kept.len();
    let mut keep = keep;
    kept.retain(|item| keep(item));
    let is_shorter = kept.len() < before;
    if kept.is_empty() {
        *list = None;
    }
    is_shorter
}

impl std::fmt::Display for Removal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "variable {name}"),
            Self::Label(name) => write!(f, "label {name}"),
            Self::Entrypoint => f.write_str("entrypoint"),
            Self::Cmd => f.write_str("command"),
            Self::User => f.write_str("user"),
            Self::Workdir => f.write_str("working directory"),
            Self::Expose(port) => write!(f, "port {port}"),
            Self::Volume(volume) => write!(f, "volume {volume}"),
            Self::StopSignal => f.write_str("stop signal"),
            Self::Healthcheck => f.write_str("health check"),
            Self::Onbuild => f.write_str("ONBUILD instruction"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> ContainerConfig {
        let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        ContainerConfig {
            env: words(&["PATH=/bin", "A=1", "AB=2"]),
            cmd: words(&["serve"]),
            entrypoint: words(&["/entry"]),
            user: "u".to_owned(),
            working_dir: "/srv".to_owned(),
            stop_signal: "SIGINT".to_owned(),
            labels: Some([("a".to_owned(), "1".to_owned())].into()),
            exposed_ports: Some(["80/tcp", "53/udp", "8001/tcp"].map(str::to_owned).into()),
            volumes: Some(["/data".to_owned()].into()),
            ..ContainerConfig::default()
        }
    }

    fn edited(changes: &[(Setting, &str)]) -> Result<(ContainerConfig, Adjusted), String> {
        let mut config = config();
        let adjustments: Result<Vec<_>, _> =
            changes.iter().map(|(setting, typed)| Adjustment::parse(*setting, typed)).collect();
        let adjusted = adjust(&mut config, &adjustments.map_err(|error| error.to_string())?);
        Ok((config, adjusted.map_err(|error| error.to_string())?))
    }

    #[test]
    fn everything_that_is_set_can_be_removed() {
        let changes = [
            (Setting::Env, "PATH-"),
            (Setting::Env, "A-"),
            (Setting::Env, "AB-"),
            (Setting::Label, "a-"),
            (Setting::Entrypoint, "-"),
            (Setting::Cmd, "-"),
            (Setting::User, "-"),
            (Setting::Workdir, "-"),
            (Setting::StopSignal, "-"),
            (Setting::Expose, "80-"),
            (Setting::Expose, "53/udp-"),
            (Setting::Expose, "8000-8001-"),
            (Setting::Volume, "/data-"),
        ];
        let (empty, adjusted) = edited(&changes).expect("all were there");
        assert_eq!((empty, adjusted), (ContainerConfig::default(), Adjusted::default()));
    }

    #[test]
    fn values_are_taken_as_they_stand() {
        let (config, _) = edited(&[
            (Setting::Env, "A=$PATH \"x\"="),
            (Setting::Label, "b"),
            (Setting::Label, "c=x-"),
            (Setting::Env, "N=-"),
        ])
        .expect("a config");
        assert_eq!(config.env.expect("some"), ["PATH=/bin", "A=$PATH \"x\"=", "AB=2", "N=-"]);
        let labels: Vec<_> = config.labels.expect("some").into_iter().collect();
        let expected = [("a", "1"), ("b", ""), ("c", "x-")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(labels, expected);
    }

    #[test]
    fn a_new_entrypoint_clears_the_command_and_its_removal_does_not() {
        let (config, adjusted) = edited(&[(Setting::Entrypoint, r#"["/new"]"#)]).expect("a config");
        assert_eq!((config.cmd, adjusted.cleared), (None, Some(vec!["serve".to_owned()])));
        let (config, adjusted) = edited(&[(Setting::Entrypoint, "-")]).expect("a config");
        assert_eq!((config.cmd, adjusted.cleared), (Some(vec!["serve".to_owned()]), None));
        for order in [[0, 1], [1, 0]] {
            let changes = [(Setting::Entrypoint, "/new a"), (Setting::Cmd, r#"["b"]"#)];
            let (config, adjusted) = edited(&order.map(|place| changes[place])).expect("a config");
            let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
            assert_eq!((config.entrypoint, config.cmd), (words(&["/bin/sh", "-c", "/new a"]), words(&["b"])));
            assert_eq!(adjusted, Adjusted::default());
        }
    }

    #[test]
    fn what_is_not_there_is_told() {
        let (_, adjusted) = edited(&[(Setting::Env, "B-"), (Setting::Expose, "81-"), (Setting::Healthcheck, "-")])
            .expect("nothing to do");
        let missing: Vec<String> = adjusted.missing.iter().map(ToString::to_string).collect();
        assert_eq!(missing, ["variable B", "port 81", "health check"]);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let cases = [
            ((Setting::Env, "A"), "expected NAME=VALUE, or NAME- to remove it"),
            ((Setting::Env, "=a"), "expected NAME=VALUE, or NAME- to remove it"),
            ((Setting::Env, "-"), "expected NAME=VALUE, or NAME- to remove it"),
            ((Setting::Label, ""), "expected NAME=VALUE, or NAME- to remove it"),
            ((Setting::StopSignal, "SIGX"), "invalid signal: SIGX"),
            ((Setting::Expose, "x"), "invalid containerPort: x"),
            ((Setting::Expose, "x-"), "invalid containerPort: x"),
            ((Setting::Volume, ""), "VOLUME specified can not be an empty string"),
            ((Setting::Workdir, ""), "cannot normalize nothing"),
        ];
        for (change, expected) in cases {
            assert_eq!(edited(&[change]).expect_err(expected), expected);
        }
    }

    #[test]
    fn a_health_check_is_that_of_a_dockerfile() {
        let test = |typed| edited(&[(Setting::Healthcheck, typed)]).expect("a config").0.healthcheck.expect("one");
        assert_eq!(test("none").test, ["NONE"]);
        let check = test("--interval=5s CMD curl -f localhost");
        assert_eq!((check.test, check.interval), (vec!["CMD-SHELL".into(), "curl -f localhost".into()], 5_000_000_000));
        assert_eq!(
            edited(&[(Setting::Onbuild, "RUN x\nUSER y")]).expect("one").0.on_build,
            Some(vec!["RUN x USER y".into()])
        );
    }
}
