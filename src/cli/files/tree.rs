use std::ffi::OsString;

use serde_json::json;

use super::common::{Operands, WhichArgs, json_file, told};
use super::long::human;
use super::out::Out;
use crate::cli::completes::Completes;
use crate::cli::error::CliError;
use crate::cli::session::{Session, json_line};
use crate::cli::usage::Arity;
use crate::layer::overlay::{LastLink, NodeKind, ViewNode};
use crate::ops::files::list::join;
use crate::ops::files::mode;
use crate::ops::files::opened::follow;
use crate::ops::files::owners::Owners;
use crate::ops::files::totals::totals;
use crate::ui::OutputError;

/// Show the files of an image as a tree
///
/// IMAGE is a name or an ID in the store, `docker://NAME` in a registry, or an archive or OCI layout: ./file.tar,
/// docker-archive:PATH[:REF|:@N], oci-archive:PATH[:REF], oci:DIR[:REF].
#[derive(Debug, clap::Args)]
#[command(override_usage = "tree [OPTIONS] IMAGE[:PATH] [PATH...]")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    which: WhichArgs,
    /// Show directories so deep only
    #[arg(short = 'L', long, value_name = "N")]
    depth: Option<usize>,
    /// Show the size of each file, and of all files in each directory
    #[arg(long)]
    du: bool,
    /// Show directories only
    #[arg(short, long)]
    directories: bool,
    /// Also show names that begin with a dot
    #[arg(short, long)]
    all: bool,
    /// Print one JSON object a line for each file, with its depth
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    format: Option<String>,
    /// The image, and paths in it [default: /]
    #[arg(value_name = "IMAGE", add = Completes::Each(&[Completes::Images]))]
    operands: Vec<OsString>,
}

impl Args {
    pub(in crate::cli) fn run(mut self, session: &Session) -> Result<(), CliError> {
        let typed = std::mem::take(&mut self.operands);
        let Operands { image, mut paths } = Operands::read(session, typed, Arity::AtLeast(1))?;
        if paths.is_empty() {
            paths.push(b"/".to_vec());
        }
        let look = self.which.open(session, &image)?;
        let is_json = self.format.is_some();
        let owners = if is_json { Owners::of(&session.context, &look)? } else { Owners::default() };
        let totals = if self.du || is_json { totals(&look.view) } else { Vec::new() };
        let mut trees = Trees {
            out: Out::new(&session.ui, false),
            args: &self,
            totals: &totals,
            owners: &owners,
            directories: 0,
            files: 0,
        };
        let mut wrong = Vec::new();
        for path in &paths {
            match follow(&look.view, path, LastLink::Follow) {
                Ok(node) => trees.tree(path, node)?,
                Err(error) => wrong.push(error),
            }
        }
        if !is_json {
            trees.count()?;
        }
        trees.out.flush()?;
        told(session, wrong, 1)
    }
}

struct Trees<'a> {
    out: Out<'a>,
    args: &'a Args,
    totals: &'a [u64],
    owners: &'a Owners,
    directories: u64,
    files: u64,
}

/// A name that is still to be shown.
struct Branch<'v> {
    path: Vec<u8>,
    node: ViewNode<'v>,
    depth: usize,
    /// The lines left of it, one for each directory above.
    lines: String,
    is_last: bool,
}

impl Trees<'_> {
    fn tree(&mut self, path: &[u8], top: ViewNode<'_>) -> Result<(), OutputError> {
        let top = Branch { path: path.to_vec(), node: top, depth: 0, lines: String::new(), is_last: true };
        let mut left = vec![top];
        while let Some(branch) = left.pop() {
            self.line(&branch)?;
            if self.args.depth.is_some_and(|most| branch.depth >= most) {
                continue;
            }
            let shown = |node: &ViewNode<'_>| {
                (self.args.all || !node.name().starts_with(b".")) && (!self.args.directories || node.is_directory())
            };
            let children: Vec<ViewNode<'_>> = branch.node.children().filter(shown).collect();
            let lines = match branch.depth {
                0 => String::new(),
                _ => branch.lines.clone() + if branch.is_last { "    " } else { "│   " },
            };
            let count = children.len();
            left.extend(children.into_iter().enumerate().rev().map(|(place, node)| Branch {
                path: if self.args.format.is_some() { join(&branch.path, node.name()) } else { Vec::new() },
                node,
                depth: branch.depth + 1,
                lines: lines.clone(),
                is_last: place + 1 == count,
            }));
        }
        Ok(())
    }

    fn line(&mut self, branch: &Branch<'_>) -> Result<(), OutputError> {
        let node = branch.node;
        if branch.depth > 0 {
            *(if node.is_directory() { &mut self.directories } else { &mut self.files }) += 1;
        }
        if self.args.format.is_some() {
            let mut object = json_file(&branch.path, node, self.owners);
            object["Depth"] = json!(branch.depth);
            object["Total"] = json!(self.totals[node.id()]);
            self.out.text(&json_line(&object));
            return self.out.end();
        }
        if branch.depth > 0 {
            self.out.text(&branch.lines);
            self.out.text(if branch.is_last { "└── " } else { "├── " });
        }
        if self.args.du {
            let size = if node.is_directory() { self.totals[node.id()] } else { mode::size(node) };
            self.out.text(&format!("[{:>5}]  ", human(size)));
        }
        self.out.name(if branch.depth == 0 { &branch.path } else { node.name() });
        if let NodeKind::Symlink { target } = node.kind() {
            self.out.text(" -> ");
            self.out.name(target);
        }
        self.out.end()
    }

    fn count(&mut self) -> Result<(), OutputError> {
        let count = |count: u64, one: &str, more: &str| format!("{count} {}", if count == 1 { one } else { more });
        let directories = count(self.directories, "directory", "directories");
        self.out.end()?;
        if self.args.directories {
            self.out.text(&directories);
        } else {
            self.out.text(&format!("{directories}, {}", count(self.files, "file", "files")));
        }
        self.out.end()
    }
}
