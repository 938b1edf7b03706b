//! What differs inside of files: text as a unified diff, of all else the sizes.

use std::collections::{BTreeMap, HashMap};

use similar::TextDiff;

use crate::layer::diff::{Aspect, PathChange, PathChangeKind};
use crate::layer::overlay::{NodeKind, Overlay, ViewNode};
use crate::ops::look::{Look, Place};
use crate::ops::{Context, Error};

/// The largest file of which lines are compared.
const MOST: u64 = 1 << 20;
/// How many bytes of files are compared in all, so many as are in memory; of what comes later only sizes are told.
const MOST_IN_ALL: u64 = 256 << 20;
/// A file with a zero byte so near its beginning is no text, as `diff` has it.
const SNIFFED: usize = 8 << 10;

/// A file whose content is not the same in two images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentChange {
    /// Its path, without a slash in front.
    pub path: Vec<u8>,
    /// Its size in the old image, in bytes; none if it is not there.
    pub old: Option<u64>,
    /// Its size in the new image.
    pub new: Option<u64>,
    /// The lines that differ as `diff -u` writes them, behind its two lines with names; none if it is no text, or too
    /// large.
    pub lines: Option<Vec<u8>>,
}

/// The files among the changes whose contents differ, sorted by path.
pub(super) fn compare(
    context: &Context,
    old: &Look,
    new: &Look,
    changes: &[PathChange],
) -> Result<Vec<ContentChange>, Error> {
    let mut pairs: BTreeMap<Vec<u8>, Files<'_>> = BTreeMap::new();
    for change in changes {
        match change.kind {
            PathChangeKind::Deleted => add_all(&mut pairs, &old.view, change, |pair| &mut pair.old),
            PathChangeKind::Added => add_all(&mut pairs, &new.view, change, |pair| &mut pair.new),
            PathChangeKind::Changed => {
                let [was, is] = [&old.view, &new.view].map(|view| view.lookup(&change.path).filter(is_file));
                if change.aspects.iter().any(|aspect| matches!(aspect, Aspect::Content | Aspect::Size | Aspect::Type)) {
                    pairs.insert(change.path.as_bytes().to_vec(), Files { old: was, new: is });
                }
            }
        }
    }
    pairs.retain(|_, pair| pair.old.is_some() || pair.new.is_some());
    let chosen: Vec<&Files<'_>> = within_limits(pairs.values());
    let olds = old.contents(context, chosen.iter().filter_map(|pair| pair.old), MOST)?;
    let news = new.contents(context, chosen.iter().filter_map(|pair| pair.new), MOST)?;
    let change = |(path, pair): (&Vec<u8>, &Files<'_>)| {
        let (was, is) = (text(pair.old, &olds), text(pair.new, &news));
        let lines = was.zip(is).map(|(was, is)| unified(&was, &is));
        let [old, new] = [pair.old, pair.new].map(|file| file.map(|file| file.size()));
        ContentChange { path: path.clone(), old, new, lines }
    };
    Ok(pairs.iter().map(change).collect())
}

/// A file in both images.
#[derive(Default)]
struct Files<'v> {
    old: Option<ViewNode<'v>>,
    new: Option<ViewNode<'v>>,
}

fn is_file(node: &ViewNode<'_>) -> bool {
    matches!(node.kind(), NodeKind::File)
}

/// Adds a path, and what is below it if it is a directory: a deleted one is listed without its content.
fn add_all<'v>(
    pairs: &mut BTreeMap<Vec<u8>, Files<'v>>,
    view: &'v Overlay,
    change: &PathChange,
    side: impl for<'p> Fn(&'p mut Files<'v>) -> &'p mut Option<ViewNode<'v>>,
) {
    let Some(top) = view.lookup(&change.path) else { return };
    for node in std::iter::once(top).chain(top.descendants()).filter(is_file) {
        *side(pairs.entry(node.path_bytes()).or_default()) = Some(node);
    }
}

/// The pairs whose lines are compared.
fn within_limits<'p, 'v>(pairs: impl Iterator<Item = &'p Files<'v>>) -> Vec<&'p Files<'v>> {
    let mut left = MOST_IN_ALL;
    let mut chosen = Vec::new();
    for pair in pairs {
        let sizes = [pair.old, pair.new].map(|file| file.map_or(0, |file| file.size()));
        let sum = sizes[0].saturating_add(sizes[1]);
        if sizes.iter().all(|size| *size <= MOST) && sum <= left {
            left -= sum;
            chosen.push(pair);
        }
    }
    chosen
}

/// The text of a file; nothing for one that is not there, none for what is no text or was not read.
fn text(file: Option<ViewNode<'_>>, contents: &HashMap<Place, Vec<u8>>) -> Option<Vec<u8>> {
    let Some(file) = file else { return Some(Vec::new()) };
    let content = match Place::of(file).and_then(|place| contents.get(&place)) {
        Some(content) => content,
        None if file.size() == 0 => return Some(Vec::new()),
        None => return None,
    };
    let is_text = !content.iter().take(SNIFFED).any(|byte| *byte == 0);
    is_text.then(|| content.clone())
}

fn unified(old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut lines = Vec::new();
    // Writing into memory cannot fail.
    let _ = TextDiff::from_lines(old, new).unified_diff().to_writer(&mut lines);
    lines
}
