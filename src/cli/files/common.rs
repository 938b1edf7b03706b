//! What the commands have in common: which image, how much of it, and which paths in it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use serde_json::{Value, json};

use crate::cli::completes::Completes;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::cli::usage::Arity;
use crate::layer::Mtime;
use crate::layer::overlay::{NodeKind, ViewNode};
use crate::layer::path::Escaped;
use crate::oci::Platform;
use crate::ops::files::mode;
use crate::ops::files::opened::{Which, open, split};
use crate::ops::files::owners::Owners;
use crate::ops::look::Look;

/// Which image, and how much of it.
#[derive(Debug, clap::Args)]
pub(super) struct WhichArgs {
    /// Look at the image as it was with this layer on top: a number that imgtool layers shows, or a digest
    #[arg(long, value_name = "LAYER")]
    pub(super) layer: Option<String>,
    /// Look at the image for the given platform: os[/arch[/variant]]
    #[arg(long, value_name = "PLATFORM", add = Completes::PLATFORM)]
    pub(super) platform: Option<String>,
}

/// An image and paths in it, as they were typed.
pub(super) struct Operands {
    /// The image.
    pub(super) image: String,
    /// The paths.
    pub(super) paths: Vec<Vec<u8>>,
}

impl Operands {
    /// Reads `IMAGE[:PATH] [PATH...]`, of which there must be so many.
    pub(super) fn read(session: &Session, typed: Vec<OsString>, arity: Arity) -> Result<Self, CliError> {
        let shown: Vec<String> = typed.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        session.check(arity, &shown)?;
        let mut typed = typed.into_iter().map(OsString::into_vec);
        let first = typed.next().unwrap_or_default();
        let (image, path) = split(&first, exists);
        let paths = path.map(<[u8]>::to_vec).into_iter().chain(typed).collect();
        Ok(Self { image: text(image)?, paths })
    }
}

/// Whether a path leads to something on this machine.
pub(super) fn exists(path: &[u8]) -> bool {
    Path::new(OsStr::from_bytes(path)).exists()
}

/// The name of an image as text.
pub(super) fn text(image: &[u8]) -> Result<String, CliError> {
    let wrong = |_| CliError::Plain(format!("invalid reference format: {}", Escaped(image)));
    String::from_utf8(image.to_vec()).map_err(wrong)
}

impl WhichArgs {
    /// Opens the image.
    pub(super) fn open(&self, session: &Session, image: &str) -> Result<Look, CliError> {
        let platform = self.platform()?;
        let which = Which { image, platform: platform.as_ref(), layer: self.layer.as_deref() };
        let progress = session.progress(false);
        Ok(open(&session.context, which, &*progress)?)
    }

    /// The platform that was asked for.
    pub(super) fn platform(&self) -> Result<Option<Platform>, CliError> {
        Session::platform(self.platform.as_ref())
    }
}

/// Tells errors that do not end the command, and ends it with a code if there were any.
pub(super) fn told<E: Into<crate::ops::Error>>(session: &Session, errors: Vec<E>, code: u8) -> Result<(), CliError> {
    if errors.is_empty() {
        return Ok(());
    }
    for error in errors {
        session.ui.error(&CliError::from(error.into()).sentence());
    }
    Err(CliError::AlreadyReported { code })
}

/// A name from an image as text for JSON; what is no UTF-8 is escaped.
pub(super) fn json_name(name: &[u8]) -> String {
    std::str::from_utf8(name).map_or_else(|_| Escaped(name).to_string(), str::to_owned)
}

/// What `--format json` says of a file.
pub(super) fn json_file(path: &[u8], node: ViewNode<'_>, owners: &Owners) -> Value {
    let mut object = json!({
        "Path": json_name(path),
        "Type": mode::word(node.kind()),
        "Mode": format!("{:04o}", mode::permissions(node)),
        "Uid": node.uid(),
        "Gid": node.gid(),
        "User": owners.user(node.uid()),
        "Group": owners.group(node.gid()),
        "Size": mode::size(node),
        "ModTime": rfc3339(node.mtime()),
        "Links": mode::links(node),
        "Layer": node.layer() + 1,
    });
    match node.kind() {
        NodeKind::Symlink { target } => object["Target"] = json!(json_name(target)),
        NodeKind::CharDevice { major, minor } | NodeKind::BlockDevice { major, minor } => {
            (object["Major"], object["Minor"]) = (json!(major), json!(minor));
        }
        _ => {}
    }
    object
}

/// A time in RFC 3339, in UTC, as precise as it is known.
pub(super) fn rfc3339(mtime: Mtime) -> String {
    timestamp(mtime).to_string()
}

/// A time; one that no calendar has is the first or the last one.
pub(super) fn timestamp(mtime: Mtime) -> jiff::Timestamp {
    let nanos = i32::try_from(mtime.nanos).unwrap_or_default();
    let edge = if mtime.seconds < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    jiff::Timestamp::new(mtime.seconds, nanos).unwrap_or(edge)
}
