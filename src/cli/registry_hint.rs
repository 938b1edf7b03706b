//! Ways out of what goes wrong with registries.

use crate::http::{self, Distrust};
use crate::registry::credentials::{self, HelperProblem};
use crate::registry::{Error, Refusal};

/// Says how long a credential helper may take, in seconds.
pub(super) const HELPER_TIME_VARIABLE: &str = "IMGTOOL_HELPER_TIMEOUT";

/// What switches deletion on.
pub(super) const DELETION: &str = "distribution's registry deletes with REGISTRY_STORAGE_DELETE_ENABLED=true in its \
                                   environment, or storage: delete: enabled: true in its config.yml";

/// What helps against an error of a registry.
pub(super) fn hint(error: &Error) -> Option<String> {
    match error {
        Error::PlainHttp { host } => Some(format!("to reach it without TLS: --insecure-registry {host}")),
        Error::Unauthorized { host, withheld_from: Some(server), .. } | Error::Withheld { host, server } => {
            Some(format!(
                "the credentials for {host} were not sent to its token server {server}, which is of another domain; if the \
             two belong together: --token-server {server}"
            ))
        }
        Error::Unauthorized { host, with_credentials: true, .. } => {
            Some(format!("the credentials for {host} do not allow this; for others: imgtool login {host}"))
        }
        Error::Unauthorized { host, .. } => Some(format!("if it needs credentials: imgtool login {host}")),
        Error::Http(error) => of_network(error),
        _ => error.refusal().and_then(|refusal| of_size(refusal).or_else(|| of_limits(refusal))),
    }
}

/// What helps if a server takes only small requests.
fn of_size(refusal: &Refusal) -> Option<String> {
    let is_too_large = refusal.status == 413;
    is_too_large.then(|| {
        "the server, or a proxy in front of it, limits the size of requests: with nginx, client_max_body_size 0; in the \
         block of the registry lifts that"
            .to_owned()
    })
}

/// What helps against an error of the network.
pub(super) fn of_network(error: &http::Error) -> Option<String> {
    match error {
        http::Error::Certificate { url, problem: Distrust::SelfSigned | Distrust::UnknownAuthority, .. } => {
            let host = url.authority();
            Some(format!(
                "to trust it, save the certificate of its authority as /etc/docker/certs.d/{host}/ca.crt, or give it with \
                 --tls-ca FILE"
            ))
        }
        http::Error::ClientCertificate { url, .. } => {
            let host = url.authority();
            Some(format!(
                "the client certificate and its key belong to /etc/docker/certs.d/{host}/: client.cert, client.key"
            ))
        }
        _ => None,
    }
}

/// What helps against an error of credentials.
pub(super) fn of_credentials(error: &credentials::Error) -> Option<String> {
    match error {
        credentials::Error::Helper { problem: HelperProblem::Missing, .. } => Some(
            "docker's config.json names it in credsStore or credHelpers: install it, or take it out there".to_owned(),
        ),
        credentials::Error::Helper { problem: HelperProblem::Hanging(_), .. } => {
            Some(format!("to wait longer for it: {HELPER_TIME_VARIABLE}=SECONDS"))
        }
        _ => None,
    }
}

/// What a registry says of its limits.
fn of_limits(refusal: &Refusal) -> Option<String> {
    if refusal.status != 429 || refusal.limits.is_empty() {
        return None;
    }
    let said: Vec<String> = refusal.limits.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    Some(format!("the registry allows only so many requests ({}); more after imgtool login", said.join(", ")))
}
