//! `sum`: the digests of files.

use std::collections::HashMap;

use super::list::join;
use super::opened::follow;
use crate::image::Progress;
use crate::layer::overlay::{LastLink, NodeKind, ViewNode};
use crate::oci::Digest;
use crate::ops::files_error::FilesError;
use crate::ops::look::{Look, Place};
use crate::ops::{Context, Error};

/// A file and the SHA-256 of its content.
#[derive(Debug, Clone)]
pub struct Summed<'v> {
    /// Its path, beginning as it was typed.
    pub path: Vec<u8>,
    /// The file.
    pub node: ViewNode<'v>,
    /// The digest of its content.
    pub digest: Digest,
}

/// The digests of all files that are named or in directories that are named, sorted by path as they are found; and
/// which paths lead to none. Each layer is read once.
pub fn sums<'v>(
    look: &'v Look,
    context: &Context,
    paths: &[Vec<u8>],
    progress: &dyn Progress,
) -> Result<(Vec<Summed<'v>>, Vec<FilesError>), Error> {
    let (mut files, mut wrong) = (Vec::new(), Vec::new());
    for path in paths {
        match follow(&look.view, path, LastLink::Follow) {
            Ok(node) => below(path, node, &mut files),
            Err(error) => wrong.push(error),
        }
    }
    let total = files.iter().map(|(_, node)| node.size()).fold(0, u64::saturating_add);
    progress.total(Some(total));
    progress.start(0, "sum", Some(total));
    let digests: HashMap<Place, Digest> =
        look.digests(context, files.iter().map(|(_, node)| *node).filter(|node| node.size() > 0), progress)?;
    progress.finish(0, "");
    let empty = Digest::of(b"");
    let of = |node: ViewNode<'_>| Place::of(node).and_then(|place| digests.get(&place)).copied().unwrap_or(empty);
    Ok((files.into_iter().map(|(path, node)| Summed { digest: of(node), path, node }).collect(), wrong))
}

fn below<'v>(path: &[u8], top: ViewNode<'v>, files: &mut Vec<(Vec<u8>, ViewNode<'v>)>) {
    let mut left = vec![(path.to_vec(), top)];
    while let Some((path, node)) = left.pop() {
        match node.kind() {
            NodeKind::File => files.push((path, node)),
            NodeKind::Directory => {
                let children: Vec<_> = node.children().collect();
                left.extend(children.into_iter().rev().map(|child| (join_below(&path, child.name()), child)));
            }
            _ => {}
        }
    }
}

/// The path of a name in a directory; below no path at all it is the name.
fn join_below(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if directory.is_empty() { name.to_vec() } else { join(directory, name) }
}

/// A line as `sha256sum` writes it: a name with a line end or a backslash is escaped, which a backslash before the line
/// says.
pub fn line(path: &[u8], digest: &Digest) -> Vec<u8> {
    let mut line = Vec::with_capacity(path.len() + 70);
    let is_escaped = path.iter().any(|byte| matches!(byte, b'\\' | b'\n' | b'\r'));
    if is_escaped {
        line.push(b'\\');
    }
    line.extend_from_slice(digest.hex().as_bytes());
    line.extend_from_slice(b"  ");
    for byte in path {
        match byte {
            b'\\' => line.extend_from_slice(b"\\\\"),
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            other => line.push(*other),
        }
    }
    line
}
