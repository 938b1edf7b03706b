//! Finds, keeps and forgets credentials.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::config_file::ConfigFile;
use super::helper::Helper;
use super::process::Limits;
use super::{Credentials, Error, LoginSecret, ServerKey, replace};
use crate::cancel::Token;
use crate::registry::Secret;

/// The variable whose content comes before all files.
const VARIABLE: &str = "DOCKER_AUTH_CONFIG";

/// Where credentials are.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Docker's `config.json`, whether it exists or not.
    pub config: Option<PathBuf>,
    /// The content of `$DOCKER_AUTH_CONFIG`: it has the form of a `config.json`, and comes first.
    pub variable: Option<Secret>,
    /// Podman's `auth.json` files, which are read after docker's and never written.
    pub podman: Vec<PathBuf>,
    /// The folders where helpers are looked for, as in `$PATH`.
    pub path: OsString,
    /// How long a helper may take.
    pub helper_time: Duration,
    /// Helpers end when it is cancelled.
    pub job: Token,
}

/// Credentials for a server, if there are any.
#[derive(Debug, Default)]
pub struct Found {
    /// The credentials.
    pub credentials: Option<Credentials>,
    /// What could not be asked, or is not as it should be. Each is told once.
    pub warnings: Vec<Error>,
}

/// Where credentials are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Unencrypted in a file.
    File(PathBuf),
    /// By a helper: the name of the program.
    Helper(String),
}

/// Credentials that were kept.
#[derive(Debug)]
pub struct Stored {
    /// Where they are.
    pub place: Place,
    /// Whether it is a password, not a token in its place.
    pub is_password: bool,
    /// Whether the config was changed; not, if it had the same already.
    pub is_changed: bool,
    /// The file that was written, if the config is a symbolic link to it.
    pub link_to: Option<PathBuf>,
    /// Whether others could read the config before; now they cannot.
    pub was_exposed: bool,
}

/// Credentials that were forgotten.
#[derive(Debug, Default)]
pub struct Erased {
    /// The places that still have credentials for the server, and are not written by us.
    pub remaining: Vec<String>,
}

/// The credentials of this user. Threads may share it. Files are read, and helpers run, when they are first needed, and
/// each once.
pub struct CredentialStore {
    sources: Sources,
    limits: Limits,
    known: Mutex<Known>,
}

/// What has been read already; what failed has been told, and is empty.
#[derive(Default)]
struct Known {
    files: HashMap<PathBuf, ConfigFile>,
    variable: Option<ConfigFile>,
    /// By the name of the helper and the server.
    answers: HashMap<(String, ServerKey), Option<Credentials>>,
    /// The warnings that were given already.
    told: Vec<String>,
}

impl CredentialStore {
    /// The credentials in these places. Nothing is read yet.
    pub fn new(sources: Sources) -> Self {
        let limits = Limits { time: sources.helper_time, job: sources.job.clone() };
        Self { sources, limits, known: Mutex::default() }
    }

    /// Finds the credentials for a server, or for a repository of it: podman keeps some for a part of a server only.
    /// What cannot be read is a warning, so that public images still come.
    pub fn get(&self, server: &ServerKey, repository: Option<&str>) -> Found {
        let mut search = Search { store: self, known: &mut self.known(), server, repository, warnings: Vec::new() };
        let credentials = search.run();
        Found { credentials, warnings: search.warnings }
    }

    /// Keeps what was learnt by a login. A password is to be checked with the server before.
    pub fn store(&self, server: &ServerKey, user: &str, secret: &LoginSecret) -> Result<Stored, Error> {
        let path = self.config()?;
        let config = ConfigFile::read(path)?;
        let helper = config.helper(server, None);
        if let Some(name) = helper {
            self.helper(name).store(server, user, secret)?;
        }
        let kept = helper.is_none().then_some((user, secret));
        let replaced = replace::update(path, &self.sources.job, |config| config.set(server, kept))?;
        *self.known() = Known::default();
        let place = helper.map_or_else(|| Place::File(path.to_owned()), |name| Place::Helper(name.to_owned()));
        let replace::Replaced { is_changed, link_to, was_exposed } = replaced;
        let is_password = matches!(secret, LoginSecret::Password(_));
        Ok(Stored { place, is_password, is_changed, link_to, was_exposed })
    }

    /// Forgets the credentials for a server, if there are any. What a file has is forgotten even if a helper fails.
    pub fn erase(&self, server: &ServerKey) -> Result<Erased, Error> {
        let path = self.config()?;
        let config = ConfigFile::read(path)?;
        let names = config.entries(server);
        let erased = config.helper(server, None).map_or(Ok(()), |helper| {
            let helper = self.helper(helper);
            let old = names.iter().map(String::as_str).filter(|name| *name != server.as_str());
            std::iter::once(server.as_str()).chain(old).try_for_each(|name| helper.erase(name))
        });
        if !names.is_empty() {
            replace::update(path, &self.sources.job, |config| config.remove(server))?;
        }
        *self.known() = Known::default();
        erased?;
        Ok(Erased { remaining: self.remaining(server) })
    }

    /// The servers that docker's config knows, as they stand in the names of images.
    pub fn servers(&self) -> Vec<String> {
        let config = self.config().and_then(ConfigFile::read);
        let mut servers: Vec<String> = config.iter().flat_map(ConfigFile::servers).collect();
        servers.sort();
        servers.dedup();
        servers
    }

    /// Whether `$DOCKER_AUTH_CONFIG` comes before what a login keeps.
    pub fn is_overridden(&self) -> bool {
        self.sources.variable.is_some()
    }

    fn remaining(&self, server: &ServerKey) -> Vec<String> {
        let has = |config: ConfigFile| matches!(config.credentials(server, None), Ok(Some(_)));
        let variable = self.sources.variable.iter().filter_map(|text| ConfigFile::parse(text.reveal().as_bytes()).ok());
        let variable = variable.filter_map(|config| has(config).then(|| format!("${VARIABLE}")));
        let files = self.sources.podman.iter();
        let files = files.filter(|path| ConfigFile::read(path).is_ok_and(has)).map(|path| path.display().to_string());
        variable.chain(files).collect()
    }

    fn config(&self) -> Result<&Path, Error> {
        self.sources.config.as_deref().ok_or(Error::NoConfig)
    }

    fn helper<'a>(&'a self, name: &'a str) -> Helper<'a> {
        Helper::new(name, &self.sources.path, &self.limits)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CredentialStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialStore").field("sources", &self.sources).finish_non_exhaustive()
    }
}

/// One search for the credentials of a server.
struct Search<'a> {
    store: &'a CredentialStore,
    known: &'a mut Known,
    server: &'a ServerKey,
    repository: Option<&'a str>,
    warnings: Vec<Error>,
}

impl Search<'_> {
    fn run(&mut self) -> Option<Credentials> {
        let sources = &self.store.sources;
        self.in_variable().or_else(|| sources.config.iter().chain(&sources.podman).find_map(|path| self.in_file(path)))
    }

    fn in_variable(&mut self) -> Option<Credentials> {
        let text = self.store.sources.variable.as_ref()?;
        if self.known.variable.is_none() {
            let parsed = ConfigFile::parse(text.reveal().as_bytes());
            let parsed = parsed.map_err(|why| Error::Json { what: format!("${VARIABLE}"), why });
            self.known.variable = Some(self.usable(parsed));
        }
        let found = self.known.variable.as_ref()?.credentials(self.server, self.repository);
        let found = found.map_err(|(entry, why)| entry_error(format!("${VARIABLE}"), &entry, why));
        self.usable(found)
    }

    fn in_file(&mut self, path: &Path) -> Option<Credentials> {
        if !self.known.files.contains_key(path) {
            let read = ConfigFile::read(path);
            let read = self.usable(read);
            self.known.files.insert(path.to_owned(), read);
        }
        let file = self.known.files.get(path)?;
        let (helper, is_exposed) = (file.helper(self.server, self.repository).map(str::to_owned), file.is_exposed);
        let in_auths = file.credentials(self.server, self.repository);
        let in_auths = in_auths.map_err(|(entry, why)| entry_error(path.display().to_string(), &entry, why));
        if let Some(found) = helper.and_then(|name| self.asked(name)) {
            return Some(found);
        }
        let found = self.usable(in_auths)?;
        if is_exposed {
            self.warn(Error::Exposed { path: path.to_owned() });
        }
        Some(found)
    }

    /// What a helper has; each is asked once for a server, since it may be slow, or ask the user something.
    fn asked(&mut self, name: String) -> Option<Credentials> {
        let key = (name, self.server.clone());
        if let Some(known) = self.known.answers.get(&key) {
            return known.clone();
        }
        let answer = self.store.helper(&key.0).get(self.server);
        let answer = self.usable(answer);
        self.known.answers.insert(key, answer.clone());
        answer
    }

    /// The value, or an empty one and a warning.
    fn usable<T: Default>(&mut self, result: Result<T, Error>) -> T {
        result.unwrap_or_else(|error| {
            self.warn(error);
            T::default()
        })
    }

    fn warn(&mut self, error: Error) {
        let text = error.to_string();
        if !self.known.told.contains(&text) {
            self.known.told.push(text);
            self.warnings.push(error);
        }
    }
}

fn entry_error(what: String, entry: &str, why: super::EntryError) -> Error {
    Error::Entry { what, entry: entry.escape_debug().to_string(), why }
}
