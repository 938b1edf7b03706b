//! `diff`: the changes from one image to another.

use std::collections::BTreeMap;
use std::io::Read as _;

use super::damage::LayerNames;
use super::{Context, Error};
use crate::image::contents::{Contents, Piece};
use crate::image::{Image, Progress};
use crate::layer::diff::{PathChange, diff};
use crate::layer::overlay::{ContentRange, Overlay, ViewNode};
use crate::oci::{Digest, Hasher, Platform};

/// The changes from the image `old` to the image `new`, sorted by path. Contents are compared by digest, for which each
/// layer involved is read once; the same place of the same layer is equal without reading.
pub fn images(
    context: &Context,
    old: &str,
    new: &str,
    platform: Option<&Platform>,
    progress: &dyn Progress,
) -> Result<Vec<PathChange>, Error> {
    let find = |typed| Side::find(context, typed, platform, progress);
    let (old, new) = (find(old)?, find(new)?);
    let (mut olds, mut news) = (Wanted::new(), Wanted::new());
    diff(&old.view, &new.view, |one, other| {
        if !old.is_same(one, &new, other) {
            olds.insert(place(one), one);
            news.insert(place(other), other);
        }
        true
    });
    let total = olds.values().chain(news.values()).map(ViewNode::size).fold(0, u64::saturating_add);
    progress.total(Some(total));
    progress.start(0, "diff", Some(total));
    let (olds, news) = (old.digests(&olds, context, progress)?, new.digests(&news, context, progress)?);
    progress.finish(0, "");
    Ok(diff(&old.view, &new.view, |one, other| {
        old.is_same(one, &new, other) || olds.get(&place(one)) == news.get(&place(other))
    }))
}

/// Where a content is: which layer, and where in it.
type Place = (usize, u64);

/// Files whose contents are to be read, in the order of the layers.
type Wanted<'a> = BTreeMap<Place, ViewNode<'a>>;

fn source(file: ViewNode<'_>) -> ContentRange<'_> {
    file.source().expect("only files are compared by content")
}

fn place(file: ViewNode<'_>) -> Place {
    let source = source(file);
    (source.layer, source.content_offset)
}

/// One of the two images.
struct Side {
    image: Image,
    names: LayerNames,
    view: Overlay,
}

impl Side {
    fn find(
        context: &Context,
        typed: &str,
        platform: Option<&Platform>,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let found = context.find_for(typed, platform)?;
        let image = found.image(platform, &context.host)?.clone();
        context.fetch(&found, &[&image], progress)?;
        let view = context.overlay(&found, &image)?;
        Ok(Self { names: LayerNames::of(&found, &image), image, view })
    }

    /// Whether two files of one size are empty, or the same entry of the same layer.
    fn is_same(&self, file: ViewNode<'_>, other_side: &Self, other: ViewNode<'_>) -> bool {
        let (one, two) = (source(file), source(other));
        let layer = |side: &Self, source: ContentRange<'_>| side.image.layers[source.layer].diff_id;
        file.size() == 0 || one.content_offset == two.content_offset && layer(self, one) == layer(other_side, two)
    }

    /// The digest of each content.
    fn digests(
        &self,
        wanted: &Wanted<'_>,
        context: &Context,
        progress: &dyn Progress,
    ) -> Result<BTreeMap<Place, Digest>, Error> {
        let files: Vec<ViewNode<'_>> = wanted.values().copied().collect();
        let mut digests = BTreeMap::new();
        for files in files.chunk_by(|one, other| one.layer() == other.layer()) {
            let layer = &self.image.layers[files[0].layer()];
            let blob = layer.blob.as_ref().expect("a view was made of the layer");
            let failed = |error| self.names.of_layer(files[0].layer(), error);
            let mut contents = Contents::open(blob, &context.limits).map_err(failed)?;
            for file in files {
                let digest = digest(&mut contents, *file, progress);
                let failed = |error| self.names.of_content(file.layer(), &file.path_bytes(), error);
                digests.insert(place(*file), digest.map_err(failed)?);
            }
        }
        Ok(digests)
    }
}

fn digest(contents: &mut Contents<'_>, file: ViewNode<'_>, progress: &dyn Progress) -> std::io::Result<Digest> {
    let (mut hasher, mut buffer) = (Hasher::new(), vec![0; crate::image::copy::CHUNK]);
    contents.read(source(file), |piece| {
        let (mut hole, mut data);
        let reader: &mut dyn std::io::Read = match piece {
            Piece::Hole(size) => {
                hole = std::io::repeat(0).take(size);
                &mut hole
            }
            Piece::Data(stored) => {
                data = stored;
                &mut data
            }
        };
        loop {
            match reader.read(&mut buffer)? {
                0 => return Ok(()),
                got => {
                    hasher.update(&buffer[..got]);
                    progress.advance(0, got as u64);
                }
            }
        }
    })?;
    Ok(hasher.finish())
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
