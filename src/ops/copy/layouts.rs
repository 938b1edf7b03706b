//! Images on their way into OCI layouts.

use std::path::Path;

use super::copier::Copier;
use super::event::{CopiedImage, CopyEvent};
use super::source::SourceImage;
use crate::image::outgoing::{Outgoing, OutgoingPart, PartKind};
use crate::image::work;
use crate::layout::LayoutWriter;
use crate::oci::{ANNOTATION_IMAGE_NAME, ANNOTATION_REF_NAME, Descriptor, Reference};
use crate::ops::Error;

impl Copier<'_> {
    /// Adds images to a layout, byte for byte; `name` is what skopeo calls a reference.
    pub(super) fn to_layout(
        &self,
        sources: &[SourceImage],
        path: &Path,
        name: Option<&str>,
    ) -> Result<Vec<CopiedImage>, Error> {
        let shown = format!("oci:{}", path.display());
        let mut images = Vec::new();
        for source in sources {
            (self.tell)(CopyEvent::Image(source.shown(), shown.clone()));
            let found = source.found(self.context, self.options)?;
            let chosen = self.whole(source, &found)?;
            images.push(self.as_it_is(&found, &chosen, &found.names)?);
        }
        let layout = LayoutWriter::open(path, self.context.store.job())?;
        self.put_parts(&layout, &images)?;
        let mut entries = Vec::new();
        let mut copied = Vec::new();
        for image in &images {
            let (named, first) = named(image, name);
            entries.extend(named);
            let to = first.map_or_else(|| shown.clone(), |name| format!("{shown}:{name}"));
            copied.push(CopiedImage { to, digest: image.descriptor.digest, is_new: true });
        }
        layout.finish(entries)?;
        let mut told = Vec::new();
        for image in copied {
            self.copied(&mut told, image);
        }
        Ok(told)
    }

    fn put_parts(&self, layout: &LayoutWriter, images: &[Outgoing]) -> Result<(), Error> {
        let parts = || images.iter().flat_map(Outgoing::parts);
        let (mut blobs, documents): (Vec<&OutgoingPart>, Vec<_>) =
            parts().partition(|part| part.kind == PartKind::Blob);
        let mut seen = std::collections::HashSet::new();
        blobs.retain(|part| seen.insert(part.descriptor.digest));
        // The largest first: what is begun last should not take long.
        blobs.sort_by_key(|part| std::cmp::Reverse(part.descriptor.size));
        self.progress.total(Some(blobs.iter().map(|part| part.descriptor.size).sum()));
        work::for_each(&blobs, self.options.jobs, |id, part| {
            let id = id as u64;
            self.progress.start(id, &part.label, Some(part.descriptor.size));
            let moved = |bytes| self.progress.advance(id, bytes);
            let put = layout.put(part, &moved);
            self.progress.finish(id, "");
            put
        })?;
        for part in documents {
            layout.put(part, &|_| {})?;
        }
        Ok(())
    }
}

/// The entries of an image, and the text by which the first is found. With a name of its own it has that as skopeo
/// writes it, else the image's names as docker writes them.
fn named(image: &Outgoing, name: Option<&str>) -> (Vec<Descriptor>, Option<String>) {
    let mut plain = image.descriptor.clone();
    plain.leave_store();
    for key in [ANNOTATION_IMAGE_NAME, ANNOTATION_REF_NAME] {
        plain.annotations.remove(key);
    }
    let with = |pairs: &[(&str, Option<String>)]| {
        let mut entry = plain.clone();
        let given = pairs.iter().filter_map(|(key, value)| Some(((*key).to_owned(), value.clone()?)));
        entry.annotations.extend(given);
        entry
    };
    if let Some(name) = name {
        return (vec![with(&[(ANNOTATION_REF_NAME, Some(name.to_owned()))])], Some(name.to_owned()));
    }
    let entry = |name: &Reference| {
        let tag = name.tag().map(str::to_owned);
        with(&[(ANNOTATION_IMAGE_NAME, Some(name.canonical())), (ANNOTATION_REF_NAME, tag)])
    };
    match image.names.first() {
        None => (vec![plain], None),
        Some(first) => (image.names.iter().map(entry).collect(), Some(first.familiar())),
    }
}
