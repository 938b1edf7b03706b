//! `-printf` and `-ls`: what is written about a file.

use std::fmt::Write as _;

use super::clock;
use super::seen::Seen;
use crate::layer::Mtime;
use crate::layer::overlay::{FollowError, LastLink, NodeKind};
use crate::ops::files::mode;
use crate::ops::files::owners::Owners;

/// A piece of what is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A name or a path from the image.
    Name(Vec<u8>),
    /// Anything else.
    Text(String),
}

/// A format of `-printf`.
#[derive(Debug)]
pub(super) struct Format {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Text(String),
    Directive { directive: Directive, left: bool, zeros: bool, width: usize },
}

#[derive(Debug, Clone, Copy)]
enum Directive {
    One(char),
    Time(char),
}

/// The letters that can be had behind `%`.
const LETTERS: &str = "pfhPHsmMuUgGyYlndtkb";
/// The widest column.
const MOST_WIDTH: usize = 4096;

impl Format {
    /// Reads a format; an error says which directive cannot be had.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let (mut parts, mut plain) = (Vec::new(), String::new());
        let mut left = text.chars().peekable();
        while let Some(c) = left.next() {
            match c {
                '\\' => match left.next() {
                    None => plain.push('\\'),
                    Some('c') => break,
                    Some(digit @ '0'..='7') => {
                        let mut value = digit.to_digit(8).unwrap_or(0);
                        for _ in 0..2 {
                            let Some(more) = left.next_if(|c| c.is_digit(8)) else { break };
                            value = value * 8 + more.to_digit(8).unwrap_or(0);
                        }
                        plain.extend(char::from_u32(value & 0xff));
                    }
                    Some(letter) => plain.push_str(&escape(letter)),
                },
                '%' if left.next_if_eq(&'%').is_some() => plain.push('%'),
                '%' => {
                    if !plain.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut plain)));
                    }
                    parts.push(directive(&mut left)?);
                }
                other => plain.push(other),
            }
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self { parts })
    }

    /// What is written of a file.
    pub(super) fn pieces(&self, seen: &Seen<'_>, owners: &Owners) -> Vec<Piece> {
        let piece = |part: &Part| match part {
            Part::Text(text) => vec![Piece::Text(text.clone())],
            Part::Directive { directive, left, zeros, width } => {
                let piece = value(*directive, seen, owners);
                let length = match &piece {
                    Piece::Name(name) => name.len(),
                    Piece::Text(text) => text.chars().count(),
                };
                let fill = width.saturating_sub(length);
                // Only these two are numbers to GNU find.
                let is_number = matches!(directive, Directive::One('m' | 'd'));
                let padding = Piece::Text(if *zeros && !left && is_number { "0" } else { " " }.repeat(fill));
                match (fill, left) {
                    (0, _) => vec![piece],
                    (_, true) => vec![piece, padding],
                    (_, false) => vec![padding, piece],
                }
            }
        };
        self.parts.iter().flat_map(piece).collect()
    }
}

fn escape(letter: char) -> String {
    match letter {
        'a' => "\x07".to_owned(),
        'b' => "\x08".to_owned(),
        'f' => "\x0c".to_owned(),
        'n' => "\n".to_owned(),
        'r' => "\r".to_owned(),
        't' => "\t".to_owned(),
        'v' => "\x0b".to_owned(),
        '\\' => "\\".to_owned(),
        other => format!("\\{other}"),
    }
}

fn directive(text: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Part, String> {
    let (mut left, mut zeros, mut width) = (false, false, 0_usize);
    while let Some(flag) = text.next_if(|c| ['-', '0', '+', ' ', '#'].contains(c)) {
        left |= flag == '-';
        zeros |= flag == '0';
    }
    while let Some(digit) = text.next_if(char::is_ascii_digit) {
        width = (width * 10 + digit.to_digit(10).unwrap_or(0) as usize).min(MOST_WIDTH);
    }
    let letter = text.next().ok_or_else(|| "%".to_owned())?;
    let directive = if letter == 'T' {
        let which = text.next().ok_or_else(|| "%T".to_owned())?;
        clock::write(Mtime::default(), which).ok_or_else(|| format!("%T{which}"))?;
        Directive::Time(which)
    } else if LETTERS.contains(letter) {
        Directive::One(letter)
    } else {
        return Err(format!("%{letter}"));
    };
    Ok(Part::Directive { directive, left, zeros, width })
}

fn value(directive: Directive, seen: &Seen<'_>, owners: &Owners) -> Piece {
    let node = seen.node;
    let letter = match directive {
        Directive::Time(letter) => return Piece::Text(clock::write(node.mtime(), letter).unwrap_or_default()),
        Directive::One(letter) => letter,
    };
    let named = |name: Option<&str>, number: u64| match name {
        Some(name) => Piece::Name(name.as_bytes().to_vec()),
        None => Piece::Text(number.to_string()),
    };
    Piece::Text(match letter {
        'p' => return Piece::Name(seen.path.clone()),
        'f' => return Piece::Name(seen.name().to_vec()),
        'h' => return Piece::Name(seen.parent().to_vec()),
        'P' => return Piece::Name(seen.below().to_vec()),
        'H' => return Piece::Name(seen.path[..seen.start].to_vec()),
        'u' => return named(owners.user(node.uid()), node.uid()),
        'g' => return named(owners.group(node.gid()), node.gid()),
        'l' => match node.kind() {
            NodeKind::Symlink { target } => return Piece::Name(target.to_vec()),
            _ => String::new(),
        },
        's' => mode::size(node).to_string(),
        'k' => blocks(seen).div_ceil(2).to_string(),
        'b' => blocks(seen).to_string(),
        'm' => format!("{:o}", mode::permissions(node)),
        'M' => mode::text(node),
        'U' => node.uid().to_string(),
        'G' => node.gid().to_string(),
        'y' => mode::letter(node.kind()).to_string(),
        'Y' => other_kind(seen).to_string(),
        'n' => mode::links(node).to_string(),
        'd' => seen.depth.to_string(),
        't' => clock::write(node.mtime(), 't').unwrap_or_default(),
        _ => String::new(),
    })
}

/// What a link leads to: `N` nothing, `L` itself; of anything else what it is.
pub(super) fn other_kind(seen: &Seen<'_>) -> char {
    if !matches!(seen.own.kind(), NodeKind::Symlink { .. }) {
        return mode::letter(seen.own.kind());
    }
    match followed(seen) {
        Ok(node) => mode::letter(node.kind()),
        Err(FollowError::Loop) => 'L',
        Err(_) => 'N',
    }
}

/// Where a link leads.
pub(super) fn followed<'v>(seen: &Seen<'v>) -> Result<crate::layer::overlay::ViewNode<'v>, FollowError> {
    let parent = seen.own.parent().unwrap_or(seen.own);
    parent.follow(seen.own.name(), LastLink::Follow)
}

/// How many blocks of 512 bytes a file takes.
fn blocks(seen: &Seen<'_>) -> u64 {
    seen.node.source().map_or(0, |source| source.stored().div_ceil(512))
}

/// The line that `-ls` writes: as GNU find, with the number of the layer in the place of the inode's.
pub(super) fn line(seen: &Seen<'_>, owners: &Owners, now: Mtime) -> Vec<Piece> {
    let node = seen.node;
    let named = |name: Option<&str>, number: u64| name.map_or_else(|| number.to_string(), str::to_owned);
    let size = match node.kind() {
        NodeKind::CharDevice { major, minor } | NodeKind::BlockDevice { major, minor } => {
            format!("{major:>3}, {minor:>3}")
        }
        _ => mode::size(node).to_string(),
    };
    let mut text = format!(
        "{:>9} {:>6} {} {:>3} {:<8} {:<8} {size:>8} {} {}",
        node.layer() + 1,
        blocks(seen).div_ceil(2),
        mode::text(node),
        mode::links(node),
        quoted(named(owners.user(node.uid()), node.uid()).as_bytes()),
        quoted(named(owners.group(node.gid()), node.gid()).as_bytes()),
        clock::listed(node.mtime(), now),
        quoted(&seen.path),
    );
    if let NodeKind::Symlink { target } = node.kind() {
        text.push_str(" -> ");
        text.push_str(&quoted(target));
    }
    text.push('\n');
    vec![Piece::Text(text)]
}

/// A name as `-ls` writes it: no blank, nothing that a terminal acts upon.
fn quoted(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b'\x08' => text.push_str("\\b"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            b'\x0c' => text.push_str("\\f"),
            b' ' => text.push_str("\\ "),
            b'"' => text.push_str("\\\""),
            0x21..=0x7e => text.push(char::from(*byte)),
            other => {
                let _ = write!(text, "\\{other:03o}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_that_can_be_had() {
        for good in ["%p\\n", "%-10f|%05m|%%", "%T@ %TY-%Tm-%Td", "\\101\\0\\c%Z", "a\\qb\\"] {
            assert!(Format::read(good).is_ok(), "{good}");
        }
        for (bad, named) in [("%a", "%a"), ("%i", "%i"), ("%TQ", "%TQ"), ("%", "%"), ("%T", "%T")] {
            assert_eq!(Format::read(bad).err().as_deref(), Some(named), "{bad}");
        }
    }

    #[test]
    fn names_in_lists_are_one_word() {
        assert_eq!(quoted(b"a b\n\\\"\x1b\xff"), "a\\ b\\n\\\\\\\"\\033\\377");
    }
}
