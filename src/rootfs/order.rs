//! The order in which trees are walked.

use std::cmp::Ordering;

/// Compares two paths as a walk meets them: a directory, then all that is in it, then its next sibling. Plain bytes would
/// put `a.b` before `a/x`.
pub fn walk_order(one: &[u8], other: &[u8]) -> Ordering {
    walk_key(one).cmp(walk_key(other))
}

/// By what a path is compared. No name has a NUL, so that a separator may take its place.
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
