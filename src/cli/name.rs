//! Names of images in registries, as they are typed.

use super::error::CliError;
use crate::oci::Reference;
use crate::ops;

/// What is written before a name elsewhere.
const PREFIXES: [&str; 3] = ["docker://", "https://", "http://"];

/// The name that was typed, one of `count`: of several, docker does not say which one is wrong.
pub(super) fn registry_name(typed: &str, count: usize) -> Result<Reference, CliError> {
    let wrong = match typed.parse() {
        Ok(name) => return Ok(name),
        Err(wrong) => CliError::from(ops::Error::Reference(wrong)),
    };
    let wrong = match count {
        0 | 1 => wrong,
        _ => CliError::Reworded { text: format!("{typed}: {wrong}"), error: Box::new(wrong) },
    };
    let found = PREFIXES.iter().find_map(|prefix| Some((prefix, typed.strip_prefix(prefix)?)));
    Err(match found.filter(|(_, name)| name.parse::<Reference>().is_ok()) {
        Some((prefix, name)) => wrong.with_hint(format!("write it without {prefix} here: {name}")),
        None => wrong,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_one_is_wrong_and_what_was_meant() {
        let said = |typed, count| registry_name(typed, count).map_err(|wrong| wrong.to_string());
        assert!(said("x.io/a:1", 1).is_ok());
        assert_eq!(said("docker://x.io/a:1", 1), Err("invalid reference format".to_owned()));
        assert_eq!(said("a b", 2), Err("a b: invalid reference format".to_owned()));
        assert!(matches!(registry_name("docker://x.io/a:1", 2), Err(CliError::Hinted { .. })));
        assert!(matches!(registry_name("docker:/x.io/a:1", 2), Err(CliError::Reworded { .. })));
    }
}
