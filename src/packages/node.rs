//! `package.json` of Node.js: <https://docs.npmjs.com/cli/configuring-npm/package-json>.

use serde::Deserialize;
use serde_json::Value;

use super::{Kind, Package, Unreadable};

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    name: Value,
    #[serde(default)]
    version: Value,
}

/// The package that a `package.json` describes; none if it has no name, as those have that only say how the files
/// beside them are to be loaded.
pub fn package(bytes: &[u8]) -> Result<Option<Package>, Unreadable> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(|_| Unreadable::Not("JSON of an npm package"))?;
    let name = manifest.name.as_str().filter(|name| !name.is_empty());
    let version = manifest.version.as_str().unwrap_or_default();
    Ok(name.map(|name| Package::new(Kind::Npm, name, version, "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_are_strings() {
        let table = [
            (r#"{"name":"@a/b","version":"1.2.3","x":[{}]}"#, Ok(Some(("@a/b", "1.2.3")))),
            ("\u{feff}{\"name\":\"c\"}", Ok(Some(("c", "")))),
            (r#"{"type":"module"}"#, Ok(None)),
            (r#"{"name":["x"],"version":3}"#, Ok(None)),
            ("[]x", Err(Unreadable::Not("JSON of an npm package"))),
        ];
        for (json, expected) in table {
            let expected =
                expected.map(|found| found.map(|(name, version)| Package::new(Kind::Npm, name, version, "")));
            assert_eq!(package(json.as_bytes()), expected, "{json}");
        }
        let deep = ["[".repeat(100_000), r#"{"x":"#.repeat(100_000)];
        for json in deep {
            assert!(package(json.as_bytes()).is_err());
            assert!(package(format!(r#"{{"name":"a","x":{json}"#).as_bytes()).is_err());
        }
    }
}
