//! How a descriptor of `index.json` says the name of its image.

use crate::oci::{ANNOTATION_IMAGE_NAME, ANNOTATION_REF_NAME, Descriptor, Reference};

/// The name in a descriptor's annotations: `io.containerd.image.name` before `org.opencontainers.image.ref.name`, which
/// may be a whole reference or, as umoci and skopeo write it, a word; a word alone is read as docker reads it, `v1` as
/// `v1:latest`. What is no reference is no name.
pub fn name_of(descriptor: &Descriptor) -> Option<Reference> {
    [ANNOTATION_IMAGE_NAME, ANNOTATION_REF_NAME]
        .into_iter()
        .filter_map(|key| descriptor.annotation(key))
        .find(|text| !text.is_empty())
        .and_then(|text| text.parse::<Reference>().ok())
        .map(Reference::with_default_tag)
}

/// What other tools call an image, where that is no reference: umoci takes any word.
pub fn foreign_name_of(descriptor: &Descriptor) -> Option<&str> {
    let text = descriptor.annotation(ANNOTATION_REF_NAME).filter(|text| !text.is_empty())?;
    name_of(descriptor).is_none().then_some(text)
}

/// Writes a name as a store has it, the full reference in both annotations, or takes it away.
pub fn set_name(descriptor: &mut Descriptor, name: Option<&Reference>) {
    for key in [ANNOTATION_IMAGE_NAME, ANNOTATION_REF_NAME] {
        let _ = match name {
            Some(name) => descriptor.annotations.insert(key.to_owned(), name.canonical()),
            None => descriptor.annotations.remove(key),
        };
    }
}
