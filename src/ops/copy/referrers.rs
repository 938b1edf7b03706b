//! What refers to images that were copied from one registry to another.

use std::collections::HashSet;

use super::copier::Copier;
use super::event::{CopiedImage, CopyEvent};
use crate::image::outgoing::{Outgoing, PartKind};
use crate::oci::{Descriptor, Digest, Reference};
use crate::ops::Error;
use crate::ops::copy_error::CopyError;
use crate::ops::sending::{Plan, Sender};
use crate::registry::{Choice, Repository};

/// The most manifests that may refer to one image, and to each other.
const MOST: usize = 10_000;

/// From where to where referrers are copied.
pub(super) struct Way<'a> {
    pub(super) from: Repository,
    pub(super) to: &'a Repository,
    pub(super) sender: &'a Sender<'a>,
}

impl Copier<'_> {
    /// Copies what refers to the manifests and indexes of an image, and what refers to that.
    pub(super) fn copy_referrers(&self, way: &Way<'_>, image: &Outgoing) -> Result<Vec<CopiedImage>, Error> {
        let documents = image.parts().iter().filter(|part| part.kind >= PartKind::Manifest);
        let mut subjects: Vec<Digest> = documents.map(|part| part.descriptor.digest).collect();
        let mut seen: HashSet<Digest> = subjects.iter().copied().collect();
        let mut copied = Vec::new();
        while let Some(subject) = subjects.pop() {
            let found = way.from.referrers(&subject)?.manifests;
            if found.is_empty() {
                continue;
            }
            let mut there = way.to.referrers(&subject)?;
            let known: HashSet<Digest> = there.manifests.iter().map(|manifest| manifest.digest).collect();
            let lacking: Vec<&Descriptor> = found.iter().filter(|referrer| !known.contains(&referrer.digest)).collect();
            for referrer in &lacking {
                let image = self.copy_referrer(way, referrer)?;
                self.copied(&mut copied, image);
            }
            if !there.are_found && !lacking.is_empty() {
                there.manifests.extend(lacking.into_iter().cloned());
                way.to.list_referrers(&subject, there.manifests)?;
            }
            subjects.extend(found.iter().map(|referrer| referrer.digest).filter(|digest| seen.insert(*digest)));
            if seen.len() > MOST {
                return Err(CopyError::TooManyReferrers { from: way.from.name().familiar(), limit: MOST }.into());
            }
        }
        Ok(copied)
    }

    fn copy_referrer(&self, way: &Way<'_>, referrer: &Descriptor) -> Result<CopiedImage, Error> {
        let named = |name: &Reference| name.with_digest(referrer.digest);
        let (from, to) = (named(way.from.name()), named(way.to.name()));
        let shown = format!("docker://{}", from.familiar());
        let to_shown = format!("docker://{}", to.familiar());
        (self.tell)(CopyEvent::Image(shown.clone(), to_shown.clone()));
        let found = self.context.find_chosen(&from.canonical(), &Choice::All)?;
        let descriptor = found.descriptor.as_ref().ok_or_else(|| Error::NoSuchImage(shown.clone()))?;
        let plan = Plan::unchanged(self.context, &shown, &to, (descriptor, &found.tree));
        let sent = way.sender.send(&plan)?;
        Ok(CopiedImage { to: to_shown, digest: sent.digest, is_new: true })
    }
}
