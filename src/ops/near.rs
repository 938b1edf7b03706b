//! Suggests an image for a misspelt name.

use super::Context;
use crate::oci::Reference;

/// With more names than this in the store, a suggestion would take too long.
const MOST_NAMES: usize = 20_000;
/// The most typing errors, whatever the length.
const MOST_SLIPS: usize = 3;
/// Longer names are not compared.
const LONGEST: usize = 128;

/// The name in the store that is most similar to what was typed; none, if none is similar.
pub fn near(context: &Context, typed: &str) -> Option<Reference> {
    let typed = typed.parse::<Reference>().ok()?.with_default_tag();
    let (wanted, tag) = (typed.familiar_name(), typed.tag().unwrap_or_default());
    let allowed = (wanted.chars().count() / 3).min(MOST_SLIPS);
    let catalog = context.store.catalog().ok()?;
    let names = catalog.entries().iter().filter_map(|entry| entry.name.as_ref()).take(MOST_NAMES);
    // An existing name was not meant: it was just removed, or was to be.
    let names = names.filter(|name| **name != typed);
    let rated = names.filter_map(|name| {
        let repository = name.familiar_name();
        let slips = slips(&wanted, &repository, allowed)?;
        let tag_slips = self::slips(tag, name.tag().unwrap_or_default(), LONGEST).unwrap_or(LONGEST);
        Some(((slips, tag_slips), name))
    });
    rated.min().map(|(_, name)| name.clone())
}

/// How many letters were left out, added, mistaken or swapped, if at most so many.
pub fn slips(one: &str, other: &str, most: usize) -> Option<usize> {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > most || one.len().max(other.len()) > LONGEST {
        return None;
    }
    // Common beginnings and ends need no comparison; often they are nearly everything.
    let same = |(one, other): &(&char, &char)| one == other;
    let before = one.iter().zip(&other).take_while(same).count();
    let (one, other) = (&one[before..], &other[before..]);
    let after = one.iter().rev().zip(other.iter().rev()).take_while(same).count();
    distance(&one[..one.len() - after], &other[..other.len() - after], most)
}

/// [Optimal string alignment](https://en.wikipedia.org/wiki/Damerau-Levenshtein_distance), up to `most`.
fn distance(one: &[char], other: &[char], most: usize) -> Option<usize> {
    let mut above: Vec<usize> = (0..=other.len()).collect();
    let (mut before, mut line) = (above.clone(), above.clone());
    for (row, letter) in one.iter().enumerate() {
        line[0] = row + 1;
        for (column, against) in other.iter().enumerate() {
            let replaced = above[column] + usize::from(letter != against);
            let mut least = replaced.min(above[column + 1] + 1).min(line[column] + 1);
            let is_swap = row > 0 && column > 0 && *letter == other[column - 1] && one[row - 1] == *against;
            if is_swap {
                least = least.min(before[column - 1] + 1);
            }
            line[column + 1] = least;
        }
        if line.iter().min().is_some_and(|least| *least > most) {
            return None;
        }
        std::mem::swap(&mut before, &mut above);
        std::mem::swap(&mut above, &mut line);
    }
    above.last().copied().filter(|slips| *slips <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted() {
        let cases = [
            ("ubuntu", "ubuntu", Some(0)),
            ("ubunto", "ubuntu", Some(1)),
            ("ubutnu", "ubuntu", Some(1)),
            ("ubunt", "ubuntu", Some(1)),
            ("uubuntu", "ubuntu", Some(1)),
            ("xbuntx", "ubuntu", Some(2)),
            ("", "ab", Some(2)),
            ("", "abc", None),
            ("abcdef", "uvwxyz", None),
            ("abcde", "edcba", None),
        ];
        for (one, other, expected) in cases {
            assert_eq!(slips(one, other, 2), expected, "{one} {other}");
            assert_eq!(slips(other, one, 2), expected, "{other} {one}");
        }
    }
}
