//! A naive reference implementation: the view is a map from whole paths, and removing looks at every path.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{Entry, NodeKind, Overlay, build, entry};
use crate::layer::entry::EntryKind;
use crate::layer::whiteout::Whiteout;

/// The item at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    /// The mode, if an entry lists it.
    Directory(Option<u32>),
    /// The number of the file.
    File(u64),
    Symlink(String),
}

#[derive(Default)]
struct Model {
    items: BTreeMap<String, Item>,
    hidden: BTreeSet<String>,
    opaque: BTreeSet<String>,
}

/// The entry cannot be applied.
#[derive(Debug)]
struct Refused;

fn is_below(path: &str, ancestor: &str) -> bool {
    ancestor.is_empty() || path.strip_prefix(ancestor).is_some_and(|rest| rest.starts_with('/'))
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}/{name}") }
}

impl Model {
    fn remove(&mut self, path: &str) {
        self.remove_below(path);
        self.items.remove(path);
    }

    fn remove_below(&mut self, path: &str) {
        self.items.retain(|other, _| !is_below(other, path));
        self.hidden.retain(|other| !is_below(other, path));
        self.opaque.retain(|other| !is_below(other, path) && other != path);
    }

    /// Resolves a directory: symbolic links are replaced by their targets until none is left.
    fn directory(&mut self, path: &str, make: bool) -> Result<Option<String>, Refused> {
        let mut path = path.to_owned();
        'again: for _ in 0..=40 {
            let mut at = String::new();
            let components: Vec<&str> = path.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
            for (place, name) in components.iter().enumerate() {
                if *name == ".." {
                    at = at.rsplit_once('/').map_or(String::new(), |(parent, _)| parent.to_owned());
                    continue;
                }
                let next = join(&at, name);
                match self.items.get(&next) {
                    Some(Item::Directory(_)) => at = next,
                    Some(Item::Symlink(target)) => {
                        let start = if target.starts_with('/') { "" } else { &at };
                        path = format!("{start}/{target}/{}", components[place + 1..].join("/"));
                        continue 'again;
                    }
                    Some(Item::File(_)) => return Err(Refused),
                    None if make => {
                        self.items.insert(next.clone(), Item::Directory(None));
                        at = next;
                    }
                    None => return Ok(None),
                }
            }
            return Ok(Some(at));
        }
        Err(Refused)
    }

    fn file(&mut self, path: &str) -> Result<Option<Item>, Refused> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let found = self.directory(parent, false)?.and_then(|parent| self.items.get(&join(&parent, name)));
        match found {
            Some(Item::Directory(_)) => Err(Refused),
            found => Ok(found.cloned()),
        }
    }

    fn apply(&mut self, entry: &Entry, below: &mut Self) -> Result<(), Refused> {
        let path = entry.path.to_string();
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let parent = self.directory(parent, true)?.expect("made");
        let path = join(&parent, name);
        match Whiteout::of(name.as_bytes()) {
            Some(Whiteout::Opaque) => {
                self.opaque.insert(parent);
                return Ok(());
            }
            Some(Whiteout::Entry(name)) => {
                self.hidden.insert(join(&parent, &String::from_utf8(name).expect("ASCII")));
                return Ok(());
            }
            None => {}
        }
        self.hidden.remove(&path);
        let item = match &entry.kind {
            EntryKind::Directory => Item::Directory(Some(entry.mode)),
            EntryKind::Symlink { target } => Item::Symlink(String::from_utf8(target.clone()).expect("ASCII")),
            EntryKind::Hardlink { target } => match self.file(&target.to_string())? {
                Some(item) => item,
                None => below.file(&target.to_string())?.ok_or(Refused)?,
            },
            _ => Item::File(entry.size),
        };
        let both = matches!((&item, self.items.get(&path)), (Item::Directory(_), Some(Item::Directory(_))));
        if !both {
            self.remove(&path);
        }
        self.items.insert(path, item);
        Ok(())
    }

    fn stack(&mut self, upper: Self) {
        for path in &upper.opaque {
            self.remove_below(path);
        }
        for path in &upper.hidden {
            self.remove(path);
        }
        for (path, item) in upper.items {
            match (&item, self.items.get(&path)) {
                (Item::Directory(None), Some(Item::Directory(_))) => continue,
                (Item::Directory(_), Some(Item::Directory(_))) => {}
                _ => self.remove(&path),
            }
            self.items.insert(path, item);
        }
    }

    fn of(layers: &[Vec<Entry>]) -> Result<Self, Refused> {
        let mut merged = Self::default();
        for layer in layers {
            let mut upper = Self::default();
            layer.iter().try_for_each(|entry| upper.apply(entry, &mut merged))?;
            merged.stack(upper);
        }
        Ok(merged)
    }

    fn shown(&self) -> BTreeMap<String, Item> {
        let fill = |item: &Item| match item {
            Item::Directory(mode) => Item::Directory(Some(mode.unwrap_or(0o755))),
            item => item.clone(),
        };
        self.items.iter().map(|(path, item)| (path.clone(), fill(item))).collect()
    }
}

fn shown(overlay: &Overlay) -> BTreeMap<String, Item> {
    let item = |kind, size, mode| match kind {
        NodeKind::Directory => Item::Directory(Some(mode)),
        NodeKind::Symlink { target } => Item::Symlink(String::from_utf8(target.to_vec()).expect("ASCII")),
        _ => Item::File(size),
    };
    overlay.iter().map(|node| (node.path().to_string(), item(node.kind(), node.size(), node.mode()))).collect()
}

fn names() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..4).prop_map(|names| names.join("/"))
}

fn entries() -> impl Strategy<Value = String> {
    let target = prop::sample::select(vec!["a", "b", "/a/b", "../c", ".", "c/..", "./b/c"]);
    prop_oneof![
        3 => names().prop_map(|name| format!("{name} 0")),
        3 => names().prop_map(|name| format!("{name}/")),
        1 => names().prop_map(|name| format!("{name}/ 700")),
        1 => (names(), target).prop_map(|(name, target)| format!("{name} -> {target}")),
        2 => (names(), names()).prop_filter("not to itself", |(name, target)| name != target)
            .prop_map(|(name, target)| format!("{name} = {target}")),
        1 => names().prop_map(|name| format!("{name}/.wh.b 0")),
        1 => prop::sample::select(vec![".wh.a 0", ".wh.c 0", ".wh..wh..opq 0", "a/.wh..wh..opq 0"]).prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn a_view_is_what_the_model_says(texts in prop::collection::vec(prop::collection::vec(entries(), 0..8), 0..5)) {
        // Each file has a size of its own, so that names of one file are told from names of two.
        let mut layers: Vec<Vec<Entry>> = texts.iter().map(|layer| layer.iter().map(|text| entry(text)).collect()).collect();
        let files = layers.iter_mut().flatten().filter(|entry| entry.kind == EntryKind::File);
        files.zip(1..).for_each(|(entry, size)| entry.size = size);
        let is_refused = Model::of(&layers).is_err();
        prop_assert_eq!(build(layers.clone()).is_err(), is_refused, "{:?}", layers);
        for layer in 0..layers.len() {
            for entry in std::mem::take(&mut layers[layer]) {
                layers[layer].push(entry);
                if Model::of(&layers[..=layer]).is_err() {
                    layers[layer].pop();
                }
            }
        }
        if let (Ok(view), Ok(model)) = (build(layers.clone()), Model::of(&layers)) {
            prop_assert_eq!(shown(&view), model.shown());
            for (one, other) in view.iter().flat_map(|one| view.iter().map(move |other| (one, other))) {
                let same_file = one.kind() == NodeKind::File && one.size() == other.size();
                if same_file && one != other {
                    prop_assert!(one.link_group().is_some() && one.link_group() == other.link_group());
                    prop_assert_eq!(one.first_name(), other.first_name());
                }
            }
        } else {
            prop_assert!(false, "what the model refuses was left out: {:?}", layers);
        }
    }
}
