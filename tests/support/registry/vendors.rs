//! Registries of vendors: the habits that each has and that a client has to bear, in one table.
//!
//! What is said of each is documented by its vendor, or known from those who ran into it: the comments say where. What
//! nobody has written down is as in distribution's registry, which most of them began as.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::auth::{Auth, Issuer, user};
use super::reply::Reply;
use super::uploads::Manners;
use super::wire::Request;
use super::{Registry, Setup};
use crate::support::session::Session;

/// The most bytes that GitHub takes with one chunk.
const GITHUBS_MOST: usize = 4 << 20;
/// The fewest bytes of a part that Amazon takes, but for the last one.
const AMAZONS_LEAST: usize = 5 << 20;

/// How a vendor knows who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// A password with each request.
    Basic,
    /// Tokens, from this path.
    Tokens(&'static str),
}

/// What a vendor's registry is like.
#[derive(Clone, Copy)]
pub(crate) struct Profile {
    pub(crate) name: &'static str,
    pub(crate) access: Access,
    /// The user's name there.
    user: &'static str,
    manners: fn(&mut Manners, &Registry),
    /// What is refused for what the head of a request says.
    refuses: fn(&Request, &Parts) -> Option<Reply>,
    /// What its answers have that others' have not.
    changes: fn(&Request, Reply) -> Reply,
    /// Whether blobs are fetched from another host.
    has_storage: bool,
}

/// The sizes of the chunks of each session, in order.
type Parts = HashMap<String, Vec<usize>>;

/// As distribution's registry is. The others differ from it.
const DISTRIBUTION: Profile = Profile {
    name: "distribution",
    access: Access::Tokens("/token"),
    user: "ada",
    // Absolute, with the state in the query: its http.relativeurls is off unless somebody sets it
    // (https://distribution.github.io/distribution/about/configuration/).
    manners: |manners, registry| (manners.origin, manners.queries) = (registry.url(""), true),
    refuses: |_, _| None,
    changes: |_, reply| reply,
    has_storage: false,
};

/// Every vendor.
pub(crate) const VENDORS: [Profile; 10] = [
    DISTRIBUTION,
    // Says with answers how many more there may be, and refuses with 429 and Retry-After
    // (https://docs.docker.com/docker-hub/usage/pulls/). A mount wants a token of two scopes. Blobs are fetched from a CDN.
    Profile {
        name: "Docker Hub",
        access: Access::Tokens("/token"),
        changes: |request, reply| {
            let reply = reply.with("RateLimit-Limit", "100;w=21600").with("Docker-RateLimit-Source", "192.0.2.1");
            let is_first = request.number == 0 && request.is_for_manifest() && request.method == "PUT";
            if is_first && reply.status < 300 {
                let message = "You have reached your unauthenticated pull rate limit.";
                return Reply::error(429, "TOOMANYREQUESTS", message).with("Retry-After", "1");
            }
            reply
        },
        has_storage: true,
        ..DISTRIBUTION
    },
    // The user is AWS and the password a token of twelve hours
    // (https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html). 201 for a chunk, and a Range that stays
    // at the first one (aws/containers-roadmap#2831); parts of 5 MiB at least, which is said only in the end
    // (dotnet/sdk-container-builds#424). What a connection lost is lost, and mounts are off unless switched on.
    Profile {
        name: "Amazon ECR",
        access: Access::Basic,
        user: "AWS",
        manners: |manners, registry| {
            *manners =
                Manners { origin: registry.url(""), chunk: 201, mounts: false, keeps: false, ..Manners::default() };
        },
        refuses: |request, parts| {
            if request.path.ends_with("/_catalog") {
                return Some(Reply::error(405, "UNSUPPORTED", "The operation is unsupported."));
            }
            let sent = parts.get(&request.path).filter(|_| request.method == "PUT")?;
            let last = usize::from(request.length() == 0);
            let is_small = sent.iter().rev().skip(last).any(|size| *size < AMAZONS_LEAST);
            let message = "All layer parts except the last part should be at least 5MB";
            is_small.then(|| Reply::error(400, "BLOB_UPLOAD_INVALID", message))
        },
        changes: |request, reply| {
            if request.method == "PATCH" { reply.with("Range", "0-4194303") } else { reply }
        },
        has_storage: true,
    },
    // A chunk has 4 MiB at most, and more is answered with 416 (ocx-sh/ocx#237). Sessions are at blobs/upload, relative
    // and without a query. The challenge has the scope of a pull, whatever is asked. Blobs are fetched from another host.
    Profile {
        name: "GitHub",
        access: Access::Tokens("/token"),
        manners: |manners, _| manners.place = "/v2/NAME/blobs/upload/",
        refuses: |request, _| {
            let is_large = request.header("content-range").is_some() && request.length() > GITHUBS_MOST;
            let message = "the request body is too large and exceeds the maximum permissible limit of 4.00MiB";
            is_large.then(|| Reply::error(416, "REQUESTED_RANGE_NOT_SATISFIABLE", message))
        },
        changes: |_, mut reply| {
            for (name, value) in &mut reply.headers {
                if name.eq_ignore_ascii_case("www-authenticate") {
                    *value = value.replace(":pull,push\"", ":pull\"");
                }
            }
            reply
        },
        has_storage: true,
        ..DISTRIBUTION
    },
    // Tokens from oauth2 (https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md), with `access_token` alone. Locations
    // are relative, with a state. A Content-Range in another form is refused (dotnet/sdk-container-builds#258). Blobs are
    // in a storage whose URLs are signed, which refuses what comes with another authorisation.
    Profile {
        name: "Azure",
        access: Access::Tokens("/oauth2/token"),
        manners: |manners, _| manners.queries = true,
        refuses: |request, _| {
            let is_range = |range: &str| range.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
            let is_odd = request.header("content-range").is_some_and(|range| !is_range(range));
            is_odd.then(|| Reply::error(400, "BLOB_UPLOAD_INVALID", "the Content-Range header format is invalid"))
        },
        changes: |request, reply| {
            if request.path != "/oauth2/token" || reply.status != 200 {
                return reply;
            }
            let mut document: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");
            document.as_object_mut().expect("an object").remove("token");
            reply.saying(document.to_string())
        },
        has_storage: true,
        ..DISTRIBUTION
    },
    // Tokens of another path, for five minutes (https://docs.gitlab.com/administration/packages/container_registry/); a
    // deploy token may have the right to write and not to read.
    Profile { name: "GitLab", access: Access::Tokens("/jwt/auth"), user: "gitlab+deploy-token-1", ..DISTRIBUTION },
    // Absolute Locations without a query; 202 to mounts; robots are `org+name`
    // (https://docs.quay.io/glossary/robot-accounts.html).
    Profile {
        name: "Quay",
        access: Access::Tokens("/v2/auth"),
        user: "org+robot",
        manners: |manners, registry| (manners.origin, manners.mounts) = (registry.url(""), false),
        has_storage: true,
        ..DISTRIBUTION
    },
    // Locations come from X-Forwarded-Proto (distribution/distribution#2266), absolute; what is in its other repositories
    // is not there, and what a chunk brought is not told.
    Profile {
        name: "Artifactory",
        access: Access::Tokens("/v2/token"),
        manners: |manners, registry| (manners.origin, manners.mounts) = (registry.url(""), false),
        changes: |request, reply| {
            let reply = reply.with("X-Artifactory-Id", "6d70dcfd451c8e98:-8000");
            if request.method == "PATCH" { reply.with("Range", "0-0") } else { reply }
        },
        ..DISTRIBUTION
    },
    // distribution behind a service for tokens (https://goharbor.io/docs/main/working-with-projects/); relative URLs, robots
    // are `robot$name`, and a project has to be there before an image is pushed into it.
    Profile {
        name: "Harbor",
        access: Access::Tokens("/service/token"),
        user: "robot$ci",
        manners: |manners, _| manners.queries = true,
        refuses: |request, _| {
            let is_in_none = request.path.starts_with("/v2/ghost/");
            is_in_none.then(|| Reply::error(404, "NOT_FOUND", "project ghost not found"))
        },
        ..DISTRIBUTION
    },
    // No chunks (https://cloud.google.com/artifact-registry/docs/reference/docker-api); sessions are beside /v2/.
    Profile {
        name: "Google",
        access: Access::Tokens("/v2/token"),
        user: "_json_key",
        manners: |manners, _| {
            (manners.place, manners.keeps) = ("/artifacts-uploads/namespaces/p/repositories/NAME/uploads/", false);
        },
        refuses: |request, _| {
            let is_part = request.header("content-range").is_some();
            is_part.then(|| Reply::error(405, "UNSUPPORTED", "chunked uploads are not supported"))
        },
        has_storage: true,
        ..DISTRIBUTION
    },
];

const PASSWORD: &str = "hunter2 of ada";

/// A vendor's registry that runs until it is dropped.
pub(crate) struct Vendor {
    pub(crate) profile: Profile,
    pub(crate) registry: Registry,
    /// Where its blobs are fetched from, if they are fetched from elsewhere.
    pub(crate) storage: Option<Registry>,
    issuer: Option<Arc<Issuer>>,
    parts: Arc<Mutex<Parts>>,
}

impl Vendor {
    pub(crate) fn start(profile: Profile) -> Self {
        Self::start_with(profile, Setup::default())
    }

    /// The same, with another certificate.
    pub(crate) fn start_with(profile: Profile, setup: Setup) -> Self {
        let users = user(profile.user, PASSWORD);
        let (auth, issuer, token_path) = match profile.access {
            Access::Basic => (Auth::Basic(users), None, None),
            Access::Tokens(path) => {
                let issuer = Arc::new(Issuer::new(users));
                (Auth::Bearer(Arc::clone(&issuer)), Some(issuer), Some(path))
            }
        };
        let registry = Registry::with(Setup { auth, token_path, ..setup });
        (profile.manners)(&mut registry.content().uploads.manners, &registry);
        let at = "127.0.0.2".parse().expect("an address");
        let storage = profile.has_storage.then(|| Registry::with(Setup { at, ..Setup::default() }));
        let vendor = Self { profile, registry, storage, issuer, parts: Arc::default() };
        vendor.behave();
        vendor
    }

    /// Logs a user in there.
    pub(crate) fn log_in(&self, session: &Session) {
        self.log_in_with(session, &[]);
    }

    /// The same, with flags that stand before the command.
    pub(crate) fn log_in_with(&self, session: &Session, flags: &[&str]) {
        let host = self.registry.host();
        let words = ["login", "-u", self.profile.user, "--password-stdin", &host];
        session.run_with(PASSWORD.as_bytes(), &[flags, &words].concat()).ok();
    }

    /// From now on it has its habits and no trouble.
    pub(crate) fn behave(&self) {
        self.registry.behave();
        self.also(|_, reply| reply);
        let (refuses, parts) = (self.profile.refuses, Arc::clone(&self.parts));
        self.registry.refuse(move |request| refuses(request, &parts.lock().unwrap_or_else(PoisonError::into_inner)));
    }

    /// From now on each answer is what `script` makes of its own.
    pub(crate) fn also(&self, script: impl Fn(&Request, Reply) -> Reply + Send + Sync + 'static) {
        let (changes, parts) = (self.profile.changes, Arc::clone(&self.parts));
        let storage = self.storage.as_ref().map(|storage| storage.url(""));
        self.registry.script(move |request, reply| {
            let is_part = request.method == "PATCH" && reply.status < 300;
            if is_part && request.header("content-range").is_some() {
                let mut parts = parts.lock().unwrap_or_else(PoisonError::into_inner);
                parts.entry(request.path.clone()).or_default().push(request.body.len());
            }
            let is_fetched = request.method == "GET" && request.is_for_blob() && matches!(reply.status, 200 | 206);
            let reply = match storage.as_ref().filter(|_| is_fetched) {
                Some(storage) => Reply::redirect(&format!("{storage}{}?sig=a%2Fb", request.path)),
                None => reply,
            };
            script(request, changes(request, reply))
        });
    }

    /// From now on a token is good until something was begun with it, or a chunk was sent: true, if there are tokens.
    pub(crate) fn expires_soon(&self) -> bool {
        let Some(issuer) = self.issuer.clone() else { return false };
        self.also(move |request, reply| {
            let is_one = request.is_for_upload() && matches!(request.method.as_str(), "POST" | "PATCH");
            if is_one && reply.status < 300 {
                issuer.revoke();
            }
            reply
        });
        true
    }

    /// The storage has what was pushed.
    pub(crate) fn store(&self) {
        let Some(storage) = &self.storage else { return };
        for (name, repository) in &self.registry.content().repositories {
            storage.content().repository(name).blobs.clone_from(&repository.blobs);
        }
        storage.script(|request, reply| {
            let is_signed = request.query.contains("sig=a%2Fb") && request.header("authorization").is_none();
            if is_signed { reply } else { Reply::new(400, "<Error>InvalidArgument</Error>") }
        });
    }
}
