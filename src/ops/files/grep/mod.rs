//! `grep`: lines of files of an image that match a pattern, in the words of GNU grep.
//!
//! ```text
//! patterns ─▶ pattern ─▶ one expression ─┐
//! files ─▶ in the order of the layers ─▶ search ─▶ Hit     a line, that a binary file matches, how many lines
//! ```

mod pattern;
mod search;

use std::collections::HashSet;
use std::io;

pub use pattern::{Around, Matching, Syntax, expression};
pub use search::{FileSearch, Hit};

use super::glob::Glob;
use super::list::join;
use super::opened::follow;
use crate::layer::overlay::{LastLink, NodeKind, Overlay, ViewNode};
use crate::ops::files_error::FilesError;
use crate::ops::look::{Look, Place, Take};
use crate::ops::{Context, Error};

/// Which files are searched.
#[derive(Debug, Default)]
pub struct Selection {
    /// Files in directories, too.
    pub recursive: bool,
    /// Also behind symbolic links in directories.
    pub follow: bool,
    /// Only files whose names match one of these; all, if there are none.
    pub include: Vec<Glob>,
    /// No files whose names match one of these.
    pub exclude: Vec<Glob>,
    /// No directories whose names match one of these.
    pub exclude_directories: Vec<Glob>,
}

impl Selection {
    /// Whether a file of that name is searched.
    fn wants(&self, name: &[u8]) -> bool {
        let is_one_of = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(name));
        (self.include.is_empty() || is_one_of(&self.include)) && !is_one_of(&self.exclude)
    }
}

/// A file that is searched.
#[derive(Debug, Clone)]
pub struct Searched<'v> {
    /// Its path, beginning as it was typed.
    pub path: Vec<u8>,
    /// The file.
    pub node: ViewNode<'v>,
}

/// The files that are meant, and what cannot be searched.
pub fn select<'v>(view: &'v Overlay, paths: &[Vec<u8>], selection: &Selection) -> (Vec<Searched<'v>>, Vec<FilesError>) {
    let (mut files, mut wrong) = (Vec::new(), Vec::new());
    for path in paths {
        match follow(view, path, LastLink::Follow) {
            Ok(node) if node.kind() == NodeKind::File => {
                if selection.wants(path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()) {
                    files.push(Searched { path: path.clone(), node });
                }
            }
            Ok(node) if node.is_directory() && selection.recursive => {
                if !below(path, node, selection, &mut files, &mut wrong) {
                    wrong.push(FilesError::TooMany { limit: MOST });
                }
            }
            Ok(node) => {
                let what = if node.is_directory() { "Is a directory" } else { "Is a device or a pipe" };
                wrong.push(FilesError::NotAFile { path: path.clone(), what });
            }
            Err(error) => wrong.push(error),
        }
    }
    (files, wrong)
}

/// The most files that are searched: links that are followed can lead to one directory by millions of ways.
const MOST: usize = 8_000_000;
/// The longest path, as in Linux.
const LONGEST: usize = 4095;

/// Adds the files below a directory, and links that lead nowhere; whether those are all.
fn below<'v>(
    path: &[u8],
    top: ViewNode<'v>,
    selection: &Selection,
    files: &mut Vec<Searched<'v>>,
    wrong: &mut Vec<FilesError>,
) -> bool {
    let mut left = vec![(path.to_vec(), top, 0)];
    // The directories on the way, to which a link may lead back.
    let mut above: Vec<usize> = Vec::new();
    let mut visited = 0;
    while let Some((path, node, depth)) = left.pop() {
        visited += 1;
        if visited > MOST {
            return false;
        }
        // Of a link that is followed, the link's own name.
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let is_one_of = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(name));
        above.truncate(depth);
        match node.kind() {
            NodeKind::Directory if !name.is_empty() && is_one_of(&selection.exclude_directories) => {}
            NodeKind::Directory if path.len() <= LONGEST && !above.contains(&node.id()) => {
                above.push(node.id());
                let children: Vec<_> = node.children().collect();
                left.extend(children.into_iter().rev().map(|child| (join(&path, child.name()), child, depth + 1)));
            }
            NodeKind::Symlink { .. } if selection.follow => {
                let parent = node.parent().unwrap_or(node);
                match parent.follow(node.name(), LastLink::Follow) {
                    Ok(target) => left.push((path, target, depth)),
                    Err(source) => wrong.push(FilesError::Path { path, source }),
                }
            }
            NodeKind::File if selection.wants(name) => files.push(Searched { path, node }),
            _ => {}
        }
    }
    true
}

/// Searches files. `give` gets what is found in each, and says whether the search is to go on.
pub fn grep<'v>(
    look: &'v Look,
    context: &Context,
    files: &[Searched<'v>],
    matching: &Matching,
    give: &mut dyn FnMut(&Searched<'v>, Hit<'_>) -> bool,
) -> Result<(), Error> {
    let mut left: Vec<&Searched<'v>> = files.iter().collect();
    let mut ends = false;
    while !left.is_empty() && !ends {
        // Of several names of one file one is read at a time.
        let mut places = HashSet::new();
        let (now, later): (Vec<_>, Vec<_>) = left
            .into_iter()
            .partition(|file| Place::of(file.node).is_none_or(|place| file.node.size() == 0 || places.insert(place)));
        left = later;
        let mut reader = Reader { files: &now, at: None, search: FileSearch::new(matching), give, ends: false };
        reader.empty();
        let read = look.read(context, now.iter().map(|file| file.node).filter(|node| node.size() > 0), &mut reader);
        ends = reader.ends;
        // A reader that has enough ends the reading with an error of its own.
        if !ends {
            read?;
        }
    }
    Ok(())
}

struct Reader<'a, 'v> {
    files: &'a [&'a Searched<'v>],
    /// The file that is being searched.
    at: Option<&'a Searched<'v>>,
    search: FileSearch<'a>,
    give: &'a mut dyn FnMut(&Searched<'v>, Hit<'_>) -> bool,
    ends: bool,
}

impl<'v> Reader<'_, 'v> {
    /// Files without content are not read.
    fn empty(&mut self) {
        for file in self.files.iter().filter(|file| file.node.size() == 0) {
            self.search.begin();
            let goes_on = self.search.finish(&mut |hit| (self.give)(file, hit));
            self.ends |= !goes_on;
        }
    }

    fn begin(&mut self, node: ViewNode<'v>) {
        if self.at.is_none() {
            self.at = self.files.iter().copied().find(|file| file.node == node);
            self.search.begin();
        }
    }

    fn check(&mut self, goes_on: bool) -> io::Result<()> {
        self.ends |= !goes_on;
        if self.ends { Err(io::Error::other("enough was found")) } else { Ok(()) }
    }
}

impl<'v> Take<'v> for Reader<'_, 'v> {
    fn bytes(&mut self, node: ViewNode<'v>, bytes: &[u8]) -> io::Result<()> {
        self.begin(node);
        let Some(file) = self.at else { return Ok(()) };
        let goes_on = self.search.bytes(bytes, &mut |hit| (self.give)(file, hit));
        self.check(goes_on)
    }

    fn verified(&mut self, node: ViewNode<'v>) -> io::Result<()> {
        self.begin(node);
        let Some(file) = self.at.take() else { return Ok(()) };
        let goes_on = self.search.finish(&mut |hit| (self.give)(file, hit));
        self.check(goes_on)
    }
}
