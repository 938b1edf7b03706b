//! The values of flags.

use std::fs;
use std::io::Read as _;
use std::path::PathBuf;

use crate::cli::error::CliError;
use crate::cli::session::variable;
use crate::ops::build::run::Ulimit;

/// The largest secret, in bytes, as in docker.
const MAX_SECRET: u64 = 500 << 10;

/// `id=NAME[,src=FILE|,env=NAME]`
pub(super) fn secret(text: &str) -> Result<(String, Vec<u8>), CliError> {
    let wrong = |why: &str| CliError::Plain(format!("invalid secret {text:?}: {why}"));
    let (mut id, mut file, mut env, mut kind) = (None, None, None, None);
    for field in text.split(',') {
        let (key, value) = field.split_once('=').ok_or_else(|| wrong("each field is KEY=VALUE"))?;
        match key.to_lowercase().as_str() {
            "id" => id = Some(value.to_owned()),
            "src" | "source" => file = Some(value.to_owned()),
            "env" => env = Some(value.to_owned()),
            "type" if matches!(value, "file" | "env") => kind = Some(value.to_owned()),
            "type" => return Err(wrong("its type is file or env")),
            _ => return Err(wrong(&format!("unexpected key '{key}'"))),
        }
    }
    let id = id.filter(|id| !id.is_empty()).ok_or_else(|| wrong("it has no id"))?;
    if kind.as_deref() == Some("env") && env.is_none() {
        env = file.take();
    }
    // Without a source it is the variable of that name, or else the file.
    let env = env.or_else(|| file.is_none().then(|| id.clone()).filter(|_| kind.as_deref() != Some("file")));
    if let Some(value) = env.as_deref().and_then(std::env::var_os) {
        return Ok((id, value.into_encoded_bytes()));
    }
    if let (Some(name), None, true) = (&env, &file, env.as_deref() != Some(id.as_str())) {
        return Err(wrong(&format!("the variable {name} is not set")));
    }
    let path = PathBuf::from(file.unwrap_or_else(|| id.clone()));
    let mut value = Vec::new();
    let read = fs::File::open(&path).and_then(|file| file.take(MAX_SECRET + 1).read_to_end(&mut value));
    read.map_err(|error| wrong(&format!("{}: {error}", path.display())))?;
    if value.len() as u64 > MAX_SECRET {
        return Err(wrong(&format!("{} is larger than {MAX_SECRET} bytes", path.display())));
    }
    Ok((id, value))
}

/// `default|NAME[=SOCKET]`
pub(super) fn ssh(text: &str) -> Option<(String, PathBuf)> {
    let (name, socket) = text.split_once('=').map_or((text, None), |(name, socket)| (name, Some(socket.to_owned())));
    let socket = socket.filter(|socket| !socket.is_empty()).or_else(|| variable("SSH_AUTH_SOCK"))?;
    Some((name.to_owned(), PathBuf::from(socket)))
}

/// `NAME:IP` or `NAME=IP`
pub(super) fn host(text: &str) -> Result<(String, String), CliError> {
    let wrong = |why: &str| CliError::Plain(format!("invalid --add-host {text:?}: {why}"));
    let (name, address) = text.split_once(['=', ':']).ok_or_else(|| wrong("expected HOST:IP"))?;
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
    if address == "host-gateway" {
        // RUN sees the network of this machine.
        return Ok((name.to_owned(), "127.0.0.1".to_owned()));
    }
    match bare.parse::<std::net::IpAddr>() {
        Ok(_) if !name.is_empty() => Ok((name.to_owned(), bare.to_owned())),
        _ => Err(wrong("the part behind the name is no IP address")),
    }
}

/// `NAME=SOFT[:HARD]`
pub(super) fn ulimit(text: &str) -> Result<Ulimit, CliError> {
    const NAMES: [&str; 15] = [
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "memlock",
        "msgqueue",
        "nice",
        "nofile",
        "nproc",
        "rss",
        "rtprio",
        "rttime",
        "sigpending",
        "stack",
    ];
    let wrong = |why: String| CliError::Plain(format!("invalid --ulimit {text:?}: {why}"));
    let (name, limits) = text.split_once('=').ok_or_else(|| wrong("expected NAME=SOFT[:HARD]".to_owned()))?;
    let name = name.to_lowercase();
    if !NAMES.contains(&name.as_str()) {
        return Err(wrong(format!("the limits are {}", NAMES.join(", "))));
    }
    let number = |text: &str| match text {
        "-1" | "unlimited" => Ok(u64::MAX),
        text => text.parse::<u64>().map_err(|_| wrong(format!("{text:?} is no number"))),
    };
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    let (soft, hard) = (number(soft)?, number(hard)?);
    if soft > hard {
        return Err(wrong(format!("ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}")));
    }
    Ok(Ulimit { name, soft, hard })
}
