//! The way in for all commands: from an argument to the images of a place.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{Context, Error, Location};
use crate::archive::spool::Spool;
use crate::archive::{self, Archive, TarIndex, docker_archive, oci_archive, open, open_file};
use crate::image::source::settled;
use crate::image::{Blob, ImageSource, Inventory};
use crate::layout::Layout;

/// Where images come from.
pub enum SourceInput {
    /// A file, or the folder of an OCI layout.
    Path(PathBuf),
    /// Something that is read once.
    Stream(Box<dyn Read + Send>),
}

/// Keeps a member of an archive that can be read only once, and says where its bytes are then.
pub type Keep<'a> = &'a mut dyn FnMut(&mut (dyn Read + Send), u64) -> Result<Blob, archive::Error>;

impl Context {
    /// What is in an archive or a layout that is only looked at; names have nothing. Nothing but a temporary file is
    /// written.
    pub fn inventory(&self, location: &Location) -> Result<Inventory, Error> {
        let path = location.path().ok_or_else(|| Error::NoSuchImage(location.name().to_owned()))?;
        if path.is_dir() && matches!(location, Location::Layout(..) | Location::Path(..)) {
            return Ok(Layout::open(path)?.inventory()?);
        }
        let input_error = |source| Error::Input { path: path.display().to_string(), source };
        read_as(location, &self.index_archive(path)?).map_err(input_error)
    }

    /// The members of an archive that is only looked at.
    pub(super) fn index_archive(&self, path: &Path) -> Result<TarIndex, Error> {
        let index = match open_archive(path)? {
            Archive::Plain(file) => open::index_plain(&file, &self.limits),
            Archive::Packed(path, _) => Spool::new(&path, &self.limits).index(),
            Archive::Stream(_) => Err(archive::Error::NotSeekable),
        };
        index.map_err(|source| Error::Input { path: path.display().to_string(), source })
    }

    /// The images of an input, all of which is read: `keep` is given the members of what can be read only once.
    pub(super) fn images_of(&self, input: SourceInput, keep: Keep<'_>) -> Result<Inventory, Error> {
        let shown = match &input {
            SourceInput::Stream(_) => "archive".to_owned(),
            SourceInput::Path(path) => path.display().to_string(),
        };
        let input_error = |source| Error::Input { path: shown.clone(), source };
        let index = match input {
            SourceInput::Path(path) if path.is_dir() => {
                let inventory = Layout::open(&path)?.inventory()?;
                return archive::require_images(inventory).map_err(input_error);
            }
            SourceInput::Path(path) => match open_archive(&path)? {
                Archive::Plain(file) => open::index_plain(&file, &self.limits),
                Archive::Packed(path, _) => {
                    let file = File::open(&path).map_err(|source| Error::Open { path: path.clone(), source })?;
                    open::open_stream(file, &self.limits, keep)
                }
                Archive::Stream(file) => open::open_stream(file, &self.limits, keep),
            },
            SourceInput::Stream(stream) => open::open_stream(stream, &self.limits, keep),
        };
        index.and_then(|index| index.inventory()).and_then(archive::require_images).map_err(input_error)
    }
}

fn open_archive(path: &Path) -> Result<Archive, Error> {
    open_file(path).map_err(|source| Error::Open { path: path.to_owned(), source })
}

/// Reads an archive as the kind that the location names, if it names one.
pub(super) fn read_as(location: &Location, index: &TarIndex) -> Result<Inventory, archive::Error> {
    let all = match location {
        Location::DockerArchive(..) if index.has(docker_archive::MANIFEST) => docker_archive::read(index)?,
        Location::OciArchive(..) => oci_archive::read(index)?,
        _ => return index.inventory(),
    };
    Ok(Inventory::of(settled(all)?))
}
