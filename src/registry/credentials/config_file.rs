//! Docker's `config.json`, and podman's `auth.json`, which is of the same form.
//!
//! ```json
//! {
//!     "auths": {"registry.example": {"auth": "YWRhOmh1bnRlcjI="}},
//!     "credsStore": "secretservice",
//!     "credHelpers": {"123456.dkr.ecr.eu-west-1.amazonaws.com": "ecr-login"},
//!     …
//! }
//! ```

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde::de::DeserializeOwned;

use super::entry::{self, EntryError};
use super::object::Object;
use super::{Credentials, Error, LoginSecret, ServerKey};

/// The most that is read. Docker's own files have a few kilobytes.
const MAX_SIZE: u64 = 4 << 20;
/// The permissions of all but the owner.
const OTHERS: u32 = 0o077;

/// A file of credentials.
#[derive(Default)]
pub(super) struct ConfigFile {
    whole: Object,
    auths: Object,
    helpers: Vec<(String, String)>,
    store: Option<String>,
    /// Whether others than its owner may read it.
    pub(super) is_exposed: bool,
    ends_with_line: bool,
}

impl ConfigFile {
    /// Reads a file. One that does not exist is the same as an empty one.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let io = |source| Error::Read { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        let file = match File::open(path) {
            Err(error) if is_missing(&error) => return Ok(Self::default()),
            other => other.map_err(io)?,
        };
        let metadata = file.metadata().map_err(io)?;
        file.take(MAX_SIZE + 1).read_to_end(&mut bytes).map_err(io)?;
        if bytes.len() as u64 > MAX_SIZE {
            return Err(Error::TooLarge { path: path.to_owned(), limit: MAX_SIZE });
        }
        let is_exposed = metadata.is_file() && metadata.mode() & OTHERS & 0o444 != 0;
        let parsed = Self::parse(&bytes).map_err(|why| Error::Json { what: path.display().to_string(), why })?;
        Ok(Self { is_exposed, ..parsed })
    }

    /// Reads the content of a file. Nothing is the same as an empty object. The error says where it is, not what is
    /// there.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        let whole: Object = serde_json::from_slice(bytes).map_err(|error| place(&error))?;
        let helpers: Object = member(&whole, "credHelpers")?;
        let helpers = helpers.members().filter_map(|(server, json)| {
            let name: Option<String> = serde_json::from_str(json).ok()?;
            Some((server.to_owned(), name?))
        });
        let helpers = helpers.collect();
        let store = member::<Option<String>>(&whole, "credsStore")?.filter(|name| !name.is_empty());
        let auths = member(&whole, "auths")?;
        Ok(Self { auths, helpers, store, whole, is_exposed: false, ends_with_line: bytes.ends_with(b"\n") })
    }

    /// The name of the helper that keeps the credentials of a server, if any does.
    pub(super) fn helper(&self, server: &ServerKey, repository: Option<&str>) -> Option<&str> {
        let fitting = self.helpers.iter().filter_map(|(entry, name)| Some((server.fit(entry, repository)?, name)));
        match fitting.max_by_key(|(fit, _)| *fit) {
            // An empty name is how a server is exempted from `credsStore`.
            Some((_, name)) => Some(name.as_str()).filter(|name| !name.is_empty()),
            None => self.store.as_deref(),
        }
    }

    /// The credentials in the entry that fits best, of those that have any.
    pub(super) fn credentials(
        &self,
        server: &ServerKey,
        repository: Option<&str>,
    ) -> Result<Option<Credentials>, (String, EntryError)> {
        let mut fitting: Vec<_> = self
            .auths
            .members()
            .filter_map(|(entry, json)| Some((server.fit(entry, repository)?, entry, json)))
            .collect();
        fitting.sort_by_key(|(fit, ..)| std::cmp::Reverse(*fit));
        for (_, entry, json) in fitting {
            let found = entry::read(json).map_err(|why| (entry.to_owned(), why))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The servers that it knows, as they stand in the names of images.
    pub(super) fn servers(&self) -> impl Iterator<Item = String> {
        let names =
            self.auths.members().map(|(name, _)| name).chain(self.helpers.iter().map(|(name, _)| name.as_str()));
        names.filter_map(|name| Some(ServerKey::typed(name).ok()?.host().to_owned()))
    }

    /// The entries that are for that server, under whatever name, and not only for a part of it.
    pub(super) fn entries(&self, server: &ServerKey) -> Vec<String> {
        let names = self.auths.members().map(|(name, _)| name.to_owned());
        names.filter(|name| server.fit(name, None).is_some()).collect()
    }

    /// Keeps a secret; without one, notes that a helper knows the server. Whether that changes anything.
    pub(super) fn set(&mut self, server: &ServerKey, secret: Option<(&str, &LoginSecret)>) -> bool {
        let value = secret.map_or_else(|| "{}".to_owned(), |(user, secret)| entry::write(user, secret));
        let is_same = |old: &str| {
            let parsed = |json: &str| serde_json::from_str::<serde_json::Value>(json).ok();
            parsed(old) == parsed(&value)
        };
        if self.auths.get(server.as_str()).is_some_and(is_same) {
            return false;
        }
        self.auths.set(server.as_str(), value).expect("what is written here is JSON");
        true
    }

    /// Removes all entries that are for a server; whether there were any.
    pub(super) fn remove(&mut self, server: &ServerKey) -> bool {
        self.auths.retain(|name| server.fit(name, None).is_none())
    }

    /// The file as docker writes it; what was not changed is as it was.
    pub(super) fn to_json(&self) -> String {
        let mut whole = self.whole.clone();
        whole.set("auths", self.auths.to_json(1)).expect("what is written here is JSON");
        whole.to_json(0) + if self.ends_with_line { "\n" } else { "" }
    }
}

/// Whether there is no such file.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Reads a member that may be missing, or `null`.
fn member<T: DeserializeOwned + Default>(object: &Object, name: &str) -> Result<T, String> {
    let Some(json) = object.get(name) else { return Ok(T::default()) };
    let value: Option<T> = serde_json::from_str(json).map_err(|_| format!("{name} is not what it should be"))?;
    Ok(value.unwrap_or_default())
}

/// Where JSON is wrong. What serde says of it could quote a password.
fn place(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Data => "it is not a JSON object".to_owned(),
        _ => format!("it is not JSON (line {}, column {})", error.line(), error.column()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Secret;

    fn parse(json: &str) -> ConfigFile {
        ConfigFile::parse(json.as_bytes()).expect("a config")
    }

    fn user(found: Option<Credentials>) -> Option<String> {
        match found? {
            Credentials::Password { user, .. } => Some(user),
            Credentials::IdentityToken(token) | Credentials::RegistryToken(token) => Some(token.reveal().to_owned()),
        }
    }

    /// An entry of a user.
    fn of(user: &str) -> String {
        format!(r#"{{"username":"{user}","password":"x"}}"#)
    }

    #[test]
    fn the_best_entry_is_taken() {
        let json = format!(
            r#"{{"auths":{{"registry.example.evil.net":{},"https://registry.example/v1/":{},"registry.example":{},
                "registry.example/team":{},"registry.example/team/app":{{}},"registry.example:5000":{},
                "docker.io/ada":{},"https://index.docker.io/v1/":{}}}}}"#,
            of("evil"),
            of("old"),
            of("host"),
            of("team"),
            of("port"),
            of("ada"),
            of("hub"),
        );
        let config = parse(&json);
        let cases = [
            ("registry.example", None, Some("host")),
            ("registry.example", Some("other/app"), Some("host")),
            ("registry.example", Some("teams/app"), Some("host")),
            ("registry.example", Some("team/app"), Some("team")),
            ("registry.example:5000", Some("team/app"), Some("port")),
            ("registry.example:5001", Some("team/app"), None),
            ("example", None, None),
            ("docker.io", Some("library/ubuntu"), Some("hub")),
            ("docker.io", Some("ada/tool"), Some("ada")),
        ];
        for (server, repository, expected) in cases {
            let found = config.credentials(&ServerKey::of(server), repository).expect("good entries");
            assert_eq!(user(found).as_deref(), expected, "{server} {repository:?}");
        }
        let old = parse(&format!(r#"{{"auths":{{"http://registry.example":{}}}}}"#, of("old")));
        let found = old.credentials(&ServerKey::of("registry.example"), None).expect("a good entry");
        assert_eq!(user(found).as_deref(), Some("old"));
    }

    #[test]
    fn the_helper_of_a_server() {
        let config = parse(
            r#"{"credsStore":"all","credHelpers":{"one.example":"one","none.example":"","docker.io":"hub","bad.example":7}}"#,
        );
        let cases =
            [("one.example", Some("one")), ("none.example", None), ("docker.io", Some("hub")), ("x", Some("all"))];
        for (server, expected) in cases {
            assert_eq!(config.helper(&ServerKey::of(server), None), expected, "{server}");
        }
        for json in ["{}", r#"{"credsStore":"","credHelpers":null,"auths":null}"#, " \n", ""] {
            assert_eq!(parse(json).helper(&ServerKey::of("x"), None), None, "{json}");
        }
    }

    #[test]
    fn wrong_files_are_described_without_their_content() {
        for (json, expected) in [
            ("hunter2", "it is not JSON (line 1, column 1)"),
            ("{\n\"auths\": hunter2}", "it is not JSON (line 2, column 10)"),
            ("\"hunter2\"", "it is not a JSON object"),
            ("{\"auths\": \"hunter2\"}", "auths is not what it should be"),
            ("{\"credsStore\": [\"hunter2\"]}", "credsStore is not what it should be"),
        ] {
            assert_eq!(ConfigFile::parse(json.as_bytes()).err().as_deref(), Some(expected), "{json}");
        }
    }

    #[test]
    fn changes_leave_the_rest_alone() {
        let json = "{\n\t\"HttpHeaders\": {\"X\":  \"1\"},\n\t\"auths\": {\n\t\t\"a\": {\"auth\": \"eDp5\", \"x\": 1.0}\n\
                    \t},\n\t\"psFormat\": \"{{.ID}}\"\n}\n";
        let mut config = parse(json);
        let secret = LoginSecret::Password(Secret::new("hunter2"));
        let server = ServerKey::of("registry.example");
        assert!(config.set(&server, Some(("ada", &secret))));
        assert!(!config.set(&server, Some(("ada", &secret))), "nothing changes");
        let added = "x\": 1.0},\n\t\t\"registry.example\": {\n\t\t\t\"auth\": \"YWRhOmh1bnRlcjI=\"\n\t\t}\n\t}";
        let expected = json.replace("x\": 1.0}\n\t}", added);
        assert_eq!(config.to_json(), expected);
        let mut config = parse(&expected);
        assert!(config.remove(&server) && !config.remove(&server));
        assert_eq!(config.to_json(), json);

        let mut empty = ConfigFile::default();
        assert!(empty.set(&server, None) && !empty.set(&server, None));
        assert_eq!(empty.to_json(), "{\n\t\"auths\": {\n\t\t\"registry.example\": {}\n\t}\n}");
    }

    #[test]
    fn a_server_is_forgotten_under_all_its_names() {
        let mut config = parse(
            r#"{"auths":{"https://h/v1/":{},"h":{},"http://h":{},"h/team":{},"h.evil.net":{},"h:5000":{}},"credHelpers":{"e":"x"}}"#,
        );
        assert_eq!(config.servers().collect::<Vec<_>>(), ["h", "h", "h", "h", "h.evil.net", "h:5000", "e"]);
        assert_eq!(config.entries(&ServerKey::of("h")), ["https://h/v1/", "h", "http://h"]);
        assert!(config.remove(&ServerKey::of("h")));
        assert_eq!(config.servers().collect::<Vec<_>>(), ["h", "h.evil.net", "h:5000", "e"]);
    }
}
