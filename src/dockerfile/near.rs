//! The word that was meant.

/// The word of a list that differs from the typed one by a slip or two, but not in most of its letters.
pub(super) fn nearest<'a>(typed: &str, words: &[&'a str]) -> Option<&'a str> {
    let rated = words.iter().map(|word| (strsim::osa_distance(typed, word), *word));
    let close = rated.filter(|(slips, word)| *slips <= 2 && slips * 2 < word.len());
    close.min_by_key(|(slips, _)| *slips).map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_were_meant() {
        let words = ["RUN", "COPY", "ENTRYPOINT", "ENV"];
        let cases = [
            ("RNU", Some("RUN")),
            ("CPOY", Some("COPY")),
            ("ENTRYPIONT", Some("ENTRYPOINT")),
            ("FOO", None),
            ("", None),
        ];
        for (typed, meant) in cases {
            assert_eq!(nearest(typed, &words), meant, "{typed}");
        }
    }
}
