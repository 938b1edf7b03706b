//! What the rules know beside the Dockerfile.

use super::super::ignore::Patterns;
use crate::oci::Platform;

/// What the rules know beside the Dockerfile.
pub struct CheckInput<'a> {
    /// `--build-arg`, names and values.
    pub build_args: &'a [(String, String)],
    /// The platform that is built for, as `linux/amd64`.
    pub platform: &'a str,
    /// The patterns of `.dockerignore`, if there is one.
    pub ignore: Option<&'a Patterns>,
    /// What is known of the image that a `FROM` names; none if the image is not at hand.
    pub image: &'a dyn Fn(&str) -> Option<BaseImage>,
    /// Options in place of `# check=`.
    pub options: Option<&'a str>,
}

/// What rules must know of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BaseImage {
    /// Its environment, `NAME=value` each.
    pub environment: Vec<String>,
    /// Whether it has a shell of its own (`SHELL`).
    pub has_shell: bool,
    /// The platform that it is for, if it says so.
    pub platform: Option<Platform>,
}
