//! How a server is set up.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::log::Log;
use super::notify::Webhook;
use crate::registry::RegistryHost;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// An IP address and a port; port 0 is one that is free.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

/// When garbage is collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Collection {
    /// How much time is between two collections; none if there are none.
    pub interval: Option<Duration>,
    /// How long a manifest stays that lost its tag.
    pub grace: Duration,
}

impl Default for Collection {
    /// Each hour; a week.
    fn default() -> Self {
        Self { interval: Some(Duration::from_secs(60 * 60)), grace: Duration::from_secs(7 * 24 * 60 * 60) }
    }
}

/// How a server is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it listens.
    pub addresses: Vec<Address>,
    /// Sockets that somebody else opened for it, and at which it listens too.
    pub sockets: Vec<Arc<OwnedFd>>,
    /// Nothing can be pushed or deleted.
    pub read_only: bool,
    /// Nothing can be deleted.
    pub no_delete: bool,
    /// When garbage is collected.
    pub collection: Collection,
    /// Where it says what it has to say.
    pub log: Log,
    /// Who is told what happens.
    pub notify: Vec<Webhook>,
    /// The registry whose images are fetched when they are asked for.
    pub proxy: Option<ProxySettings>,
    /// Who may do what.
    pub access: AccessSettings,
    /// How connections are encrypted; if they are.
    pub tls: Option<TlsSettings>,
    /// Listen at addresses of the network although nothing is encrypted.
    pub insecure: bool,
    /// How long a client may send nothing, or take nothing, in the middle of a request.
    pub stall: Duration,
    /// How long requests that are being answered may take once the server was told to end.
    pub grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            sockets: Vec::new(),
            read_only: false,
            no_delete: false,
            collection: Collection::default(),
            access: AccessSettings::default(),
            tls: None,
            insecure: false,
            stall: Duration::from_secs(60),
            grace: Duration::from_secs(30),
            log: Log::default(),
            notify: Vec::new(),
            proxy: None,
        }
    }
}

/// A registry whose images are fetched when they are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxySettings {
    /// Which one.
    pub host: RegistryHost,
    /// For how long it is not asked again what a tag leads to.
    pub ttl: Duration,
}

/// Who may do what.
#[derive(Debug, Clone, Default)]
pub struct AccessSettings {
    /// The users and their passwords. Without it, everybody may do everything.
    pub htpasswd: Option<PathBuf>,
    /// Everybody may pull everything.
    pub anonymous_pull: bool,
    /// Users by group.
    pub groups: BTreeMap<String, Vec<String>>,
    /// What users may do; without rules each may do everything.
    pub rules: Vec<Rule>,
}

/// What some users may do with some repositories.
#[derive(Debug, Clone)]
pub struct Rule {
    /// For whom it is.
    pub who: Vec<Subject>,
    /// Repositories: `*` stands for any part of a component of a name, `**` also for several components.
    pub repositories: Vec<String>,
    /// What they may do.
    pub rights: Vec<Right>,
}

/// For whom a rule is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Everybody, with or without a password.
    Anonymous,
    /// Every user with a password.
    AnyUser,
    /// One user.
    User(String),
    /// The users of a group.
    Group(String),
}

/// What one may do with a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Read it.
    Pull,
    /// Add to it, and read it.
    Push,
    /// Delete from it.
    Delete,
}

/// How connections are encrypted.
#[derive(Debug, Clone)]
pub enum TlsSettings {
    /// With the certificate and key in these files, in PEM.
    Files {
        /// The chain, the server's own certificate first.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// With a certificate of an authority of our own.
    SelfSigned {
        /// The names and addresses of the server.
        names: Vec<String>,
    },
}
