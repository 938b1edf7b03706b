//! Snapshots of unpacked trees: which image a directory came from, and what it looked like.
//!
//! They are named by the directory's device and inode, so that a directory that is moved is still found. A copy of it is
//! found by its content: of the files that each snapshot has as a sample, at least half must be there with their size and
//! time.
//!
//! When the image of a tree is pruned, its snapshot is emptied: only the origin is kept.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::{Error, Guard, Reachable, Store};
use crate::layout::{Durable, sync_folder};
use crate::rootfs::{
    DirectoryIdentity, FreshStat, PathRecord, Root, Sample, SamplePath, SnapshotError, SnapshotHeader, SnapshotReader,
    SnapshotWriter, read_header,
};

/// A snapshot of the store.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Its header.
    pub header: SnapshotHeader,
    /// Whether it was found by content: the directory is a copy of the one that was unpacked.
    pub is_copy: bool,
    /// Whether its records were dropped because its image was pruned.
    pub is_emptied: bool,
    path: PathBuf,
}

/// The folder of snapshots in a store.
const SNAPSHOTS: &str = "snapshots";
/// The folder of emptied snapshots.
const GONE: &str = "gone";

/// A snapshot that is being written. It is deleted if it is dropped before [`SnapshotDraft::publish`].
#[must_use = "a snapshot that is not published vanishes"]
pub struct SnapshotDraft {
    writer: SnapshotWriter<BufWriter<File>>,
    draft: Durable,
    store: Store,
    /// The draft's file, which is locked so that nobody deletes it.
    lease: File,
}

impl Snapshot {
    /// Its records.
    pub fn records(&self) -> Result<SnapshotReader<File>, Error> {
        let file = File::open(&self.path).map_err(Error::io(&self.path))?;
        SnapshotReader::read(file).map_err(|source| Error::Snapshot { path: self.path.clone(), source })
    }
}

impl Store {
    /// The snapshot of a directory, if there is one.
    pub fn find_snapshot(&self, directory: &Path) -> Result<Option<Snapshot>, Error> {
        let root = Root::open(directory).map_err(Error::io(directory))?;
        let place = place_of(directory, &root)?;
        for folder in [SNAPSHOTS, GONE] {
            let path = self.snapshot_path(folder, &place);
            if let Some(header) = read(&path)?.filter(|header| is_same(&header.place, &place)) {
                return Ok(Some(Snapshot { header, is_copy: false, is_emptied: folder == GONE, path }));
            }
        }
        // Of several that match, the one of whose sampled paths it has the most.
        let mut best: Option<(u64, Snapshot)> = None;
        let folders = [(SNAPSHOTS, false), (GONE, true)];
        let paths = folders.map(|(folder, is_emptied)| Ok((self.snapshots(folder)?, is_emptied)));
        let paths = paths.into_iter().collect::<Result<Vec<_>, Error>>()?;
        let paths = paths.into_iter().flat_map(|(paths, emptied)| paths.into_iter().map(move |path| (path, emptied)));
        for (path, is_emptied) in paths {
            // A damaged one does not match.
            let Ok(Some(header)) = read(&path) else { continue };
            let Some(paths) = alike(&root, &header) else { continue };
            if best.as_ref().is_none_or(|(most, best)| (paths, header.settled) > (*most, best.header.settled)) {
                best = Some((paths, Snapshot { header, is_copy: true, is_emptied, path }));
            }
        }
        Ok(best.map(|(_, snapshot)| snapshot))
    }

    /// Starts to write a snapshot.
    pub fn draft_snapshot(&self) -> Result<SnapshotDraft, Error> {
        let _adding = self.lock_shared()?;
        self.new_draft()
    }

    /// Empties the snapshots of trees whose image is not reachable any more: nothing can be committed on it. The guard
    /// must be from [`Store::lock_exclusive`]. Returns the number of bytes freed.
    pub fn prune_snapshots(&self, _alone: &Guard, reachable: &Reachable) -> Result<u64, Error> {
        let mut bytes = 0;
        for (path, header, size) in self.stale(reachable)? {
            self.new_draft()?.finish_in(GONE, &header)?.publish()?;
            fs::remove_file(&path).map_err(Error::io(&path))?;
            bytes += size;
        }
        Ok(bytes)
    }

    /// How many bytes [`Store::prune_snapshots`] would free.
    pub fn stale_snapshots(&self, reachable: &Reachable) -> Result<u64, Error> {
        Ok(self.stale(reachable)?.iter().map(|(_, _, size)| size).sum())
    }

    /// The snapshots whose image is not reachable, with their sizes in bytes.
    fn stale(&self, reachable: &Reachable) -> Result<Vec<(PathBuf, SnapshotHeader, u64)>, Error> {
        let mut stale = Vec::new();
        for path in self.snapshots(SNAPSHOTS)? {
            // The image of a damaged one is unknown.
            let Ok(Some(header)) = read(&path) else { continue };
            if header.base.id.is_some_and(|id| !reachable.contains(id.digest())) {
                let size = fs::metadata(&path).map_or(0, |found| found.len());
                stale.push((path, header, size));
            }
        }
        Ok(stale)
    }

    /// A draft of a snapshot. The store's lock must be held, shared or exclusive.
    fn new_draft(&self) -> Result<SnapshotDraft, Error> {
        static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = self.private_folder("tmp")?.join(format!("snapshot-{}-{number}", std::process::id()));
        let draft = Durable::create(path.clone(), &self.job).map_err(Error::io(&path))?;
        draft.file().lock().map_err(Error::io(&path))?;
        let file = || draft.file().try_clone().map_err(Error::io(&path));
        let (lease, writer) = (file()?, SnapshotWriter::new(BufWriter::new(file()?)));
        Ok(SnapshotDraft { writer, draft, store: self.clone(), lease })
    }

    /// Where the snapshot of a directory is kept.
    fn snapshot_path(&self, folder: &str, place: &DirectoryIdentity) -> PathBuf {
        self.root.join("imgtool").join(folder).join(format!("{:x}-{:x}", place.dev, place.ino))
    }

    /// All snapshots, in no order.
    fn snapshots(&self, folder: &str) -> Result<Vec<PathBuf>, Error> {
        let folder = self.root.join("imgtool").join(folder);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io(&folder)(error)),
        };
        let mut paths = Vec::new();
        for entry in entries {
            paths.push(entry.map_err(Error::io(&folder))?.path());
        }
        Ok(paths)
    }
}

impl SnapshotDraft {
    /// Adds the next record in walk order.
    pub fn add(&mut self, record: &PathRecord) -> Result<(), SnapshotError> {
        self.writer.add(record)
    }

    /// When the draft was made, by the clock of its file system.
    pub fn born(&self) -> Result<crate::layer::Mtime, Error> {
        use std::os::fd::AsFd as _;
        let seen = FreshStat::of(self.draft.file().as_fd()).map_err(Error::io(self.draft.path()))?;
        Ok(seen.stat.ctime)
    }

    /// Ends the snapshot and opens it for reading, for one that only the next step needs.
    pub fn reread(self, header: &SnapshotHeader) -> Result<(Durable, SnapshotReader<File>), Error> {
        let Self { writer, draft, .. } = self;
        let failed = |source| Error::Snapshot { path: draft.path().to_owned(), source };
        drop(writer.finish(header).map_err(failed)?);
        let file = File::open(draft.path()).map_err(Error::io(draft.path()))?;
        let reader = SnapshotReader::read(file).map_err(failed)?;
        Ok((draft, reader))
    }

    /// Ends the snapshot and publishes it for the directory in its header, replacing an older one.
    pub fn publish(self, header: &SnapshotHeader) -> Result<(), Error> {
        self.finish(header)?.publish()
    }

    /// Ends the snapshot and writes it to the disk, so that only a rename is left to do.
    pub fn finish(self, header: &SnapshotHeader) -> Result<FinishedSnapshot, Error> {
        self.finish_in(SNAPSHOTS, header)
    }

    fn finish_in(self, folder: &str, header: &SnapshotHeader) -> Result<FinishedSnapshot, Error> {
        let Self { writer, draft, store, lease } = self;
        let failed = |source| Error::Snapshot { path: draft.path().to_owned(), source };
        drop(writer.finish(header).map_err(failed)?);
        let path = store.snapshot_path(folder, &header.place);
        let emptied = (folder == SNAPSHOTS).then(|| store.snapshot_path(GONE, &header.place));
        let folder = store.private_folder(folder)?;
        let draft = draft.settled().map_err(Error::io(&path))?;
        Ok(FinishedSnapshot { draft, path, folder, emptied, _lease: lease })
    }
}

/// A snapshot that is on disk but not published. It is deleted if it is dropped before [`FinishedSnapshot::publish`].
#[must_use = "a snapshot that is not published vanishes"]
pub struct FinishedSnapshot {
    draft: Durable,
    path: PathBuf,
    folder: PathBuf,
    /// The path of an emptied snapshot of the same directory, which is replaced as well.
    emptied: Option<PathBuf>,
    _lease: File,
}

impl FinishedSnapshot {
    /// Publishes it for its directory, replacing an older one.
    pub fn publish(self) -> Result<(), Error> {
        let Self { draft, path, folder, emptied, _lease } = self;
        draft.publish(&path).and_then(|()| sync_folder(&folder)).map_err(Error::io(&path))?;
        match emptied.map(|emptied| (fs::remove_file(&emptied), emptied)) {
            Some((Err(error), emptied)) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(&emptied)(error)),
            _ => Ok(()),
        }
    }
}

/// Identifies a directory.
pub fn place_of(directory: &Path, root: &Root) -> Result<DirectoryIdentity, Error> {
    let seen = FreshStat::of(root.fd()).map_err(Error::io(directory))?;
    let path = directory.canonicalize().map_err(Error::io(directory))?;
    let path = path.as_os_str().as_bytes().to_vec();
    Ok(DirectoryIdentity { path, dev: seen.dev, ino: seen.stat.ino, born: seen.born })
}

/// Whether two places are the same directory, even if it was moved: inode numbers are reused, birth times are not.
fn is_same(one: &DirectoryIdentity, other: &DirectoryIdentity) -> bool {
    (one.dev, one.ino, one.born) == (other.dev, other.ino, other.born)
}

/// An estimate, from the samples of a snapshot, of how many of its paths another tree has unchanged; none if the tree
/// is not a copy.
fn alike(root: &Root, header: &SnapshotHeader) -> Option<u64> {
    // Only files have a size.
    let is_there = |sample: &&SamplePath| {
        root.seen(sample.path.as_bytes())
            .is_ok_and(|seen| (seen.stat.size, seen.stat.mtime) == (sample.size, sample.mtime))
    };
    let found = |sample: &Sample| sample.paths.iter().filter(is_there).count() as u64;
    let tells = if header.files.paths.is_empty() { &header.others } else { &header.files };
    if tells.paths.is_empty() || found(tells) * 2 < tells.paths.len() as u64 {
        return None;
    }
    let all = |sample: &Sample| {
        found(sample).saturating_mul(sample.all).checked_div(sample.paths.len() as u64).unwrap_or_default()
    };
    Some(all(&header.files).saturating_add(all(&header.others)))
}

fn read(path: &Path) -> Result<Option<SnapshotHeader>, Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(path)(error)),
    };
    read_header(file).map(Some).map_err(|source| Error::Snapshot { path: path.to_owned(), source })
}
