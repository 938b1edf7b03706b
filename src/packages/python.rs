//! Python's `METADATA` in `dist-info`, and `PKG-INFO` in or as `egg-info`:
//! <https://packaging.python.org/en/latest/specifications/core-metadata/>.

use super::fields::paragraphs;
use super::{Kind, Package, Unreadable, text};

/// The package that a metadata file describes. What follows the first empty line is its description.
pub fn package(bytes: &[u8]) -> Result<Package, Unreadable> {
    let header = paragraphs(bytes).next();
    let field = |name| header.and_then(|header| header.field(name)).map(text).filter(|text| !text.is_empty());
    let name = field("Name").ok_or(Unreadable::Not("Python metadata with a name"))?;
    Ok(Package::new(Kind::Python, name, field("Version").unwrap_or_default(), ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_header_counts() {
        let metadata = b"Metadata-Version: 2.1\r\nName: Flask-SQLAlchemy\r\nVersion: 3.0.5\r\n\r\nName: not this\r\n";
        assert_eq!(package(metadata), Ok(Package::new(Kind::Python, "Flask-SQLAlchemy", "3.0.5", "")));
        assert!(package(b"\xff\xfe").is_err() && package(b"").is_err() && package(b"Version: 1\n\nName: a").is_err());
    }
}
