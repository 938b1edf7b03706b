//! The options of unpacking.

/// How an image is unpacked.
#[derive(Debug, Clone, Copy, Default)]
pub struct UnpackOptions {
    /// Whether to create device nodes; else each becomes an empty file.
    pub devices: bool,
    /// Whether to set owners, which only root can.
    pub owners: bool,
}
