//! The words of an expression that ask or do something, each with its argument.

use super::clock;
use super::compare::{Age, Compare, DAY};
use super::expr::{Action, Expr, Test};
use super::facts::Facts;
use super::format::Format;
use super::perm::Permissions;
use crate::layer::overlay::LastLink;
use crate::layer::path::Escaped;
use crate::ops::files::glob::Glob;
use crate::ops::files::posix::{Dialect, compile, translate};
use crate::ops::files::{capability, opened};
use crate::ops::files_error::FindError;

/// Words without an argument.
pub(super) fn bare(word: &str) -> Option<Expr> {
    Some(match word {
        "-true" | "-readable" | "-writable" => Expr::Test(Test::Always(true)),
        "-false" => Expr::Test(Test::Always(false)),
        "-empty" => Expr::Test(Test::Empty),
        "-nouser" => Expr::Test(Test::NoUser),
        "-nogroup" => Expr::Test(Test::NoGroup),
        "-executable" => Expr::Test(Test::Executable),
        "-setuid" => Expr::Test(Test::Permissions(Permissions::all(0o4000))),
        "-setgid" => Expr::Test(Test::Permissions(Permissions::all(0o2000))),
        "-world-writable" => Expr::All(vec![
            Expr::Test(Test::Permissions(Permissions::all(0o002))),
            Expr::Not(Box::new(Expr::Test(Test::Kind("l".to_owned())))),
        ]),
        "-capabilities" => Expr::Test(Test::Capability(None)),
        "-print" => Expr::Action(Action::Print),
        "-print0" => Expr::Action(Action::Print0),
        "-ls" => Expr::Action(Action::List),
        "-prune" => Expr::Action(Action::Prune),
        "-quit" => Expr::Action(Action::Quit),
        _ => return None,
    })
}

/// Words that take one argument.
pub(super) const WITH_ARGUMENT: [&str; 37] = [
    "-name",
    "-iname",
    "-path",
    "-wholename",
    "-ipath",
    "-iwholename",
    "-lname",
    "-ilname",
    "-regex",
    "-iregex",
    "-type",
    "-xtype",
    "-size",
    "-perm",
    "-user",
    "-uid",
    "-group",
    "-gid",
    "-newer",
    "-newermm",
    "-newermt",
    "-mtime",
    "-mmin",
    "-links",
    "-samefile",
    "-layer",
    "-capability",
    "-printf",
    "-maxdepth",
    "-mindepth",
    "-regextype",
    "-atime",
    "-ctime",
    "-amin",
    "-cmin",
    "-anewer",
    "-cnewer",
];

/// Why a word of GNU find cannot be had.
pub(super) fn refused(word: &str) -> Option<&'static str> {
    Some(match word {
        "-exec" | "-execdir" | "-ok" | "-okdir" => "imgtool runs no programs: pipe the names of -print0 to xargs -0",
        "-delete" => "an image is not changed by looking at it",
        "-fprint" | "-fprint0" | "-fprintf" | "-fls" => "redirect the output instead",
        "-atime" | "-amin" | "-anewer" | "-ctime" | "-cmin" | "-cnewer" | "-used" => {
            "files of an image have the time of their last modification only: use -mtime, -mmin, -newer or -newermt"
        }
        "-inum" | "-fstype" | "-context" => "files of an image have no inode numbers, file systems or contexts",
        "-files0-from" => "name the paths behind the image",
        "-newer" | "-newermm" | "-newermt" => return None,
        _ if word.starts_with("-newer") => {
            "files of an image have the time of their last modification only: use -newer or -newermt"
        }
        _ => return None,
    })
}

/// The test of a word with an argument.
pub(super) fn with_argument(
    word: &str,
    argument: &[u8],
    facts: &Facts<'_>,
    origin: crate::layer::Mtime,
    dialect: Dialect,
) -> Result<Expr, FindError> {
    let bad = |expected: &'static str| FindError::Argument {
        word: word.to_owned(),
        argument: Escaped(argument).to_string(),
        expected,
    };
    let text = || std::str::from_utf8(argument).map_err(|_| bad("text"));
    let number = || text().ok().and_then(compare).ok_or_else(|| bad("a number, with + for more or - for less"));
    let age = |unit| number().map(|compare| Test::Age(Age { compare, unit, origin }));
    Ok(Expr::Test(match word {
        "-name" => Test::Name(Glob::new(argument, false)),
        "-iname" => Test::Name(Glob::new(argument, true)),
        "-path" | "-wholename" => Test::Path(Glob::new(argument, false)),
        "-ipath" | "-iwholename" => Test::Path(Glob::new(argument, true)),
        "-lname" => Test::LinkTarget(Glob::new(argument, false)),
        "-ilname" => Test::LinkTarget(Glob::new(argument, true)),
        "-regex" | "-iregex" => {
            let whole = |text: &str| translate(text, dialect).map(|inner| format!("\\A(?:{inner})\\z"));
            let regex = whole(text()?).and_then(|whole| compile(&whole, word == "-iregex"));
            Test::Regex(regex.map_err(|source| FindError::Regex { word: word.to_owned(), source })?)
        }
        "-type" => {
            Test::Kind(kinds(text()?).ok_or_else(|| bad("some of b, c, d, p, f, l and s, separated by commas"))?)
        }
        "-xtype" => {
            Test::OtherKind(kinds(text()?).ok_or_else(|| bad("some of b, c, d, p, f, l and s, separated by commas"))?)
        }
        "-size" => {
            let (compare, unit) = size(text()?).ok_or_else(|| bad("a number with one of c, w, b, k, M and G"))?;
            Test::Size(compare, unit)
        }
        "-perm" => {
            let mode = Permissions::read(text()?);
            Test::Permissions(mode.ok_or_else(|| bad("a mode: 644, -4000, /222, -u+s, u=rw,go=r"))?)
        }
        "-user" => Test::User(owner(text()?, |name| facts.owners.uid(name)).ok_or_else(|| bad("a user of the image"))?),
        "-group" => {
            Test::Group(owner(text()?, |name| facts.owners.gid(name)).ok_or_else(|| bad("a group of the image"))?)
        }
        "-uid" => Test::User(number()?),
        "-gid" => Test::Group(number()?),
        "-newer" | "-newermm" => Test::Newer(reference(argument, facts)?.mtime()),
        "-newermt" => {
            Test::Newer(clock::read(text()?).ok_or_else(|| bad("a time: 2024-05-01, '2024-05-01 12:30', @0"))?)
        }
        "-samefile" => Test::Same(reference(argument, facts)?.first_name().id()),
        "-mtime" => age(DAY)?,
        "-mmin" => age(60)?,
        "-links" => Test::Links(number()?),
        "-layer" => Test::Layer(number()?),
        "-capability" => {
            Test::Capability(Some(capability::number(text()?).ok_or_else(|| bad("a capability: cap_net_raw"))?))
        }
        "-printf" => {
            let format = Format::read(text()?);
            return format
                .map(|format| Expr::Action(Action::Format(format)))
                .map_err(|named| FindError::Format { named });
        }
        _ => return Err(FindError::Unknown { word: word.to_owned() }),
    }))
}

fn reference<'v>(path: &[u8], facts: &Facts<'v>) -> Result<crate::layer::overlay::ViewNode<'v>, FindError> {
    let last = if facts.follows_operands { LastLink::Follow } else { LastLink::Keep };
    opened::follow(facts.view, path, last).map_err(|error| FindError::Reference { source: Box::new(error) })
}

/// `+5`, `-5`, `5`.
pub(super) fn compare(text: &str) -> Option<Compare> {
    let (make, digits): (fn(u64) -> Compare, &str) = match text.split_at_checked(1)? {
        ("+", digits) => (Compare::More, digits),
        ("-", digits) => (Compare::Less, digits),
        _ => (Compare::Equal, text),
    };
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number).map(make)
}

fn owner(text: &str, number: impl Fn(&str) -> Option<u64>) -> Option<Compare> {
    number(text).or_else(|| text.parse().ok()).map(Compare::Equal)
}

fn kinds(text: &str) -> Option<String> {
    let each = text.split(',').map(|kind| match kind {
        "b" | "c" | "d" | "p" | "f" | "l" | "s" => Some(kind),
        _ => None,
    });
    each.collect()
}

fn size(text: &str) -> Option<(Compare, u64)> {
    let (digits, unit) = match text.chars().last()? {
        'c' => (&text[..text.len() - 1], 1),
        'w' => (&text[..text.len() - 1], 2),
        'b' => (&text[..text.len() - 1], 512),
        'k' => (&text[..text.len() - 1], 1 << 10),
        'M' => (&text[..text.len() - 1], 1 << 20),
        'G' => (&text[..text.len() - 1], 1 << 30),
        _ => (text, 512),
    };
    Some((compare(digits)?, unit))
}
