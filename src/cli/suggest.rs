//! What was probably meant by a word with a slip in it. A wrong guess is worse than none.

use crate::ops::near::slips;

/// With fewer letters than this, the beginning of a word says nothing.
const LEAST_BEGINNING: usize = 4;

/// The one of `known` that differs from `typed` by a slip or two, or that alone begins so.
pub(super) fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = match typed.chars().count() {
        0..=1 => return None,
        2..=6 => 1,
        _ => 2,
    };
    let known: Vec<&str> = known.collect();
    let rated = known.iter().filter_map(|word| Some((slips(typed, word, most)?, *word)));
    if let Some((_, word)) = rated.min() {
        return Some(word);
    }
    let mut longer = known.into_iter().filter(|word| typed.len() >= LEAST_BEGINNING && word.starts_with(typed));
    longer.next().filter(|_| longer.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_is_suggested() {
        let commands = ["commit", "completion", "history", "images", "inspect", "rmi", "save", "version"];
        for (typed, expected) in [
            ("imagse", Some("images")),
            ("image", Some("images")),
            ("histroy", Some("history")),
            ("inpsect", Some("inspect")),
            ("rm", Some("rmi")),
            ("compl", Some("completion")),
            ("hist", Some("history")),
            ("verify", None),
            ("compose", None),
            ("com", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, commands.into_iter()), expected, "{typed}");
        }
        assert_eq!(nearest("format", ["force", "no-prune"].into_iter()), None);
        assert_eq!(nearest("no-prun", ["force", "no-prune"].into_iter()), Some("no-prune"));
    }
}
