//! `delete`: tags and manifests of registries.

use super::delete_error::DeleteError;
use super::{Context, Error};
use crate::image::work;
use crate::oci::{Digest, Reference};
use crate::registry::{self, Deletion, Refusal, Repository};

/// How many tags are looked up at a time.
const LOOKED_UP_AT_ONCE: usize = 8;

/// How something is deleted.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeleteOptions {
    /// Delete the manifest that a tag leads to, and so all tags that lead to it.
    pub manifest: bool,
    /// Only say what would be deleted.
    pub dry_run: bool,
}

/// Something that was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deleted {
    /// A tag.
    Tag(Reference),
    /// A manifest, by its digest.
    Manifest(Reference),
}

/// Deletes what was typed, with or without `docker://`, and returns all that is gone: a tag, or a manifest behind the
/// tags that led to it.
pub fn delete(context: &Context, typed: &str, options: DeleteOptions) -> Result<Vec<Deleted>, Error> {
    let name: Reference = typed.strip_prefix("docker://").unwrap_or(typed).parse()?;
    if name.is_name_only() {
        return Err(DeleteError::NothingToDelete { typed: typed.to_owned() }.into());
    }
    let repository = context.registries.repository(&name)?;
    let digest = digest_of(&repository, &name)?;
    if name.digest().is_some() || options.manifest {
        return delete_manifest(&repository, digest, options);
    }
    if options.dry_run {
        return Ok(vec![Deleted::Tag(name)]);
    }
    match repository.delete(&name)? {
        Deletion::Done => Ok(vec![Deleted::Tag(name)]),
        Deletion::Unsupported(refusal) => Err(not_alone(&repository, &name, digest, refusal)?),
    }
}

fn delete_manifest(repository: &Repository, digest: Digest, options: DeleteOptions) -> Result<Vec<Deleted>, Error> {
    let manifest = repository.name().with_digest(digest);
    let tags = tags_of(repository, &digest)?;
    if !options.dry_run
        && let Deletion::Unsupported(refusal) = repository.delete(&manifest)?
    {
        return Err(DeleteError::DeletionOff { name: manifest.familiar(), refusal: Box::new(refusal) }.into());
    }
    let tags = tags.iter().map(|tag| Ok(Deleted::Tag(repository.name().with_tag(tag)?)));
    let mut gone = tags.collect::<Result<Vec<_>, Error>>()?;
    gone.push(Deleted::Manifest(manifest));
    Ok(gone)
}

/// Says what would go with a tag that cannot be deleted alone.
fn not_alone(repository: &Repository, name: &Reference, digest: Digest, refusal: Refusal) -> Result<Error, Error> {
    let mut others = tags_of(repository, &digest)?;
    others.retain(|tag| Some(tag.as_str()) != name.tag());
    Ok(DeleteError::TagNotAlone { name: name.familiar(), digest, others, refusal: Box::new(refusal) }.into())
}

/// The tags that lead to a manifest.
fn tags_of(repository: &Repository, digest: &Digest) -> Result<Vec<String>, Error> {
    let mut tags = repository.tags()?;
    tags.sort();
    let leads = |_: usize, tag: &String| match digest_of(repository, &repository.name().with_tag(tag)?) {
        Ok(found) => Ok(found == *digest),
        Err(Error::Registry(registry::Error::NoManifest { .. })) => Ok(false),
        Err(error) => Err(error),
    };
    let lead = work::for_each(&tags, LOOKED_UP_AT_ONCE, leads)?;
    Ok(tags.into_iter().zip(lead).filter_map(|(tag, leads)| leads.then_some(tag)).collect())
}

/// The digest of the manifest that a name leads to.
fn digest_of(repository: &Repository, name: &Reference) -> Result<Digest, Error> {
    match repository.head(name)? {
        Some(found) => Ok(found.digest),
        None => Ok(repository.manifest(name)?.descriptor.digest),
    }
}
