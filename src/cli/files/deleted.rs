//! `ls --deleted`: what higher layers deleted, and is in the image still.

use serde_json::{Value, json};

use super::common::{json_name, rfc3339};
use super::out::Out;
use crate::cli::error::CliError;
use crate::cli::session::{Session, json_line};
use crate::layer::entry::EntryKind;
use crate::layer::overlay::HiddenFile;
use crate::ui::OutputError;

/// How the list is printed.
#[derive(Debug, Clone, Copy)]
pub(super) struct DeletedStyle {
    /// With the layers, the size and the time.
    pub(super) long: bool,
    /// As JSON.
    pub(super) json: bool,
    /// Names end with a NUL byte.
    pub(super) null: bool,
}

/// Prints a file a line.
pub(super) fn print(session: &Session, files: &[HiddenFile], style: DeletedStyle) -> Result<(), CliError> {
    let mut out = Out::new(&session.ui, style.null);
    let print = |out: &mut Out<'_>, file: &HiddenFile| -> Result<(), OutputError> {
        let path = [b"/", file.path.as_slice()].concat();
        if style.json {
            out.text(&json_line(&object(&path, file)));
            return out.end();
        }
        if style.long {
            let (of, by) = (file.state.layer + 1, file.hidden_by + 1);
            let time = rfc3339(file.state.mtime);
            out.text(&format!("layer {of:<3} deleted by {by:<3} {:>10} {time} ", file.state.size));
        }
        out.name(&path);
        if file.state.kind == EntryKind::Directory {
            out.text("/");
        }
        out.end()
    };
    for file in files {
        print(&mut out, file)?;
    }
    Ok(out.flush()?)
}

fn object(path: &[u8], file: &HiddenFile) -> Value {
    json!({
        "Path": json_name(path),
        "Directory": file.state.kind == EntryKind::Directory,
        "Mode": format!("{:04o}", file.state.mode),
        "Uid": file.state.uid,
        "Gid": file.state.gid,
        "Size": file.state.size,
        "ModTime": rfc3339(file.state.mtime),
        "Layer": file.state.layer + 1,
        "DeletedBy": file.hidden_by + 1,
    })
}
