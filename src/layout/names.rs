//! How the entries of `index.json` name their images.
//!
//! Two annotations hold names. In an archive by docker or containerd, `io.containerd.image.name` is the full name and
//! `org.opencontainers.image.ref.name` only the tag: see [`name_of`]. In a store that several tools write to, skopeo,
//! umoci and regctl address images by `ref.name`. They copy other annotations unseen from entry to entry, so there a
//! full reference in `ref.name` is the name: see [`names_in_store`].

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use crate::oci::{ANNOTATION_IMAGE_NAME, ANNOTATION_REF_NAME, Descriptor, Digest, Reference};

/// The name of an image in an archive: `io.containerd.image.name` before `org.opencontainers.image.ref.name`, which may
/// be a full reference or, from umoci and skopeo, a single word, which is read as docker reads it: `v1` is `v1:latest`.
/// Invalid references, and what could be taken for an image ID, are no names.
pub fn name_of(descriptor: &Descriptor) -> Option<Reference> {
    [ANNOTATION_IMAGE_NAME, ANNOTATION_REF_NAME].into_iter().find_map(|key| text(descriptor, key)).and_then(as_name)
}

/// The name of an entry in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreName {
    /// A name that docker accepts. No other entry has it.
    Image(Reference),
    /// Another tool's name: umoci accepts any word as a tag, the fallback for registries without a referrers API is
    /// `sha256-<hex>`, and a second entry may claim a name that is taken.
    Foreign(String),
    /// No name.
    None,
}

/// The names of a store's entries, one for each. No two entries get the same image name: full references in `ref.name`
/// take precedence, then the order of the entries decides.
pub fn names_in_store(entries: &[Descriptor]) -> Vec<StoreName> {
    let mut taken: HashMap<Reference, Digest> = HashMap::new();
    let mut names = vec![StoreName::None; entries.len()];
    let mut wholes: Vec<Option<Reference>> = entries.iter().map(whole_name).collect();
    let (whole, others): (Vec<usize>, Vec<usize>) = (0..entries.len()).partition(|place| wholes[*place].is_some());
    for place in whole.into_iter().chain(others) {
        let entry = &entries[place];
        let wishes = wholes[place].take().map_or_else(|| partial_names(entry), |whole| vec![whole]);
        names[place] = match claim(&mut taken, entry, wishes) {
            Claim::Free(name) => StoreName::Image(name),
            Claim::Taken => foreign(entry).map_or(StoreName::None, |name| StoreName::Foreign(name.to_owned())),
            Claim::Twice | Claim::Moved => StoreName::None,
        };
    }
    names
}

/// Sets the name of an entry of a store, as a full reference in both annotations, or removes it.
pub fn set_name(descriptor: &mut Descriptor, name: Option<&Reference>) {
    for key in [ANNOTATION_IMAGE_NAME, ANNOTATION_REF_NAME] {
        let _ = match name {
            Some(name) => descriptor.annotations.insert(key.to_owned(), name.canonical()),
            None => descriptor.annotations.remove(key),
        };
    }
}

/// The outcome of an entry's claim to a name.
enum Claim {
    /// The entry gets the name.
    Free(Reference),
    /// An earlier entry has the same name and digest.
    Twice,
    /// It has no name that docker accepts, or another image has it.
    Taken,
    /// Another image was given its name: skopeo then removes only `ref.name`.
    Moved,
}

/// Claims the first of the names that is free.
fn claim(taken: &mut HashMap<Reference, Digest>, entry: &Descriptor, wishes: Vec<Reference>) -> Claim {
    let mut result = Claim::Taken;
    for name in wishes {
        match taken.entry(name) {
            Slot::Vacant(slot) => {
                let name = slot.key().clone();
                slot.insert(entry.digest);
                return Claim::Free(name);
            }
            Slot::Occupied(slot) if *slot.get() == entry.digest => result = Claim::Twice,
            Slot::Occupied(_) if text(entry, ANNOTATION_REF_NAME).is_none() => result = Claim::Moved,
            Slot::Occupied(_) => {}
        }
    }
    result
}

/// The names that an entry without a whole name claims, in order of precedence.
fn partial_names(entry: &Descriptor) -> Vec<Reference> {
    let (image_name, ref_name) = (text(entry, ANNOTATION_IMAGE_NAME), text(entry, ANNOTATION_REF_NAME));
    match (image_name, ref_name) {
        (Some(image_name), Some(ref_name)) if is_object_of(ref_name, image_name) => {
            as_name(image_name).into_iter().chain(as_name(ref_name)).collect()
        }
        (_, Some(ref_name)) => as_name(ref_name).into_iter().collect(),
        (image_name, None) => image_name.and_then(as_name).into_iter().collect(),
    }
}

/// The name in `ref.name`, if it has registry, repository, and tag or digest.
fn whole_name(entry: &Descriptor) -> Option<Reference> {
    let text = text(entry, ANNOTATION_REF_NAME)?;
    text.parse::<Reference>().ok().filter(|name| name.canonical() == text && !name.is_name_only())
}

/// Whether `ref_name` is the tag or digest of the full name, as docker and containerd write the two.
fn is_object_of(ref_name: &str, image_name: &str) -> bool {
    image_name.strip_suffix(ref_name).is_some_and(|rest| rest.ends_with([':', '@']))
}

fn foreign(entry: &Descriptor) -> Option<&str> {
    text(entry, ANNOTATION_REF_NAME).or_else(|| text(entry, ANNOTATION_IMAGE_NAME))
}

fn as_name(text: &str) -> Option<Reference> {
    if is_digest_like(text) {
        return None;
    }
    let name = text.parse::<Reference>().ok().filter(|name| !name.looks_like_id());
    name.map(Reference::with_default_tag)
}

/// Whether a text is a digest, or `sha256-<hex>` with an optional suffix such as `.sig`: the [fallback
/// tag](https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#referrers-tag-schema) of a manifest's
/// referrers.
fn is_digest_like(text: &str) -> bool {
    let Some((algorithm, rest)) = text.split_once([':', '-']) else { return false };
    let digits = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
    let length = match algorithm {
        "sha256" => 64,
        "sha512" => 128,
        _ => return false,
    };
    digits == length && (rest.len() == length || rest[length..].starts_with('.'))
}

fn text<'d>(descriptor: &'d Descriptor, key: &str) -> Option<&'d str> {
    descriptor.annotation(key).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::MediaType;

    /// Entries of images `a`, `b` and so on, each with its `io.containerd.image.name` and its `ref.name`.
    fn names(entries: &[(&str, &str, &str)]) -> Vec<String> {
        let entry = |(content, image_name, ref_name): &(&str, &str, &str)| {
            let mut entry = Descriptor::new(MediaType::OCI_MANIFEST, Digest::of(content.as_bytes()), 1);
            for (key, text) in [(ANNOTATION_IMAGE_NAME, image_name), (ANNOTATION_REF_NAME, ref_name)] {
                if !text.is_empty() {
                    entry.annotations.insert(key.to_owned(), (*text).to_owned());
                }
            }
            entry
        };
        let entries: Vec<Descriptor> = entries.iter().map(entry).collect();
        let shown = |name: StoreName| match name {
            StoreName::Image(name) => name.familiar(),
            StoreName::Foreign(name) => format!("({name})"),
            StoreName::None => "-".to_owned(),
        };
        names_in_store(&entries).into_iter().map(shown).collect()
    }

    #[test]
    fn what_each_tool_writes() {
        let hex = "a".repeat(64);
        let cases = [
            (["docker.io/fx/a:1", "docker.io/fx/a:1"], "fx/a:1"),
            (["docker.io/fx/a:1", "1"], "fx/a:1"),
            (["", "docker.io/fx/a:1"], "fx/a:1"),
            (["docker.io/fx/a:1", ""], "fx/a:1"),
            (["", "v1"], "v1:latest"),
            (["", "fx/a"], "fx/a:latest"),
            // umoci --tag copies the first annotation from the original entry.
            (["docker.io/fx/a:1", "docker.io/fx/b:2"], "fx/b:2"),
            (["docker.io/fx/a:1", "fx/b:2"], "fx/b:2"),
            (["docker.io/fx/a:1", "v2"], "v2:latest"),
            (["docker.io/fx/a:1", "docker.io/fx/b"], "fx/b:latest"),
            (["docker.io/fx/a:1", "V 2+x"], "(V 2+x)"),
            (["Fx/A:1", ""], "(Fx/A:1)"),
            (["", &format!("sha256-{hex}")], &format!("(sha256-{hex})")),
            (["", &format!("sha256-{hex}.sig")], &format!("(sha256-{hex}.sig)")),
            // What could be taken for an ID is no name that docker would take, but keeps its image.
            (["", &format!("sha256:{hex}")], &format!("(sha256:{hex})")),
            (["", &hex], &format!("({hex})")),
            (["", ""], "-"),
        ];
        for ([image_name, ref_name], expected) in cases {
            assert_eq!(names(&[("a", image_name, ref_name)]), [expected], "{image_name:?} {ref_name:?}");
        }
    }

    #[test]
    fn no_two_entries_have_one_name() {
        let whole = "docker.io/fx/a:1";
        assert_eq!(names(&[("a", whole, whole), ("b", whole, "docker.io/fx/b:1")]), ["fx/a:1", "fx/b:1"]);
        assert_eq!(names(&[("b", whole, "1"), ("a", whole, whole)]), ["1:latest", "fx/a:1"], "whole names come first");
        assert_eq!(names(&[("a", whole, whole), ("b", whole, whole)]), ["fx/a:1", "(docker.io/fx/a:1)"]);
        assert_eq!(names(&[("a", whole, whole), ("b", "", "fx/a:1")]), ["fx/a:1", "(fx/a:1)"]);
        assert_eq!(names(&[("a", whole, whole), ("a", "", "fx/a:1")]), ["fx/a:1", "-"], "one image is not told twice");
        assert_eq!(names(&[("b", whole, ""), ("a", "", whole)]), ["-", "fx/a:1"], "skopeo copied over it");
    }
}
