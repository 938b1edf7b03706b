//! The `.gemspec` of an installed Ruby gem, which rubygems writes as a program. It is not run: its `# stub:` line is
//! read, and without one the lines that assign name and version.
//!
//! ```text
//! # stub: nokogiri 1.16.0 x86_64-linux lib
//! s.name = "nokogiri".freeze
//! ```

use super::{Kind, Package, Unreadable, text};

/// The gem that a specification describes.
pub fn package(bytes: &[u8]) -> Result<Package, Unreadable> {
    stub(bytes).or_else(|| assigned(bytes)).ok_or(Unreadable::Not("a gem's specification with name and version"))
}

fn stub(bytes: &[u8]) -> Option<Package> {
    // It is one of the first lines.
    let line = lines(bytes).take(5).find_map(|line| line.strip_prefix(b"# stub: "))?;
    let line = text(line);
    let mut words = line.split(' ').filter(|word| !word.is_empty());
    let (name, version) = (words.next()?, words.next()?);
    Some(gem(name, version, words.next().unwrap_or_default()))
}

fn assigned(bytes: &[u8]) -> Option<Package> {
    let value = |key: &[u8]| lines(bytes).find_map(|line| assigned_to(line.trim_ascii(), key));
    let platform = value(b"platform").unwrap_or_default();
    Some(gem(&value(b"name")?, &value(b"version")?, &platform))
}

/// The first quoted text of `x.KEY = …`.
fn assigned_to(line: &[u8], key: &[u8]) -> Option<String> {
    let dot = line.iter().position(|byte| *byte == b'.')?;
    let rest = line[dot + 1..].strip_prefix(key)?.trim_ascii_start().strip_prefix(b"=")?;
    let start = rest.iter().position(|byte| b"\"'".contains(byte))?;
    let quoted = &rest[start + 1..];
    let end = quoted.iter().position(|byte| *byte == rest[start])?;
    Some(text(&quoted[..end])).filter(|text| !text.is_empty())
}

fn gem(name: &str, version: &str, platform: &str) -> Package {
    Package::new(Kind::Gem, name, version, if platform == "ruby" { "" } else { platform })
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stub_counts_and_then_what_is_assigned() {
        let table = [
            ("# -*- encoding: utf-8 -*-\n# stub: rake 13.0.6 ruby lib\nGem::x\n", ("rake", "13.0.6", "")),
            ("# stub: nokogiri 1.16.0 x86_64-linux lib\n", ("nokogiri", "1.16.0", "x86_64-linux")),
            (
                "Gem::Specification.new do |s|\n  s.name = %q{odd}\n  s.name = \"json\".freeze\n  s.version = \
                 Gem::Version.new('2.3')\n  s.platform = 'java'\nend",
                ("json", "2.3", "java"),
            ),
        ];
        for (spec, (name, version, arch)) in table {
            assert_eq!(package(spec.as_bytes()), Ok(Package::new(Kind::Gem, name, version, arch)), "{spec}");
        }
        for wrong in ["", "# stub: a", "s.name = \"x", "s.name = \"x\"\ns.version = VERSION\n"] {
            assert!(package(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
