//! Docker's credential helpers: programs that keep secrets, such as `docker-credential-secretservice`.
//!
//! ```text
//! docker-credential-NAME get      < SERVER                             > {"ServerURL":…,"Username":…,"Secret":…}
//! docker-credential-NAME store    < {"ServerURL":…,"Username":…,"Secret":…}
//! docker-credential-NAME erase    < SERVER
//! ```
//!
//! One that fails says why on standard output. Secrets go through pipes, never through arguments.
//! See [the protocol](https://github.com/docker/docker-credential-helpers#development).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use serde::Deserialize;
use serde_json::json;

use super::entry::{self, TOKEN_USER};
use super::process::{Limits, Outcome};
use super::{Credentials, Error, HelperProblem, LoginSecret, ServerKey};

/// What all helpers' names begin with.
const PREFIX: &str = "docker-credential-";
/// What a helper says when it has nothing for a server.
const NOT_FOUND: &str = "credentials not found in native keychain";
/// The most that is shown of what a helper said, in characters.
const MAX_SHOWN: usize = 300;
/// A sentence has so many words; a secret has fewer.
const SENTENCE: usize = 3;

/// A credential helper.
pub(super) struct Helper<'a> {
    name: &'a str,
    path: &'a OsStr,
    limits: &'a Limits,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Username", default)]
    user: String,
    #[serde(rename = "Secret")]
    secret: String,
}

impl<'a> Helper<'a> {
    /// The helper of that name, as it stands in docker's config. `path` has the folders of programs.
    pub(super) fn new(name: &'a str, path: &'a OsStr, limits: &'a Limits) -> Self {
        Self { name, path, limits }
    }

    /// Asks for the credentials of a server.
    pub(super) fn get(&self, server: &ServerKey) -> Result<Option<Credentials>, Error> {
        let outcome = self.run("get", server.as_str().as_bytes().to_vec())?;
        if says_not_found(&outcome) {
            return Ok(None);
        }
        self.check(&outcome, None)?;
        let junk = || self.error(HelperProblem::Junk(outcome.stdout.len()));
        let answer: Answer = serde_json::from_slice(&outcome.stdout).map_err(|_| junk())?;
        Ok(entry::credentials(answer.user, answer.secret))
    }

    /// Has a secret kept.
    pub(super) fn store(&self, server: &ServerKey, user: &str, secret: &LoginSecret) -> Result<(), Error> {
        let (user, secret) = match secret {
            LoginSecret::Password(password) => (user, password),
            LoginSecret::IdentityToken(token) => (TOKEN_USER, token),
        };
        let input = json!({"ServerURL": server.as_str(), "Username": user, "Secret": secret.reveal()});
        let outcome = self.run("store", input.to_string().into_bytes())?;
        self.check(&outcome, Some(secret.reveal()))
    }

    /// Has the credentials under that name of a server forgotten, if there are any.
    pub(super) fn erase(&self, server: &str) -> Result<(), Error> {
        let outcome = self.run("erase", server.as_bytes().to_vec())?;
        if says_not_found(&outcome) { Ok(()) } else { self.check(&outcome, None) }
    }

    fn run(&self, action: &str, input: Vec<u8>) -> Result<Outcome, Error> {
        let is_name = !self.name.is_empty() && !self.name.contains(['/', '\0']);
        let found = if is_name { self.find().ok_or(HelperProblem::Missing) } else { Err(HelperProblem::Name) };
        found.and_then(|program| self.limits.run(&program, action, input)).map_err(|problem| self.error(problem))
    }

    /// Where the program is. Relative folders in `PATH` are skipped: whoever made the working folder does not choose who
    /// gets passwords.
    fn find(&self) -> Option<PathBuf> {
        let file = format!("{PREFIX}{}", self.name);
        let folders = std::env::split_paths(self.path).filter(|folder| folder.is_absolute());
        folders.map(|folder| folder.join(&file)).find(|path| is_program(path))
    }

    fn check(&self, outcome: &Outcome, secret: Option<&str>) -> Result<(), Error> {
        if outcome.status.success() {
            return Ok(());
        }
        let mut said = sentence(&outcome.stdout);
        if said.is_empty() {
            said = shown(&outcome.stderr);
        }
        if secret.is_some_and(|secret| said.contains(&*shown(secret.as_bytes()))) {
            said.clear();
        }
        Err(self.error(HelperProblem::Failed { status: words(outcome.status), said }))
    }

    fn error(&self, problem: HelperProblem) -> Error {
        Error::Helper { helper: format!("{PREFIX}{}", self.name.escape_debug()), problem }
    }
}

fn says_not_found(outcome: &Outcome) -> bool {
    !outcome.status.success() && outcome.stdout.trim_ascii() == NOT_FOUND.as_bytes()
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// Why a helper fails, in its words: on standard output, where its secrets are too. Only what can be none is taken.
fn sentence(stdout: &[u8]) -> String {
    let text = shown(stdout);
    let is_sentence = text.split_whitespace().count() >= SENTENCE && !text.contains(['{', '}']);
    if is_sentence { text } else { String::new() }
}

/// The first line of a program's output, escaped and not too long.
fn shown(bytes: &[u8]) -> String {
    let line = bytes.trim_ascii().split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = OsStr::from_bytes(line.trim_ascii()).to_string_lossy();
    let escaped = |letter: char| letter.is_control() || is_invisible(letter);
    let text = line
        .chars()
        .take(MAX_SHOWN)
        .map(|letter| if escaped(letter) { letter.escape_unicode().to_string() } else { letter.to_string() });
    text.collect()
}

/// Marks that change how the text around them looks.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}
