//! Patterns for names as `fnmatch` reads them, which are those of `find` and of the shell.

/// A pattern: `*` is any run of characters, also of `/` and of leading dots, `?` one character, `[a-z]` and `[!a-z]` one
/// in or outside a set, `\` takes the next character as it is.
#[derive(Debug, Clone)]
pub struct Glob {
    elements: Vec<Element>,
    folds_case: bool,
    /// It ends with a lone backslash: nothing matches.
    is_unfinished: bool,
}

/// A character, or a byte that is not UTF-8.
type Unit = u32;

/// Bytes that are no UTF-8 are numbered from here, after all characters.
const INVALID: Unit = 0x11_0000;

#[derive(Debug, Clone)]
enum Element {
    Run,
    Any,
    One(Unit),
    Set { is_negated: bool, members: Vec<Member> },
}

#[derive(Debug, Clone)]
enum Member {
    Range(Unit, Unit),
    Class(Has),
}

/// Whether a character is in a class.
type Has = fn(char) -> bool;

/// The classes of POSIX, by name.
const CLASSES: [(&str, Has); 12] = [
    ("alpha", char::is_alphabetic),
    ("digit", |c| c.is_ascii_digit()),
    ("alnum", |c| c.is_alphanumeric()),
    ("upper", char::is_uppercase),
    ("lower", char::is_lowercase),
    ("space", char::is_whitespace),
    ("blank", |c| c == ' ' || c == '\t'),
    ("punct", |c| c.is_ascii_punctuation()),
    ("cntrl", char::is_control),
    ("graph", |c| !c.is_control() && !c.is_whitespace()),
    ("print", |c| !c.is_control()),
    ("xdigit", |c| c.is_ascii_hexdigit()),
];

impl Glob {
    /// Reads a pattern; a set that is not closed is a `[`.
    pub fn new(pattern: &[u8], folds_case: bool) -> Self {
        let units = units(pattern, folds_case);
        let (mut elements, mut at, mut is_unfinished) = (Vec::new(), 0, false);
        while let Some(&unit) = units.get(at) {
            at += 1;
            match char::from_u32(unit) {
                Some('*') if matches!(elements.last(), Some(Element::Run)) => {}
                Some('*') => elements.push(Element::Run),
                Some('?') => elements.push(Element::Any),
                Some('\\') => match units.get(at) {
                    Some(next) => {
                        elements.push(Element::One(*next));
                        at += 1;
                    }
                    None => is_unfinished = true,
                },
                Some('[') => match set(&units, at) {
                    Some((set, next)) => {
                        elements.push(set);
                        at = next;
                    }
                    None => elements.push(Element::One(unit)),
                },
                _ => elements.push(Element::One(unit)),
            }
        }
        Self { elements, folds_case, is_unfinished }
    }

    /// Whether it matches all of `name`. Goes back only to the last star, so that the work is bounded by the product of
    /// the lengths.
    pub fn matches(&self, name: &[u8]) -> bool {
        if self.is_unfinished {
            return false;
        }
        let name = units(name, self.folds_case);
        let (mut at, mut place) = (0, 0);
        let mut star = None;
        while place < name.len() {
            match self.elements.get(at) {
                Some(Element::Run) => {
                    star = Some((at + 1, place));
                    at += 1;
                }
                Some(element) if element.takes(name[place]) => (at, place) = (at + 1, place + 1),
                _ => {
                    let Some((after, from)) = star else { return false };
                    star = Some((after, from + 1));
                    (at, place) = (after, from + 1);
                }
            }
        }
        self.elements[at..].iter().all(|left| matches!(left, Element::Run))
    }
}

impl Element {
    fn takes(&self, unit: Unit) -> bool {
        match self {
            Self::Run => false,
            Self::Any => true,
            Self::One(one) => *one == unit,
            Self::Set { is_negated, members } => members.iter().any(|member| member.has(unit)) != *is_negated,
        }
    }
}

impl Member {
    fn has(&self, unit: Unit) -> bool {
        match self {
            Self::Range(low, high) => (*low..=*high).contains(&unit),
            Self::Class(has) => char::from_u32(unit).is_some_and(has),
        }
    }
}

/// The set that begins behind its `[`, and where the pattern goes on; nothing if it is not closed.
fn set(units: &[Unit], start: usize) -> Option<(Element, usize)> {
    let mut at = start;
    let is = |at: usize, c: char| units.get(at) == Some(&u32::from(c));
    let is_negated = is(at, '!') || is(at, '^');
    at += usize::from(is_negated);
    let (mut members, first) = (Vec::new(), at);
    loop {
        if is(at, ']') && at > first {
            return Some((Element::Set { is_negated, members }, at + 1));
        }
        if is(at, '[') && is(at + 1, ':') {
            let length = units[at + 2..].windows(2).position(|two| two == [u32::from(':'), u32::from(']')])?;
            let name: String = units[at + 2..at + 2 + length].iter().filter_map(|unit| char::from_u32(*unit)).collect();
            let (_, class) = CLASSES.iter().find(|(class, _)| *class == name)?;
            members.push(Member::Class(*class));
            at += length + 4;
            continue;
        }
        let (low, next) = member(units, at)?;
        at = next;
        if is(at, '-') && units.get(at + 1).is_some() && !is(at + 1, ']') {
            let (high, next) = member(units, at + 1)?;
            members.push(Member::Range(low, high));
            at = next;
        } else {
            members.push(Member::Range(low, low));
        }
    }
}

/// A character of a set, and what is behind it: `a`, `\]`, `[=a=]`, `[.a.]`.
fn member(units: &[Unit], at: usize) -> Option<(Unit, usize)> {
    let unit = *units.get(at)?;
    match char::from_u32(unit) {
        Some('\\') => Some((*units.get(at + 1)?, at + 2)),
        Some('[') => match units.get(at + 1..at + 5) {
            Some(&[open, one, shut, end])
                if open == shut && [u32::from('='), u32::from('.')].contains(&open) && end == u32::from(']') =>
            {
                Some((one, at + 5))
            }
            _ => Some((unit, at + 1)),
        },
        _ => Some((unit, at + 1)),
    }
}

fn units(bytes: &[u8], folds_case: bool) -> Vec<Unit> {
    let mut units = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        units.extend(chunk.valid().chars().map(|c| u32::from(if folds_case { folded(c) } else { c })));
        units.extend(chunk.invalid().iter().map(|byte| INVALID + u32::from(*byte)));
    }
    units
}

fn folded(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_fnmatch_matches() {
        let cases: &[(&str, &str, bool)] = &[
            ("*", "", true),
            ("*", ".a/b", true),
            ("a*c", "abbc", true),
            ("a*c", "abbcd", false),
            ("?", "ä", true),
            ("??", "a", false),
            ("[a-c]", "b", true),
            ("[!a-c]", "b", false),
            ("[^a-c]", "d", true),
            ("[]a]", "]", true),
            ("[!]a]", "b", true),
            ("[a-]", "-", true),
            ("[[:digit:]x]*", "7z", true),
            ("[[:nosuch:]]", "n", false),
            ("[[=a=]]", "a", true),
            ("[a", "[a", true),
            ("[", "[", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a\\", "a", false),
            ("*.so.*", "libc.so.6", true),
            ("**a", "xa", true),
            ("A", "a", false),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(Glob::new(pattern.as_bytes(), false).matches(name.as_bytes()), *expected, "{pattern} {name}");
        }
        assert!(Glob::new("*.JPÄ".as_bytes(), true).matches("x.jpä".as_bytes()));
        assert!(Glob::new(b"?\xff", false).matches(b"a\xff") && !Glob::new(b"?", false).matches(b"\xff\xfe"));
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!Glob::new("*a".repeat(200).as_bytes(), false).matches("b".repeat(4000).as_bytes()));
    }
}
