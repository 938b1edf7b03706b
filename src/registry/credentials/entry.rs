//! An entry of `auths`: what docker keeps for one server.
//!
//! ```json
//! {"auth": "YWRhOmh1bnRlcjI=", "identitytoken": "…", "registrytoken": "…", "username": "ada", "password": "hunter2"}
//! ```
//!
//! `auth` is `user:password` in base64; docker no longer writes `username` and `password`, other programs do.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::json;

use super::{Credentials, LoginSecret};
use crate::registry::Secret;

/// The user of which docker's helpers speak when the secret is an identity token.
pub(super) const TOKEN_USER: &str = "<token>";

/// Base64 as docker writes it; the padding may be missing.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What is wrong with an entry. Nothing of the entry is in it: it may be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// It is not an object with texts.
    #[error("it is not an object of strings")]
    NotAnObject,
    /// `auth` is not in base64.
    #[error("auth is not base64")]
    NotBase64,
    /// `auth` is not in UTF-8.
    #[error("auth is not UTF-8")]
    NotUtf8,
    /// `auth` has no colon.
    #[error("auth is not user:password")]
    NoColon,
}

#[derive(Deserialize)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

/// The credentials in an entry. An empty one has none: it says that the server is known to a helper.
pub(super) fn read(json: &str) -> Result<Option<Credentials>, EntryError> {
    let entry: Option<Entry> = serde_json::from_str(json).map_err(|_| EntryError::NotAnObject)?;
    let Some(entry) = entry else { return Ok(None) };
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    if let Some(token) = given(entry.registrytoken) {
        return Ok(Some(Credentials::RegistryToken(Secret::new(token))));
    }
    if let Some(token) = given(entry.identitytoken) {
        return Ok(Some(Credentials::IdentityToken(Secret::new(token))));
    }
    let (user, password) = match given(entry.auth) {
        Some(auth) => decoded(&auth)?,
        None => (entry.username.unwrap_or_default(), entry.password.unwrap_or_default()),
    };
    Ok(credentials(user, password))
}

/// What a user and a secret mean; nothing, if there is no secret.
pub(super) fn credentials(user: String, secret: String) -> Option<Credentials> {
    let secret = Secret::new(secret);
    match user.as_str() {
        _ if secret.is_empty() => None,
        TOKEN_USER => Some(Credentials::IdentityToken(secret)),
        _ => Some(Credentials::Password { user, password: secret }),
    }
}

fn decoded(auth: &str) -> Result<(String, String), EntryError> {
    let text: String = auth.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
    let bytes = BASE64.decode(text).map_err(|_| EntryError::NotBase64)?;
    let text = String::from_utf8(bytes).map_err(|_| EntryError::NotUtf8)?;
    let (user, password) = text.split_once(':').ok_or(EntryError::NoColon)?;
    // Some programs have written it as C does.
    Ok((user.to_owned(), password.trim_end_matches('\0').to_owned()))
}

/// The entry that keeps a secret, as docker writes it.
pub(super) fn write(user: &str, secret: &LoginSecret) -> String {
    let entry = match secret {
        LoginSecret::Password(password) => {
            json!({"auth": BASE64.encode(format!("{user}:{}", password.reveal()))})
        }
        LoginSecret::IdentityToken(token) => {
            json!({"auth": BASE64.encode(format!("{user}:")), "identitytoken": token.reveal()})
        }
    };
    let members = entry.as_object().into_iter().flatten();
    let lines = members.map(|(name, value)| format!("\t\t\t\"{name}\": {value}"));
    format!("{{\n{}\n\t\t}}", lines.collect::<Vec<_>>().join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(user: &str, password: &str) -> Credentials {
        Credentials::Password { user: user.to_owned(), password: Secret::new(password) }
    }

    #[test]
    fn entries_of_all_kinds() {
        let token = |text: &str| Some(Credentials::IdentityToken(Secret::new(text)));
        let cases = [
            (r#"{"auth":"YWRhOmh1bnRlcjI="}"#, Ok(Some(password("ada", "hunter2")))),
            (r#"{"auth":"YWRhOmh1bnRlcjI"}"#, Ok(Some(password("ada", "hunter2")))),
            (r#"{"auth":"YWRhOmh1\nbnRlcjI="}"#, Ok(Some(password("ada", "hunter2")))),
            (r#"{"auth":"YWRhOmE6YgA="}"#, Ok(Some(password("ada", "a:b")))),
            (r#"{"username":"ada","password":"hunter2","email":"a@b"}"#, Ok(Some(password("ada", "hunter2")))),
            (r#"{"auth":"YWRhOmh1bnRlcjI=","username":"x","password":"y"}"#, Ok(Some(password("ada", "hunter2")))),
            (r#"{"auth":"YWRhOg==","identitytoken":"t"}"#, Ok(token("t"))),
            (r#"{"auth":"PHRva2VuPjp0"}"#, Ok(token("t"))),
            (r#"{"identitytoken":"t","registrytoken":"r"}"#, Ok(Some(Credentials::RegistryToken(Secret::new("r"))))),
            (r#"{"auth":"YWRhOg=="}"#, Ok(None)),
            (r#"{"auth":""}"#, Ok(None)),
            ("{}", Ok(None)),
            ("null", Ok(None)),
            (r#"{"auth":"YWRh"}"#, Err(EntryError::NoColon)),
            (r#"{"auth":"hunter2!"}"#, Err(EntryError::NotBase64)),
            (r#"{"auth":"/zo="}"#, Err(EntryError::NotUtf8)),
            (r#"{"auth":7}"#, Err(EntryError::NotAnObject)),
            (r#""hunter2""#, Err(EntryError::NotAnObject)),
        ];
        for (json, expected) in cases {
            assert_eq!(read(json), expected, "{json}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let secret = LoginSecret::Password(Secret::new("p:w\"ö"));
        assert_eq!(read(&write("ada", &secret)), Ok(Some(password("ada", "p:w\"ö"))));
        let token = LoginSecret::IdentityToken(Secret::new("t\""));
        assert_eq!(write("ada", &token), "{\n\t\t\t\"auth\": \"YWRhOg==\",\n\t\t\t\"identitytoken\": \"t\\\"\"\n\t\t}");
        assert_eq!(read(&write("ada", &token)), Ok(Some(Credentials::IdentityToken(Secret::new("t\"")))));
    }
}
