//! `vendor/composer/installed.json` of PHP's composer: an object with `packages`, before version 2 their array itself.

use serde::Deserialize;
use serde_json::Value;

use super::{Kind, Package, Unreadable, collect};

#[derive(Deserialize)]
#[serde(untagged)]
enum Installed {
    Packages { packages: Vec<Entry> },
    Array(Vec<Entry>),
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    license: Value,
}

/// The packages of an `installed.json`.
pub fn installed(bytes: &[u8]) -> Result<Vec<Package>, Unreadable> {
    let read = serde_json::from_slice(bytes).map_err(|_| Unreadable::Not("composer's list of packages"))?;
    let (Installed::Packages { packages } | Installed::Array(packages)) = read;
    let named = packages.into_iter().filter(|entry| !entry.name.is_empty());
    collect(named.map(|entry| {
        // Of several one may choose.
        let licenses = match &entry.license {
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" OR "),
            one => one.as_str().unwrap_or_default().to_owned(),
        };
        Package::new(Kind::Composer, entry.name, entry.version, "").licensed(&licenses)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let expected = Ok(vec![Package::new(Kind::Composer, "monolog/monolog", "3.5.0", "").licensed("MIT OR X")]);
        let array = r#"[{"name":"monolog/monolog","version":"3.5.0","license":["MIT","X"]},{"name":""}]"#;
        assert_eq!(installed(array.as_bytes()), expected);
        assert_eq!(installed(format!(r#"{{"packages":{array},"dev":true}}"#).as_bytes()), expected);
        assert!(installed(b"{}").is_err() && installed("[".repeat(100_000).as_bytes()).is_err());
    }
}
