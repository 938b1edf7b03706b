//! `ls`: what is in directories of an image.

use super::mode;
use super::opened::follow;
use crate::layer::overlay::{LastLink, NodeKind, Overlay, ViewNode};
use crate::ops::files_error::FilesError;

/// What names are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortBy {
    /// The names, by their bytes.
    #[default]
    Name,
    /// The largest first.
    Size,
    /// The newest first.
    Time,
    /// What stands behind the last dot.
    Extension,
}

/// How directories are listed.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of ls of its own")]
pub struct ListOptions {
    /// Also names that begin with a dot.
    pub hidden: bool,
    /// Also `.` and `..`.
    pub dots: bool,
    /// Directories in directories, too.
    pub recursive: bool,
    /// Directories themselves, not what is in them.
    pub directory: bool,
    /// A link that was named is not followed, as with `ls -l`.
    pub keeps_links: bool,
    /// What to sort by.
    pub sort: SortBy,
    /// The other way around.
    pub reverse: bool,
}

/// A name in a list.
#[derive(Debug, Clone)]
pub struct Listed<'v> {
    /// The name to show: of an operand what was typed.
    pub name: Vec<u8>,
    /// What it is.
    pub node: ViewNode<'v>,
}

/// A directory that is listed, or the operands that are none.
#[derive(Debug, Clone)]
pub struct List<'v> {
    /// The path of the directory as it is to be shown; none for operands.
    pub directory: Option<Vec<u8>>,
    /// What is in it, sorted.
    pub names: Vec<Listed<'v>>,
}

/// Resolves the operands: first those that are no directories, then the directories. Each that leads nowhere is told.
pub fn operands<'v>(view: &'v Overlay, paths: &[Vec<u8>], options: ListOptions) -> (Vec<List<'v>>, Vec<FilesError>) {
    let (mut single, mut directories, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for path in paths {
        // A link that leads nowhere is shown as such.
        let last = if options.directory || options.keeps_links { LastLink::Keep } else { LastLink::Follow };
        let found = follow(view, path, last).or_else(|error| follow(view, path, LastLink::Keep).map_err(|_| error));
        match found {
            Ok(node) if node.is_directory() && !options.directory => {
                directories.push(Listed { name: path.clone(), node });
            }
            Ok(node) => single.push(Listed { name: path.clone(), node }),
            Err(error) => wrong.push(error),
        }
    }
    sort(&mut single, options);
    sort(&mut directories, options);
    let single = (!single.is_empty()).then_some(List { directory: None, names: single });
    let lists = single.into_iter().chain(directories.into_iter().map(|directory| list(directory, options)));
    (lists.collect(), wrong)
}

/// Gives a list, and those of the directories below if that is asked for, in the order of `ls -R`.
pub fn walk<'v, E>(
    list_of_top: List<'v>,
    options: ListOptions,
    mut give: impl FnMut(&List<'v>) -> Result<(), E>,
) -> Result<(), E> {
    let mut left = vec![list_of_top];
    while let Some(list_now) = left.pop() {
        give(&list_now)?;
        let Some(path) = list_now.directory.as_ref().filter(|_| options.recursive) else { continue };
        let below = list_now.names.iter().filter(|listed| listed.node.is_directory() && !is_dots(&listed.name));
        let below: Vec<Listed<'v>> =
            below.map(|listed| Listed { name: join(path, &listed.name), node: listed.node }).collect();
        left.extend(below.into_iter().rev().map(|directory| list(directory, options)));
    }
    Ok(())
}

fn list(directory: Listed<'_>, options: ListOptions) -> List<'_> {
    let shown = |node: &ViewNode<'_>| options.hidden || !node.name().starts_with(b".");
    let children = directory.node.children().filter(shown);
    let mut names: Vec<Listed<'_>> = children.map(|node| Listed { name: node.name().to_vec(), node }).collect();
    if options.dots {
        let parent = directory.node.parent().unwrap_or(directory.node);
        names.push(Listed { name: b".".to_vec(), node: directory.node });
        names.push(Listed { name: b"..".to_vec(), node: parent });
    }
    sort(&mut names, options);
    List { directory: Some(directory.name), names }
}

fn is_dots(name: &[u8]) -> bool {
    name == b"." || name == b".."
}

/// The path of a name in a directory, which may end in a slash already.
pub fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    let slash: &[u8] = if directory.ends_with(b"/") { b"" } else { b"/" };
    [directory, slash, name].concat()
}

fn sort(names: &mut [Listed<'_>], options: ListOptions) {
    match options.sort {
        SortBy::Name => names.sort_by(|one, other| one.name.cmp(&other.name)),
        SortBy::Size => names.sort_by_cached_key(|one| (std::cmp::Reverse(mode::size(one.node)), one.name.clone())),
        SortBy::Time => names.sort_by_cached_key(|one| (std::cmp::Reverse(one.node.mtime()), one.name.clone())),
        SortBy::Extension => names.sort_by_cached_key(|one| (extension(&one.name).to_vec(), one.name.clone())),
    }
    if options.reverse {
        names.reverse();
    }
}

fn extension(name: &[u8]) -> &[u8] {
    name.iter().rposition(|byte| *byte == b'.').map_or(b"", |dot| &name[dot..])
}

/// How many kilobytes the files of a list take: the line `total` of `ls -l`.
pub fn kilobytes(names: &[Listed<'_>]) -> u64 {
    let files = names.iter().filter(|listed| listed.node.kind() == NodeKind::File);
    files.map(|listed| listed.node.size().div_ceil(1024)).fold(0, u64::saturating_add)
}
