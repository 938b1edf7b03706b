//! The patterns of `.dockerignore`, as moby's patternmatcher reads them.
//!
//! `*` is any text without `/`, `**` any text, `**/` any number of directories, `?` one character but `/`, `[…]` one of a
//! set, and `\` takes the next character as it is. A pattern with `!` takes back what earlier ones matched. What matches
//! a directory matches everything in it.

/// A pattern that was read.
#[derive(Debug)]
pub(super) struct Pattern {
    /// Whether it begins with `!`.
    pub(super) is_exception: bool,
    tokens: Vec<Token>,
    /// The text without wildcards at its beginning.
    literal: String,
    has_wildcard: bool,
}

#[derive(Debug)]
enum Token {
    Character(char),
    /// `?`
    One,
    /// `*`
    Text,
    /// `**` at the end.
    Everything,
    /// `**/`: nothing, or what the loop that follows takes.
    Directories,
    /// Any text that ends in `/`.
    Loop,
    /// `[…]`: ranges of characters, and whether one outside of them is meant.
    Set(Vec<(char, char)>, bool),
}

impl Pattern {
    /// Reads a cleaned pattern without its `!`; none if it is malformed.
    pub(super) fn parse(text: &str, is_exception: bool) -> Option<Self> {
        if !crate::ops::glob::is_pattern(text) {
            return None;
        }
        let mut tokens = Vec::new();
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '*' if characters.next_if_eq(&'*').is_some() => {
                    characters.next_if_eq(&'/');
                    if characters.peek().is_none() {
                        tokens.push(Token::Everything);
                    } else {
                        tokens.extend([Token::Directories, Token::Loop]);
                    }
                }
                '*' => tokens.push(Token::Text),
                '?' => tokens.push(Token::One),
                '[' => tokens.push(set(&mut characters)?),
                '\\' => tokens.push(Token::Character(characters.next().unwrap_or('\\'))),
                other => tokens.push(Token::Character(other)),
            }
        }
        let character = |token: &Token| match token {
            Token::Character(character) => Some(*character),
            _ => None,
        };
        let literal: String = tokens.iter().map_while(character).collect();
        let has_wildcard = literal.chars().count() < tokens.len();
        Some(Self { is_exception, tokens, literal, has_wildcard })
    }

    /// Whether it matches all of a path.
    pub(super) fn matches(&self, path: &str) -> bool {
        let Some(rest) = path.strip_prefix(&self.literal) else { return false };
        if !self.has_wildcard {
            return rest.is_empty();
        }
        // All places in the pattern that the text so far may have led to.
        let mut places = vec![false; self.tokens.len() + 1];
        let mut next = places.clone();
        self.enter(&mut places, self.literal.chars().count());
        for character in rest.chars() {
            next.fill(false);
            let mut is_alive = false;
            for (place, token) in self.tokens.iter().enumerate().filter(|(place, _)| places[*place]) {
                is_alive |= self.step(&mut next, (place, token), character);
            }
            if !is_alive {
                return false;
            }
            std::mem::swap(&mut places, &mut next);
        }
        places[self.tokens.len()]
    }

    /// Marks a place, and those that are reached from it without text.
    fn enter(&self, places: &mut [bool], place: usize) {
        if places[place] {
            return;
        }
        places[place] = true;
        match self.tokens.get(place) {
            Some(Token::Text | Token::Everything) => self.enter(places, place + 1),
            Some(Token::Directories) => {
                self.enter(places, place + 1);
                self.enter(places, place + 2);
            }
            _ => {}
        }
    }

    /// Takes a character at a place; whether that leads anywhere.
    fn step(&self, next: &mut [bool], (place, token): (usize, &Token), character: char) -> bool {
        let to = match token {
            Token::Character(expected) if *expected == character => place + 1,
            Token::One if character != '/' => place + 1,
            Token::Text if character != '/' => place,
            Token::Everything => place,
            Token::Loop => {
                if character == '/' {
                    self.enter(next, place + 1);
                }
                place
            }
            Token::Set(ranges, is_negated) => {
                let is_in = ranges.iter().any(|(first, last)| (*first..=*last).contains(&character));
                if is_in == *is_negated {
                    return false;
                }
                place + 1
            }
            _ => return false,
        };
        self.enter(next, to);
        true
    }

    /// Whether it may match something below a directory.
    pub(super) fn may_match_below(&self, directory: &str) -> bool {
        let (literal, directory) = (self.literal.as_bytes(), directory.as_bytes());
        let shared = literal.len().min(directory.len());
        let is_alike = literal[..shared] == directory[..shared];
        match literal.get(directory.len()) {
            Some(next) => is_alike && *next == b'/',
            // It matches a directory above, or has wildcards.
            None => is_alike && (self.has_wildcard || directory.get(shared).is_none_or(|next| *next == b'/')),
        }
    }
}

/// A set, as a regular expression has it: `^` negates, `!` does not.
fn set(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Token> {
    let is_negated = characters.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        let first = match characters.next()? {
            ']' if !ranges.is_empty() => return Some(Token::Set(ranges, is_negated)),
            '\\' => characters.next()?,
            other => other,
        };
        let mut last = first;
        if characters.peek() == Some(&'-') {
            characters.next();
            last = match characters.next()? {
                ']' => {
                    ranges.extend([(first, first), ('-', '-')]);
                    return Some(Token::Set(ranges, is_negated));
                }
                '\\' => characters.next()?,
                other => other,
            };
        }
        ranges.push((first, last));
    }
}
