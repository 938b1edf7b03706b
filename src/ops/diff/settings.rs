//! What two images say of how they run: their configs as lines, in the words of a Dockerfile.

use std::collections::BTreeSet;

use crate::oci::{ImageConfig, go_json};

/// One of two images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The one that was named first.
    Old,
    /// The other.
    New,
}

/// A line that only one of two images has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideLine {
    /// Which one has it.
    pub side: Side,
    /// The line: `ENV PATH=/bin`.
    pub text: String,
}

/// The lines that only one of two configs has: by instruction, and those of the old one first.
pub(super) fn compare(old: &ImageConfig, new: &ImageConfig) -> Vec<SideLine> {
    let (olds, news) = (lines(old), lines(new));
    let known: BTreeSet<&Line> = olds.iter().collect();
    let kept: BTreeSet<&Line> = news.iter().filter(|line| known.contains(line)).collect();
    let only = |lines: &[Line], side| {
        let lines = lines.iter().filter(|line| !kept.contains(line)).cloned();
        lines.map(|line| (line.0, line.1, side, line.2)).collect::<Vec<_>>()
    };
    let mut all = only(&olds, Side::Old);
    all.extend(only(&news, Side::New));
    all.sort();
    all.into_iter().map(|(_, _, side, text)| SideLine { side, text }).collect()
}

/// The place of the instruction, what it is about (the name of a variable), and the text.
type Line = (usize, String, String);

fn lines(config: &ImageConfig) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut add = |place: usize, about: &str, text: String| lines.push((place, about.to_owned(), text));
    let json = |words: &[String]| String::from_utf8_lossy(&go_json::to_vec(&words)).into_owned();
    add(0, "", format!("PLATFORM {}", config.platform()));
    if !config.author.is_empty() {
        add(1, "", format!("AUTHOR {}", config.author));
    }
    let Some(container) = &config.config else { return lines };
    for (place, word, value) in [
        (2, "USER", &container.user),
        (3, "WORKDIR", &container.working_dir),
        (4, "STOPSIGNAL", &container.stop_signal),
    ] {
        if !value.is_empty() {
            add(place, "", format!("{word} {value}"));
        }
    }
    for (place, word, words) in
        [(5, "ENTRYPOINT", &container.entrypoint), (6, "CMD", &container.cmd), (7, "SHELL", &container.shell)]
    {
        if let Some(words) = words.as_deref().filter(|words| !words.is_empty()) {
            add(place, "", format!("{word} {}", json(words)));
        }
    }
    for setting in container.env.iter().flatten() {
        add(8, setting.split('=').next().unwrap_or_default(), format!("ENV {setting}"));
    }
    for (name, value) in container.labels.iter().flatten() {
        add(9, name, format!("LABEL {name}={value}"));
    }
    for port in container.exposed_ports.iter().flatten() {
        add(10, port, format!("EXPOSE {port}"));
    }
    for volume in container.volumes.iter().flatten() {
        add(11, volume, format!("VOLUME {volume}"));
    }
    for (at, trigger) in container.on_build.iter().flatten().enumerate() {
        add(12, &format!("{at:06}"), format!("ONBUILD {trigger}"));
    }
    if let Some(check) = &container.healthcheck {
        add(13, "", format!("HEALTHCHECK {}", String::from_utf8_lossy(&go_json::to_vec(check))));
    }
    lines
}
