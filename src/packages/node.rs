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
    #[serde(default)]
    license: Value,
    #[serde(default)]
    licenses: Value,
}

/// The package that a `package.json` describes; none if it has no name, as those have that only say how the files
/// beside them are to be loaded.
pub fn package(bytes: &[u8]) -> Result<Option<Package>, Unreadable> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(|_| Unreadable::Not("JSON of an npm package"))?;
    let name = manifest.name.as_str().filter(|name| !name.is_empty());
    let version = manifest.version.as_str().unwrap_or_default();
    let license = [license(&manifest.license), license(&manifest.licenses)].join(" ");
    Ok(name.map(|name| Package::new(Kind::Npm, name, version, "").licensed(&license)))
}

/// A licence: a text, or as it was long ago an object with a type, or an array of these, of which one may choose.
fn license(value: &Value) -> String {
    match value {
        Value::Array(all) => all
            .iter()
            .map(|one| one.get("type").unwrap_or(one))
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(" OR "),
        one => one.get("type").unwrap_or(one).as_str().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_have_old_forms() {
        let table = [
            (r#""license":"MIT""#, "MIT"),
            (r#""license":{"type":"ISC","url":"x"}"#, "ISC"),
            (r#""licenses":[{"type":"MIT"},"Apache-2.0",3]"#, "MIT OR Apache-2.0"),
            (r#""license":[[]]"#, ""),
        ];
        for (field, expected) in table {
            let read = package(format!(r#"{{"name":"a",{field}}}"#).as_bytes()).expect("JSON").expect("a package");
            assert_eq!(read.license, expected, "{field}");
        }
    }

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
