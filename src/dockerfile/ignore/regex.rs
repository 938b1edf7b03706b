//! The regular expressions that patterns become: letters, classes, `[^/]*`, `.*` and `(.*/)?` in a row. They are tried in
//! one pass over the path, and can say whether a path that begins so can match at all.

use std::iter::Peekable;
use std::str::Chars;

/// An expression.
#[derive(Debug)]
pub(super) struct Regex {
    nodes: Vec<Node>,
    /// How every match begins and ends: most paths need no further look.
    start: Vec<u8>,
    end: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    /// One letter of these.
    One(Letters),
    /// Any number of them.
    Many(Letters),
    /// `(.*/)?`: nothing, or what [`Node::Inside`] takes.
    Folders,
    /// Inside of that: `.*/`.
    Inside,
    /// A place, which takes no letter.
    Place(Place),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    End,
    Word,
    NoWord,
}

#[derive(Debug, Clone, PartialEq)]
enum Letters {
    /// This one.
    This(char),
    /// All but a line feed.
    Any,
    /// Those in the ranges, or all others.
    Class { is_negated: bool, ranges: Vec<(char, char)> },
}

impl Regex {
    /// Reads an expression of `translate`; none where Go refuses it. Classes by Unicode's names (`\pL`) and `\Q` are
    /// refused too: no pattern for paths has them on purpose.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut letters = text.strip_prefix('^')?.strip_suffix('$')?.chars().peekable();
        let mut nodes = Vec::new();
        while let Some(letter) = letters.next() {
            match letter {
                '(' => {
                    letters.by_ref().take_while(|letter| *letter != '?').for_each(drop);
                    nodes.extend([Node::Folders, Node::Inside]);
                }
                '^' => nodes.push(Node::Place(Place::Start)),
                '*' => match nodes.pop()? {
                    Node::One(repeated) => nodes.push(Node::Many(repeated)),
                    _ => return None,
                },
                '.' => nodes.push(Node::One(Letters::Any)),
                '[' => nodes.push(Node::One(class(&mut letters)?)),
                '\\' => nodes.push(escaped(&mut letters)?),
                _ => nodes.push(Node::One(Letters::This(letter))),
            }
        }
        let literal = |node: &Node| match node {
            Node::One(Letters::This(letter)) if *letter != '\u{fffd}' => Some(*letter),
            _ => None,
        };
        let start: String = nodes.iter().map_while(literal).collect();
        let end: String = nodes.iter().rev().map_while(literal).collect();
        let end: String = end.chars().rev().collect();
        Some(Self { nodes, start: start.into_bytes(), end: end.into_bytes() })
    }

    /// How many parts it has: each may be tried on each letter of a path.
    pub(super) fn parts(&self) -> usize {
        self.nodes.len()
    }

    /// Whether a path matches.
    pub(super) fn matches(&self, path: &[u8]) -> bool {
        path.starts_with(&self.start) && path.ends_with(&self.end) && self.walk(path, false)
    }

    /// Whether a path that begins so can match.
    pub(super) fn may_go_on(&self, path: &[u8]) -> bool {
        let known = self.start.len().min(path.len());
        path[..known] == self.start[..known] && self.walk(path, true)
    }

    /// Takes the path letter by letter, with all nodes that may be next at once; then whether the end is among them, or
    /// any if the path may go on.
    fn walk(&self, path: &[u8], goes_on: bool) -> bool {
        let text = String::from_utf8_lossy(path);
        let mut letters = text.chars().peekable();
        let mut before = None;
        let mut here = vec![false; self.nodes.len() + 1];
        here[0] = true;
        loop {
            let next = letters.peek().copied();
            // Where the path may go on it is not known what follows: a place may be there.
            let is_end = next.is_none() && goes_on;
            self.spread(&mut here, |place| is_end || place.is_at(before, next));
            let Some(letter) = letters.next() else { break };
            here = self.take(&here, letter);
            if !here.contains(&true) {
                return false;
            }
            before = Some(letter);
        }
        here[self.nodes.len()] || goes_on && here.contains(&true)
    }

    /// Adds the nodes that are reached without a letter.
    fn spread(&self, here: &mut [bool], is_at: impl Fn(Place) -> bool) {
        for (index, node) in self.nodes.iter().enumerate() {
            if !here[index] {
                continue;
            }
            match node {
                Node::Many(_) => here[index + 1] = true,
                Node::Folders => {
                    here[index + 1] = true;
                    here[index + 2] = true;
                }
                Node::Place(place) if is_at(*place) => here[index + 1] = true,
                Node::Place(_) | Node::One(_) | Node::Inside => {}
            }
        }
    }

    /// The nodes behind a letter. `Inside` is reached by `Folders` alone and leads behind itself by a slash only, so that
    /// it is never passed over.
    fn take(&self, here: &[bool], letter: char) -> Vec<bool> {
        let mut there = vec![false; here.len()];
        for (index, node) in self.nodes.iter().enumerate().filter(|(index, _)| here[*index]) {
            match node {
                Node::One(letters) => there[index + 1] |= letters.has(letter),
                Node::Many(letters) => there[index] |= letters.has(letter),
                Node::Inside => {
                    there[index] |= letter != '\n';
                    there[index + 1] |= letter == '/';
                }
                Node::Folders | Node::Place(_) => {}
            }
        }
        there
    }
}

impl Place {
    fn is_at(self, before: Option<char>, next: Option<char>) -> bool {
        let is_word =
            |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        match self {
            Self::Start => before.is_none(),
            Self::End => next.is_none(),
            Self::Word => is_word(before) != is_word(next),
            Self::NoWord => is_word(before) == is_word(next),
        }
    }
}

impl Letters {
    fn has(&self, letter: char) -> bool {
        match self {
            Self::This(this) => *this == letter,
            Self::Any => letter != '\n',
            Self::Class { is_negated, ranges } => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&letter)) != *is_negated
            }
        }
    }
}

/// A backslash and what is behind it, outside of brackets.
fn escaped(letters: &mut Peekable<Chars>) -> Option<Node> {
    let place = match letters.peek()? {
        'A' => Place::Start,
        'z' => Place::End,
        'b' => Place::Word,
        'B' => Place::NoWord,
        _ => {
            return Some(Node::One(match perl(letters) {
                Some((is_negated, ranges)) => Letters::Class { is_negated, ranges },
                None => Letters::This(escaped_letter(letters)?),
            }));
        }
    };
    letters.next();
    Some(Node::Place(place))
}

type Ranges = Vec<(char, char)>;

/// `\d` and its like; nothing is taken if it is none.
fn perl(letters: &mut Peekable<Chars>) -> Option<(bool, Ranges)> {
    let name = *letters.peek()?;
    let ranges = match name.to_ascii_lowercase() {
        'd' => vec![('0', '9')],
        's' => vec![('\t', '\n'), ('\u{c}', '\r'), (' ', ' ')],
        'w' => vec![('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        _ => return None,
    };
    letters.next();
    Some((name.is_ascii_uppercase(), ranges))
}

/// The letter that a backslash and what is behind it stand for.
fn escaped_letter(letters: &mut Peekable<Chars>) -> Option<char> {
    let first = letters.next()?;
    Some(match first {
        'a' => '\u{7}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        'x' => number(&[letters.next()?, letters.next()?], 16)?,
        '0'..='7' => {
            let mut digits = vec![first];
            while digits.len() < 3
                && let Some(digit) = letters.next_if(|next| matches!(next, '0'..='7'))
            {
                digits.push(digit);
            }
            // One digit alone would be a reference to a group.
            if first != '0' && digits.len() == 1 {
                return None;
            }
            number(&digits, 8)?
        }
        _ if first.is_ascii() && !first.is_ascii_alphanumeric() => first,
        _ => return None,
    })
}

fn number(digits: &[char], radix: u32) -> Option<char> {
    let value = digits.iter().try_fold(0, |value, digit| Some(value * radix + digit.to_digit(radix)?))?;
    char::from_u32(value)
}

/// What is in brackets, up to the closing one.
fn class(letters: &mut Peekable<Chars>) -> Option<Letters> {
    let is_negated = letters.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    let mut is_first = true;
    while is_first || letters.peek()? != &']' {
        is_first = false;
        if letters.next_if_eq(&'\\').is_some() {
            match perl(letters) {
                Some((false, more)) => ranges.extend(more),
                Some((true, more)) => ranges.extend(others(more)),
                None => ranges.push(range(escaped_letter(letters)?, letters)?),
            }
            continue;
        }
        if let Some(name) = named(letters) {
            ranges.extend(posix(&name)?);
        } else {
            let first = letters.next()?;
            ranges.push(range(first, letters)?);
        }
    }
    letters.next();
    Some(Letters::Class { is_negated, ranges })
}

/// A letter, or from it to another one.
fn range(first: char, letters: &mut Peekable<Chars>) -> Option<(char, char)> {
    let mut ahead = letters.clone();
    if ahead.next() != Some('-') || ahead.peek().is_none_or(|next| *next == ']') {
        return Some((first, first));
    }
    letters.next();
    let last = match letters.next()? {
        '\\' => escaped_letter(letters)?,
        last => last,
    };
    (first <= last).then_some((first, last))
}

/// How far the end of a name is looked for; all names are shorter.
const LONGEST_NAME: usize = 64;

/// The name in `[:alpha:]` and its like; nothing is taken if it is none.
fn named(letters: &mut Peekable<Chars>) -> Option<String> {
    let rest: String = letters.clone().take(LONGEST_NAME).collect();
    let (name, _) = rest.strip_prefix("[:")?.split_once(":]")?;
    letters.nth(name.chars().count() + 3);
    Some(name.to_owned())
}

/// The letters of such a class; none if there is no class of that name.
fn posix(name: &str) -> Option<Ranges> {
    let (is_negated, name) = name.strip_prefix('^').map_or((false, name), |name| (true, name));
    let ranges: &[(char, char)] = match name {
        "alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        "alpha" => &[('A', 'Z'), ('a', 'z')],
        "ascii" => &[('\0', '\x7f')],
        "blank" => &[('\t', '\t'), (' ', ' ')],
        "cntrl" => &[('\0', '\x1f'), ('\x7f', '\x7f')],
        "digit" => &[('0', '9')],
        "graph" => &[('!', '~')],
        "lower" => &[('a', 'z')],
        "print" => &[(' ', '~')],
        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "space" => &[('\t', '\r'), (' ', ' ')],
        "upper" => &[('A', 'Z')],
        "word" => &[('0', '9'), ('A', 'Z'), ('a', 'z'), ('_', '_')],
        "xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => return None,
    };
    Some(if is_negated { others(ranges.to_vec()) } else { ranges.to_vec() })
}

/// All letters that are not in these ranges, which are in order.
fn others(ranges: Ranges) -> Ranges {
    let mut others = Vec::new();
    let mut next = 0;
    for (first, last) in ranges {
        if let (Some(from), Some(to)) = (char::from_u32(next), (first as u32).checked_sub(1).and_then(char::from_u32))
            && from <= to
        {
            others.push((from, to));
        }
        next = last as u32 + 1;
    }
    others.extend(char::from_u32(next).map(|from| (from, char::MAX)));
    others
}
