//! What a directory is compared with, and how.

/// What is compared, and how.
#[derive(Debug, Clone, Default)]
pub struct Compare {
    /// What the directory is compared with.
    pub to: CompareTo,
    /// All that was committed since the image was unpacked counts as changed.
    pub squash: bool,
    /// Patterns of paths that stay as they are in the base.
    pub exclude: Vec<String>,
    /// Paths that cannot be read stay as they are in the base.
    pub skip_unreadable: bool,
}

/// What a directory is compared with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CompareTo {
    /// The image that it was unpacked from or last committed to; nothing if none is known.
    #[default]
    Snapshot,
    /// This image, of the store or in an archive or layout.
    Image(String),
    /// Nothing: the whole directory is new.
    Scratch,
}
