//! Lines of a Dockerfile: directives, comments, continuations; then the keyword and what follows it.

use super::ChangeError;
use super::flags;

/// The blanks that end a keyword.
pub(super) const BLANKS: [char; 5] = ['\t', '\u{b}', '\u{c}', '\r', ' '];

/// What a Dockerfile says.
#[derive(Debug)]
pub(super) struct Dockerfile {
    /// The escape character.
    pub(super) escape: char,
    pub(super) lines: Vec<DockerfileLine>,
}

/// One instruction, its continuations joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DockerfileLine {
    /// The whole instruction, without leading blanks.
    pub(super) original: String,
    /// The first word, as it was typed.
    pub(super) keyword: String,
    /// `--name=value`, unquoted.
    pub(super) flags: Vec<String>,
    /// All that follows the flags, without blanks around it.
    pub(super) rest: String,
    pub(super) escape: char,
}

impl DockerfileLine {
    /// Splits an instruction into keyword, flags and rest.
    pub(super) fn new(original: &str, escape: char) -> Self {
        let line = original.trim();
        let (keyword, rest) = line.split_once(BLANKS).unwrap_or((line, ""));
        let (flags, rest) = flags::extract(rest.trim_start_matches(BLANKS));
        Self { original: original.to_owned(), keyword: keyword.to_owned(), flags, rest: rest.trim().to_owned(), escape }
    }
}

/// Finds the instructions.
pub(super) fn read(text: &str) -> Result<Dockerfile, ChangeError> {
    let mut directives = Directives { escape: '\\', seen: Vec::new(), done: false };
    let mut raw = text.trim_start_matches('\u{feff}').split('\n').map(|line| line.trim_end_matches('\r'));
    let mut found = Vec::new();
    while let Some(first) = raw.next() {
        let first = first.trim_start();
        directives.look(first)?;
        let (mut line, mut goes_on) = continued(without_comment(first), directives.escape);
        if line.is_empty() && !goes_on {
            continue;
        }
        while goes_on {
            let Some(next) = raw.next() else { break };
            if without_comment(next.trim_start()).is_empty() {
                continue;
            }
            let (more, again) = continued(next, directives.escape);
            line.push_str(&more);
            goes_on = again;
        }
        found.push(line);
    }
    if found.is_empty() {
        return Err(ChangeError::Empty);
    }
    let escape = directives.escape;
    Ok(Dockerfile { escape, lines: found.iter().map(|line| DockerfileLine::new(line, escape)).collect() })
}

/// Comments are whole lines.
fn without_comment(line: &str) -> &str {
    if line.starts_with('#') { "" } else { line }
}

/// The line without the escape character at its end, and whether there was one; two of them are text.
fn continued(line: &str, escape: char) -> (String, bool) {
    let end = line.trim_end_matches([' ', '\t']);
    match end.strip_suffix(escape) {
        Some(before) if !before.ends_with(escape) => (before.to_owned(), true),
        _ => (line.to_owned(), false),
    }
}

/// The parser directives, comments at the top that have a meaning: `# escape=`.
struct Directives {
    escape: char,
    seen: Vec<String>,
    done: bool,
}

impl Directives {
    /// Reads one more line; the first that is not a directive ends them.
    fn look(&mut self, line: &str) -> Result<(), ChangeError> {
        if self.done {
            return Ok(());
        }
        let Some((name, value)) = directive(line) else {
            self.done = true;
            return Ok(());
        };
        if self.seen.contains(&name) {
            return Err(ChangeError::DuplicateDirective { name });
        }
        if name == "escape" {
            self.escape = match value {
                "\\" => '\\',
                "`" => '`',
                _ => return Err(ChangeError::EscapeToken { token: value.to_owned() }),
            };
        }
        self.seen.push(name);
        Ok(())
    }
}

/// `# name = value`, for known names.
fn directive(line: &str) -> Option<(String, &str)> {
    let (name, value) = line.strip_prefix('#')?.split_once('=')?;
    let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
    (["syntax", "escape", "check"].contains(&name.as_str()) && !value.is_empty()).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn originals(text: &str) -> Result<Vec<String>, String> {
        let file = read(text).map_err(|error| error.to_string())?;
        Ok(file.lines.into_iter().map(|line| line.original).collect())
    }

    #[test]
    fn lines_are_found_and_joined() {
        let cases: [(&str, &[&str]); 14] = [
            ("CMD a", &["CMD a"]),
            ("\u{feff}CMD a", &["CMD a"]),
            ("  CMD a  \r\n\nUSER b", &["CMD a  ", "USER b"]),
            ("# note\n  # note\nCMD # a", &["CMD # a"]),
            ("CMD a\\\n  b\\ \t\nc", &["CMD a  bc"]),
            ("CMD a \\\n# note\n\n   \n  b", &["CMD a   b"]),
            ("CMD a \\\n  # note\nb", &["CMD a b"]),
            ("CMD a \\\\\nUSER b", &["CMD a \\\\", "USER b"]),
            ("CMD a \\", &["CMD a "]),
            ("\\\nCMD a", &["CMD a"]),
            ("# escape=`\nCMD a `\nb\\\n", &["CMD a b\\"]),
            ("#syntax=x\n# ESCAPE = ` \nCMD a`\nb", &["CMD ab"]),
            ("# note\n# escape=`\nCMD a`\nUSER b", &["CMD a`", "USER b"]),
            ("\n# escape=`\nCMD a`\nUSER b", &["CMD a`", "USER b"]),
        ];
        for (text, lines) in cases {
            assert_eq!(originals(text).expect(text), lines, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_dockerfile_is_refused() {
        for text in ["", "\n", "# note", "   \n  "] {
            assert_eq!(originals(text), Err("file with no instructions".to_owned()), "{text:?}");
        }
        let twice = originals("# escape=`\n# escape=`\nCMD a");
        assert_eq!(twice, Err("only one escape parser directive can be used".to_owned()));
        let wrong = originals("# escape=x\nCMD a");
        assert_eq!(wrong, Err("invalid escape token 'x' does not match ` or \\".to_owned()));
    }

    #[test]
    fn a_line_has_a_keyword_flags_and_a_rest() {
        let cases: [(&str, &str, &[&str], &str); 6] = [
            ("CMD", "CMD", &[], ""),
            ("cMd \t a b ", "cMd", &[], "a b"),
            ("HEALTHCHECK --a=1 --b='x y' CMD c", "HEALTHCHECK", &["--a=1", "--b=x y"], "CMD c"),
            ("HEALTHCHECK -- --a CMD", "HEALTHCHECK", &[], "--a CMD"),
            ("CMD -a --b", "CMD", &[], "-a --b"),
            ("ENV\u{a0}a b", "ENV\u{a0}a", &[], "b"),
        ];
        for (text, keyword, flags, rest) in cases {
            let line = DockerfileLine::new(text, '\\');
            assert_eq!((line.keyword.as_str(), line.rest.as_str()), (keyword, rest), "{text:?}");
            assert_eq!(line.flags, flags, "{text:?}");
        }
    }
}
