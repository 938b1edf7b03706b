//! Docker's rule for what a config inherits from the image below it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::oci::{ContainerConfig, Healthcheck};

/// `user` where it says something, else `image`: what `docker create` makes of a command line and an image, and `docker
/// commit` of a changed config and the container's.
///
/// Variables, ports, volumes and labels of both are there, the user's variables first. The image's command comes only
/// with its entrypoint: an entrypoint of the user's comes without it. Docker inherits neither shell nor `ONBUILD`;
/// unknown fields are inherited, so that nothing is lost.
pub fn merge(user: ContainerConfig, image: &ContainerConfig) -> ContainerConfig {
    let ContainerConfig { mut cmd, mut entrypoint, mut args_escaped, .. } = user;
    if is_empty(entrypoint.as_ref()) {
        if is_empty(cmd.as_ref()) {
            cmd.clone_from(&image.cmd);
            args_escaped = image.args_escaped;
        }
        entrypoint = entrypoint.or_else(|| image.entrypoint.clone());
    }
    let mut other = image.other.clone();
    other.extend(user.other);
    ContainerConfig {
        user: or(user.user, &image.user),
        exposed_ports: union(user.exposed_ports, image.exposed_ports.as_ref()),
        env: variables(user.env, image.env.as_ref()),
        cmd,
        entrypoint,
        args_escaped,
        healthcheck: healthcheck(user.healthcheck, image.healthcheck.as_ref()),
        volumes: union(user.volumes, image.volumes.as_ref()),
        working_dir: or(user.working_dir, &image.working_dir),
        labels: Some(labels(user.labels, image.labels.as_ref())),
        stop_signal: or(user.stop_signal, &image.stop_signal),
        other,
        ..user
    }
}

fn is_empty(list: Option<&Vec<String>>) -> bool {
    list.is_none_or(Vec::is_empty)
}

fn or(user: String, image: &str) -> String {
    if user.is_empty() { image.to_owned() } else { user }
}

fn union(user: Option<BTreeSet<String>>, image: Option<&BTreeSet<String>>) -> Option<BTreeSet<String>> {
    match user.filter(|set| !set.is_empty()) {
        None => image.cloned(),
        Some(set) => Some(set.into_iter().chain(image.into_iter().flatten().cloned()).collect()),
    }
}

fn variables(user: Option<Vec<String>>, image: Option<&Vec<String>>) -> Option<Vec<String>> {
    let Some(mut settings) = user.filter(|settings| !settings.is_empty()) else { return image.cloned() };
    let names: HashSet<String> = settings.iter().map(|setting| key(setting).to_owned()).collect();
    settings.extend(image.into_iter().flatten().filter(|setting| !names.contains(key(setting))).cloned());
    Some(settings)
}

fn labels(
    user: Option<BTreeMap<String, String>>,
    image: Option<&BTreeMap<String, String>>,
) -> BTreeMap<String, String> {
    let mut labels = image.cloned().unwrap_or_default();
    labels.extend(user.unwrap_or_default());
    labels
}

/// Field by field.
fn healthcheck(user: Option<Healthcheck>, image: Option<&Healthcheck>) -> Option<Healthcheck> {
    let (Some(user), Some(image)) = (user.clone(), image) else { return user.or_else(|| image.cloned()) };
    let number = |user: i64, image: i64| if user == 0 { image } else { user };
    Some(Healthcheck {
        test: if user.test.is_empty() { image.test.clone() } else { user.test },
        interval: number(user.interval, image.interval),
        timeout: number(user.timeout, image.timeout),
        start_period: number(user.start_period, image.start_period),
        start_interval: number(user.start_interval, image.start_interval),
        retries: number(user.retries, image.retries),
        other: user.other,
    })
}

/// The name of an environment variable's setting.
pub(super) fn key(setting: &str) -> &str {
    setting.split_once('=').map_or(setting, |(key, _)| key)
}
