//! `diff`: the changes from one image to another.

mod content;
mod settings;
mod summary;

use std::collections::BTreeMap;

pub use content::ContentChange;
pub use settings::{Side, SideLine};
pub use summary::Changed;

use super::installed::{PackageChange, compare, installed};
use super::look::{Look, Place};
use super::{Context, Error};
use crate::image::Progress;
use crate::layer::diff::{PathChange, diff};
use crate::layer::overlay::ViewNode;
use crate::oci::Platform;

/// Two images that are compared.
pub struct Pair {
    old: Look,
    new: Look,
}

impl Pair {
    /// Opens both, wherever they are.
    pub fn open(
        context: &Context,
        old: &str,
        new: &str,
        platform: Option<&Platform>,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let open = |typed| Look::open(context, typed, platform, progress);
        Ok(Self { old: open(old)?, new: open(new)? })
    }

    /// The paths that differ, sorted. Contents are compared by digest, for which each layer involved is read once; the
    /// same place of the same layer is equal without reading.
    pub fn paths(&self, context: &Context, progress: &dyn Progress) -> Result<Vec<PathChange>, Error> {
        let (old, new) = (&self.old, &self.new);
        let (mut olds, mut news) = (Vec::new(), Vec::new());
        diff(&old.view, &new.view, |one, other| {
            if !is_same(old, one, new, other) {
                olds.push(one);
                news.push(other);
            }
            true
        });
        let total = olds.iter().chain(&news).map(ViewNode::size).fold(0, u64::saturating_add);
        progress.total(Some(total));
        progress.start(0, "diff", Some(total));
        let (olds, news) = (old.digests(context, olds, progress)?, new.digests(context, news, progress)?);
        progress.finish(0, "");
        Ok(diff(&old.view, &new.view, |one, other| {
            let one_digest = Place::of(one).and_then(|place| olds.get(&place));
            let other_digest = Place::of(other).and_then(|place| news.get(&place));
            is_same(old, one, new, other) || one_digest == other_digest
        }))
    }

    /// What the configs say, and only one of them.
    pub fn settings(&self) -> Vec<SideLine> {
        settings::compare(self.old.image.config.value(), self.new.image.config.value())
    }

    /// How much of these paths changed, by the names in the root.
    pub fn summary(&self, changes: &[PathChange]) -> BTreeMap<Vec<u8>, Changed> {
        summary::summarise(changes, &self.old.view, &self.new.view)
    }

    /// What differs inside of the files among these paths. Files of up to 1 MiB are compared by lines, 256 MiB in all.
    pub fn contents(&self, context: &Context, changes: &[PathChange]) -> Result<Vec<ContentChange>, Error> {
        content::compare(context, &self.old, &self.new, changes)
    }

    /// The packages whose versions differ.
    pub fn packages(&self, context: &Context, progress: &dyn Progress) -> Result<Vec<PackageChange>, Error> {
        let of = |look: &Look| installed(context, look, &[], progress);
        Ok(compare(&of(&self.old)?, &of(&self.new)?))
    }
}

/// The paths that differ between two images.
pub fn images(
    context: &Context,
    old: &str,
    new: &str,
    platform: Option<&Platform>,
    progress: &dyn Progress,
) -> Result<Vec<PathChange>, Error> {
    Pair::open(context, old, new, platform, progress)?.paths(context, progress)
}

/// Whether two files of one size are empty, or the same entry of the same layer.
fn is_same(old: &Look, one: ViewNode<'_>, new: &Look, other: ViewNode<'_>) -> bool {
    let layer = |look: &Look, place: Place| look.image.layers[place.layer].diff_id;
    match (Place::of(one), Place::of(other)) {
        _ if one.size() == 0 => true,
        (Some(one), Some(other)) => one.offset == other.offset && layer(old, one) == layer(new, other),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Silent;
    use crate::layer::diff::{Aspect, PathChangeKind};
    use crate::ops::sample::{archive, context, file, gzip, layer, link};

    #[test]
    fn contents_are_compared_and_not_their_places() {
        let folder = tempfile::tempdir().expect("a folder");
        let context = context(folder.path());
        let path = |name: &str| folder.path().join(name);
        let base = layer(&[file("base", b"as it is")]);
        let old = layer(&[file("a", b"1"), file("b", b"22"), link("c", "b"), file("same", b"333")]);
        let new = layer(&[file("same", b"333"), file("b", b"2x"), link("c", "b"), file("a", b"1")]);
        archive(&path("old.tar"), &[base.clone(), old], <[u8]>::to_vec);
        archive(&path("new.tar"), &[base, new], gzip);
        let compare = |old: &str, new: &str| {
            let [old, new] = [old, new].map(|name| path(name).display().to_string());
            images(&context, &old, &new, None, &Silent).expect("two images")
        };
        let found: Vec<_> = compare("old.tar", "new.tar")
            .into_iter()
            .map(|change| (change.path.to_string(), change.kind, change.aspects))
            .collect();
        let changed = |name: &str| (name.to_owned(), PathChangeKind::Changed, vec![Aspect::Content]);
        assert_eq!(found, [changed("b"), changed("c")]);
        assert_eq!(compare("old.tar", "old.tar"), []);
    }
}
