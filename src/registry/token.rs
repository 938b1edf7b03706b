//! Tokens, and the token servers that give them
//! ([the token specification](https://distribution.github.io/distribution/spec/auth/token/)).

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::challenge::Bearer;
use super::{Credentials, Error, Refusal, RegistryHost, Secret};
use crate::http::{Client, Method, Request, Response, Url};

/// The largest answer of a token server, in bytes.
const LIMIT: u64 = 1 << 20;
/// How long a token is valid that does not say it, as the specification has it.
const DEFAULT_LIFE: Duration = Duration::from_secs(60);
/// How long a token is used at most, whatever it says.
const LONGEST_LIFE: Duration = Duration::from_secs(3600);
/// By which part of its life before its end a token is replaced, and at most how long before it.
const MARGIN: (u32, Duration) = (5, Duration::from_secs(10));
/// Docker's name for itself towards token servers that want one.
const CLIENT_ID: &str = "imgtool";

/// A token for some scope.
#[derive(Debug, Clone)]
pub(super) struct Token {
    text: Secret,
    until: Instant,
}

impl Token {
    /// A token that is always used.
    pub(super) fn fixed(text: &Secret) -> Self {
        Self { text: text.clone(), until: Instant::now() + LONGEST_LIFE }
    }

    /// The value of the header that carries it.
    pub(super) fn header(&self) -> String {
        format!("Bearer {}", self.text.reveal())
    }

    /// Whether it need not be replaced yet.
    pub(super) fn is_fresh(&self) -> bool {
        Instant::now() < self.until
    }
}

/// An answer of a token server.
pub(super) struct Answer {
    pub(super) token: Token,
    /// A token that gives others, in place of the password.
    pub(super) refresh: Option<Secret>,
}

/// A question to a token server.
pub(super) struct TokenRequest<'a> {
    /// The registry that wants the token.
    pub(super) host: &'a RegistryHost,
    /// The registry's URL.
    pub(super) registry: &'a Url,
    /// Where tokens come from.
    pub(super) bearer: &'a Bearer,
    /// What is to be allowed.
    pub(super) scopes: &'a [&'a str],
    /// On whose behalf; nobody's, if the server may not have the credentials.
    pub(super) credentials: Option<&'a Credentials>,
    /// Whether a refresh token is wanted.
    pub(super) offline: bool,
}

/// The URL of the token server.
pub(super) fn realm(host: &RegistryHost, bearer: &Bearer, registry: &Url) -> Result<Url, Error> {
    let url = registry.join(&bearer.realm);
    url.map_err(|error| Error::Realm { host: host.clone(), realm: bearer.realm.clone(), why: error.to_string() })
}

impl TokenRequest<'_> {
    /// Asks the token server at `realm`.
    pub(super) fn send(&self, client: &Client, realm: &Url) -> Result<Answer, Error> {
        let asked = Instant::now();
        let response = match self.credentials {
            Some(Credentials::IdentityToken(token)) => self.exchange(client, realm, token)?,
            Some(Credentials::Password { user, password }) => self.get(client, realm, Some((user, password)))?,
            Some(Credentials::RegistryToken(_)) | None => self.get(client, realm, None)?,
        };
        if response.status() >= 300 {
            return Err(self.refused(Refusal::read(response)));
        }
        let wrong = |why: String| Error::Token { host: self.host.clone(), server: realm.host().to_owned(), why };
        let body = response.bytes(LIMIT).map_err(|error| match error {
            crate::http::Error::TooLarge { limit, .. } => wrong(format!("more than {limit} bytes")),
            other => Error::Http(other),
        })?;
        read(&body, asked).map_err(|why| wrong(why.to_owned()))
    }

    fn refused(&self, refusal: Refusal) -> Error {
        let (what, host) = (self.host.to_string(), self.host.clone());
        if !matches!(refusal.status, 400 | 401 | 403) {
            return Error::Refused { what, refusal };
        }
        let with_credentials = self.credentials.is_some();
        Error::Unauthorized { what, host, refusal, with_credentials, withheld_from: None }
    }

    /// Asks with a password, or for what everybody may do.
    fn get(&self, client: &Client, realm: &Url, user: Option<(&String, &Secret)>) -> Result<Response, Error> {
        let mut query: Vec<(&str, &str)> = Vec::new();
        query.extend(self.bearer.service.iter().map(|service| ("service", service.as_str())));
        query.extend(self.scopes.iter().map(|scope| ("scope", *scope)));
        query.extend(user.iter().map(|(user, _)| ("account", user.as_str())));
        if self.offline {
            query.extend([("offline_token", "true"), ("client_id", CLIENT_ID)]);
        }
        let url = realm.with_query(query).map_err(|error| Error::Realm {
            host: self.host.clone(),
            realm: self.bearer.realm.clone(),
            why: error.to_string(),
        })?;
        let mut request = Request::new(Method::Get, &url).foreign(self.registry).whole(LIMIT);
        if let Some((user, password)) = user {
            request = request.header("authorization", basic(user, password));
        }
        Ok(client.send(request)?)
    }

    /// Exchanges a refresh token ([OAuth 2](https://distribution.github.io/distribution/spec/auth/oauth/)).
    fn exchange(&self, client: &Client, realm: &Url, token: &Secret) -> Result<Response, Error> {
        let scopes = self.scopes.join(" ");
        let service = self.bearer.service.as_deref().unwrap_or_default();
        let form = [
            ("grant_type", "refresh_token"),
            ("service", service),
            ("client_id", CLIENT_ID),
            ("scope", &scopes),
            ("refresh_token", token.reveal()),
        ];
        let encoded = form.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
        let body = encoded.join("&");
        let request = Request::new(Method::Post, realm).foreign(self.registry).whole(LIMIT).repeatable();
        let request = request.header("content-type", "application/x-www-form-urlencoded").bytes(body.as_bytes());
        Ok(client.send(request)?)
    }
}

/// The value of the header that carries a user and a password.
pub(super) fn basic(user: &str, password: &Secret) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.reveal())))
}

fn read(body: &[u8], asked: Instant) -> Result<Answer, &'static str> {
    let body: Value = serde_json::from_slice(body).map_err(|_| "the answer is not JSON")?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| is_token(text));
    let token = text("token").or_else(|| text("access_token")).ok_or("the answer has no valid token")?;
    let life = match body.get("expires_in").and_then(Value::as_f64) {
        // It is used once.
        Some(seconds) if seconds <= 0.0 => Duration::ZERO,
        Some(seconds) => Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_LIFE).min(LONGEST_LIFE),
        None => DEFAULT_LIFE,
    };
    let until = asked + life.saturating_sub((life / MARGIN.0).min(MARGIN.1));
    Ok(Answer { token: Token { text: Secret::new(token), until }, refresh: text("refresh_token").map(Secret::new) })
}

/// Whether a text can stand in a header as a token.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_token_servers() {
        let now = Instant::now();
        let life = |body: &str| read(body.as_bytes(), now).map(|answer| (answer.token.until - now).as_secs());
        assert_eq!(life(r#"{"token":"a"}"#), Ok(50));
        assert_eq!(life(r#"{"access_token":"a","expires_in":300}"#), Ok(290));
        assert_eq!(life(r#"{"token":"a","expires_in":5}"#), Ok(4));
        assert_eq!(life(r#"{"token":"a","expires_in":-5}"#), Ok(0));
        assert_eq!(life(r#"{"token":"a","expires_in":1e300}"#), Ok(3590));
        assert_eq!(life(r#"{"token":"a","expires_in":"5"}"#), Ok(50));
        for body in [r#"{"token":""}"#, r#"{"token":"a\r\nb"}"#, r#"{"token":5}"#, "[]", "junk", ""] {
            assert!(life(body).is_err(), "{body}");
        }
        let refresh = read(br#"{"token":"a","refresh_token":"b"}"#, now).map(|answer| answer.refresh);
        assert_eq!(refresh, Ok(Some(Secret::new("b"))));
        assert_eq!(basic("Aladdin", &Secret::new("open sesame")), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }
}
