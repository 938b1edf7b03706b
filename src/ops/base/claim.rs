//! What an image says of the image that it is built on.

use crate::oci::{ANNOTATION_BASE_DIGEST, ANNOTATION_BASE_NAME, ANNOTATION_BUILT_ON, Digest, Reference};
use crate::ops::RemakeError;
use crate::ops::remake::Origin;

/// Where an image says what it is built on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// In the annotations of its manifest.
    Annotations,
    /// In the store that it was built in.
    Build,
    /// In the labels of its config.
    Labels,
}

/// What an image says of the image that it is built on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseClaim {
    /// Where it says so.
    pub by: Said,
    /// The name, with a tag unless it is known by its digest only.
    pub name: Option<Reference>,
    /// The digest of the manifest or index that the name led to.
    pub digest: Option<Digest>,
}

impl BaseClaim {
    /// The base in messages.
    pub fn shown(&self) -> String {
        let name = self.name.as_ref().map(Reference::familiar);
        name.or_else(|| self.digest.map(|digest| digest.to_string())).unwrap_or_default()
    }

    /// The name without the digest, if a tag says what it leads to now.
    pub fn moving_name(&self) -> Option<Reference> {
        self.name.as_ref().filter(|name| name.tag().is_some()).map(Reference::without_digest)
    }
}

/// What the image says of its base: in the annotations of its manifest, or else what the store knows of its build, or else
/// what its labels say.
pub fn claim(image: &Origin) -> Result<Option<BaseClaim>, RemakeError> {
    let annotations = image.annotations();
    let config = image.image.config.value().config.as_ref();
    let labels = config.and_then(|config| config.labels.clone()).unwrap_or_default();
    let built_on = image.found.descriptor.as_ref().and_then(|descriptor| descriptor.annotation(ANNOTATION_BUILT_ON));
    let built_on = built_on.map(|name| (ANNOTATION_BASE_NAME.to_owned(), name.to_owned())).into_iter().collect();
    for (by, said) in [(Said::Annotations, annotations), (Said::Build, built_on), (Said::Labels, labels)] {
        let text = |name: &str| said.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
        let wrong =
            |annotation, text: &str| RemakeError::BaseClaim { image: image.shown(), annotation, text: text.to_owned() };
        let name = text(ANNOTATION_BASE_NAME).map(|text| {
            text.parse::<Reference>().map(Reference::with_default_tag).map_err(|_| wrong(ANNOTATION_BASE_NAME, text))
        });
        let digest = text(ANNOTATION_BASE_DIGEST)
            .map(|text| text.parse::<Digest>().map_err(|_| wrong(ANNOTATION_BASE_DIGEST, text)));
        let (name, digest) = (name.transpose()?, digest.transpose()?);
        let digest = digest.or_else(|| name.as_ref().and_then(|name| name.digest().copied()));
        if name.is_some() || digest.is_some() {
            return Ok(Some(BaseClaim { by, name, digest }));
        }
    }
    Ok(None)
}
