//! `--chown`: who owns what is copied.

use std::io::Read as _;

use super::error::CopyError;
use super::request::Layers;
use super::tree::{Content, Tree};
use crate::image::contents::Piece;

/// The file with users.
const PASSWD: &str = "/etc/passwd";
/// The file with groups.
const GROUP: &str = "/etc/group";
/// The longest of the two that is read.
const LONGEST: u64 = 16 << 20;

/// An owner and a group.
pub(super) type Owner = (u64, u64);

/// What `--chown` says, with names looked up in the layers below. A user without a group has the group of `/etc/passwd`,
/// and a number is both.
pub(super) fn owner(chown: &str, below: Layers<'_>) -> Result<Owner, CopyError> {
    let (user, group) = chown.split_once(':').map_or((chown, None), |(user, group)| (user, Some(group)));
    let group = group.filter(|group| !group.is_empty());
    let malformed = || CopyError::Chown { chown: chown.to_owned() };
    if user.is_empty() && group.is_none() || user.contains(['\n', '/']) {
        return Err(malformed());
    }
    let (uid, primary) = match number(user).ok_or_else(malformed)? {
        _ if user.is_empty() => (0, 0),
        Some(number) => (number, number),
        None => look_up(user, below, PASSWD, "uid for user")?,
    };
    let gid = match group {
        None => primary,
        Some(group) => match number(group).ok_or_else(malformed)? {
            Some(number) => number,
            None => look_up(group, below, GROUP, "gid for group")?.0,
        },
    };
    Ok((uid, gid))
}

/// A number; the inner none if it is a name, the outer if no file can have it.
#[expect(clippy::option_option, reason = "a name is not an error, a number out of range is")]
fn number(text: &str) -> Option<Option<u64>> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(None);
    }
    // The highest is what chown(2) takes for "unchanged".
    text.parse::<u32>().ok().filter(|number| *number != u32::MAX).map(|number| Some(u64::from(number)))
}

/// The third and the fourth field of the line of that name.
fn look_up(name: &str, below: Layers<'_>, file: &'static str, kind: &'static str) -> Result<Owner, CopyError> {
    let unknown = || CopyError::Unknown { kind, name: name.to_owned(), file };
    let text = read(below, file)?;
    let found = text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let first = fields.nth(1)?.trim().parse::<u32>().ok()?;
        let second = fields.next().and_then(|field| field.trim().parse::<u32>().ok()).unwrap_or_default();
        Some((u64::from(first), u64::from(second)))
    });
    found.ok_or_else(unknown)
}

/// The text of a file of the image; empty if there is none.
fn read(below: Layers<'_>, path: &str) -> Result<String, CopyError> {
    let found = Tree::image(below).resolve(path.as_bytes())?;
    let Some((path, node)) = found else { return Ok(String::new()) };
    let Content::Layer { layers, range } = node.content else { return Ok(String::new()) };
    if range.size > LONGEST {
        return Ok(String::new());
    }
    let mut text = Vec::new();
    let read = layers.contents.open(range.layer).and_then(|mut contents| {
        contents.read(range, |piece| match piece {
            Piece::Hole(_) => Ok(()),
            Piece::Data(mut data) => data.read_to_end(&mut text).map(drop),
        })
    });
    read.map_err(|source| CopyError::Contents { path, source })?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
