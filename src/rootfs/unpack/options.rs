//! How a tree is written.

/// How an image is unpacked.
#[derive(Debug, Clone, Copy, Default)]
pub struct UnpackOptions {
    /// Device nodes are made; else an empty file stands for each.
    pub devices: bool,
    /// Files are given to their owners, as only root can.
    pub owners: bool,
}
