//! Python's `METADATA` in `dist-info`, and `PKG-INFO` in or as `egg-info`:
//! <https://packaging.python.org/en/latest/specifications/core-metadata/>.

use super::fields::{Paragraph, paragraphs};
use super::{Kind, Package, Unreadable, text};

/// What setuptools writes where nothing is said.
const UNKNOWN: &str = "UNKNOWN";

/// The package that a metadata file describes. What follows the first empty line is its description.
pub fn package(bytes: &[u8]) -> Result<Package, Unreadable> {
    let header = paragraphs(bytes).next();
    let field = |name| header.and_then(|header| header.field(name)).map(text).filter(|text| !text.is_empty());
    let name = field("Name").ok_or(Unreadable::Not("Python metadata with a name"))?;
    let said = field("License-Expression").or_else(|| field("License")).filter(|text| text != UNKNOWN);
    let license = said.or_else(|| classified(header?)).unwrap_or_default();
    Ok(Package::new(Kind::Python, name, field("Version").unwrap_or_default(), "").licensed(&license))
}

/// The licence of a `Classifier: License :: OSI Approved :: MIT License`.
fn classified(header: Paragraph<'_>) -> Option<String> {
    let classifiers = header.fields().filter(|(name, _)| name.eq_ignore_ascii_case(b"Classifier"));
    let licenses = classifiers.filter_map(|(_, value)| value.strip_prefix(b"License :: "));
    licenses.map(text).map(|license| license.rsplit_once(":: ").map_or(&*license, |two| two.1).to_owned()).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_said_in_three_ways() {
        let of = |fields: &str| package(format!("Name: a\n{fields}").as_bytes()).expect("a package").license;
        assert_eq!(of("License: x\nLicense-Expression: MIT OR Apache-2.0\n"), "MIT OR Apache-2.0");
        assert_eq!(of("License: BSD\nClassifier: License :: OSI Approved :: MIT License\n"), "BSD");
        let classified =
            "License: UNKNOWN\nClassifier: Topic :: X\nClassifier: License :: OSI Approved :: MIT License\n";
        assert_eq!((of(classified).as_str(), of("Classifier: License :: Free\n").as_str()), ("MIT License", "Free"));
    }

    #[test]
    fn only_the_header_counts() {
        let metadata = b"Metadata-Version: 2.1\r\nName: Flask-SQLAlchemy\r\nVersion: 3.0.5\r\n\r\nName: not this\r\n";
        assert_eq!(package(metadata), Ok(Package::new(Kind::Python, "Flask-SQLAlchemy", "3.0.5", "")));
        assert!(package(b"\xff\xfe").is_err() && package(b"").is_err() && package(b"Version: 1\n\nName: a").is_err());
    }
}
