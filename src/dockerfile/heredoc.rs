//! Heredocs: `RUN <<EOF`, and the lines up to `EOF`.

use super::error::Fault;
use super::instruction::Heredoc;

/// The heredocs that a line begins, each still without its text.
///
/// Words are those of a shell: what stands in quotes or behind a backslash begins none.
pub(super) fn begun(line: &str) -> Result<Vec<Heredoc>, Fault> {
    words(line).iter().filter_map(|word| begin(word).transpose()).collect()
}

/// The heredoc that a word such as `3<<-"EOF"` begins.
pub(super) fn begin(word: &str) -> Result<Option<Heredoc>, Fault> {
    let digits = word.find(|next: char| !next.is_ascii_digit()).unwrap_or(word.len());
    let (descriptor, rest) = word.split_at(digits);
    let Some(rest) = rest.strip_prefix("<<") else { return Ok(None) };
    let (chomp, rest) = rest.strip_prefix('-').map_or((false, rest), |rest| (true, rest));
    let quoted = rest.trim();
    if quoted.is_empty() || quoted.contains('<') {
        return Ok(None);
    }
    let (name, has_quotes) = unquoted(quoted).ok_or_else(|| Fault::HeredocWord { word: word.to_owned() })?;
    let descriptor = descriptor.parse().unwrap_or_default();
    Ok(Some(Heredoc { name, content: String::new(), expand: !has_quotes, descriptor, chomp }))
}

/// A word without its quotes, and whether it had any; `None` if one is not closed.
fn unquoted(word: &str) -> Option<(String, bool)> {
    let (mut text, mut has_quotes) = (String::new(), false);
    let mut quote = None;
    let mut chars = word.chars();
    while let Some(next) = chars.next() {
        match (quote, next) {
            (Some(open), next) if next == open => quote = None,
            (None, '\'' | '"') => (quote, has_quotes) = (Some(next), true),
            (None, '\\') => text.extend(chars.next()),
            _ => text.push(next),
        }
    }
    quote.is_none().then_some((text, has_quotes))
}

/// The words of a line as a shell splits them, quotes and backslashes kept; a name may stand apart from its `<<`.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut chars = line.chars().peekable();
    while let Some(next) = chars.next() {
        match (quote, next) {
            (Some(open), next) if next == open => quote = None,
            (None, '\'' | '"') => quote = Some(next),
            (None, next) if next.is_whitespace() => {
                let names = |next: &char| next.is_alphabetic() || matches!(next, '_' | '-' | '\'' | '"');
                while is_arrow(&word) && chars.next_if(|next| next.is_whitespace()).is_some() {}
                if is_arrow(&word) && chars.peek().is_some_and(names) {
                    word.push(' ');
                    continue;
                }
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
                continue;
            }
            (None | Some('"'), '\\') => {
                word.push(next);
                word.extend(chars.next());
                continue;
            }
            _ => {}
        }
        word.push(next);
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

/// Whether a word is only `<<` or `<<-`, behind the number of a descriptor at most.
fn is_arrow(word: &str) -> bool {
    matches!(word.trim_start_matches(|next: char| next.is_ascii_digit()), "<<" | "<<-")
}

impl Heredoc {
    /// Adds a line of the text, or ends it.
    pub(super) fn take(&mut self, line: &str) -> bool {
        let text = if self.chomp { line.trim_start_matches('\t') } else { line };
        if text == self.name {
            return false;
        }
        self.content.push_str(text);
        self.content.push('\n');
        true
    }
}
