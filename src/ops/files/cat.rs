//! `cat`: the contents of files.

use super::opened::follow;
use crate::layer::overlay::{LastLink, NodeKind, ViewNode};
use crate::ops::files_error::FilesError;
use crate::ops::look::{Look, Take};
use crate::ops::{Context, Error};

/// Gives the contents of files, in the order in which they are named; which paths lead to none comes back.
pub fn cat<'v>(
    look: &'v Look,
    context: &Context,
    paths: &[Vec<u8>],
    take: &mut dyn Take<'v>,
) -> Result<Vec<FilesError>, Error> {
    let mut wrong = Vec::new();
    for path in paths {
        let found = follow(&look.view, path, LastLink::Follow);
        let what = match found.as_ref().map(ViewNode::kind) {
            Ok(NodeKind::File) | Err(_) => None,
            Ok(NodeKind::Directory) => Some("Is a directory"),
            Ok(_) => Some("Is a device or a pipe, which has no content in an image"),
        };
        match (found, what) {
            (Ok(node), None) => look.read(context, [node], take)?,
            (Ok(_), Some(what)) => wrong.push(FilesError::NotAFile { path: path.clone(), what }),
            (Err(error), _) => wrong.push(error),
        }
    }
    Ok(wrong)
}
