//! What is in a manifest: layers, history, config, annotations.

use std::collections::BTreeMap;

use super::frame;
use super::html::Html;
use super::read::moment;
use crate::oci::{ContainerConfig, Descriptor, History, ImageConfig, Index, Manifest};

/// How many rows a table has.
const MAX_ROWS: usize = 500;

/// A step of an image's history.
struct Step<'a> {
    number: String,
    history: Option<&'a History>,
    layer: Option<&'a Descriptor>,
}

/// An image: its layers with the steps that made them, and its config.
pub(super) fn image(main: &mut Html, manifest: &Manifest, config: &ImageConfig) {
    let steps = steps(manifest, config);
    let count = manifest.layers.len();
    let caption = format!("Layers and history: {count} {}", if count == 1 { "layer" } else { "layers" });
    main.table(&caption, &["Layer", "Command", "Size", "Digest", "Created"], &steps, |td, step, column| match column {
        0 => td.text(&step.number),
        1 => command(td, step),
        2 => {
            if let Some(layer) = step.layer {
                frame::size(td, layer.size);
            }
        }
        3 => {
            if let Some(layer) = step.layer {
                frame::digest(td, &layer.digest.to_string(), None);
            }
        }
        _ => {
            if let Some(created) = step.history.and_then(|step| moment(step.created.as_ref())) {
                frame::age(td, Some(created));
            }
        }
    });
    main.tag("h2", "Config");
    main.element("dl", &[], |list| {
        term(list, "Platform", |dd| dd.text(&config.platform().to_string()));
        term(list, "Config digest", |dd| dd.tag("code", &manifest.config.digest.to_string()));
        if !config.author.is_empty() {
            term(list, "Author", |dd| dd.long(&config.author));
        }
        if let Some(container) = &config.config {
            self::container(list, container);
        }
    });
    if let Some(labels) = config.config.as_ref().and_then(|container| container.labels.as_ref()) {
        annotations(main, "Labels", labels);
    }
    annotations(main, "Annotations", &manifest.annotations);
}

fn command(td: &mut Html, step: &Step<'_>) {
    let Some(history) = step.history else {
        return td.element("span", &[("class", "quiet")], |span| span.text("unknown"));
    };
    let text = if history.created_by.is_empty() { &history.comment } else { &history.created_by };
    td.element("span", &[("class", "value mono")], |span| span.long(text));
}

/// The steps of the history with the layers that they made, oldest first. Layers without a step are at the end.
fn steps<'a>(manifest: &'a Manifest, config: &'a ImageConfig) -> Vec<Step<'a>> {
    let history = config.layer_history().unwrap_or_default();
    let mut used = 0;
    let mut steps = Vec::new();
    for (step, layer) in history {
        let layer = layer.and_then(|at| Some((at, manifest.layers.get(at)?)));
        used = layer.map_or(used, |(at, _)| at + 1);
        let number = layer.map(|(at, _)| (at + 1).to_string()).unwrap_or_default();
        steps.push(Step { number, history: Some(step), layer: layer.map(|(_, layer)| layer) });
    }
    for (at, layer) in manifest.layers.iter().enumerate().skip(used) {
        steps.push(Step { number: (at + 1).to_string(), history: None, layer: Some(layer) });
    }
    steps.truncate(MAX_ROWS);
    steps
}

fn container(list: &mut Html, config: &ContainerConfig) {
    let words = |words: Option<&Vec<String>>| words.filter(|words| !words.is_empty()).map(|words| shell(words));
    let one = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let set = |set: Option<&std::collections::BTreeSet<String>>| {
        set.filter(|set| !set.is_empty()).map(|set| set.iter().cloned().collect::<Vec<_>>().join(", "))
    };
    let healthcheck = config.healthcheck.as_ref().map(|check| shell(&check.test)).filter(|text| !text.is_empty());
    let facts = [
        ("Entrypoint", words(config.entrypoint.as_ref())),
        ("Cmd", words(config.cmd.as_ref())),
        ("Shell", words(config.shell.as_ref())),
        ("User", one(&config.user)),
        ("Working directory", one(&config.working_dir)),
        ("Ports", set(config.exposed_ports.as_ref())),
        ("Volumes", set(config.volumes.as_ref())),
        ("Stop signal", one(&config.stop_signal)),
        ("Health check", healthcheck),
    ];
    for (name, text) in facts {
        if let Some(text) = text {
            term(list, name, |dd| dd.element("span", &[("class", "value mono")], |span| span.long(&text)));
        }
    }
    if let Some(env) = config.env.as_ref().filter(|env| !env.is_empty()) {
        term(list, "Environment", |dd| {
            dd.element("ul", &[], |list| {
                for variable in env.iter().take(MAX_ROWS) {
                    list.element("li", &[("class", "value mono")], |item| item.long(variable));
                }
            });
        });
    }
}

/// Words as docker shows them.
fn shell(words: &[String]) -> String {
    serde_json::to_string(words).unwrap_or_default()
}

/// An artifact: its parts.
pub(super) fn artifact(main: &mut Html, manifest: &Manifest) {
    let parts: Vec<&Descriptor> = manifest.layers.iter().take(MAX_ROWS).collect();
    main.table("Content", &["Name", "Type", "Size", "Digest"], &parts, |td, part, column| match column {
        0 => td.element("span", &[("class", "value")], |span| {
            span.long(part.annotation("org.opencontainers.image.title").unwrap_or("–"));
        }),
        1 => td.tag("span", part.media_type.as_str()),
        2 => frame::size(td, part.size),
        _ => frame::digest(td, &part.digest.to_string(), None),
    });
    annotations(main, "Annotations", &manifest.annotations);
}

/// The manifests of an index in an index.
pub(super) fn entries(main: &mut Html, index: &Index) {
    let entries: Vec<&Descriptor> = index.manifests.iter().take(MAX_ROWS).collect();
    main.table("Manifests", &["Type", "Size", "Digest"], &entries, |td, entry, column| match column {
        0 => td.tag("span", entry.media_type.as_str()),
        1 => frame::size(td, entry.size),
        _ => frame::digest(td, &entry.digest.to_string(), None),
    });
}

/// A document that is neither an image nor an index.
pub(super) fn raw(main: &mut Html, descriptor: &Descriptor, bytes: &[u8]) {
    main.tag("h2", descriptor.media_type.as_str());
    main.element("code", &[("class", "command value")], |code| code.long(&String::from_utf8_lossy(bytes)));
}

/// Names and values from an image, if there are any.
pub(super) fn annotations(main: &mut Html, heading: &str, all: &BTreeMap<String, String>) {
    if all.is_empty() {
        return;
    }
    let rows: Vec<_> = all.iter().take(MAX_ROWS).collect();
    main.table(heading, &["Name", "Value"], &rows, |td, (name, value), column| {
        let text = if column == 0 { name } else { value };
        td.element("span", &[("class", "value mono")], |span| span.long(text));
    });
}

/// A name and what belongs to it.
pub(super) fn term(list: &mut Html, name: &str, inside: impl FnOnce(&mut Html)) {
    list.tag("dt", name);
    list.element("dd", &[], inside);
}
