//! Why credentials cannot be read or kept.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::entry::EntryError;

/// Why credentials cannot be read or kept. No variant holds a secret, or what a file or a program has in place of one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not known where credentials are kept.
    #[error("cannot find docker's config.json: set HOME or DOCKER_CONFIG")]
    NoConfig,
    /// A file cannot be read.
    #[error("{path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// A file is larger than any file of credentials.
    #[error("{path}: the file is larger than {limit} bytes", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit, in bytes.
        limit: u64,
    },
    /// A file, or a variable, does not have the form of docker's config.
    #[error("{what}: {why}")]
    Json {
        /// The file or the variable.
        what: String,
        /// Where it is wrong.
        why: String,
    },
    /// The entry for a server cannot be used.
    #[error("{what}: the entry of {entry} cannot be used: {why}; imgtool login writes it anew")]
    Entry {
        /// The file or the variable.
        what: String,
        /// The name of the entry, escaped.
        entry: String,
        /// What is wrong with it.
        why: EntryError,
    },
    /// A file cannot be replaced.
    #[error("cannot write {path}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// Another program keeps a file from being changed.
    #[error("{path}: another program has held the lock for {} seconds", limit.as_secs(), path = path.display())]
    Locked {
        /// The file.
        path: PathBuf,
        /// How long that was waited for.
        limit: Duration,
    },
    /// A credential helper does not do its work.
    #[error("{helper}")]
    Helper {
        /// The program.
        helper: String,
        /// What it does instead.
        #[source]
        problem: HelperProblem,
    },
    /// Others can read a file that holds secrets.
    #[error("{path} holds credentials and can be read by others: chmod 600 {path}", path = path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
}

/// What a credential helper does instead of its work.
#[derive(Debug, thiserror::Error)]
pub enum HelperProblem {
    /// Its name, in the config, is not the end of a program's name.
    #[error("this is not the name of a credential helper")]
    Name,
    /// It is nowhere in `PATH`.
    #[error("it is not installed: no such program in PATH")]
    Missing,
    /// The system does not start it.
    #[error("it cannot be started")]
    Start(#[source] io::Error),
    /// It does not come to its end in time, and was killed.
    #[error("it has not answered for {} seconds, and was ended", .0.as_secs_f64())]
    Hanging(Duration),
    /// It prints more than any helper does, and was killed.
    #[error("it prints more than {0} bytes, and was ended")]
    Endless(usize),
    /// It ends with an error.
    #[error("{status}{}", if .said.is_empty() { String::new() } else { format!(": {said}") })]
    Failed {
        /// How it ended.
        status: String,
        /// What it said of that, escaped; nothing, if that may hold a secret.
        said: String,
    },
    /// It prints something else than credentials.
    #[error("it prints {0} bytes that are no credentials: expected a JSON object with Username and Secret")]
    Junk(usize),
    /// The job was cancelled meanwhile.
    #[error("interrupted")]
    Cancelled,
}
