//! How the images of a store are related: their names, their parents, and the layers that they share. `rmi` and `image
//! prune` decide here what is removed, as docker does, and change the catalog once.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Context, Error};
use crate::image::{Image, ImageTree};
use crate::oci::{ChainId, Digest, ImageId, Reference};
use crate::store::{Catalog, CatalogEntry};

/// What happened, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemovalEvent {
    /// An image lost this name.
    Untagged(String),
    /// An image was deleted.
    DeletedImage(ImageId),
    /// A stack of layers was deleted with it.
    DeletedLayer(ChainId),
}

/// The images of a store, and how they change.
pub(super) struct Family {
    members: Vec<FamilyMember>,
    by_target: HashMap<Digest, usize>,
    by_name: HashMap<Reference, (usize, Digest)>,
    by_foreign_name: HashMap<String, usize>,
    /// The digits of all IDs and of the digests of all manifests.
    digests: BTreeSet<(String, usize)>,
    /// How many images have each stack of layers.
    users: HashMap<ChainId, usize>,
    untagged: Vec<Reference>,
    untagged_foreign: Vec<String>,
    deleted: HashSet<Digest>,
}

/// An image, or what else an entry leads to. Several manifests of one config are one image.
struct FamilyMember {
    kind: MemberKind,
    /// The manifests and indexes that lead to it.
    targets: Vec<Digest>,
    names: BTreeSet<Reference>,
    foreign_names: BTreeSet<String>,
    parent: Option<usize>,
    children: BTreeSet<usize>,
    /// The stacks of layers of each of its platforms, the lowest first.
    stacks: Vec<Vec<ChainId>>,
    fate: Fate,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum MemberKind {
    Image(ImageId),
    /// A signature, a chart, a list of what refers to an image.
    Artifact,
    /// It cannot be read because it is damaged.
    Unreadable,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    Deleted,
    /// It was removed along with its last child.
    WentAlong,
}

/// A member of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MemberId(usize);

impl Family {
    /// Reads all that the entries of a catalog lead to, each once.
    pub(super) fn read(context: &Context, catalog: &Catalog) -> Self {
        let mut family = Self {
            members: Vec::new(),
            by_target: HashMap::new(),
            by_name: HashMap::new(),
            by_foreign_name: HashMap::new(),
            digests: BTreeSet::new(),
            users: HashMap::new(),
            untagged: Vec::new(),
            untagged_foreign: Vec::new(),
            deleted: HashSet::new(),
        };
        let mut by_id: HashMap<ImageId, usize> = HashMap::new();
        for entry in catalog.entries() {
            let digest = entry.descriptor.digest;
            let place = match family.by_target.get(&digest) {
                Some(place) => *place,
                None => family.read_target(context, entry, &mut by_id),
            };
            let member = &mut family.members[place];
            if let Some(name) = &entry.name {
                member.names.insert(name.clone());
                family.by_name.insert(name.clone(), (place, digest));
            }
            if let Some(name) = entry.foreign_name() {
                member.foreign_names.insert(name.to_owned());
                family.by_foreign_name.entry(name.to_owned()).or_insert(place);
            }
        }
        family.find_parents(catalog);
        family
    }

    fn read_target(&mut self, context: &Context, entry: &CatalogEntry, by_id: &mut HashMap<ImageId, usize>) -> usize {
        let target = entry.descriptor.digest;
        let tree = context.store.tree(entry);
        let images = tree.as_ref().map(ImageTree::images).unwrap_or_default();
        let stacks: Vec<Vec<ChainId>> =
            images.iter().map(|image| ChainId::of(&image.config.value().rootfs.diff_ids)).collect();
        for stack in stacks.iter().flatten() {
            *self.users.entry(*stack).or_default() += 1;
        }
        let kind = match &tree {
            Ok(tree) => {
                tree.default_image(&context.host).map_or(MemberKind::Artifact, |image| MemberKind::Image(image.id()))
            }
            Err(_) => MemberKind::Unreadable,
        };
        let new = self.members.len();
        let place = if let MemberKind::Image(id) = kind { *by_id.entry(id).or_insert(new) } else { new };
        if place == new {
            self.members.push(FamilyMember {
                kind,
                targets: Vec::new(),
                names: BTreeSet::new(),
                foreign_names: BTreeSet::new(),
                parent: None,
                children: BTreeSet::new(),
                stacks: Vec::new(),
                fate: Fate::Stays,
            });
        }
        self.digests.insert((target.hex(), place));
        if let MemberKind::Image(id) = kind {
            self.digests.insert((id.digest().hex(), place));
        }
        self.members[place].targets.push(target);
        self.members[place].stacks.extend(stacks);
        self.by_target.insert(target, place);
        place
    }

    fn find_parents(&mut self, catalog: &Catalog) {
        for (child, parent) in parents(catalog, |digest| self.by_target.get(digest).copied()) {
            self.members[child].parent = Some(parent);
            self.members[parent].children.insert(child);
        }
    }

    /// The image that a manifest or index leads to.
    pub(super) fn leading_to(&self, target: &Digest) -> Option<MemberId> {
        self.by_target.get(target).copied().map(MemberId)
    }

    /// The image of a name.
    pub(super) fn named(&self, name: &Reference) -> Option<MemberId> {
        self.by_name.get(name).map(|(place, _)| MemberId(*place))
    }

    /// The entry with this name from another tool.
    pub(super) fn foreign(&self, name: &str) -> Option<MemberId> {
        self.by_foreign_name.get(name).copied().map(MemberId)
    }

    /// The names of a repository that lead to a digest; with a tag in `name` only that one.
    pub(super) fn names_at(&self, name: &Reference, digest: &Digest) -> Vec<Reference> {
        let place = self.by_target.get(digest);
        let names = place.into_iter().flat_map(|place| &self.members[*place].names);
        let leads = |other: &&Reference| self.by_name.get(*other).is_some_and(|(_, target)| target == digest);
        let same =
            |other: &&Reference| other.name() == name.name() && (name.tag().is_none() || other.tag() == name.tag());
        names.filter(leads).filter(same).cloned().collect()
    }

    /// The image whose ID, or the digest of one of whose manifests, begins with `hex`. Artifacts come after images, and
    /// members that were already removed come last.
    pub(super) fn by_hex(&self, hex: &str, typed: &str) -> Result<Option<MemberId>, Error> {
        let begin_so = self.digests.range((hex.to_owned(), 0)..).take_while(|(digest, _)| digest.starts_with(hex));
        let places: BTreeSet<usize> = begin_so.map(|(_, place)| *place).collect();
        let groups: [fn(&FamilyMember) -> bool; 3] = [
            |member| member.fate == Fate::Stays && matches!(member.kind, MemberKind::Image(_)),
            |member| member.fate == Fate::Stays && !matches!(member.kind, MemberKind::Image(_)),
            |member| member.fate == Fate::WentAlong,
        ];
        for group in groups {
            let mut meant = places.iter().filter(|place| group(&self.members[**place]));
            match (meant.next(), meant.next()) {
                (Some(_), Some(_)) => return Err(Error::Ambiguous(typed.to_owned())),
                (Some(place), None) => return Ok(Some(MemberId(*place))),
                _ => {}
            }
        }
        Ok(None)
    }

    /// The beginning of an image's ID; of something else, that of its digest.
    pub(super) fn short_id(&self, place: MemberId) -> String {
        let member = &self.members[place.0];
        match member.kind {
            MemberKind::Image(id) => id.short().to_string(),
            MemberKind::Artifact | MemberKind::Unreadable => {
                member.targets.first().map(|target| target.short().to_string()).unwrap_or_default()
            }
        }
    }

    /// Whether an image was removed along with its last child.
    pub(super) fn went_along(&self, place: MemberId) -> bool {
        self.members[place.0].fate == Fate::WentAlong
    }

    /// The images that were committed on an image, by name if they have one.
    pub(super) fn children(&self, place: MemberId) -> Vec<String> {
        let shown = |child: &usize| {
            let member = &self.members[*child];
            let name = member.names.first().map(Reference::familiar);
            name.unwrap_or_else(|| self.short_id(MemberId(*child)))
        };
        self.members[place.0].children.iter().map(shown).collect()
    }

    /// The names of an image, sorted.
    pub(super) fn names(&self, place: MemberId) -> Vec<Reference> {
        self.members[place.0].names.iter().cloned().collect()
    }

    /// The names of an image from other tools, sorted.
    pub(super) fn foreign_names(&self, place: MemberId) -> Vec<String> {
        self.members[place.0].foreign_names.iter().cloned().collect()
    }

    /// Removes a name.
    pub(super) fn untag(&mut self, name: &Reference, events: &mut Vec<RemovalEvent>) {
        if let Some((place, _)) = self.by_name.remove(name) {
            self.members[place].names.remove(name);
            self.untagged.push(name.clone());
            events.push(RemovalEvent::Untagged(name.familiar()));
        }
    }

    /// Removes a name from another tool.
    pub(super) fn untag_foreign(&mut self, name: &str, events: &mut Vec<RemovalEvent>) {
        if let Some(place) = self.by_foreign_name.remove(name) {
            self.members[place].foreign_names.remove(name);
            self.untagged_foreign.push(name.to_owned());
            events.push(RemovalEvent::Untagged(name.to_owned()));
        }
    }

    /// Removes all names of an image.
    pub(super) fn untag_all(&mut self, place: MemberId, events: &mut Vec<RemovalEvent>) {
        for name in self.names(place) {
            self.untag(&name, events);
        }
        for name in self.foreign_names(place) {
            self.untag_foreign(&name, events);
        }
    }

    /// Deletes an image without names and children. Unless `keep_parents` is set, its parents are deleted with it as
    /// far as nothing else keeps them.
    pub(super) fn delete(&mut self, place: MemberId, keep_parents: bool, events: &mut Vec<RemovalEvent>) {
        let mut next = Some(place.0);
        let mut fate = Fate::Deleted;
        while let Some(place) = next.take().filter(|place| self.members[*place].is_free()) {
            if fate == Fate::WentAlong && self.members[place].kind == MemberKind::Artifact {
                return;
            }
            self.members[place].fate = fate;
            self.deleted.extend(&self.members[place].targets);
            // A damaged one has no ID to report, but can be deleted.
            if let MemberKind::Image(id) = self.members[place].kind {
                events.push(RemovalEvent::DeletedImage(id));
            }
            self.free_layers(place, events);
            if let Some(parent) = self.members[place].parent {
                self.members[parent].children.remove(&place);
                next = Some(parent).filter(|_| !keep_parents);
            }
            fate = Fate::WentAlong;
        }
    }

    /// Reports the stacks of layers that no other image has, the tallest first.
    fn free_layers(&mut self, place: usize, events: &mut Vec<RemovalEvent>) {
        for stack in self.members[place].stacks.iter().flat_map(|image| image.iter().rev()) {
            let users = self.users.entry(*stack).or_default();
            *users = users.saturating_sub(1);
            if *users == 0 {
                events.push(RemovalEvent::DeletedLayer(*stack));
            }
        }
    }

    /// Whether blobs have become unreferenced.
    pub(super) fn deletes(&self) -> bool {
        !self.deleted.is_empty()
    }

    /// Applies the removals to the catalog.
    pub(super) fn apply(&self, catalog: &mut Catalog) {
        catalog.untag_all(&self.untagged);
        catalog.untag_foreign(&self.untagged_foreign);
        catalog.remove_all(&self.deleted);
    }
}

impl FamilyMember {
    /// Whether nothing keeps it.
    fn is_free(&self) -> bool {
        self.fate == Fate::Stays && self.names.is_empty() && self.foreign_names.is_empty() && self.children.is_empty()
    }
}

/// What each image was committed on, as pairs of child and parent. `key` says which image a manifest or index leads to.
/// Cycles are broken by leaving out one link, the same one each time: who lists and who removes must agree.
pub(super) fn parents<K: Copy + Eq + std::hash::Hash>(
    catalog: &Catalog,
    key: impl Fn(&Digest) -> Option<K>,
) -> HashMap<K, K> {
    let mut parents: HashMap<K, K> = HashMap::new();
    let mut children = Vec::new();
    for entry in catalog.entries() {
        let link = entry.parent().and_then(|parent| Some((key(&entry.descriptor.digest)?, key(&parent)?)));
        if let Some((child, parent)) = link.filter(|(child, parent)| child != parent) {
            parents.entry(child).or_insert(parent);
            children.push(child);
        }
    }
    let mut settled: HashSet<K> = HashSet::new();
    for child in children {
        let (mut on_the_way, mut next) = (HashSet::new(), child);
        while let Some(parent) = parents.get(&next).copied().filter(|_| !settled.contains(&next)) {
            on_the_way.insert(next);
            if on_the_way.contains(&parent) {
                parents.remove(&next);
                break;
            }
            next = parent;
        }
        settled.extend(on_the_way);
    }
    parents
}

/// Whether an entry leads to an artifact instead of an image: a signature, a chart, a list of referrers. An index
/// without any of its platforms is an incomplete image.
pub(super) fn is_artifact(tree: &ImageTree) -> bool {
    match tree {
        ImageTree::Image(_) | ImageTree::Absent => false,
        ImageTree::Artifact { .. } | ImageTree::Other(_) => true,
        ImageTree::Index { children, document } => {
            let is_other =
                |child: &crate::image::Child| child.descriptor.artifact_type.is_some() || is_artifact(&child.tree);
            tree.images().iter().all(|image: &&Image| !image.is_complete())
                && (document.value().artifact_type.is_some() || children.iter().all(is_other))
        }
    }
}
