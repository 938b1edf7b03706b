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
    let gem = stub(bytes).or_else(|| assigned(bytes));
    let gem = gem.ok_or(Unreadable::Not("a gem's specification with name and version"))?;
    Ok(gem.licensed(&licenses(bytes).join(" OR ")))
}

/// All quoted texts of `s.licenses = ["Ruby".freeze, "MIT".freeze]`, or the one of `s.license =`.
fn licenses(bytes: &[u8]) -> Vec<String> {
    let value = |key: &[u8]| lines(bytes).find_map(|line| value_of(line.trim_ascii(), key));
    let Some(mut rest) = value(b"licenses").or_else(|| value(b"license")) else { return Vec::new() };
    let mut found = Vec::new();
    while let Some((text, behind)) = quoted(rest) {
        found.push(text);
        rest = behind;
    }
    found
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
    quoted(value_of(line, key)?).map(|(text, _)| text).filter(|text| !text.is_empty())
}

/// What follows `x.KEY =`.
fn value_of<'a>(line: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let dot = line.iter().position(|byte| *byte == b'.')?;
    line[dot + 1..].strip_prefix(key)?.trim_ascii_start().strip_prefix(b"=")
}

/// The first quoted text, and what follows it.
fn quoted(bytes: &[u8]) -> Option<(String, &[u8])> {
    let start = bytes.iter().position(|byte| b"\"'".contains(byte))?;
    let quoted = &bytes[start + 1..];
    let end = quoted.iter().position(|byte| *byte == bytes[start])?;
    Some((text(&quoted[..end]), &quoted[end + 1..]))
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
    fn there_may_be_several_licences() {
        let of = |line: &str| {
            let spec = format!("# stub: rake 13.0.6 ruby lib\n  s.name = \"x\"\n  {line}\n");
            package(spec.as_bytes()).expect("a gem").license
        };
        assert_eq!(of("s.licenses = [\"Ruby\".freeze, 'MIT']"), "Ruby OR MIT");
        assert_eq!(of("s.license = \"MIT\""), "MIT");
        assert_eq!(of("s.licenses = [\"MIT"), "");
    }

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
