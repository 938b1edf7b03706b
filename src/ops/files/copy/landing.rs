//! Where a copy comes to be on the disk.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use super::CopySource;
use crate::go::path::clean;
use crate::ops::files_error::FilesError;

/// Where a copy comes to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing {
    /// A directory that is there.
    pub directory: PathBuf,
    /// The name in it; none if what is in the copied directory is put into it.
    pub name: Option<Vec<u8>>,
}

/// The most links that are followed at the destination, as docker has it.
const MOST_LINKS: usize = 10;

/// The place for a source, by the rules of `docker cp`: into a directory that is there, else under the new name; a link
/// at the destination is followed.
pub fn landing(source: &CopySource<'_>, destination: &Path) -> Result<Landing, FilesError> {
    let typed = destination.as_os_str().as_bytes();
    let says_directory = typed.ends_with(b"/") || typed == b"." || typed.ends_with(b"/.");
    // As docker does before it looks: `none/..` is the working directory.
    let target = followed(destination, &clean(typed))?;
    let io_error = |path: &Path| {
        let path = path.to_owned();
        move |source| FilesError::Destination { path, source }
    };
    let there = match target.metadata() {
        Ok(found) => Some(found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(io_error(&target)(error)),
    };
    let is_directory = source.node.is_directory();
    match there {
        Some(found) if found.is_dir() => {
            let name = (source.name != b".").then(|| source.name.clone());
            return Ok(Landing { directory: target, name });
        }
        Some(_) if says_directory => {
            return Err(io_error(destination)(io::Error::from(io::ErrorKind::NotADirectory)));
        }
        Some(_) if is_directory => return Err(FilesError::DirectoryOverFile { path: destination.to_owned() }),
        Some(found) if found.file_type().is_char_device() || found.file_type().is_block_device() => {
            return Err(FilesError::SpecialDestination { path: destination.to_owned() });
        }
        None if says_directory && (!is_directory || typed.ends_with(b"/.")) => {
            return Err(FilesError::NoSuchDirectory { path: destination.to_owned() });
        }
        _ => {}
    }
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let parent = directory.metadata().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => FilesError::NoParent { path: directory.clone() },
        _ => io_error(&directory)(error),
    })?;
    if !parent.is_dir() {
        return Err(io_error(&directory)(io::Error::from(io::ErrorKind::NotADirectory)));
    }
    match target.file_name() {
        Some(name) => Ok(Landing { directory, name: Some(name.as_bytes().to_vec()) }),
        // `..` of what is not there.
        None => Err(FilesError::NoSuchDirectory { path: destination.to_owned() }),
    }
}

/// The destination with a link at its end followed, which may lead to what is not there yet.
fn followed(destination: &Path, cleaned: &[u8]) -> Result<PathBuf, FilesError> {
    let mut path = PathBuf::from(OsStr::from_bytes(cleaned));
    for _ in 0..=MOST_LINKS {
        match path.read_link() {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(FilesError::TooManyLinks { path: destination.to_owned() })
}
