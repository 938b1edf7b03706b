//! `copy`: from every place to every other.

mod layouts;
mod pairs;
mod refused;
mod registries;
mod resume;
mod several;
mod taking;

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::oci::{INDEX, Layout, PLAIN_MARK, REF_NAME};
use crate::support::packing::Packing;
use crate::support::producers;
use crate::support::registry::Registry;
use crate::support::registry::content::Form;
use crate::support::session::Session;
use crate::support::tarball::pack;

/// One image, everywhere: in the store, in archives, in a layout and in a registry.
struct Places {
    session: Session,
    registry: Registry,
    image: TestImage,
    /// The digest of its manifest, where it has one.
    digest: String,
}

impl Places {
    fn new() -> Self {
        let (session, registry) = (Session::new(), Registry::start());
        let image = TestImage::sample("team/app:1");
        let mut layout = Layout::default();
        let manifest = layout.put_image(&image, &[Packing::Gzip]);
        layout.name(&manifest, &[(REF_NAME, "docker.io/team/app:1")]);
        layout.write(&session.work().join("lay"));
        session.write("oci.tar", pack(&layout.members(PLAIN_MARK)));
        session.write("docker.tar", pack(&producers::docker_save(std::slice::from_ref(&image))));
        session.load(&pack(&layout.members(PLAIN_MARK)));
        let pushed = registry.push_as("team/app:1", &image, Form::Oci(Packing::Gzip));
        let digest = manifest["digest"].as_str().expect("a digest").to_owned();
        let _other_bytes = pushed.digest();
        Self { session, registry, image, digest }
    }

    /// The image in each place, with the digest of its manifest there.
    fn sources(&self) -> Vec<(String, Option<String>)> {
        let there = self.registry.content().repositories["team/app"].tags["1"].clone();
        vec![
            ("team/app:1".to_owned(), Some(self.digest.clone())),
            ("docker-archive:docker.tar".to_owned(), None),
            ("docker-archive:docker.tar:team/app:1".to_owned(), None),
            ("oci-archive:oci.tar".to_owned(), Some(self.digest.clone())),
            ("oci:lay".to_owned(), Some(self.digest.clone())),
            ("oci:lay:team/app:1".to_owned(), Some(self.digest.clone())),
            (format!("docker://{}", self.registry.name("team/app:1")), Some(there)),
        ]
    }

    /// Checks that what is at a place is the image.
    fn check(&self, place: &str) {
        let found = self.session.inspect(place);
        assert_eq!(found["Id"], json!(self.image.id()), "{place}");
        assert_eq!(found["RootFS"]["Layers"], json!(self.image.diff_ids()), "{place}");
        self.session.ok(&["verify", place]);
    }
}

/// The last line: a digest and a place.
fn last(output: &str) -> (String, String) {
    let line = output.lines().last().unwrap_or_default();
    let (digest, place) = line.split_once(' ').unwrap_or_else(|| panic!("{output:?}"));
    (digest.to_owned(), place.to_owned())
}

/// The entries of a layout's index.
fn entries(session: &Session, layout: &str) -> Vec<Value> {
    let bytes = session.read(&format!("{layout}/index.json"));
    let index: Value = serde_json::from_slice(&bytes).expect("JSON");
    index["manifests"].as_array().expect("a list").clone()
}

/// A layout `both` with an index for linux/amd64 and linux/s390x under the name `both`; gives the digests of the index
/// and of its manifests.
fn two_platforms(session: &Session) -> (String, Vec<String>) {
    let mut layout = Layout::default();
    let other = TestImage::of("fx/b:1", "of the other platform").with("architecture", json!("s390x"));
    let manifests: Vec<Value> = [TestImage::sample("fx/a:1"), other]
        .iter()
        .map(|image| {
            let mut descriptor = layout.put_image(image, &[Packing::Gzip]);
            descriptor["platform"] = image.platform();
            descriptor
        })
        .collect();
    let index =
        json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests, "annotations": {"kept": "as it is"}});
    let descriptor = layout.put_json(INDEX, &index);
    layout.name(&descriptor, &[(REF_NAME, "both")]);
    layout.write(&session.work().join("both"));
    let digest = |descriptor: &Value| descriptor["digest"].as_str().expect("a digest").to_owned();
    (digest(&descriptor), manifests.iter().map(digest).collect())
}
