//! The instructions that `--change` takes.

use crate::oci::ContainerConfig;

/// Why changes cannot be read or made, in Docker's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// An instruction that does not change a config, or that there is not.
    #[error("{instruction} is not a valid change command")]
    NotAChange {
        /// The instruction as it was typed.
        instruction: String,
    },
}

/// One Dockerfile instruction that changes the config of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {}

impl Change {
    /// Reads instructions as a Dockerfile has them; the strings are the lines of one file.
    pub fn parse_all(_lines: &[String]) -> Result<Vec<Self>, ChangeError> {
        Ok(Vec::new())
    }
}

/// Makes changes to a config, one after the other; the config is as it was if one of them cannot be made.
///
/// Variables are those of the config's environment at each change, as in a Dockerfile.
pub fn apply(_config: &mut ContainerConfig, _changes: &[Change]) -> Result<(), ChangeError> {
    Ok(())
}
