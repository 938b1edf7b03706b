//! Images on their way into archives.

use std::io;
use std::path::Path;

use super::copier::Copier;
use super::event::{CopiedImage, CopyEvent};
use super::source::{Chosen, SourceImage};
use crate::archive::write;
use crate::image::outgoing::{self, LayerForm, Outgoing, OutgoingOptions, OutgoingRequest, Recode};
use crate::image::{ImageTree, Layer, Silent};
use crate::oci::Reference;
use crate::ops::copy_error::CopyError;
use crate::ops::output::{Readers, write_to_path};
use crate::ops::{Error, FoundImage};

impl Copier<'_> {
    /// Writes images to an archive that docker loads, layers uncompressed as `docker save` writes them.
    pub(super) fn to_docker_archive(
        &self,
        sources: &[SourceImage],
        path: &Path,
        name: Option<&Reference>,
    ) -> Result<Vec<CopiedImage>, Error> {
        let images =
            self.outgoing(sources, name, &format!("docker-archive:{}", path.display()), |found, chosen, names| {
                self.prepared(found, chosen, names, LayerForm::Recoded(Recode::Unpack))
            })?;
        let members = write::superset(&images, self.options.mtime);
        write_to_path(&members, path, Readers::Umask, self.context.store.job(), self.progress)?;
        Ok(self.written("docker-archive", path, &images))
    }

    /// Writes images to an OCI archive, byte for byte.
    pub(super) fn to_oci_archive(
        &self,
        sources: &[SourceImage],
        path: &Path,
        name: Option<&Reference>,
    ) -> Result<Vec<CopiedImage>, Error> {
        let images =
            self.outgoing(sources, name, &format!("oci-archive:{}", path.display()), |found, chosen, names| {
                self.as_it_is(found, chosen, names)
            })?;
        let members = write::oci(&images, self.options.mtime);
        write_to_path(&members, path, Readers::Umask, self.context.store.job(), self.progress)?;
        Ok(self.written("oci-archive", path, &images))
    }

    /// What goes out of each image.
    fn outgoing(
        &self,
        sources: &[SourceImage],
        name: Option<&Reference>,
        to: &str,
        prepare: impl Fn(&FoundImage, &Chosen<'_>, &[Reference]) -> Result<Outgoing, Error>,
    ) -> Result<Vec<Outgoing>, Error> {
        let mut images = Vec::new();
        for source in sources {
            (self.tell)(CopyEvent::Image(source.shown(), to.to_owned()));
            let found = source.found(self.context, self.options)?;
            let chosen = self.whole(source, &found)?;
            let given = name.map(std::slice::from_ref);
            images.push(prepare(&found, &chosen, given.unwrap_or(&found.names))?);
        }
        Ok(images)
    }

    /// What is chosen of an image, all of which has to be there.
    pub(super) fn whole<'f>(&self, source: &SourceImage, found: &'f FoundImage) -> Result<Chosen<'f>, Error> {
        let chosen = Chosen::of(found, self.options, &self.context.host)?;
        match chosen.missing() {
            None => Ok(chosen),
            Some(missing) => Err(CopyError::NotWhole { from: source.shown(), missing }.into()),
        }
    }

    /// An image byte for byte; one without a manifest gets one.
    pub(super) fn as_it_is(
        &self,
        found: &FoundImage,
        chosen: &Chosen<'_>,
        names: &[Reference],
    ) -> Result<Outgoing, Error> {
        match chosen.descriptor {
            Some(descriptor) => {
                let what = (descriptor, chosen.tree);
                Ok(outgoing::unchanged(names, &found.shown(), what, &self.context.host))
            }
            None => self.prepared(found, chosen, names, LayerForm::AsStored),
        }
    }

    fn prepared(
        &self,
        found: &FoundImage,
        chosen: &Chosen<'_>,
        names: &[Reference],
        form: LayerForm,
    ) -> Result<Outgoing, Error> {
        let no_image = || CopyError::NoImage { from: found.shown(), to: "a docker-archive".to_owned() };
        let image = chosen.image.ok_or_else(no_image)?;
        let index = chosen.descriptor.filter(|_| matches!(chosen.tree, ImageTree::Index { .. }));
        let tar_size =
            |layer: &Layer| self.context.layer_size(found, layer).map(|size| size.tar).map_err(io::Error::other);
        let index = index.map(|descriptor| (descriptor, chosen.tree));
        let request = OutgoingRequest { names, shown: found.shown(), image, index, tar_size: &tar_size };
        let how = OutgoingOptions { form, scratch: None, progress: &Silent };
        outgoing::prepare(&[request], &how)?.pop().ok_or_else(|| Error::NoSuchImage(found.shown()))
    }

    fn written(&self, kind: &str, path: &Path, images: &[Outgoing]) -> Vec<CopiedImage> {
        let mut copied = Vec::new();
        for image in images {
            let name = image.names.first().map(|name| format!(":{}", name.familiar())).unwrap_or_default();
            let (to, digest) = (format!("{kind}:{}{name}", path.display()), image.descriptor.digest);
            self.copied(&mut copied, CopiedImage { to, digest, is_new: true });
        }
        copied
    }
}
