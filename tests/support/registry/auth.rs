//! Who may ask for what: nobody asks, basic authentication, or bearer tokens of an issuer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::reply::Reply;
use super::wire::{Request, form};

/// How a registry knows who asks.
#[derive(Clone, Default)]
pub(crate) enum Auth {
    #[default]
    Nobody,
    /// A user and a password with every request.
    Basic(Users),
    Bearer(Arc<Issuer>),
}

/// Passwords by user.
pub(crate) type Users = BTreeMap<String, String>;

/// One user.
pub(crate) fn user(name: &str, password: &str) -> Users {
    Users::from([(name.to_owned(), password.to_owned())])
}

/// What a token may be used for: `repository:team/app:pull,push`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) actions: Vec<String>,
}

impl Scope {
    pub(super) fn of(repository: &str, actions: &str) -> Self {
        Self::parse(&format!("repository:{repository}:{actions}"))
    }

    pub(super) fn catalog() -> Self {
        Self::parse("registry:catalog:*")
    }

    fn parse(text: &str) -> Self {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let (name, actions) = rest.rsplit_once(':').unwrap_or((rest, ""));
        let actions = actions.split(',').filter(|action| !action.is_empty()).map(ToOwned::to_owned).collect();
        Self { kind: kind.to_owned(), name: name.to_owned(), actions }
    }

    fn covers(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.name == other.name
            && other.actions.iter().all(|action| self.actions.contains(action))
    }

    fn text(&self) -> String {
        format!("{}:{}:{}", self.kind, self.name, self.actions.join(","))
    }
}

/// Writes a token for a user and what is granted.
type Mint = dyn Fn(&str, &[Scope]) -> String + Send + Sync;

/// Gives tokens for passwords.
pub(crate) struct Issuer {
    pub(crate) users: Users,
    /// The repositories that everybody may pull from.
    pub(crate) public: Vec<String>,
    /// How long a token lives.
    pub(crate) lifetime: Duration,
    /// Whether it says how long that is.
    pub(crate) states_lifetime: bool,
    /// The name that the registry has at the issuer.
    pub(crate) service: String,
    /// Writes the tokens, if a registry other than ours reads them.
    pub(crate) mint: Option<Box<Mint>>,
    pub(crate) given: Mutex<Vec<Token>>,
}

/// A token that was given.
pub(crate) struct Token {
    text: String,
    scopes: Vec<Scope>,
    until: Instant,
    /// The user, if it is exchanged for others.
    refreshes: Option<String>,
}

impl Issuer {
    /// Gives tokens of five minutes to these users, and to nobody else.
    pub(crate) fn new(users: Users) -> Self {
        Self {
            users,
            public: Vec::new(),
            lifetime: Duration::from_secs(300),
            states_lifetime: true,
            service: "registry.test".to_owned(),
            mint: None,
            given: Mutex::default(),
        }
    }

    /// Every token that was given, whatever for.
    pub(crate) fn tokens(&self) -> Vec<String> {
        self.given.lock().expect("no test panics here").iter().map(|token| token.text.clone()).collect()
    }

    /// Takes all tokens back, also those that a client thinks are good.
    pub(crate) fn revoke(&self) {
        self.given.lock().expect("no test panics here").retain(|token| token.refreshes.is_some());
    }

    /// Answers at `/token`.
    pub(super) fn answer(&self, request: &Request) -> Reply {
        let refused = || Reply::error(401, "UNAUTHORIZED", "authentication required");
        let fields =
            if request.method == "POST" { form(&String::from_utf8_lossy(&request.body)) } else { request.query() };
        let field = |name: &str| fields.get(name).and_then(|values| values.first()).cloned();
        let who = match (request.method.as_str(), request.header("authorization")) {
            ("POST", _) => self.poster(&field),
            (_, Some(value)) => basic(value).filter(|(user, password)| self.users.get(user) == Some(password)),
            (_, None) => Some((String::new(), String::new())),
        };
        let Some((user, _)) = who else { return refused() };
        let asked = fields.get("scope").cloned().unwrap_or_default();
        let asked = asked.iter().flat_map(|text| text.split(' ')).filter(|text| !text.is_empty()).map(Scope::parse);
        let granted: Vec<Scope> = asked.filter_map(|scope| self.grant(&user, scope)).collect();
        let wants_refresh = field("offline_token").is_some_and(|value| value == "true")
            || field("access_type").is_some_and(|value| value == "offline");
        Reply::json(200, &self.document(&user, granted, wants_refresh && !user.is_empty()))
    }

    /// Who asks by the fields of a form.
    fn poster(&self, field: &impl Fn(&str) -> Option<String>) -> Option<(String, String)> {
        match field("grant_type")?.as_str() {
            "password" => {
                let (user, password) = (field("username")?, field("password")?);
                (self.users.get(&user) == Some(&password)).then_some((user, password))
            }
            "refresh_token" => {
                let text = field("refresh_token")?;
                let given = self.given.lock().expect("no test panics here");
                let user = given.iter().find(|token| token.text == text)?.refreshes.clone()?;
                Some((user, String::new()))
            }
            _ => None,
        }
    }

    fn grant(&self, user: &str, scope: Scope) -> Option<Scope> {
        if !user.is_empty() {
            return Some(scope);
        }
        let is_public = scope.kind == "repository" && self.public.contains(&scope.name);
        is_public.then(|| Scope { actions: vec!["pull".to_owned()], ..scope })
    }

    fn document(&self, user: &str, scopes: Vec<Scope>, with_refresh: bool) -> Value {
        let mut given = self.given.lock().expect("no test panics here");
        let number = given.len();
        let text = self.mint.as_ref().map_or_else(|| format!("bearer-token-{number}"), |mint| mint(user, &scopes));
        let mut document = json!({"token": text, "access_token": text});
        given.push(Token { text, scopes, until: Instant::now() + self.lifetime, refreshes: None });
        if self.states_lifetime {
            document["expires_in"] = json!(self.lifetime.as_secs());
            let now = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second()).expect("now");
            document["issued_at"] = json!(now.to_string());
        }
        if with_refresh {
            let text = format!("refresh-token-{number}");
            document["refresh_token"] = json!(text);
            let (scopes, until, refreshes) = (Vec::new(), Instant::now(), Some(user.to_owned()));
            given.push(Token { text, scopes, until, refreshes });
        }
        document
    }

    /// What is wrong with a token for a scope, in the words of a challenge.
    fn problem(&self, token: &str, needed: Option<&Scope>) -> Option<&'static str> {
        let given = self.given.lock().expect("no test panics here");
        let found = given.iter().find(|known| known.text == token && known.until > Instant::now());
        match (found, needed) {
            (None, _) => Some("invalid_token"),
            (Some(token), Some(needed)) if !token.scopes.iter().any(|scope| scope.covers(needed)) => {
                Some("insufficient_scope")
            }
            _ => None,
        }
    }
}

impl Auth {
    /// The refusal of a request that may not be for what it needs; `realm` is where tokens are.
    pub(super) fn refusal(&self, request: &Request, needed: Option<&Scope>, realm: &str) -> Option<Reply> {
        let authorization = request.header("authorization");
        let challenge = match self {
            Self::Nobody => return None,
            Self::Basic(users) => {
                let known = authorization.and_then(basic);
                if known.is_some_and(|(user, password)| users.get(&user) == Some(&password)) {
                    return None;
                }
                "Basic realm=\"Registry realm\"".to_owned()
            }
            Self::Bearer(issuer) => {
                let token = authorization.and_then(|value| value.strip_prefix("Bearer "));
                let problem = token.map(|token| issuer.problem(token, needed));
                if problem == Some(None) {
                    return None;
                }
                let scope = needed.map(|scope| format!(",scope=\"{}\"", scope.text())).unwrap_or_default();
                let error = problem.flatten().map(|error| format!(",error=\"{error}\"")).unwrap_or_default();
                format!("Bearer realm=\"{realm}\",service=\"{}\"{scope}{error}", issuer.service)
            }
        };
        let reply = Reply::error(401, "UNAUTHORIZED", "authentication required");
        Some(reply.with("WWW-Authenticate", challenge))
    }
}

/// User and password of an `Authorization` header.
fn basic(value: &str) -> Option<(String, String)> {
    let bytes = STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
    let (user, password) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}
