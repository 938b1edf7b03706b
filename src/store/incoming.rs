//! Blobs that arrive before their digest is known: uploads to the server.
//!
//! `ROOT/imgtool/partial/upload-<id>` has the bytes, `upload-<id>.owner` whose upload it is. Both stay when the process
//! ends, so that the client can go on; they go together when nothing has come for long. Between two requests the file is
//! closed: a server has thousands of uploads. While a request writes it, it is locked.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::lease::entries;
use super::partial::{PARTIAL, PartialFile, UPLOAD, is_upload};
use super::pushes::StalePushes;
use super::{Error, Guard, Store};
use crate::layout::{BLOBS, sync_folder};
use crate::oci::{Digest, Hasher};

/// How many bytes are hashed at a time when an upload is taken up again.
const CHUNK: usize = 256 << 10;
/// How the names of the files end that say whose an upload is.
const OWNER: &str = ".owner";
/// How far an upload is: kept in memory between two requests.
#[derive(Debug, Clone, Default)]
pub struct Arrived {
    hasher: Hasher,
    size: u64,
}

impl Arrived {
    /// How many bytes have arrived.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The digest of the bytes that have arrived.
    pub fn digest(&self) -> Digest {
        self.hasher.clone().finish()
    }
}

/// An upload while bytes are appended to it; no other request or process can do so meanwhile.
#[derive(Debug)]
pub struct IncomingBlob {
    file: PartialFile,
    owner: PathBuf,
    store: Store,
    arrived: Arrived,
}

impl Store {
    /// Begins an upload. `owner` says whose it is, for [`Store::incoming_owner`].
    pub fn begin_incoming(&self, id: &str, owner: &str) -> Result<(), Error> {
        let (path, owner_path) = self.incoming_paths(id)?;
        let _adding = self.lock_shared()?;
        fs::write(&owner_path, owner).map_err(Error::io(&owner_path))?;
        let made = fs::File::create_new(&path).map(drop).map_err(Error::io(&path));
        if made.is_err() {
            let _ = fs::remove_file(&owner_path);
        }
        made
    }

    /// How many uploads are not finished.
    pub fn count_incoming(&self) -> Result<usize, Error> {
        let all = entries(&self.root.join("imgtool").join(PARTIAL))?;
        Ok(all.iter().filter(|path| is_upload(path) && !is_owner(path)).count())
    }

    /// Deletes uploads and claims that are stale, and returns the number of bytes freed. The guard must be from
    /// [`Store::lock_exclusive`].
    pub fn expire_pushes(&self, alone: &Guard, stale: &StalePushes) -> Result<u64, Error> {
        self.expire_claims(alone, stale.claims)?;
        let mut bytes = 0;
        self.each_stale_upload(stale, |path, size| {
            for path in [path, &path.with_extension(&OWNER[1..])] {
                match fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::io(path)(error)),
                    _ => {}
                }
            }
            bytes += size;
            Ok(())
        })?;
        Ok(bytes)
    }

    /// How many bytes [`Store::expire_pushes`] would free.
    pub fn stale_pushes(&self, stale: &StalePushes) -> Result<u64, Error> {
        let mut bytes = 0;
        self.each_stale_upload(stale, |_, size| {
            bytes += size;
            Ok(())
        })?;
        Ok(bytes)
    }

    /// Whether [`Store::expire_pushes`] would delete anything.
    pub fn has_stale_pushes(&self, stale: &StalePushes) -> Result<bool, Error> {
        let mut found = self.stale_claims(stale.claims)?;
        self.each_stale_upload(stale, |_, _| {
            found += 1;
            Ok(())
        })?;
        Ok(found > 0)
    }

    /// Calls `act` for the path and the size of each stale upload, which is locked meanwhile, and of what
    /// is left of one.
    fn each_stale_upload(
        &self,
        stale: &StalePushes,
        mut act: impl FnMut(&Path, u64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for path in entries(&self.root.join("imgtool").join(PARTIAL))?.into_iter().filter(|path| is_upload(path)) {
            if is_owner(&path) {
                // That of an upload goes with it. Without one, it is what a process left that was killed.
                if !path.with_extension("").exists() {
                    act(&path, path.metadata().map_or(0, |metadata| metadata.len()))?;
                }
                continue;
            }
            let is_stale = |metadata: &fs::Metadata| metadata.modified().is_ok_and(|last| last < stale.uploads);
            // Only one that is stale is locked: a client may be about to go on with the others.
            if !path.metadata().is_ok_and(|metadata| is_stale(&metadata)) {
                continue;
            }
            let Ok(file) = fs::File::open(&path) else { continue };
            let (Ok(()), Ok(metadata)) = (file.try_lock(), file.metadata()) else { continue };
            if is_stale(&metadata) {
                act(&path, metadata.len())?;
            }
        }
        Ok(())
    }

    /// Whose upload it is; none if there is no such upload.
    pub fn incoming_owner(&self, id: &str) -> Result<Option<String>, Error> {
        let (path, owner_path) = self.incoming_paths(id)?;
        match fs::read_to_string(&owner_path) {
            Ok(owner) if path.is_file() => Ok(Some(owner)),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(&owner_path)(error)),
            _ => Ok(None),
        }
    }

    /// Opens an upload. What is known of it from before, if anything is, saves hashing its bytes again. [`Error::Busy`]
    /// if another request or process has it open.
    pub fn open_incoming(&self, id: &str, known: Option<Arrived>) -> Result<IncomingBlob, Error> {
        let (path, owner) = self.incoming_paths(id)?;
        let Some(file) = PartialFile::claim_existing(&path)? else { return Err(Error::Busy { path }) };
        let size = file.size()?;
        let arrived = match known.filter(|known| known.size == size) {
            Some(known) => known,
            None => hash(&file).map_err(Error::io(&path))?,
        };
        Ok(IncomingBlob { file, owner, store: self.clone(), arrived })
    }

    /// How many bytes of an upload have arrived, also while another request or process has it open; none if there is no
    /// such upload.
    pub fn incoming_size(&self, id: &str) -> Result<Option<u64>, Error> {
        let (path, _) = self.incoming_paths(id)?;
        match path.metadata() {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(&path)(error)),
        }
    }

    fn incoming_paths(&self, id: &str) -> Result<(PathBuf, PathBuf), Error> {
        let folder = self.private_folder(PARTIAL)?;
        Ok((folder.join(format!("{UPLOAD}{id}")), folder.join(format!("{UPLOAD}{id}{OWNER}"))))
    }
}

/// Whether a path says whose an upload is.
fn is_owner(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == &OWNER[1..])
}

fn hash(file: &PartialFile) -> io::Result<Arrived> {
    let (mut arrived, mut buffer) = (Arrived::default(), vec![0; CHUNK]);
    loop {
        match file.read_at(&mut buffer, arrived.size) {
            Ok(0) => return Ok(arrived),
            Ok(got) => {
                arrived.hasher.update(&buffer[..got]);
                arrived.size += got as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

impl IncomingBlob {
    /// How far it is.
    pub fn arrived(&self) -> &Arrived {
        &self.arrived
    }

    /// Reads some of the bytes that have arrived, from an offset on; none at their end.
    pub fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(into, offset)
    }

    /// The file, for those who read what has arrived while more comes.
    pub fn reader(&self) -> io::Result<fs::File> {
        self.file.reader()
    }

    /// Appends bytes.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.append(bytes).map_err(Error::io(self.file.path()))?;
        self.arrived.hasher.update(bytes);
        self.arrived.size += bytes.len() as u64;
        Ok(())
    }

    /// Ends the upload: the bytes become a blob of the store, which `owner` claims until that time. When this returns,
    /// both last a power failure. Returns the digest.
    pub fn keep(self, owner: &str, until: SystemTime) -> Result<Digest, Error> {
        let Self { file, owner: owner_path, store, arrived } = self;
        let digest = arrived.digest();
        file.make_whole()?;
        // The claim is first: between the two steps, all blobs that nobody needs may be deleted.
        store.claim(owner, &digest, until)?;
        let adding = store.lock_shared()?;
        let index = store.lock_index()?;
        store.become_layout()?;
        drop(index);
        let blobs = store.root.join(BLOBS);
        fs::create_dir_all(&blobs).map_err(Error::io(&blobs))?;
        let target = blobs.join(digest.hex());
        // A blob that is there already may be damaged: these bytes were verified.
        file.publish(&target).map_err(Error::io(&target))?;
        drop(adding);
        sync_folder(&blobs).map_err(Error::io(&blobs))?;
        store.sync_claims(owner)?;
        let _ = fs::remove_file(owner_path);
        Ok(digest)
    }

    /// Deletes the upload.
    pub fn discard(self) -> Result<(), Error> {
        let _ = fs::remove_file(&self.owner);
        self.file.discard()
    }
}
