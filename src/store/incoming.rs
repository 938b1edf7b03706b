//! Blobs that arrive before their digest is known: uploads to the server.
//!
//! `ROOT/imgtool/partial/upload-<id>` has the bytes, `upload-<id>.owner` whose upload it is. Both stay when the process
//! ends, so that the client can go on. Between two requests the file is closed: a server has thousands of uploads.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use super::partial::{PARTIAL, PartialFile};
use super::{Error, Store};
use crate::layout::{BLOBS, sync_folder};
use crate::oci::{Digest, Hasher};

/// How many bytes are hashed at a time when an upload is taken up again.
const CHUNK: usize = 256 << 10;

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
        fs::write(&owner_path, owner).map_err(Error::io(&owner_path))?;
        fs::File::create_new(&path).map(drop).map_err(Error::io(&path))
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
        let Some(file) = PartialFile::claim(&path)? else { return Err(Error::Busy { path }) };
        let size = file.size()?;
        let arrived = match known.filter(|known| known.size == size) {
            Some(known) => known,
            None => hash(&file).map_err(Error::io(&path))?,
        };
        Ok(IncomingBlob { file, owner, store: self.clone(), arrived })
    }

    fn incoming_paths(&self, id: &str) -> Result<(PathBuf, PathBuf), Error> {
        let folder = self.private_folder(PARTIAL)?;
        Ok((folder.join(format!("upload-{id}")), folder.join(format!("upload-{id}.owner"))))
    }
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

    /// Appends bytes.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.append(bytes).map_err(Error::io(self.file.path()))?;
        self.arrived.hasher.update(bytes);
        self.arrived.size += bytes.len() as u64;
        Ok(())
    }

    /// Ends the upload: the bytes become a blob of the store, which `owner` claims until that time. Returns its digest.
    pub fn keep(self, owner: &str, until: SystemTime) -> Result<Digest, Error> {
        let Self { file, owner: owner_path, store, arrived } = self;
        let digest = arrived.digest();
        file.make_whole()?;
        if store.claim(owner, &digest, until)? {
            file.discard()?;
        } else {
            let _adding = store.lock_shared()?;
            let index = store.lock_index()?;
            store.become_layout()?;
            drop(index);
            let blobs = store.root.join(BLOBS);
            let target = blobs.join(digest.hex());
            file.publish(&target).map_err(Error::io(&target))?;
            sync_folder(&blobs).map_err(Error::io(&blobs))?;
        }
        let _ = fs::remove_file(owner_path);
        Ok(digest)
    }

    /// Deletes the upload.
    pub fn discard(self) -> Result<(), Error> {
        let _ = fs::remove_file(&self.owner);
        self.file.discard()
    }
}
