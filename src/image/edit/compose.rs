//! The configs of new images.

use crate::oci::{ContainerConfig, Created, DiffId, Document, History, ImageConfig, Platform, Rootfs};

/// What one step adds to the image below it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BuildStep {
    /// The layer; `None` if the step changed no file.
    pub layer: Option<DiffId>,
    /// When it was made.
    pub created: Option<Created>,
    /// The author; may be empty.
    pub author: String,
    /// The command that made it; may be empty.
    pub created_by: String,
    /// The comment; may be empty.
    pub comment: String,
}

/// An empty config to start from: no layers, no history, only the platform.
pub fn scratch(platform: &Platform) -> ImageConfig {
    ImageConfig {
        architecture: platform.architecture.clone(),
        os: platform.os.clone(),
        variant: platform.variant.clone(),
        os_version: platform.os_version.clone(),
        os_features: platform.os_features.clone(),
        ..ImageConfig::default()
    }
}

/// The config of an image one step above `base`, as `docker commit` makes it.
///
/// Unknown fields are kept from `base`; those about the container that `base` was committed from are removed. The
/// comment is in the history only, as in Docker.
pub fn child(base: &ImageConfig, config: ContainerConfig, step: BuildStep) -> Document<ImageConfig> {
    let mut rootfs = base.rootfs.clone();
    rootfs.diff_ids.extend(step.layer);
    let author = step.author.clone();
    let (created, history) = (step.created, step.history());
    Document::make(ImageConfig {
        author,
        comment: String::new(),
        config: Some(config),
        created,
        history: base.history.iter().cloned().chain([history]).collect(),
        rootfs,
        ..without_container(base)
    })
}

/// The config of an image whose only layer is that of `step`, as `docker import` makes it: one entry of history, and
/// the comment at the top too. All else is as in `base`.
pub fn flat(base: &ImageConfig, config: ContainerConfig, step: BuildStep) -> Document<ImageConfig> {
    let (layer, created, history) = (step.layer, step.created, step.history());
    Document::make(ImageConfig {
        comment: history.comment.clone(),
        config: Some(config),
        created,
        history: vec![history],
        rootfs: Rootfs::new(layer.into_iter().collect()),
        ..without_container(base)
    })
}

impl BuildStep {
    fn history(self) -> History {
        History {
            created: self.created,
            author: self.author,
            created_by: self.created_by,
            comment: self.comment,
            empty_layer: self.layer.is_none(),
            ..History::default()
        }
    }
}

fn without_container(base: &ImageConfig) -> ImageConfig {
    ImageConfig { container: String::new(), container_config: None, docker_version: String::new(), ..base.clone() }
}
