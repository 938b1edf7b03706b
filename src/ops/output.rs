//! Outputs: a file that appears when it is complete, or a pipe.

mod new_file;

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use super::Error;
use crate::archive::output::{ArchiveMember, write_file, write_stream};
use crate::cancel::Token;
use crate::image::Progress;
use crate::layout::sync_folder;
use new_file::NewFile;

pub use new_file::Readers;

/// What is written to.
pub enum Target<'a> {
    /// A new, empty file.
    File(&'a File),
    /// A pipe, device or other stream.
    Stream(&'a mut dyn Write),
}

/// Writes to `path`. A regular file appears there when it is complete and synced, replacing what was there; a pipe or
/// device is written directly.
pub fn to_path<T>(
    path: &Path,
    readers: Readers,
    job: &Token,
    write: impl FnOnce(Target<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let io_error = |source: io::Error| Error::Io { what: path.display().to_string(), source };
    if let Some(mut file) = open_special(path).map_err(io_error)? {
        return write(Target::Stream(&mut file));
    }
    let target = followed(path);
    let folder = folder_of(&target);
    let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let new = NewFile::create(&folder, &name, readers, job).map_err(io_error)?;
    let written = write(Target::File(new.file()))?;
    new.file().sync_all().map_err(io_error)?;
    job.finish().map_err(io_error)?;
    new.publish(&target).map_err(io_error)?;
    sync_folder(&folder).map_err(io_error)?;
    Ok(written)
}

/// Writes an archive to `path`.
pub fn write_to_path(
    members: &[ArchiveMember],
    path: &Path,
    readers: Readers,
    job: &Token,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let output_error = |source| Error::Output { path: path.display().to_string(), source };
    to_path(path, readers, job, |target| {
        match target {
            Target::File(file) => write_file(members, file, progress),
            Target::Stream(stream) => write_stream(members, &mut buffered(stream), progress),
        }
        .map_err(output_error)
    })
}

/// Writes an archive to standard output or another stream.
pub fn write_to_stream(members: &[ArchiveMember], to: &mut dyn Write, progress: &dyn Progress) -> Result<(), Error> {
    let output_error = |source| Error::Output { path: "standard output".to_owned(), source };
    write_stream(members, &mut buffered(to), progress).map_err(output_error)
}

fn buffered(stream: &mut dyn Write) -> impl Write {
    BufWriter::with_capacity(256 << 10, stream)
}

/// Resolves symbolic links, the last of which may dangle.
fn followed(path: &Path) -> PathBuf {
    /// The limit of Linux.
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

/// The folder that a path is in.
pub fn folder_of(target: &Path) -> PathBuf {
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
