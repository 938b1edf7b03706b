//! What of a tree is copied: sources are found, patterns are matched, and directories are listed.

use super::error::CopyError;
use super::tree::{SourceNode, Tree, checked, clean, components, join};
use crate::layer::EntryKind;
use crate::layer::path::split_last;
use crate::ops::build::context::Ignore;
use crate::ops::glob;

/// A source, with everything in it.
#[derive(Debug)]
pub(super) struct Item<'a> {
    /// Its name: the last component of the source as it was given or matched, before links are followed.
    pub(super) name: Vec<u8>,
    /// The source itself, whose path is empty, and everything in it, directories before their content.
    pub(super) picks: Vec<Pick<'a>>,
    /// Whether it is unpacked if it turns out to be an archive.
    pub(super) unpack: bool,
}

/// A file, a directory or a link that is copied.
#[derive(Debug)]
pub(super) struct Pick<'a> {
    /// Its path below the source.
    pub(super) path: Vec<u8>,
    /// What it is.
    pub(super) node: SourceNode<'a>,
}

/// What of a directory is taken.
#[derive(Default)]
pub(super) struct PickFilter {
    /// All but these.
    pub(super) excludes: Option<Ignore>,
    /// Only these, with the directories that lead to them.
    pub(super) includes: Option<Ignore>,
}

impl PickFilter {
    /// Whether a path is taken; none if it is not even there for what is in it.
    fn takes(&self, path: &[u8], is_directory: bool) -> Option<bool> {
        let is_out = self.excludes.as_ref().is_some_and(|excludes| excludes.excludes(path));
        let is_in = self.includes.as_ref().is_none_or(|includes| includes.excludes(path));
        if is_out && !self.excludes.as_ref().is_some_and(|excludes| excludes.may_include_below(path)) {
            return None;
        }
        let is_taken = is_in && !is_out;
        (is_taken || is_directory).then_some(is_taken)
    }
}

/// A directory whose content is being added.
struct Level<'a> {
    names: std::vec::IntoIter<(Vec<u8>, SourceNode<'a>)>,
    /// Its path below the source.
    path: Vec<u8>,
    /// The number of picks if nothing in it was taken, if it is only there for what is in it.
    lone: Option<usize>,
}

impl<'a> Level<'a> {
    fn new(names: Vec<(Vec<u8>, SourceNode<'a>)>, path: Vec<u8>, lone: Option<usize>) -> Self {
        Self { names: names.into_iter(), path, lone }
    }
}

/// The most components of a pattern.
const MOST_PARTS: usize = 1000;

/// Finds sources in a tree.
pub(super) struct Picker<'a> {
    pub(super) tree: Tree<'a>,
    /// How many more names may be picked.
    pub(super) left: u64,
    pub(super) limit: u64,
}

impl<'a> Picker<'a> {
    /// The sources that a word of the instruction names; a pattern that matches nothing names none.
    pub(super) fn sources(&mut self, word: &str, filter: &PickFilter) -> Result<Vec<Item<'a>>, CopyError> {
        let path = clean(word.as_bytes());
        let (base, pattern) = split_pattern(&path);
        if pattern.is_empty() {
            let Some((found, node)) = self.tree.resolve(&path)? else {
                return Err(self.not_found(word, path));
            };
            return Ok(self.item(split_last(&path).1.to_vec(), found, node, filter)?.into_iter().collect());
        }
        let pattern = String::from_utf8_lossy(&pattern).into_owned();
        if !glob::is_pattern(&pattern) || pattern.matches('/').count() > MOST_PARTS {
            return Err(CopyError::Pattern { pattern });
        }
        let Some((base, _)) = self.tree.resolve(&base)? else { return Ok(Vec::new()) };
        let mut matches = Vec::new();
        let parts: Vec<&str> = pattern.split('/').collect();
        self.matching(&base, &parts, &mut matches)?;
        let mut items = Vec::new();
        for path in matches {
            let name = split_last(&path).1.to_vec();
            let Some((found, node)) = self.tree.resolve(&path)? else { return Err(self.not_found(word, path)) };
            items.extend(self.item(name, found, node, filter)?);
        }
        Ok(items)
    }

    /// The paths below a directory that match, part by part; links are not followed.
    fn matching(&mut self, directory: &[u8], parts: &[&str], found: &mut Vec<Vec<u8>>) -> Result<(), CopyError> {
        let Some((part, rest)) = parts.split_first() else { return Ok(()) };
        for (name, node) in self.tree.list(directory)? {
            if !glob::matches(part, &String::from_utf8_lossy(&name)) {
                continue;
            }
            let path = join(directory, &name);
            if rest.is_empty() {
                self.take()?;
                found.push(path);
            } else if node.kind == EntryKind::Directory {
                self.matching(&path, rest, found)?;
            }
        }
        Ok(())
    }

    /// Everything of a source that is taken; none if it is not taken itself.
    fn item(
        &mut self,
        name: Vec<u8>,
        path: Vec<u8>,
        node: SourceNode<'a>,
        filter: &PickFilter,
    ) -> Result<Option<Item<'a>>, CopyError> {
        if node.is_socket {
            return Err(CopyError::Socket { path });
        }
        let mut picks = Vec::new();
        self.take()?;
        if node.kind == EntryKind::Directory {
            picks.push(Pick { path: Vec::new(), node });
            self.walk(&path, filter, &mut picks)?;
        } else {
            if filter.excludes.as_ref().is_some_and(|excludes| excludes.excludes(&name)) {
                return Ok(None);
            }
            picks.push(Pick { path: Vec::new(), node });
        }
        Ok(Some(Item { name, picks, unpack: false }))
    }

    /// Adds what is in a directory. There may be as many levels as a path has room for, so that it does not recurse.
    fn walk(&mut self, top: &[u8], filter: &PickFilter, picks: &mut Vec<Pick<'a>>) -> Result<(), CopyError> {
        let mut levels = vec![Level::new(self.tree.list(top)?, Vec::new(), None)];
        while let Some(level) = levels.last_mut() {
            let Some((name, node)) = level.names.next() else {
                // A directory that is not taken itself is there for what is in it.
                if level.lone == Some(picks.len()) {
                    picks.pop();
                }
                levels.pop();
                continue;
            };
            let path = join(&level.path, &name);
            let is_directory = node.kind == EntryKind::Directory;
            let Some(is_taken) = filter.takes(&path, is_directory).filter(|_| !node.is_socket) else { continue };
            self.take()?;
            let place = if is_directory { Some(checked(join(top, &path))?) } else { None };
            picks.push(Pick { path: path.clone(), node });
            if let Some(place) = place {
                let lone = (!is_taken).then_some(picks.len());
                levels.push(Level::new(self.tree.list(&place)?, path, lone));
            }
        }
        Ok(())
    }

    fn take(&mut self) -> Result<(), CopyError> {
        self.left = self.left.checked_sub(1).ok_or(CopyError::TooMany { limit: self.limit })?;
        Ok(())
    }

    fn not_found(&self, word: &str, path: Vec<u8>) -> CopyError {
        let climbs = components(word.as_bytes()).try_fold(0_usize, |depth, name| match name {
            b".." => depth.checked_sub(1),
            _ => Some(depth + 1),
        });
        if climbs.is_none() {
            return CopyError::Outside { source_path: word.to_owned() };
        }
        let is_ignored = self.tree.is_ignored(&path);
        CopyError::NotFound { path, place: self.tree.place, is_ignored }
    }
}

/// The components before the first with a wildcard, and the others.
fn split_pattern(path: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let parts: Vec<&[u8]> = components(path).collect();
    let first = parts.iter().position(|part| has_wildcard(part)).unwrap_or(parts.len());
    (parts[..first].join(&b'/'), parts[first..].join(&b'/'))
}

fn has_wildcard(part: &[u8]) -> bool {
    let mut bytes = part.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'*' | b'?' | b'[' => return true,
            _ => {}
        }
    }
    false
}
