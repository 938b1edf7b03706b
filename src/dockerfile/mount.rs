//! `RUN --mount=…`: what a mount's text says
//! ([reference](https://docs.docker.com/reference/dockerfile/#run---mount)).

/// A mount of a `RUN`, after variables were substituted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountSpec {
    /// What is mounted.
    pub kind: MountKind,
    /// Where, as it was typed; relative to the working directory. None if the kind has a place of its own, or needs
    /// none.
    pub target: Option<String>,
    /// Whether it was said that nothing may be written there.
    pub read_only: bool,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountKind {
    /// Files of the context, a stage or an image.
    Bind {
        /// The stage or image; none for the context.
        from: Option<String>,
        /// The path there; the root if it was not said.
        source: String,
    },
    /// A folder that lasts from build to build.
    Cache(CacheSpec),
    /// A file system in memory.
    Tmpfs {
        /// Its size in bytes, if it is limited.
        size: Option<u64>,
    },
    /// A secret, as a file or as a variable.
    Secret(SecretSpec),
    /// A socket of an SSH agent.
    Ssh(SecretSpec),
}

/// A cache.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CacheSpec {
    /// Its name; the target if none was given.
    pub id: String,
    /// Who may use it at the same time.
    pub sharing: Sharing,
    /// The stage or image that a new cache starts from.
    pub from: Option<String>,
    /// The path there.
    pub source: String,
    /// The mode of a new cache.
    pub mode: u32,
    /// The owner of a new cache.
    pub uid: u32,
    /// The group of a new cache.
    pub gid: u32,
}

/// Who may use a cache at the same time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sharing {
    /// Everybody.
    #[default]
    Shared,
    /// Everybody, and who comes second gets a cache of its own.
    Private,
    /// One after the other.
    Locked,
}

/// A secret, or a socket of an SSH agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretSpec {
    /// Its name.
    pub id: String,
    /// The variable that it is given in.
    pub env: Option<String>,
    /// Whether it is an error if there is none.
    pub required: bool,
    /// The mode of the file.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

/// Why the text of a mount means nothing. The sentences are docker's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MountError {
    /// A field without a value.
    #[error("invalid field '{field}' must be a key=value pair")]
    NoValue {
        /// The field.
        field: String,
    },
    /// A field that does not exist.
    #[error("unexpected key '{key}' in '{field}'")]
    Key {
        /// Its name.
        key: String,
        /// The whole field.
        field: String,
    },
    /// A value that the field cannot have.
    #[error("invalid value for {key}: {value}")]
    Value {
        /// The field's name.
        key: String,
        /// The value.
        value: String,
    },
    /// A kind that does not exist.
    #[error("unsupported mount type \"{kind}\"")]
    Kind {
        /// What was typed.
        kind: String,
    },
    /// A field that the kind does not have.
    #[error("unexpected key '{key}' for mount type '{kind}'")]
    Foreign {
        /// The field's name.
        key: &'static str,
        /// The kind.
        kind: &'static str,
    },
    /// No target where one is needed.
    #[error("missing mount target: --mount=type={kind} needs target=PATH")]
    NoTarget {
        /// The kind.
        kind: &'static str,
    },
    /// The text is not fields separated by commas.
    #[error("--mount={text}: a quote has no end")]
    Quote {
        /// The text.
        text: String,
    },
}

/// Reads the text after `--mount=`.
pub fn parse_mount(text: &str) -> Result<MountSpec, MountError> {
    let mut fields = Fields::default();
    for field in split(text)? {
        fields.take(&field)?;
    }
    fields.finish()
}

/// The fields of a mount, as they were typed.
#[derive(Default)]
struct Fields {
    kind: Option<String>,
    target: Option<String>,
    source: Option<String>,
    from: Option<String>,
    id: Option<String>,
    env: Option<String>,
    read_only: Option<bool>,
    required: Option<bool>,
    size: Option<u64>,
    mode: Option<u32>,
    uid: Option<u32>,
    gid: Option<u32>,
    sharing: Option<Sharing>,
}

impl Fields {
    fn take(&mut self, field: &str) -> Result<(), MountError> {
        let (key, value) = match field.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (field, None),
        };
        let key = key.to_ascii_lowercase();
        if let ("readonly" | "ro" | "readwrite" | "rw" | "required", None) = (&*key, value) {
            self.flag(&key, true);
            return Ok(());
        }
        let Some(value) = value else { return Err(MountError::NoValue { field: field.to_owned() }) };
        let wrong = || MountError::Value { key: key.clone(), value: value.to_owned() };
        let number = |radix| u32::from_str_radix(value, radix).map_err(|_| wrong());
        match &*key {
            "type" => self.kind = Some(value.to_ascii_lowercase()),
            "from" => self.from = Some(value.to_owned()),
            "source" | "src" => self.source = Some(value.to_owned()),
            "target" | "dst" | "destination" => self.target = Some(value.to_owned()),
            "id" => self.id = Some(value.to_owned()),
            "env" => self.env = Some(value.to_owned()),
            "size" => self.size = Some(bytes(value).ok_or_else(wrong)?),
            "mode" => self.mode = Some(number(8)?),
            "uid" => self.uid = Some(number(10)?),
            "gid" => self.gid = Some(number(10)?),
            "sharing" => self.sharing = Some(sharing(value).ok_or_else(wrong)?),
            "readonly" | "ro" | "readwrite" | "rw" | "required" => {
                let value = truth(value).ok_or_else(wrong)?;
                self.flag(&key, value);
            }
            _ => return Err(MountError::Key { key, field: field.to_owned() }),
        }
        Ok(())
    }

    fn flag(&mut self, key: &str, value: bool) {
        match key {
            "readonly" | "ro" => self.read_only = Some(value),
            "readwrite" | "rw" => self.read_only = Some(!value),
            _ => self.required = Some(value),
        }
    }

    fn finish(self) -> Result<MountSpec, MountError> {
        let kind = match self.kind.as_deref() {
            None | Some("bind") => "bind",
            Some("cache") => "cache",
            Some("tmpfs") => "tmpfs",
            Some("secret") => "secret",
            Some("ssh") => "ssh",
            Some(other) => return Err(MountError::Kind { kind: other.to_owned() }),
        };
        self.refuse_foreign(kind)?;
        let target = self.target.clone().filter(|target| !target.is_empty());
        if target.is_none() && matches!(kind, "bind" | "cache" | "tmpfs") {
            return Err(MountError::NoTarget { kind });
        }
        let read_only = self.read_only.unwrap_or(kind == "bind");
        let source = self.source.clone().unwrap_or_default();
        let (uid, gid) = (self.uid.unwrap_or(0), self.gid.unwrap_or(0));
        let kind = match kind {
            "bind" => MountKind::Bind { from: self.from, source },
            "cache" => MountKind::Cache(CacheSpec {
                id: self.id.or_else(|| target.clone()).unwrap_or_default(),
                sharing: self.sharing.unwrap_or_default(),
                from: self.from,
                source,
                mode: self.mode.unwrap_or(0o755),
                uid,
                gid,
            }),
            "tmpfs" => MountKind::Tmpfs { size: self.size },
            _ => {
                let is_ssh = kind == "ssh";
                let named = target.as_deref().filter(|_| !is_ssh).map(|target| target.rsplit('/').next());
                let id = self.id.or_else(|| if is_ssh { None } else { self.source.clone() });
                let id = id.filter(|id| !id.is_empty());
                let id = id.or_else(|| named.flatten().map(str::to_owned));
                let mode = self.mode.unwrap_or(if is_ssh { 0o600 } else { 0o400 });
                let required = self.required.unwrap_or(false);
                let id = id.unwrap_or_else(|| if is_ssh { "default".to_owned() } else { String::new() });
                let secret = SecretSpec { id, env: self.env, required, mode, uid, gid };
                if is_ssh { MountKind::Ssh(secret) } else { MountKind::Secret(secret) }
            }
        };
        Ok(MountSpec { kind, target, read_only })
    }

    /// Refuses fields that the kind does not have, as docker does.
    fn refuse_foreign(&self, kind: &'static str) -> Result<(), MountError> {
        let secret = matches!(kind, "secret" | "ssh");
        let cache = kind == "cache";
        let checks = [
            ("from", self.from.is_some(), kind == "bind" || cache),
            ("sharing", self.sharing.is_some(), cache),
            ("env", self.env.is_some(), kind == "secret"),
            ("size", self.size.is_some(), kind == "tmpfs"),
            ("required", self.required.is_some(), secret),
            ("mode", self.mode.is_some(), secret || cache),
            ("uid", self.uid.is_some(), secret || cache),
            ("gid", self.gid.is_some(), secret || cache),
            ("id", self.id.is_some(), secret || cache),
        ];
        match checks.into_iter().find(|(_, is_there, is_right)| *is_there && !is_right) {
            Some((key, ..)) => Err(MountError::Foreign { key, kind }),
            None => Ok(()),
        }
    }
}

/// Splits at commas; a field in double quotes may contain them, as in CSV.
fn split(text: &str) -> Result<Vec<String>, MountError> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let last = fields.last_mut().expect("there is always one");
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                last.push('"');
            }
            '"' if quoted || last.is_empty() => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            letter => last.push(letter),
        }
    }
    if quoted { Err(MountError::Quote { text: text.to_owned() }) } else { Ok(fields) }
}

fn sharing(value: &str) -> Option<Sharing> {
    match &*value.to_ascii_lowercase() {
        "shared" => Some(Sharing::Shared),
        "private" => Some(Sharing::Private),
        "locked" => Some(Sharing::Locked),
        _ => None,
    }
}

/// A truth value as Go reads it.
fn truth(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// A number of bytes with a unit, as docker reads it: units are powers of 1024.
fn bytes(value: &str) -> Option<u64> {
    let digits = value.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let shift = match &*value[digits.len()..].to_ascii_lowercase() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_with_its_defaults() {
        let bind = parse_mount("target=/a").expect("a mount");
        assert_eq!(bind.kind, MountKind::Bind { from: None, source: String::new() });
        assert!(bind.read_only);
        assert!(!parse_mount("type=bind,from=b,src=/x,dst=/a,rw").expect("a mount").read_only);
        let cache = parse_mount("type=cache,target=/c,sharing=locked,mode=0700,uid=3").expect("a mount");
        let expected =
            CacheSpec { id: "/c".to_owned(), sharing: Sharing::Locked, mode: 0o700, uid: 3, ..CacheSpec::default() };
        assert_eq!(cache.kind, MountKind::Cache(expected));
        assert!(!cache.read_only);
        let tmpfs = parse_mount("type=tmpfs,target=/t,size=64m").expect("a mount");
        assert_eq!(tmpfs.kind, MountKind::Tmpfs { size: Some(64 << 20) });
        let secret = parse_mount("type=secret,target=/run/x/tok,required").expect("a mount");
        let MountKind::Secret(spec) = secret.kind else { panic!("a secret") };
        assert_eq!((&*spec.id, spec.mode, spec.required), ("tok", 0o400, true));
        let MountKind::Ssh(spec) = parse_mount("type=ssh").expect("a mount").kind else { panic!("ssh") };
        assert_eq!((&*spec.id, spec.mode), ("default", 0o600));
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for text in [
            "type=volume,target=/a",
            "type=bind",
            "type=cache",
            "target",
            "type=bind,target=/a,size=3",
            "type=tmpfs,target=/a,sharing=shared",
            "type=cache,target=/a,sharing=mine",
            "type=secret,mode=9",
            "type=cache,target=/a,ro=maybe",
            "colour=red",
            "\"target=/a",
        ] {
            assert!(parse_mount(text).is_err(), "{text}");
        }
        assert_eq!(parse_mount("\"target=/a,b\"").expect("a mount").target.as_deref(), Some("/a,b"));
    }
}
