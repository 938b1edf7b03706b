//! `inspect`: all that is known of an image, in docker's JSON.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Context, Error, FoundImage};
use crate::image::{Image, manifest};
use crate::oci::{Created, Descriptor, DiffId, Digest, ImageConfig, ImageId, Platform, Reference};
use crate::store::CatalogEntry;

/// An image as docker 29 describes it: its fields in its order, empty ones left out as it leaves them out.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Inspect {
    /// The digest of the config.
    pub id: ImageId,
    /// Familiar names with tags.
    pub repo_tags: Vec<String>,
    /// Familiar names with the digest of the manifest or index.
    pub repo_digests: Vec<String>,
    /// The image that it was committed on, if that is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<ImageId>,
    /// The config's comment, or that of its newest history entry.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Created>,
    /// The version of docker that made it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub docker_version: String,
    /// Who made it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// What containers of it get, with whatever else the config says there.
    pub config: Value,
    /// The processor it is made for.
    pub architecture: String,
    /// The processor's variant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The operating system it is made for; that of the host if the config does not say, as docker has it.
    pub os: String,
    /// The version of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// The bytes of its files, layer by layer, as docker counts them.
    pub size: u64,
    /// Its layers.
    #[serde(rename = "RootFS")]
    pub root_fs: RootFs,
    /// What docker keeps beside an image.
    pub metadata: Metadata,
    /// The manifest or index that leads to it; docker-archives have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descriptor: Option<Descriptor>,
}

/// The layers of an image.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RootFs {
    /// Always `layers`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// The diff IDs, bottom first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<DiffId>,
}

/// What docker keeps beside an image.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Metadata {
    /// When it was last tagged, which is not kept here: Go's zero time.
    pub last_tag_time: Created,
}

/// Describes the image that was typed.
pub fn inspect(context: &Context, typed: &str, platform: Option<&Platform>) -> Result<Inspect, Error> {
    let found = context.find_for(typed, platform)?;
    let image = found.image(platform, &context.host)?;
    let size = context.image_size(&found, image)?;
    let config = image.config.value();
    let names = names(context, &found, image.id())?;
    let mut repo_digests = Vec::new();
    for (name, digest) in &names {
        let name = digest.map(|digest| name.without_tag().with_digest(digest).familiar());
        repo_digests.extend(name.filter(|name| !repo_digests.contains(name)));
    }
    Ok(Inspect {
        id: image.id(),
        repo_tags: names.iter().filter(|(name, _)| name.tag().is_some()).map(|(name, _)| name.familiar()).collect(),
        repo_digests,
        parent: context.ancestors(&found)?.first().copied(),
        comment: comment(config),
        docker_version: config.docker_version.clone(),
        created: config.created,
        author: config.author.clone(),
        config: filled(config),
        architecture: config.architecture.clone(),
        variant: config.variant.clone().filter(|variant| !variant.is_empty()),
        os: if config.os.is_empty() { context.host.os.clone() } else { config.os.clone() },
        os_version: config.os_version.clone().filter(|version| !version.is_empty()),
        size,
        root_fs: RootFs { kind: "layers".to_owned(), layers: config.rootfs.diff_ids.clone() },
        metadata: Metadata { last_tag_time: Created::go_zero() },
        descriptor: platform.and_then(|_| of_manifest(image)).or_else(|| found.descriptor.clone()),
    })
}

/// What an index says of the image's own manifest: docker describes that where a platform was asked for.
fn of_manifest(image: &Image) -> Option<Descriptor> {
    let descriptor = manifest::descriptor(image.manifest.as_ref()?);
    Some(Descriptor { platform: image.described_platform.clone(), ..descriptor })
}

/// All names of the image, each with the manifest or index that it leads to, if that is known.
fn names(context: &Context, found: &FoundImage, id: ImageId) -> Result<Vec<(Reference, Option<Digest>)>, Error> {
    if !found.in_store() {
        let digest = found.descriptor.as_ref().map(|descriptor| descriptor.digest);
        return Ok(found.all_names.iter().map(|name| (name.clone(), digest)).collect());
    }
    let catalog = context.store.catalog()?;
    let with_digest = |entry: &CatalogEntry| entry.name.clone().map(|name| (name, Some(entry.descriptor.digest)));
    let mut names: Vec<_> = context.entries_of(&catalog, &id).into_iter().filter_map(with_digest).collect();
    names.sort();
    Ok(names)
}

impl Inspect {
    /// As it is printed: without fields that say nothing.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("what is inspected is JSON")
    }
}

fn comment(config: &ImageConfig) -> String {
    let newest = || config.history.last().map(|entry| entry.comment.clone());
    Some(config.comment.clone()).filter(|comment| !comment.is_empty()).or_else(newest).unwrap_or_default()
}

/// The fields that docker 29 prints of a container's config, in its order; whatever else is set follows.
const DOCKERS_ORDER: [&str; 13] = [
    "User",
    "ExposedPorts",
    "Env",
    "Entrypoint",
    "Cmd",
    "Volumes",
    "WorkingDir",
    "Labels",
    "StopSignal",
    "ArgsEscaped",
    "Healthcheck",
    "OnBuild",
    "Shell",
];

/// The container's part of the config without what says nothing, as docker 29 prints it.
fn filled(config: &ImageConfig) -> Value {
    let config = config.config.clone().unwrap_or_default();
    let Ok(Value::Object(mut fields)) = serde_json::to_value(config) else { return Value::Null };
    let mut filled = Map::new();
    for name in DOCKERS_ORDER {
        filled.extend(fields.shift_remove(name).map(|value| (name.to_owned(), value)));
    }
    filled.extend(fields);
    filled.retain(|_, value| match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Number(_) => true,
    });
    Value::Object(filled)
}
