//! `etc/os-release`: <https://www.freedesktop.org/software/systemd/man/latest/os-release.html>.

use super::text;

/// What an image says of its distribution.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OsRelease {
    /// `debian`, `alpine`, `fedora` …
    pub id: String,
    /// `12`, `3.19.1`; empty for those that have none, as Debian's testing.
    pub version_id: String,
    /// `Debian GNU/Linux 12 (bookworm)`.
    pub pretty_name: String,
    /// The day until which the distribution is cared for, `2026-05-13`; most do not say.
    pub support_end: String,
}

impl OsRelease {
    /// Reads the file. What is not said is empty; without an ID there is no distribution.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut read = Self::default();
        for line in bytes.split(|byte| *byte == b'\n') {
            let line = text(line);
            let Some((key, value)) = line.split_once('=') else { continue };
            match key {
                "ID" => read.id = unquoted(value),
                "VERSION_ID" => read.version_id = unquoted(value),
                "SUPPORT_END" => read.support_end = unquoted(value),
                "PRETTY_NAME" => read.pretty_name = unquoted(value),
                _ => {}
            }
        }
        (!read.id.is_empty()).then_some(read)
    }

    /// `debian-12`, as the qualifier `distro` of package URLs has it.
    pub fn distro(&self) -> String {
        if self.version_id.is_empty() { self.id.clone() } else { format!("{}-{}", self.id, self.version_id) }
    }
}

/// A value as a shell reads it.
fn unquoted(value: &str) -> String {
    let quote = value.chars().next().filter(|c| ['"', '\''].contains(c));
    let inner = quote.and_then(|quote| value[1..].strip_suffix(quote)).unwrap_or(value);
    let mut plain = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        let is_escape = c == '\\' && quote != Some('\'');
        plain.extend(if is_escape { characters.next() } else { Some(c) });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_as_in_a_shell() {
        let file = b"# x\nPRETTY_NAME=\"A \\\"B\\\" $1\"\nID='alpine'\nVERSION_ID=3.19.1\nID_LIKE=x\nSUPPORT_END=2026-05-13\n=\nnothing\n";
        let read = OsRelease::read(file).expect("an ID");
        assert_eq!((&*read.id, &*read.version_id, &*read.pretty_name), ("alpine", "3.19.1", "A \"B\" $1"));
        assert_eq!((read.distro().as_str(), &*read.support_end), ("alpine-3.19.1", "2026-05-13"));
        let testing = OsRelease::read(b"ID=debian").expect("an ID");
        assert_eq!(testing.distro(), "debian");
        assert_eq!((OsRelease::read(b""), OsRelease::read(b"ID=\"")), (None, OsRelease::read(b"ID=\"\\\"\"")));
    }
}
