//! Selects and names the images of an archive.

use std::collections::BTreeSet;

use crate::image::{Child, Image, ImageTree, Named};
use crate::oci::{Digest, Platform, Reference};
use crate::ops::Error;

/// Options of `load`.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// Only these platforms; all if there are none.
    pub platforms: Vec<Platform>,
    /// Fail instead of moving a name from another image.
    pub no_clobber: bool,
    /// Other names for the images: what they are called in the archive, or the beginning of their id, and the new name.
    pub rename: Vec<(String, Reference)>,
    /// A registry and path that replaces the registry of all names.
    pub prefix: Option<String>,
    /// Only the images of these names.
    pub only: Vec<Reference>,
    /// Verify everything, store nothing.
    pub dry_run: bool,
}

/// Chooses and names the images.
pub fn plan(mut named: Vec<Named>, options: &LoadOptions) -> Result<Vec<Named>, Error> {
    named.retain(|named| !named.tree.images().is_empty());
    let found = || named.iter().flat_map(|named| named.names.iter().map(Reference::familiar)).collect::<Vec<_>>();
    for wanted in &options.only {
        if !named.iter().any(|named| named.names.contains(wanted)) {
            let (archive, wanted) = ("the archive".to_owned(), wanted.familiar());
            return Err(Error::NotInArchive { archive, wanted, found: found() });
        }
    }
    if !options.only.is_empty() {
        for named in &mut named {
            named.names.retain(|name| options.only.contains(name));
        }
        named.retain(|named| !named.names.is_empty());
    }
    rename(&mut named, options)?;
    choose_platforms(named, &options.platforms)
}

fn rename(named: &mut [Named], options: &LoadOptions) -> Result<(), Error> {
    if let Some(prefix) = &options.prefix {
        for name in named.iter_mut().flat_map(|named| &mut named.names) {
            *name = prefixed(name, prefix)?;
        }
    }
    for (old, _) in &options.rename {
        if !named
            .iter()
            .any(|named| named.names.iter().any(|name| is_called(name, old)) || is_called_by_id(&named.tree, old))
        {
            let found = named.iter().flat_map(|named| named.names.iter().map(Reference::familiar)).collect();
            return Err(Error::NotInArchive { archive: "the archive".to_owned(), wanted: old.clone(), found });
        }
    }
    // All at once, so that two images can swap their names.
    for named in named.iter_mut() {
        named.names = renamed(named, &options.rename);
    }
    let renamed = options.prefix.is_some() || !options.rename.is_empty();
    if renamed { check_distinct(named) } else { Ok(()) }
}

/// The names after renaming: new names in place of old ones, and those given to its ID at the end.
fn renamed(named: &Named, pairs: &[(String, Reference)]) -> Vec<Reference> {
    let mut given = Vec::new();
    for name in &named.names {
        let before = given.len();
        given.extend(pairs.iter().filter(|(old, _)| is_called(name, old)).map(|(_, new)| new.clone()));
        if given.len() == before {
            given.push(name.clone());
        }
    }
    let by_id = |old: &str| !named.names.iter().any(|name| is_called(name, old)) && is_called_by_id(&named.tree, old);
    given.extend(pairs.iter().filter(|(old, _)| by_id(old)).map(|(_, new)| new.clone()));
    given
}

fn is_called(name: &Reference, typed: &str) -> bool {
    typed.parse::<Reference>().is_ok_and(|typed| typed.with_default_tag() == *name)
}

/// An archive may give one name to several images, as in docker; with renaming this is a mistake.
fn check_distinct(named: &[Named]) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for name in named.iter().flat_map(|named| &named.names) {
        if !seen.insert(name) {
            return Err(Error::SameName(name.familiar()));
        }
    }
    Ok(())
}

fn prefixed(name: &Reference, prefix: &str) -> Result<Reference, Error> {
    let repository = name.repository();
    let official = name.registry() == "docker.io";
    let repository = repository.strip_prefix("library/").filter(|_| official).unwrap_or(repository);
    let tag = name.tag().map(|tag| format!(":{tag}")).unwrap_or_default();
    Ok(format!("{}/{repository}{tag}", prefix.trim_end_matches('/')).parse()?)
}

/// Whether `text` is the beginning of the image's ID, of at least twelve digits.
fn is_called_by_id(tree: &ImageTree, text: &str) -> bool {
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    let is_id = hex.len() >= 12 || hex.parse::<Digest>().is_ok();
    is_id && tree.images().iter().any(|image| image.id().digest().hex().starts_with(hex))
}

/// Keeps only the wanted platforms, each of which must be found. An index is kept unchanged, with its other platforms
/// missing, so that those already in the store stay under the same name.
fn choose_platforms(named: Vec<Named>, wanted: &[Platform]) -> Result<Vec<Named>, Error> {
    if wanted.is_empty() {
        return Ok(named);
    }
    let missing = |platform: &&Platform| !named.iter().any(|named| named.tree.image_for(platform).is_some());
    if wanted.iter().any(|platform| missing(&platform)) {
        return Err(no_such_platform(&named, wanted));
    }
    let keep = |image: &Image| wanted.iter().any(|platform| platform.matches(&image.platform()));
    let choose = |named: Named| Named { tree: without(named.tree, &keep), ..named };
    let mut chosen: Vec<Named> = named.into_iter().map(choose).collect();
    chosen.retain(|named| wanted.iter().any(|platform| named.tree.image_for(platform).is_some()));
    Ok(chosen)
}

fn no_such_platform(named: &[Named], wanted: &[Platform]) -> Error {
    let images: Vec<&Image> = named.iter().flat_map(|named| named.tree.images()).collect();
    let mut found: Vec<Platform> = Vec::new();
    for platform in images.iter().map(|image| image.platform()) {
        if !found.contains(&platform) {
            found.push(platform);
        }
    }
    let image = match named {
        [only] => {
            only.names.first().map(Reference::familiar).or_else(|| images.first().map(|image| image.id().to_string()))
        }
        _ => None,
    };
    let image = image.unwrap_or_else(|| "the archive".to_owned());
    Error::Platform { image, wanted: wanted.to_vec(), found }
}

/// The tree without the images that are not kept and without attestations about them.
fn without(tree: ImageTree, keep: &dyn Fn(&Image) -> bool) -> ImageTree {
    match tree {
        ImageTree::Image(image) if !keep(&image) => ImageTree::Absent,
        ImageTree::Index { document, children } => {
            let prune = |child: Child| Child { tree: without(child.tree, keep), ..child };
            ImageTree::Index { document, children: children.into_iter().map(prune).collect() }
        }
        other => other,
    }
}
