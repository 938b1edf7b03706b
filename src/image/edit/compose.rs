//! The configs of new images.

use crate::oci::{ContainerConfig, Created, DiffId, Document, History, ImageConfig, Platform, Rootfs};

/// What one step adds to the image below it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Step {
    /// The layer; `None` if the step changed no file.
    pub layer: Option<DiffId>,
    /// When it was made.
    pub created: Option<Created>,
    /// Who made it; empty if nobody said.
    pub author: String,
    /// The command that made it; empty if there was none.
    pub created_by: String,
    /// What was said about it; empty if nothing was.
    pub comment: String,
}

/// The config of no image yet: no layers, no history, only what it is to run on.
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
/// Fields that we do not know stay as they are in `base`. What tells of the container that `base` was made of goes. The
/// comment stands in the history alone, as Docker has it.
pub fn child(base: &ImageConfig, config: ContainerConfig, step: Step) -> Document<ImageConfig> {
    let mut rootfs = base.rootfs.clone();
    rootfs.diff_ids.extend(step.layer);
    let mut history = base.history.clone();
    history.push(entry(&step));
    Document::make(ImageConfig {
        author: step.author,
        comment: String::new(),
        config: Some(config),
        created: step.created,
        history,
        rootfs,
        ..without_container(base)
    })
}

/// The config of an image whose only layer is that of `step`, as `docker import` makes it: one entry of history, and
/// the comment at the top too. All else is as in `base`.
pub fn flat(base: &ImageConfig, config: ContainerConfig, step: Step) -> Document<ImageConfig> {
    Document::make(ImageConfig {
        comment: step.comment.clone(),
        config: Some(config),
        created: step.created,
        history: vec![entry(&step)],
        rootfs: Rootfs::new(step.layer.into_iter().collect()),
        ..without_container(base)
    })
}

fn entry(step: &Step) -> History {
    History {
        created: step.created,
        author: step.author.clone(),
        created_by: step.created_by.clone(),
        comment: step.comment.clone(),
        empty_layer: step.layer.is_none(),
        ..History::default()
    }
}

fn without_container(base: &ImageConfig) -> ImageConfig {
    ImageConfig {
        container: String::new(),
        container_config: None,
        docker_version: String::new(),
        ..base.clone()
    }
}
