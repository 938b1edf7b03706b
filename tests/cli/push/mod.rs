//! `push`, to registries in the tests: what is said, what is sent, and what becomes of what goes wrong.

mod faults;
mod plain;
mod platforms;
mod profiles;
mod progress;
mod resume;
mod several;
mod uploads;
mod words;

use crate::support::image::TestImage;
use crate::support::oci::{Layout, PLAIN_MARK, REF_NAME};
use crate::support::packing::Packing;
use crate::support::producers;
use crate::support::registry::Registry;
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};

/// Bytes that no compression makes fewer.
fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    })
    .take(size)
    .collect()
}

/// An image with one layer of so many bytes that no compression makes fewer.
fn large(seed: u64, size: usize) -> TestImage {
    TestImage::new(&[]).layer("large", &[Member::file("large", noise(seed, size))])
}

/// An image in the store under that name, its layers compressed with gzip; gives the digest of its manifest.
fn stored(session: &Session, name: &str, image: &TestImage) -> String {
    let mut layout = Layout::default();
    let descriptor = layout.put_image(image, &[Packing::Gzip]);
    layout.name(&descriptor, &[(REF_NAME, name)]);
    session.load(&pack(&layout.members(PLAIN_MARK)));
    descriptor["digest"].as_str().expect("a digest").to_owned()
}

/// An image in the store under that name, its layers not compressed.
fn stored_plain(session: &Session, name: &str, image: &TestImage) {
    let mut image = image.clone();
    image.tags = vec![name.to_owned()];
    session.load(&pack(&producers::docker_save(&[image])));
}

/// The digest that a tag leads to in a registry.
fn digest_of(registry: &Registry, name: &str) -> Option<String> {
    let (repository, tag) = name.rsplit_once(':').expect("a tag");
    registry.content().repositories.get(repository)?.tags.get(tag).cloned()
}

/// All that a pull from the registry gives: the image is whole, and the same.
fn pulls(registry: &Registry, name: &str, image: &TestImage) {
    let session = Session::new();
    let name = registry.name(name);
    session.ok(&["pull", "-q", &name]);
    let found = session.inspect(&name);
    assert_eq!(found["Id"], image.id().as_str(), "the same config");
    assert_eq!(found["RootFS"]["Layers"], serde_json::json!(image.diff_ids()));
    session.ok(&["verify", &name]);
}

/// How many bytes the layers of an image have in the form that `stored` gives them, and the config.
fn size_of(image: &TestImage) -> u64 {
    let layers = image.layers.iter().map(|layer| Packing::Gzip.apply(layer).len());
    (layers.sum::<usize>() + image.config_bytes().len()) as u64
}
