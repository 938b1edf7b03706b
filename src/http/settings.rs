//! How the network is reached: proxies, certificates, retries.

use std::path::PathBuf;
use std::time::Duration;

use super::{Identity, Names, ProxyAddress, Retries, Waiting};

/// How long is waited for a silent server, if nothing else is said.
const STALL: Duration = Duration::from_secs(30);

/// How the network is reached: proxies, certificates, retries.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The proxy for `http`.
    pub http_proxy: Option<ProxyAddress>,
    /// The proxy for `https`.
    pub https_proxy: Option<ProxyAddress>,
    /// The hosts that are reached without a proxy, separated by commas: `example.com,.local,host:5000,10.0.0.0/8,*`.
    pub no_proxy: String,
    /// The system's certificate authorities, in DER; if empty, Mozilla's.
    pub roots: Vec<Vec<u8>>,
    /// Certificate authorities that are trusted beside those, in DER.
    pub extra_roots: Vec<Vec<u8>>,
    /// The files and folders that the certificates were read from, for errors.
    pub trust: Vec<PathBuf>,
    /// Whether servers that the user names may have any certificate, as those that the user calls insecure. Other
    /// servers that they lead to may not.
    pub any_certificate: bool,
    /// The client certificate, for servers that ask for one.
    pub identity: Option<Identity>,
    /// When requests are sent again.
    pub retries: Retries,
    /// Is told when a server asks to wait.
    pub waiting: Waiting,
    /// How long is waited for a silent server: for a connection, an answer, and the next bytes of a body.
    pub stall: Duration,
    /// What is known of servers by their names, shared by the clients that are made of clones of these settings.
    pub names: Names,
}

impl Default for Settings {
    /// No proxy, Mozilla's certificate authorities, several attempts, half a minute of silence.
    fn default() -> Self {
        Self {
            http_proxy: None,
            https_proxy: None,
            no_proxy: String::new(),
            roots: Vec::new(),
            extra_roots: Vec::new(),
            trust: Vec::new(),
            any_certificate: false,
            identity: None,
            retries: Retries::default(),
            waiting: Waiting::default(),
            stall: STALL,
            names: Names::default(),
        }
    }
}
