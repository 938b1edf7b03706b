//! A folder of the disk as a tar.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use walkdir::WalkDir;

use super::{Error, is_portable};
use crate::layer::Meta;
use crate::layer::entry::EntryKind;
use crate::layer::mtime::Mtime;
use crate::layer::path::EntryPath;
use crate::ops::view_tar::ViewTar;
use crate::rootfs::Skipped;

/// Writes what is in `root`, by path. Sockets are left out, as no tar can hold one.
pub(super) fn write(root: &Path, output: &mut ViewTar<'_>) -> Result<Skipped, Error> {
    output.start("export", None);
    let (mut first_names, mut skipped) = (HashMap::new(), Skipped::default());
    for found in WalkDir::new(root).sort_by_file_name() {
        let found = found.map_err(|error| {
            let what = error.path().unwrap_or(root).display().to_string();
            Error::Io { what, source: error.into() }
        })?;
        let path = found.path();
        let io_error = |source: io::Error| Error::Io { what: path.display().to_string(), source };
        let metadata = path.symlink_metadata().map_err(io_error)?;
        let name = bytes(path.strip_prefix(root).expect("it was found there")).to_vec();
        if metadata.file_type().is_socket() {
            skipped.sockets.extend(EntryPath::new(&name).ok());
            continue;
        }
        let meta = meta(path, name, &metadata, &mut first_names).map_err(io_error)?;
        output.header(&meta)?;
        if meta.content_size() > 0 {
            copy(path, &metadata, output).map_err(io_error)?;
        }
    }
    Ok(skipped)
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

/// The header for what is at `path`. Of several names of a file the first has the content.
fn meta(
    path: &Path,
    name: Vec<u8>,
    metadata: &Metadata,
    first_names: &mut HashMap<(u64, u64), EntryPath>,
) -> io::Result<Meta> {
    let mut kind = kind(path, metadata)?;
    if metadata.nlink() > 1 && !metadata.is_dir() {
        let inode = (metadata.dev(), metadata.ino());
        if let Some(first) = first_names.get(&inode) {
            kind = EntryKind::Hardlink { target: first.clone() };
        } else {
            let name = EntryPath::new(&name).map_err(io::Error::other)?;
            first_names.insert(inode, name);
        }
    }
    let nanos = u32::try_from(metadata.mtime_nsec()).expect("below a thousand million");
    Ok(Meta {
        name,
        size: if kind == EntryKind::File { metadata.size() } else { 0 },
        kind,
        mode: metadata.mode() & 0o7777,
        uid: u64::from(metadata.uid()),
        gid: u64::from(metadata.gid()),
        mtime: Mtime { seconds: metadata.mtime(), nanos },
        xattrs: xattrs(path)?,
    })
}

fn kind(path: &Path, metadata: &Metadata) -> io::Result<EntryKind> {
    let (kind, device) = (metadata.file_type(), metadata.rdev());
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    Ok(match () {
        () if kind.is_dir() => EntryKind::Directory,
        () if kind.is_symlink() => {
            EntryKind::Symlink { target: path.read_link()?.into_os_string().into_encoded_bytes() }
        }
        () if kind.is_char_device() => EntryKind::CharDevice { major, minor },
        () if kind.is_block_device() => EntryKind::BlockDevice { major, minor },
        () if kind.is_fifo() => EntryKind::Fifo,
        () => EntryKind::File,
    })
}

/// The most bytes that the kernel lets the list of names, or a value, have. A query with an empty buffer would not give
/// the size.
const LARGEST_XATTR: usize = 64 << 10;

/// The attributes that are exported, sorted by name.
fn xattrs(path: &Path) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut buffer = vec![0; LARGEST_XATTR];
    let listed = match rustix::fs::llistxattr(path, &mut buffer[..]) {
        Err(rustix::io::Errno::OPNOTSUPP) => return Ok(Vec::new()),
        listed => listed?,
    };
    let names = buffer[..listed].split(|&byte| byte == 0).filter(|name| !name.is_empty() && is_portable(name));
    let mut names: Vec<Vec<u8>> = names.map(<[u8]>::to_vec).collect();
    names.sort_unstable();
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        match rustix::fs::lgetxattr(path, OsStr::from_bytes(&name), &mut buffer[..]) {
            Ok(length) => found.push((name, buffer[..length].to_vec())),
            // The file system lists an attribute that it does not have.
            Err(rustix::io::Errno::NODATA | rustix::io::Errno::OPNOTSUPP) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// Copies a file's content, which must be as long as it was when its header was written.
fn copy(path: &Path, metadata: &Metadata, output: &mut ViewTar<'_>) -> io::Result<()> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    unchanged(&file, (metadata.ino(), metadata.size()), output)
}

/// Copies the content of a file that must have this inode and size before and after.
pub(super) fn unchanged(file: &File, (ino, size): (u64, u64), output: &mut ViewTar<'_>) -> io::Result<()> {
    let changed = || io::Error::other("it changed while it was read");
    let before = file.metadata()?;
    if (before.ino(), before.size()) != (ino, size) {
        return Err(changed());
    }
    output.range(file, size)?;
    let after = file.metadata()?;
    let times = |metadata: &Metadata| (metadata.mtime(), metadata.mtime_nsec(), metadata.size());
    if times(&after) == times(&before) { Ok(()) } else { Err(changed()) }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::image::{Silent, Sink};
    use crate::layer::{Entry, Limits, TarReader};

    fn tar(root: &Path) -> Result<(Vec<u8>, Skipped), Error> {
        let mut bytes = Vec::new();
        let mut output = ViewTar::new(Sink::stream(&mut bytes), &Silent);
        let skipped = write(root, &mut output)?;
        output.finish().expect("memory");
        Ok((bytes, skipped))
    }

    #[test]
    fn a_folder_is_written_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("d")).expect("a folder");
        fs::write(at("d/b"), b"content").expect("a file");
        fs::hard_link(at("d/b"), at("a")).expect("a link");
        symlink("d/b", at("l")).expect("a link");
        fs::set_permissions(at("d"), fs::Permissions::from_mode(0o1750)).expect("its owner may");
        let _socket = UnixListener::bind(at("socket")).expect("a socket");
        let (bytes, skipped) = tar(folder.path()).expect("a tar");
        assert_eq!(bytes, tar(folder.path()).expect("a tar").0, "the same twice");
        let mut reader = TarReader::new(&bytes[..], &Limits::default());
        let mut entries = Vec::new();
        while let Some(raw) = reader.next().expect("a valid tar") {
            entries.push(Entry::try_from_raw(raw).expect("a valid entry"));
        }
        let names: Vec<String> = entries.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["", "a", "d", "d/b link to a", "l -> d/b"]);
        assert_eq!((entries[1].size, entries[2].mode), (7, 0o1750));
        let offset = usize::try_from(entries[1].content_offset).expect("small");
        assert_eq!(&bytes[offset..offset + 7], b"content");
        let real = at("a").metadata().expect("it is there");
        assert_eq!((entries[1].mtime.seconds, i64::from(entries[1].mtime.nanos)), (real.mtime(), real.mtime_nsec()));
        assert_eq!(skipped.sockets, [EntryPath::new(b"socket").expect("a path")]);
    }

    #[test]
    fn attributes_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        fs::write(&path, b"").expect("a file");
        let flags = rustix::fs::XattrFlags::empty();
        if rustix::fs::lsetxattr(&path, "user.note", b"a note", flags).is_err() {
            return; // this file system has none
        }
        rustix::fs::lsetxattr(&path, "user.empty", b"", flags).expect("the first was taken");
        let expected: [(Vec<u8>, Vec<u8>); 2] =
            [(b"user.empty".into(), b"".into()), (b"user.note".into(), b"a note".into())];
        assert_eq!(xattrs(&path).expect("they can be read"), expected);
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let error = tar(Path::new("/nowhere/at/all")).expect_err("not there");
        assert!(matches!(error, Error::Io { what, .. } if what == "/nowhere/at/all"));
    }
}
