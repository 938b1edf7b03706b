//! Where an archive or a file system goes: beside its target until it is whole, or straight into a pipe.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use super::Error;
use crate::archive::output::{Member, write_file, write_stream};
use crate::cancel::{Draft, Token};
use crate::image::Progress;
use crate::layout::sync_folder;

/// What is written to.
pub enum Target<'a> {
    /// A new, empty file.
    File(&'a File),
    /// What is read as it is written.
    Stream(&'a mut dyn Write),
}

/// Has something written to `path`. A regular file appears there when it is whole and on the disk, in place of what was
/// there; a pipe or device is written as it is.
pub fn to_path<T>(path: &Path, job: &Token, write: impl FnOnce(Target<'_>) -> Result<T, Error>) -> Result<T, Error> {
    let io_error = |source: io::Error| Error::Io { what: path.display().to_string(), source };
    if let Some(mut file) = open_special(path).map_err(io_error)? {
        return write(Target::Stream(&mut file));
    }
    let target = followed(path);
    let folder = folder_of(&target);
    let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let make = || {
        let file = tempfile::Builder::new().prefix(&format!(".tmp-{name}-")).tempfile_in(&folder)?;
        let path = file.path().to_owned();
        Ok((file, path))
    };
    let (file, draft) = Draft::create(job, make).map_err(io_error)?;
    let written = write(Target::File(file.as_file()))?;
    file.as_file().sync_all().map_err(io_error)?;
    job.finish().map_err(io_error)?;
    draft.publish(|| Ok(file.persist(&target)?)).map_err(io_error)?;
    sync_folder(&folder).map_err(io_error)?;
    Ok(written)
}

/// Writes an archive to `path`.
pub fn write_to_path(members: &[Member], path: &Path, job: &Token, progress: &dyn Progress) -> Result<(), Error> {
    to_path(path, job, |target| match target {
        Target::File(file) => Ok(write_file(members, file, progress)?),
        Target::Stream(stream) => write_to_stream(members, stream, progress),
    })
}

/// Writes an archive to something that is read as it is written.
pub fn write_to_stream(members: &[Member], to: &mut dyn Write, progress: &dyn Progress) -> Result<(), Error> {
    Ok(write_stream(members, &mut BufWriter::with_capacity(256 << 10, to), progress)?)
}

/// Where a path leads: through symbolic links, the last of which may lead to nothing yet.
fn followed(path: &Path) -> PathBuf {
    /// As many links as Linux follows.
    const MOST: usize = 40;
    let mut target = path.to_owned();
    for _ in 0..MOST {
        match target.read_link() {
            Ok(link) => target = folder_of(&target).join(link),
            Err(_) => break,
        }
    }
    target
}

fn folder_of(target: &Path) -> PathBuf {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Opens what is there if it is a pipe or device, or a descriptor of this process: those are not replaced.
fn open_special(path: &Path) -> io::Result<Option<File>> {
    let is_descriptor = ["/dev/stdout", "/dev/stderr"].iter().any(|name| path == Path::new(name))
        || path.starts_with("/dev/fd")
        || path.starts_with("/proc/self/fd");
    let special = match path.metadata() {
        Ok(metadata) if metadata.is_dir() => return Err(io::Error::other("is a directory")),
        Ok(metadata) => {
            let kind = metadata.file_type();
            kind.is_fifo() || kind.is_char_device() || kind.is_block_device() || is_descriptor
        }
        Err(_) => false,
    };
    if special { OpenOptions::new().write(true).open(path).map(Some) } else { Ok(None) }
}
