//! Walk order.

use std::cmp::Ordering;

/// Compares two paths in walk order: a directory, then everything below it, then its next sibling. Comparing plain
/// bytes would put `a.b` before `a/x`.
pub fn walk_order(one: &[u8], other: &[u8]) -> Ordering {
    walk_key(one).cmp(walk_key(other))
}

/// The sort key of a path: with the separator replaced by NUL, which no name contains.
pub(super) fn walk_key(path: &[u8]) -> impl Iterator<Item = u8> + use<'_> {
    path.iter().map(|byte| if *byte == b'/' { 0 } else { *byte })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_directory_follows_it() {
        let walked = ["", "a", "a/x", "a/x/y", "a/z", "a.b", "a.b/c", "ab"];
        for (place, one) in walked.iter().enumerate() {
            for (other_place, other) in walked.iter().enumerate() {
                assert_eq!(walk_order(one.as_bytes(), other.as_bytes()), place.cmp(&other_place), "{one} {other}");
            }
        }
    }
}
