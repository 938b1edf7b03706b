//! Prepares images for writing.

use super::layers::{Ready, ready};
use super::request::{OutgoingOptions, OutgoingRequest};
use super::single::add_image;
use super::{Listed, Outgoing, OutgoingError, OutgoingPart, PartKind, UniqueParts};
use crate::oci::{Descriptor, Digest, Reference};

/// Prepares images for writing. Shared layers are compressed once.
pub fn prepare(
    requests: &[OutgoingRequest<'_>],
    options: &OutgoingOptions<'_>,
) -> Result<Vec<Outgoing>, OutgoingError> {
    let ready = ready(requests, options)?;
    Ok(requests.iter().map(|request| assemble(request, &ready)).collect())
}

fn assemble(request: &OutgoingRequest<'_>, ready: &Ready) -> Outgoing {
    let mut parts = UniqueParts::default();
    let (descriptor, layers) = match request.index {
        Some((descriptor, tree)) => super::index::add(request, descriptor, tree, ready, &mut parts),
        None => add_image(request, request.image, ready, &mut parts),
    };
    let listed = Some(Listed { config: request.image.config.clone(), layers });
    let parts = parts.in_order();
    let names = names_of(request.names, &descriptor, &parts);
    Outgoing { names, descriptor, listed, parts }
}

/// The names that are true of what goes out. Where layers change their form, the manifest has another digest: a name
/// with the old one would lead to nothing, and readers refuse it. Its tag stays, if it has one.
fn names_of(names: &[Reference], descriptor: &Descriptor, parts: &[OutgoingPart]) -> Vec<Reference> {
    let goes_out = |digest: &Digest| {
        let is_it = |part: &OutgoingPart| part.kind >= PartKind::Manifest && part.descriptor.digest == *digest;
        descriptor.digest == *digest || parts.iter().any(is_it)
    };
    let mut kept: Vec<Reference> = Vec::with_capacity(names.len());
    for name in names {
        let name = match name.digest() {
            Some(digest) if !goes_out(digest) => name.tag().map(|_| name.without_digest()),
            _ => Some(name.clone()),
        };
        kept.extend(name.filter(|name| !kept.contains(name)));
    }
    kept
}
