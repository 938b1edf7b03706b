//! Authorises the requests to one server: learns from its challenges what it wants, and gets it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::challenge::{Bearer, Challenge};
use super::clients::Clients;
use super::token::{Token, TokenRequest, basic, realm};
use super::{Credentials, Error, RegistryHost, Secret, site};
use crate::http::Url;

/// What a request needs to be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Scope<'a> {
    /// Nothing in particular: `/v2/`, a search.
    Ping,
    /// Reading a repository.
    Pull(&'a str),
    /// Reading and writing a repository.
    Push(&'a str),
    /// Writing a repository with blobs of another.
    Mount(&'a str, &'a str),
    /// Deleting from a repository.
    Delete(&'a str),
    /// Listing repositories.
    Catalog,
}

impl Scope<'_> {
    fn text(self) -> Option<String> {
        match self {
            Self::Ping => None,
            Self::Pull(repository) => Some(format!("repository:{repository}:pull")),
            Self::Push(repository) => Some(format!("repository:{repository}:pull,push")),
            Self::Mount(to, from) => Some(format!("repository:{to}:pull,push repository:{from}:pull")),
            Self::Delete(repository) => Some(format!("repository:{repository}:pull,delete")),
            Self::Catalog => Some("registry:catalog:*".to_owned()),
        }
    }

    fn repository(self) -> Option<String> {
        match self {
            Self::Pull(repository) | Self::Push(repository) | Self::Mount(repository, _) | Self::Delete(repository) => {
                Some(repository.to_owned())
            }
            Self::Ping | Self::Catalog => None,
        }
    }
}

/// Authorises the requests to one server. Threads may share one.
pub(super) struct Authorizer {
    clients: Arc<Clients>,
    host: RegistryHost,
    /// Credentials that are used instead of the stored ones.
    given: Option<Credentials>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What the server wants; nothing, until it says so.
    challenge: Option<Challenge>,
    /// What the server says is to be allowed for a scope.
    asked: HashMap<Option<String>, String>,
    /// The credentials for each repository, once they were looked up.
    credentials: HashMap<Option<String>, Option<Credentials>>,
    /// The tokens, by scope.
    tokens: HashMap<Option<String>, Token>,
    /// What came with a token in place of the password.
    refresh: Option<Secret>,
    /// The token server that did not get the credentials.
    withheld: Option<String>,
}

impl Authorizer {
    pub(super) fn new(clients: Arc<Clients>, host: RegistryHost, given: Option<Credentials>) -> Self {
        Self { clients, host, given, state: Mutex::default() }
    }

    /// The `Authorization` of a request, if the server is known to want one.
    pub(super) fn header(&self, base: &Url, scope: Scope<'_>) -> Result<Option<Secret>, Error> {
        let mut state = self.state();
        match state.challenge.clone() {
            None => Ok(None),
            Some(Challenge::Basic) => {
                Ok(self.credentials(&mut state, scope).and_then(|found| as_basic(&found)).map(Secret::new))
            }
            Some(Challenge::Bearer(bearer)) => {
                let key = scope.text();
                if let Some(token) = state.tokens.get(&key).filter(|token| token.is_fresh()) {
                    return Ok(Some(Secret::new(token.header())));
                }
                // Other threads wait: they want the same token.
                let token = self.token(&mut state, base, &bearer, scope)?;
                let header = Secret::new(token.header());
                state.tokens.insert(key, token);
                Ok(Some(header))
            }
        }
    }

    /// Takes note of a challenge. What was sent as `Authorization` was refused, and is not sent again. Returns whether
    /// there is anything new to try.
    pub(super) fn refused(&self, challenge: Option<Challenge>, scope: Scope<'_>, sent: Option<&Secret>) -> bool {
        let mut state = self.state();
        let Some(mut challenge) = challenge else { return false };
        let key = scope.text();
        if let Challenge::Bearer(bearer) = &mut challenge
            && let Some(asked) = bearer.scope.take()
            // Less than what is asked for anyhow is for a part of it: the next request needs the rest.
            && !scope.text().is_some_and(|own| covers(&own, &asked))
        {
            state.asked.insert(key.clone(), asked);
        }
        if let Some(token) = state.tokens.get(&key)
            && sent.is_none_or(|sent| sent.reveal() == token.header())
        {
            state.tokens.remove(&key);
        }
        let is_bearer = matches!(challenge, Challenge::Bearer(_));
        let is_other = state.challenge.as_ref().is_some_and(|known| *known != challenge);
        state.challenge = Some(challenge);
        // A token may have expired; a password that was refused will be refused again.
        is_bearer || ((sent.is_none() || is_other) && self.credentials(&mut state, scope).is_some())
    }

    /// Whether there are credentials for that scope.
    pub(super) fn has_credentials(&self, scope: Scope<'_>) -> bool {
        let mut state = self.state();
        self.credentials(&mut state, scope).is_some()
    }

    /// The token server to which credentials were not sent.
    pub(super) fn withheld_from(&self) -> Option<String> {
        self.state().withheld.clone()
    }

    /// The refresh token that the token server gave in place of the password.
    pub(super) fn refresh_token(&self) -> Option<Secret> {
        self.state().refresh.clone()
    }

    fn token(&self, state: &mut State, base: &Url, bearer: &Bearer, scope: Scope<'_>) -> Result<Token, Error> {
        let credentials = self.credentials(state, scope);
        if let Some(Credentials::RegistryToken(token)) = &credentials {
            return Ok(Token::fixed(token));
        }
        let realm = realm(&self.host, bearer, base)?;
        let settings = self.clients.settings();
        let may_have = site::belongs(&self.host, &realm, &settings.token_servers);
        if credentials.is_some() && !may_have {
            state.withheld = Some(realm.host().to_owned());
        }
        let own = scope.text();
        let asked = state.asked.get(&own).or(own.as_ref()).cloned().unwrap_or_default();
        let scopes: Vec<&str> = asked.split(' ').filter(|scope| !scope.is_empty()).collect();
        let request = TokenRequest {
            host: &self.host,
            registry: base,
            bearer,
            scopes: &scopes,
            credentials: credentials.as_ref().filter(|_| may_have),
            offline: self.given.is_some(),
        };
        let client = self.clients.of(&realm)?;
        let answer = request.send(&client, &realm)?;
        state.refresh = answer.refresh.or_else(|| state.refresh.take());
        Ok(answer.token)
    }

    fn credentials(&self, state: &mut State, scope: Scope<'_>) -> Option<Credentials> {
        if let Some(given) = &self.given {
            return Some(given.clone());
        }
        let repository = scope.repository();
        let look_up = || (self.clients.settings().credentials)(&self.host, repository.as_deref());
        state.credentials.entry(repository.clone()).or_insert_with(look_up).clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether scopes allow all that others do.
fn covers(scopes: &str, others: &str) -> bool {
    fn parts(scope: &str) -> (&str, Vec<&str>) {
        scope.rsplit_once(':').map_or((scope, Vec::new()), |(of, actions)| (of, actions.split(',').collect()))
    }
    let mut others = others.split(' ').filter(|scope| !scope.is_empty()).map(parts);
    others.all(|(of, actions)| {
        let mut own = scopes.split(' ').map(parts).filter(|(own, _)| *own == of);
        own.any(|(_, allowed)| actions.iter().all(|action| allowed.contains(action)))
    })
}

/// The header for a server that wants a password.
fn as_basic(credentials: &Credentials) -> Option<String> {
    match credentials {
        Credentials::Password { user, password } => Some(basic(user, password)),
        Credentials::RegistryToken(token) => Some(format!("Bearer {}", token.reveal())),
        Credentials::IdentityToken(_) => None,
    }
}
