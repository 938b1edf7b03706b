//! Who asks, and what they may.
//!
//! What is refused never tells what is there: to who may not read a repository it is as if it did not exist, and a wrong
//! password is answered like an unknown user.

mod htpasswd;
mod passwords;
mod rules;
mod token;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderMap, WWW_AUTHENTICATE};
use hyper::{Method, StatusCode};
use serde_json::json;

use self::passwords::{Passwords, Verdict};
use self::rules::Rules;
use self::token::Tokens;
use super::answer::Answer;
use super::api;
use super::asked::Asked;
use super::error::ServeError;
use super::refusal::{Code, Refusal};
use super::repository::RepositoryName;
use super::route::Route;
use super::settings::{AccessSettings, Right};
use super::shelf::canonical;
use super::who::Who;

/// Where tokens are issued.
pub(super) const TOKEN_PATH: &str = "/v2/token";
/// Asks for a name and a password.
const BASIC: &str = "Basic realm=\"imgtool\"";
/// The longest header with credentials, in bytes.
const MAX_CREDENTIALS: usize = 4 << 10;

/// Who may do what.
#[derive(Debug)]
pub(super) struct Access {
    /// Without passwords everybody may do everything.
    locked: Option<Locked>,
}

#[derive(Debug)]
struct Locked {
    passwords: Arc<Passwords>,
    rules: Rules,
    tokens: Tokens,
}

impl Access {
    pub(super) fn open(settings: &AccessSettings) -> Result<Self, ServeError> {
        let Some(path) = &settings.htpasswd else {
            if settings.anonymous_pull || !settings.rules.is_empty() {
                let why = "rules and --anonymous-pull need users: --htpasswd FILE".to_owned();
                return Err(ServeError::Rule { why });
            }
            return Ok(Self { locked: None });
        };
        let (rules, tokens) = (Rules::new(settings)?, Tokens::new()?);
        let passwords = Arc::new(Passwords::open(path.clone())?);
        Ok(Self { locked: Some(Locked { passwords, rules, tokens }) })
    }

    /// Reads the file of users again if it has changed; tells what came of it.
    pub(super) fn reread(&self) -> Option<Result<(), ServeError>> {
        self.locked.as_ref()?.passwords.reread()
    }

    /// Whether there are users.
    pub(super) fn is_locked(&self) -> bool {
        self.locked.is_some()
    }

    /// Who asks. `address` is the client's, as far as it is known.
    pub(super) async fn identify(&self, headers: &HeaderMap, address: &str) -> Result<Who, Refusal> {
        let Some(locked) = &self.locked else { return Ok(Who::Anonymous) };
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else { return Ok(Who::Anonymous) };
        let text = value.to_str().ok().filter(|text| text.len() <= MAX_CREDENTIALS && values.next().is_none());
        let (scheme, given) = text.and_then(|text| text.split_once(' ')).unwrap_or_default();
        if scheme.eq_ignore_ascii_case("bearer") {
            let who = locked.tokens.read(given.trim(), SystemTime::now());
            return match who {
                // Since the token was issued, the user may have gone.
                Some(who) if who.user().is_none_or(|user| locked.passwords.has(user)) => Ok(who),
                _ => Err(locked.challenge(headers)),
            };
        }
        let decoded = STANDARD.decode(given.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"));
        let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
        let Some((user, password)) = decoded.as_deref().and_then(|text| text.split_once(':')) else {
            return Err(locked.challenge(headers));
        };
        if user.is_empty() && password.is_empty() {
            // podman and skopeo say so that they have no credentials.
            return Ok(Who::Anonymous);
        }
        match locked.passwords.verify(user, password, address).await {
            Verdict::Right => Ok(Who::User(user.into())),
            Verdict::Wrong => Err(locked.challenge(headers)),
            Verdict::Busy => Err(Refusal::because(Code::TooManyRequests, "too many logins at a time")),
        }
    }

    /// Refuses a request that is not allowed.
    pub(super) fn check(&self, asked: &Asked, route: &Route) -> Result<(), Refusal> {
        let Some(locked) = &self.locked else { return Ok(()) };
        let (who, anonymous) = (&asked.who, locked.rules.anonymous());
        let name = match route {
            // docker sends credentials later only if they are asked for here.
            Route::Base if anonymous && asked.headers.contains_key(AUTHORIZATION) => return Ok(()),
            Route::Catalog if anonymous => return Ok(()),
            Route::Base | Route::Catalog if *who == Who::Anonymous || anonymous => {
                return Err(locked.challenge(&asked.headers));
            }
            Route::Base | Route::Catalog => return Ok(()),
            Route::Tags(name)
            | Route::Manifest(name, _)
            | Route::Blob(name, _)
            | Route::Uploads(name)
            | Route::Upload(name, _)
            | Route::Referrers(name, _) => name,
        };
        let right = needed(&asked.method, route);
        if self.may(who, right, name) {
            return Ok(());
        }
        match (who, right) {
            (Who::Anonymous, _) => Err(locked.challenge(&asked.headers)),
            (Who::User(_), Right::Pull) => absent(route).map_or(Ok(()), Err),
            (Who::User(_), _) => Err(Refusal::new(Code::Denied).detail(json!({"name": name.as_str()}))),
        }
    }

    /// Refuses who may not see anything, on a page for people.
    pub(super) fn check_visitor(&self, asked: &Asked) -> Result<(), Refusal> {
        match &self.locked {
            Some(locked) if asked.who == Who::Anonymous && !locked.rules.anonymous() => Err(login()),
            _ => Ok(()),
        }
    }

    /// Refuses who may not read a repository, on a page for people.
    pub(super) fn check_reader(&self, asked: &Asked, name: &RepositoryName) -> Result<(), Refusal> {
        match &asked.who {
            who if self.may(who, Right::Pull, name) => Ok(()),
            Who::Anonymous => Err(login()),
            Who::User(_) => Err(api::lists::unknown(name)),
        }
    }

    /// Refuses who is no user, if there are users.
    pub(super) fn check_user(&self, asked: &Asked) -> Result<(), Refusal> {
        match &self.locked {
            Some(_) if asked.who == Who::Anonymous => Err(login()),
            _ => Ok(()),
        }
    }

    /// Refuses a request for something without a name.
    pub(super) fn check_name(&self, asked: &Asked) -> Result<(), Refusal> {
        match &self.locked {
            Some(locked) if asked.who == Who::Anonymous && !locked.rules.anonymous() => {
                Err(locked.challenge(&asked.headers))
            }
            _ => Ok(()),
        }
    }

    /// Whether somebody may do that with a repository.
    pub(super) fn may(&self, who: &Who, right: Right, name: &RepositoryName) -> bool {
        let Some(locked) = &self.locked else { return true };
        let name = canonical(name);
        // A name that the store cannot have is nobody's.
        name.is_none_or(|name| locked.rules.allow(who.user(), right, name.as_str()))
    }

    /// Issues a token to who has given credentials, or none.
    pub(super) fn token(&self, asked: &Asked) -> Result<Answer, Refusal> {
        let Some(locked) = &self.locked else { return Err(Refusal::new(Code::Unsupported)) };
        if !matches!(asked.method, Method::GET | Method::HEAD) {
            return Err(Refusal::new(Code::Unsupported).header(hyper::header::ALLOW, "GET, HEAD"));
        }
        if asked.who == Who::Anonymous && !locked.rules.anonymous() {
            return Err(locked.challenge(&asked.headers));
        }
        let token = locked.tokens.issue(asked.who.user(), SystemTime::now());
        let document = json!({"token": token, "access_token": token, "expires_in": token::LIFE.as_secs()});
        Ok(Answer::json(StatusCode::OK, &document).header(hyper::header::CACHE_CONTROL, "no-store"))
    }
}

impl Locked {
    /// Asks for credentials.
    fn challenge(&self, headers: &HeaderMap) -> Refusal {
        let mut challenge = BASIC.to_owned();
        if let Some(origin) = origin(headers).filter(|_| self.rules.anonymous()) {
            challenge.clear();
            let _ = write!(challenge, "Bearer realm=\"{origin}{TOKEN_PATH}\",service=\"imgtool\"");
        }
        Refusal::new(Code::Unauthorized).header(WWW_AUTHENTICATE, challenge)
    }
}

/// Asks for a name and a password, as browsers do.
pub(super) fn login() -> Refusal {
    Refusal::new(Code::Unauthorized).header(WWW_AUTHENTICATE, BASIC)
}

/// The server's address as the client knows it, through whatever is between.
fn origin(headers: &HeaderMap) -> Option<String> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = header("x-forwarded-host").or_else(|| header("host"))?;
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    let scheme = match header("x-forwarded-proto") {
        Some("https") => "https",
        _ => "http",
    };
    (!host.is_empty() && host.len() <= 300 && host.bytes().all(is_host)).then(|| format!("{scheme}://{host}"))
}

/// What a request does to the repository.
fn needed(method: &Method, route: &Route) -> Right {
    match (method, route) {
        // Only who pushes sees an upload.
        (_, Route::Uploads(_) | Route::Upload(..)) => Right::Push,
        (&Method::GET | &Method::HEAD, _) => Right::Pull,
        (&Method::DELETE, _) => Right::Delete,
        _ => Right::Push,
    }
}

/// The answer to a request for what is not there; none where that is no refusal, but an empty list.
fn absent(route: &Route) -> Option<Refusal> {
    match route {
        Route::Manifest(name, target) => Some(api::manifests::unknown(name, target)),
        Route::Blob(_, digest) => Some(api::blobs::unknown(digest)),
        Route::Tags(name) => Some(api::lists::unknown(name)),
        _ => None,
    }
}
