//! The build context: the files that `COPY` and `ADD` may take, and the Dockerfile.
//!
//! ```text
//! folder ─────────────▶ Folder    read in place, beneath its root
//! tar, stdin, URL ────▶ Tarball   spooled once to a file without a name, and indexed; never extracted
//! `-` with a Dockerfile ▶ nothing
//! ```
//!
//! What `.dockerignore` excludes is not there for anybody: a directory that is excluded is there only as far as
//! something below it is not.

mod error;
mod folder;
mod ignore;
mod open;
mod tarball;

pub use error::ContextError;
pub use folder::{Folder, FolderEntry};
pub use ignore::Ignore;
pub use open::{ContextSource, DockerfilePlace, DockerfileText, OpenedContext, open};
pub use tarball::Tarball;

pub(super) use open::is_git;

/// The files that `COPY` and `ADD` may take.
pub struct BuildContext {
    /// Where they are.
    pub files: ContextFiles,
    /// What `.dockerignore` says.
    pub ignore: Ignore,
}

/// Where the files of a context are.
pub enum ContextFiles {
    /// In a folder.
    Folder(Folder),
    /// In a tar; an empty one, if there is only a Dockerfile.
    Tarball(Box<Tarball>),
}

#[cfg(test)]
mod tests;
