//! `cp`: a file or a directory of an image to the disk, or as a tar, by the rules of `docker cp`.

mod landing;
mod tar;

pub use landing::{Landing, landing};
pub use tar::to_tar;

use std::path::Path;

use super::opened::follow;
use crate::cancel::Undo;
use crate::image::Progress;
use crate::layer::overlay::{LastLink, NodeKind, Overlay, ViewNode};
use crate::ops::files_error::FilesError;
use crate::ops::look::Look;
use crate::ops::{Context, Error};
use crate::rootfs::{Lacking, Part, Root, UnpackOptions, adopt, remove_tree, unpack_part};

/// What is copied.
#[derive(Debug, Clone)]
pub struct CopySource<'v> {
    /// The file or directory.
    pub node: ViewNode<'v>,
    /// What it is called in a tar: the last component of its path; `.` if only what is in a directory is meant.
    pub base: Vec<u8>,
    /// What it is called in a directory that it is copied into: of a link that is followed, the name of the link.
    pub name: Vec<u8>,
}

/// What a path leads to, as `docker cp` reads it: links on the way are followed, and a last one only if that is asked
/// for or a slash stands behind it; `/.` at the end means what is in the directory.
pub fn source<'v>(view: &'v Overlay, typed: &[u8], follow_link: bool) -> Result<CopySource<'v>, FilesError> {
    let path = cleaned(typed);
    let node = follow(view, &path, LastLink::Keep)?;
    let name = base(&path);
    if follow_link && matches!(node.kind(), NodeKind::Symlink { .. }) {
        let node = follow(view, &path, LastLink::Follow)?;
        let base = if node.name().is_empty() { b".".to_vec() } else { node.name().to_vec() };
        return Ok(CopySource { node, base, name });
    }
    Ok(CopySource { node, base: name.clone(), name })
}

/// A path from the root, with `.` and `..` resolved by their letters, as Go's `filepath.Clean`; a slash or `/.` at its
/// end stays.
fn cleaned(typed: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in typed.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let mut path = [b"/", parts.join(&b'/').as_slice()].concat();
    let last = typed.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    if last == b"." || typed.is_empty() {
        path.extend_from_slice(if path == b"/" { b"." } else { b"/." });
    } else if last.is_empty() && path != b"/" {
        path.push(b'/');
    }
    path
}

/// The last component, as Go's `filepath.Base` has it; of the root `.`.
fn base(path: &[u8]) -> Vec<u8> {
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    let last = path[..end].rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    if last.is_empty() { b".".to_vec() } else { last.to_vec() }
}

/// Copies to the disk. What is copied is unpacked beside its place, where nobody else can enter, and moved there when it
/// is whole. Returns what could not be applied.
pub fn to_disk(
    look: &Look,
    context: &Context,
    source: &CopySource<'_>,
    landing: &Landing,
    owners: bool,
) -> Result<Lacking, Error> {
    let io_error = |source| Error::Io { what: landing.directory.display().to_string(), source };
    let job = context.store.job();
    let _undo = Undo::begin(job).map_err(io_error)?;
    let to = Root::open(&landing.directory).map_err(io_error)?;
    let private = tempfile::Builder::new().prefix(".imgtool-cp-").tempdir_in(&landing.directory).map_err(io_error)?;
    let tree = private.path().join("tree");
    let done = unpack_and_move(look, context, source, landing, owners, &tree, &to);
    remove_tree(&tree);
    done
}

fn unpack_and_move(
    look: &Look,
    context: &Context,
    source: &CopySource<'_>,
    landing: &Landing,
    owners: bool,
    tree: &Path,
    to: &Root,
) -> Result<Lacking, Error> {
    let layers = context.layers(&look.found, &look.image)?;
    let part = Part::subtree(&look.view, source.node);
    let options = UnpackOptions { devices: true, owners };
    let job = context.store.job();
    let unpacked = unpack_part(&look.view, &layers, tree, options, Some(&part), job);
    let lacking = unpacked.map_err(|error| look.names.of_rootfs(error))?.lacking;
    let from = Root::open(tree).map_err(|source| Error::Io { what: tree.display().to_string(), source })?;
    job.finish().map_err(|source| Error::Io { what: landing.directory.display().to_string(), source })?;
    adopt(&from, &source.node.path_bytes(), to, landing.name.as_deref(), owners)?;
    Ok(lacking)
}

/// How much is copied, for progress.
pub fn start(source: &CopySource<'_>, progress: &dyn Progress) {
    let size = |node: ViewNode<'_>| node.size();
    let total = std::iter::once(source.node).chain(source.node.descendants()).map(size).fold(0, u64::saturating_add);
    progress.total(Some(total));
    progress.start(0, "cp", Some(total));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_as_docker_cleans_them() {
        let cases = [
            ("etc", "/etc", "etc"),
            ("/etc/", "/etc/", "etc"),
            ("/etc/.", "/etc/.", "."),
            ("/etc//x/../y", "/etc/y", "y"),
            ("../../x", "/x", "x"),
            ("", "/.", "."),
            ("/", "/", "."),
            ("/.", "/.", "."),
            (".", "/.", "."),
            ("/a/..", "/", "."),
        ];
        for (typed, path, name) in cases {
            let found = cleaned(typed.as_bytes());
            assert_eq!(String::from_utf8_lossy(&found), path, "{typed}");
            assert_eq!(String::from_utf8_lossy(&base(&found)), name, "{typed}");
        }
    }
}
