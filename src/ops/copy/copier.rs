//! What copying needs, whatever the destination.

use super::event::{CopiedImage, CopyEvent, CopyOptions, Tell};
use super::source::SourceImage;
use crate::image::Progress;
use crate::oci::Reference;
use crate::ops::several::{self, ImageProgress, InOrder};
use crate::ops::{Context, Error};

/// An image that was copied, or its name and why it was not.
pub type Copied = Result<CopiedImage, (String, Error)>;

/// Copies images to one destination.
pub(super) struct Copier<'a> {
    pub(super) context: &'a Context,
    pub(super) options: &'a CopyOptions,
    pub(super) tell: Tell<'a>,
    pub(super) progress: &'a dyn Progress,
}

impl Copier<'_> {
    /// Copies each image to its own name, several at once; what is told comes in their order.
    pub(super) fn each(
        &self,
        pairs: &[(&SourceImage, Reference)],
        copy: impl Fn(&Copier<'_>, &SourceImage, &Reference) -> Result<CopiedImage, Error> + Sync,
    ) -> Vec<Copied> {
        // Of images that get the same name, the last keeps it.
        let mut names: Vec<&Reference> = pairs.iter().map(|(_, name)| name).collect();
        names.sort_unstable();
        let is_clear = names.windows(2).all(|two| two[0] != two[1]);
        let jobs = if is_clear { self.options.jobs } else { 1 };
        let order = InOrder::new(self.tell);
        several::each(pairs, jobs, |place, (source, name)| {
            let progress = ImageProgress::new(self.progress, place, source.shown(), "copy");
            let tell = |event| order.tell(place, event);
            let one = Copier { context: self.context, options: self.options, tell: &tell, progress: &progress };
            let copied = several::check(self.context, &source.shown()).and_then(|()| copy(&one, source, name));
            if let Ok(image) = &copied {
                progress.is_done(&image.digest);
                tell(CopyEvent::Copied(image.clone()));
            }
            order.end(place);
            copied.map_err(|error| (source.shown(), error))
        })
    }

    /// Tells of an image that is where it was to be, and lists it.
    pub(super) fn copied(&self, all: &mut Vec<CopiedImage>, image: CopiedImage) {
        (self.tell)(CopyEvent::Copied(image.clone()));
        all.push(image);
    }
}
