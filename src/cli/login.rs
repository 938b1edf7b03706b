use std::io::{self, Read as _};

use super::completes::Completes;
use super::error::CliError;
use super::prompt::Prompt;
use super::session::Session;
use super::usage::Arity;
use crate::ops;
use crate::registry::credentials::{Error, Place, ServerKey, Stored};
use crate::registry::{self, Credentials, Secret};

/// Log in to a registry
///
/// Without a server, to Docker Hub. The registry is asked first; then the credentials are kept as docker keeps them: by
/// the credential helper that docker's config.json names, else in that file, unencrypted.
#[derive(Debug, clap::Args)]
#[command(override_usage = "login [OPTIONS] [SERVER]")]
pub(super) struct Args {
    /// Username
    #[arg(short, long, value_name = "USER")]
    username: Option<String>,
    /// Password or access token; - reads it from standard input
    #[arg(short, long, value_name = "PASSWORD")]
    password: Option<Password>,
    /// Read the password or access token from standard input
    #[arg(long)]
    password_stdin: bool,
    /// The registry: ghcr.io, localhost:5000
    #[arg(value_name = "SERVER", add = Completes::Each(&[Completes::Servers]))]
    server: Vec<String>,
}

/// A password that was typed as a flag. It is not shown.
#[derive(Debug, Clone)]
struct Password(Secret);

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self(Secret::new(text))
    }
}

/// The most that is read as a password.
const MAX_PASSWORD: u64 = 64 << 10;

const INSECURE: &str = "WARNING! Using --password via the CLI is insecure. Use --password-stdin.";
const OF_HUB: &str = "Log in with your Docker ID or email address to push and pull images from Docker Hub. If you don't \
                      have a Docker ID, head over to https://hub.docker.com/ to create one.\nYou can log in with your \
                      password or a Personal Access Token (PAT). Using a limited-scope PAT grants better security and \
                      is required for organizations using SSO. Learn more at \
                      https://docs.docker.com/go/access-tokens/\n";
const HOW_TO_ENCRYPT: &str = "Configure a credential helper to remove this warning. See\n\
                              https://docs.docker.com/go/credential-store/\n";

/// A user and a password.
struct Login {
    user: String,
    password: Secret,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::AtMost(1), &self.server)?;
        let password = self.given_password(session)?;
        let server = server(self.server.first())?;
        if session.credentials.is_overridden() {
            session.ui.warn("DOCKER_AUTH_CONFIG is set, and comes before what a login keeps");
        }
        let known = if self.username.is_none() && password.is_none() { existing(session, &server)? } else { None };
        let kept = known.as_ref().map(|login| again(session, &server, login)).transpose()?;
        let stored = if let Some(stored) = kept.flatten() {
            stored
        } else {
            let login = asked(session, &server, self.username, password, known.map(|login| login.user))?;
            attempt(session, &server, &login).map_err(in_words)?
        };
        tell(session, &stored);
        Ok(session.ui.line("Login Succeeded")?)
    }

    /// The password that the flags give, or say where to read.
    fn given_password(&self, session: &Session) -> Result<Option<Secret>, CliError> {
        let plain = |text: &str| Err(CliError::Plain(text.to_owned()));
        let password = self.password.as_ref().map(|password| &password.0);
        if self.password_stdin && password.is_some() {
            return plain("conflicting options: cannot specify both --password and --password-stdin");
        }
        let is_on_stdin = self.password_stdin || password.is_some_and(|password| password.reveal() == "-");
        match &self.username {
            None if is_on_stdin => return plain("the --password-stdin option requires --username to be set"),
            Some(user) if user.trim().is_empty() => return plain("username is empty"),
            Some(user) if user.contains(':') => return plain("invalid username: it contains a colon"),
            _ => {}
        }
        let password = if is_on_stdin { Some(from_stdin()?) } else { password.cloned() };
        if password.as_ref().is_some_and(Secret::is_empty) {
            return plain("password is empty");
        }
        if password.is_some() && !is_on_stdin {
            session.ui.note(INSECURE);
        }
        Ok(password)
    }
}

/// The server that was typed.
pub(super) fn server(typed: Option<&String>) -> Result<ServerKey, CliError> {
    ServerKey::typed(typed.map_or("", String::as_str)).map_err(|error| CliError::Plain(error.to_string()))
}

/// All of standard input, without the end of its line.
fn from_stdin() -> Result<Secret, CliError> {
    let wrong = |why: &str| CliError::Plain(format!("the password on standard input {why}"));
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(MAX_PASSWORD + 1).read_to_end(&mut bytes);
    read.map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > MAX_PASSWORD {
        return Err(wrong(&format!("has more than {MAX_PASSWORD} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8"))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Secret::new(line.strip_suffix('\r').unwrap_or(line)))
}

/// The login that is kept already.
fn existing(session: &Session, server: &ServerKey) -> Result<Option<Login>, CliError> {
    let found = session.credentials.get(server, None);
    for warning in found.warnings {
        match warning {
            // It will be closed.
            Error::Exposed { .. } => {}
            // A login could not be kept there.
            error => return Err(ops::Error::from(error).into()),
        }
    }
    Ok(match found.credentials {
        Some(Credentials::Password { user, password }) => Some(Login { user, password }),
        _ => None,
    })
}

fn attempt(session: &Session, server: &ServerKey, login: &Login) -> Result<Stored, ops::Error> {
    ops::login::login(&session.context, &session.credentials, server, &login.user, &login.password)
}

/// Docker's words for a password that the registry does not take.
fn in_words(error: ops::Error) -> CliError {
    match error {
        ops::Error::Registry(registry::Error::Unauthorized { what, refusal, withheld_from: None, .. }) => {
            let (status, reason) = (refusal.status, refusal.reason);
            let said = refusal.errors.iter().map(|error| error.message.as_str()).find(|text| !text.is_empty());
            // What every registry says tells nothing.
            let said = said.filter(|text| *text != "authentication required").map(|text| format!(": {text}"));
            let said = said.unwrap_or_default();
            CliError::Plain(format!("login attempt to {what} failed with status: {status} {reason}{said}"))
        }
        other => other.into(),
    }
}

/// Logs in once more with what is kept; nothing, if the server does not take it.
fn again(session: &Session, server: &ServerKey, login: &Login) -> Result<Option<Stored>, CliError> {
    let program = session.called().program;
    session.ui.note(&format!(
        "Authenticating with existing credentials... [Username: {}]\n\n Info -> To login with a different account, run \
         '{program} logout' followed by '{program} login'\n\n",
        login.user
    ));
    match attempt(session, server, login) {
        Ok(stored) => Ok(Some(stored)),
        Err(error) if error.is_unauthorized() => {
            session.ui.note("Stored credentials invalid or expired");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// What the flags do not say, the user is asked.
fn asked(
    session: &Session,
    server: &ServerKey,
    user: Option<String>,
    password: Option<Secret>,
    default: Option<String>,
) -> Result<Login, CliError> {
    let plain = |text: &str| CliError::Plain(text.to_owned());
    if let (Some(user), Some(password)) = (&user, &password) {
        return Ok(Login { user: user.trim().to_owned(), password: password.clone() });
    }
    let prompt = Prompt::open(&session.ui, session.context.store.job())
        .ok_or_else(|| plain("cannot perform an interactive login from a non-TTY device"))?;
    let user = user.map_or_else(|| ask_user(&prompt, session, server, default), Ok)?;
    if user.trim().is_empty() {
        return Err(plain("username is required"));
    }
    if user.contains(':') {
        return Err(plain("invalid username: it contains a colon"));
    }
    let password = password.map_or_else(|| prompt.ask_secretly("Password: "), Ok)?;
    if password.is_empty() {
        return Err(plain("password is required"));
    }
    Ok(Login { user: user.trim().to_owned(), password })
}

/// Asks for the user; `default` is who is meant by an empty line.
fn ask_user(
    prompt: &Prompt<'_>,
    session: &Session,
    server: &ServerKey,
    default: Option<String>,
) -> Result<String, CliError> {
    if server.is_hub() {
        session.ui.note(OF_HUB);
    }
    let question = default.as_ref().map_or("Username: ".to_owned(), |user| format!("Username ({user}): "));
    let typed = prompt.ask(&question)?.trim().to_owned();
    Ok(default.filter(|_| typed.is_empty()).unwrap_or(typed))
}

/// What is to be known of a login that was kept.
fn tell(session: &Session, stored: &Stored) {
    let Place::File(path) = &stored.place else { return };
    let path = path.display();
    if let Some(to) = &stored.link_to {
        session.ui.warn(&format!("{path} is a symbolic link: the credentials are in {}", to.display()));
    }
    if stored.was_exposed {
        session.ui.warn(&format!("{path} could be read by others; now only you can read it"));
    }
    if stored.is_changed && stored.is_password {
        session.ui.note(&format!("\nWARNING! Your credentials are stored unencrypted in '{path}'.\n{HOW_TO_ENCRYPT}"));
    }
}
