use std::ffi::OsString;

use super::common::{Operands, WhichArgs, json_file, told};
use super::deleted::{DeletedStyle, print};
use super::long::LongStyle;
use super::out::Out;
use crate::cli::completes::Completes;
use crate::cli::error::CliError;
use crate::cli::session::{Session, json_line};
use crate::cli::usage::Arity;
use crate::layer::overlay::{NodeKind, ViewNode};
use crate::ops::files::life::deleted;
use crate::ops::files::list::{List, ListOptions, Listed, SortBy, join, kilobytes, operands, walk};
use crate::ops::files::owners::Owners;
use crate::ui::text::width;

/// List the files of an image
///
/// The layers are merged as a container would see them, without unpacking them; symbolic links are followed inside the
/// image. IMAGE is a name or an ID in the store, `docker://NAME` in a registry, or an archive or OCI layout: ./file.tar,
/// docker-archive:PATH[:REF|:@N], oci-archive:PATH[:REF], oci:DIR[:REF]. Times are in UTC.
#[derive(Debug, clap::Args)]
#[command(override_usage = "ls [OPTIONS] IMAGE[:PATH] [PATH...]", disable_help_flag = true)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of ls of its own")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    which: WhichArgs,
    #[command(flatten)]
    style: StyleArgs,
    /// Sort by size (largest first), time (newest first), name or extension
    #[arg(long, value_name = "WORD", value_parser = ["name", "size", "time", "extension"])]
    sort: Option<String>,
    /// Sort by size, largest first
    #[arg(short = 'S', long = "by-size")]
    by_size: bool,
    /// Sort by time, newest first
    #[arg(short = 't', long = "by-time")]
    by_time: bool,
    /// Reverse the order
    #[arg(short, long)]
    reverse: bool,
    /// List directories in directories, too
    #[arg(short = 'R', long)]
    recursive: bool,
    /// Also list names that begin with a dot
    #[arg(short, long)]
    all: bool,
    /// Also list names that begin with a dot, but not . and ..
    #[arg(short = 'A', long)]
    almost_all: bool,
    /// List directories themselves, not what is in them
    #[arg(short, long)]
    directory: bool,
    /// List what higher layers deleted, at and below PATH: it is in the image still
    #[arg(long, conflicts_with = "layer")]
    deleted: bool,
    /// Print one JSON object a line for each file
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    format: Option<String>,
    /// Show help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
    /// The image, and paths in it [default: /]
    #[arg(value_name = "IMAGE", add = Completes::Each(&[Completes::Images]))]
    operands: Vec<OsString>,
}

/// How names are shown.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of ls of its own")]
struct StyleArgs {
    /// Show permissions, links, owner, group, size and time
    #[arg(short, long)]
    long: bool,
    /// Like --long, with numbers of owners and groups
    #[arg(short, long)]
    numeric_uid_gid: bool,
    /// Show sizes in units of 1024: 1.5K, 12M
    #[arg(short = 'h', long)]
    human_readable: bool,
    /// Show times to the nanosecond; implies --long
    #[arg(long)]
    full_time: bool,
    /// Add to each name what it is: / directory, @ link, * program, | pipe
    #[arg(short = 'F', long)]
    classify: bool,
    /// One name a line, also on a terminal
    #[arg(short = '1', long)]
    one: bool,
    /// End each name with a NUL byte, not a line end
    #[arg(short = '0', long)]
    null: bool,
}

impl Args {
    pub(in crate::cli) fn run(self, session: &Session) -> Result<(), CliError> {
        let options = self.options();
        let Operands { image, mut paths } = Operands::read(session, self.operands, Arity::AtLeast(1))?;
        if paths.is_empty() {
            paths.push(b"/".to_vec());
        }
        let is_json = self.format.is_some();
        if self.deleted {
            let style = DeletedStyle { long: self.style.long, json: is_json, null: self.style.null };
            return list_deleted(session, &self.which, &image, &paths, style);
        }
        let look = self.which.open(session, &image)?;
        let long = self.style.long || self.style.numeric_uid_gid || self.style.full_time;
        let named = is_json || long && !self.style.numeric_uid_gid;
        let owners = if named { Owners::of(&session.context, &look)? } else { Owners::default() };
        let (lists, wrong) = operands(&look.view, &paths, options);
        let style = LongStyle {
            owners: (!self.style.numeric_uid_gid).then_some(&owners),
            human: self.style.human_readable,
            full_time: self.style.full_time,
            now: session.now,
        };
        let mut printer = Printer {
            out: Out::new(&session.ui, self.style.null),
            long: long.then_some(style),
            json: is_json.then_some(&owners),
            classify: self.style.classify,
            columns: (!self.style.one && !self.style.null && session.ui.stdout_is_terminal())
                .then(|| session.ui.columns()),
            headers: lists.len() + wrong.len() > 1 || options.recursive,
            is_first: true,
        };
        for list in lists {
            walk(list, options, |list| printer.list(list))?;
        }
        printer.out.flush()?;
        told(session, wrong, 1)
    }

    fn options(&self) -> ListOptions {
        let sort = match self.sort.as_deref() {
            Some("size") => SortBy::Size,
            Some("time") => SortBy::Time,
            Some("extension") => SortBy::Extension,
            None if self.by_size => SortBy::Size,
            None if self.by_time => SortBy::Time,
            _ => SortBy::Name,
        };
        let is_json = self.format.is_some();
        ListOptions {
            hidden: self.all || self.almost_all,
            dots: self.all && !self.almost_all && !is_json,
            recursive: self.recursive,
            directory: self.directory,
            keeps_links: self.style.long || self.style.numeric_uid_gid || self.style.full_time || self.style.classify,
            sort,
            reverse: self.reverse,
        }
    }
}

fn list_deleted(
    session: &Session,
    which: &WhichArgs,
    image: &str,
    paths: &[Vec<u8>],
    style: DeletedStyle,
) -> Result<(), CliError> {
    let platform = which.platform()?;
    let progress = session.progress(false);
    for path in paths {
        let files = deleted(&session.context, image, platform.as_ref(), path, &*progress)?;
        print(session, &files, style)?;
    }
    Ok(())
}

/// Prints lists one after the other.
struct Printer<'a> {
    out: Out<'a>,
    long: Option<LongStyle<'a>>,
    json: Option<&'a Owners>,
    classify: bool,
    /// How wide the terminal is, if names are to stand beside each other.
    columns: Option<usize>,
    headers: bool,
    is_first: bool,
}

impl Printer<'_> {
    fn list(&mut self, list: &List<'_>) -> Result<(), CliError> {
        if let Some(owners) = self.json {
            return self.json(list, owners);
        }
        if let Some(directory) = list.directory.as_ref().filter(|_| self.headers) {
            if !self.is_first {
                self.out.end()?;
            }
            self.out.name(directory);
            self.out.text(":");
            self.out.end()?;
        }
        self.is_first = false;
        match (&self.long, self.columns) {
            (Some(style), _) => {
                let columns = style.columns(list.names.iter().map(|listed| listed.node));
                if list.directory.is_some() {
                    self.out.text(&format!("total {}", kilobytes(&list.names)));
                    self.out.end()?;
                }
                for (place, listed) in list.names.iter().enumerate() {
                    self.out.text(&columns.before(place));
                    self.out.name(&listed.name);
                    if let NodeKind::Symlink { target } = listed.node.kind() {
                        self.out.text(" -> ");
                        self.out.name(target);
                    } else {
                        self.out.text(mark(self.classify, listed.node));
                    }
                    self.out.end()?;
                }
            }
            (None, Some(columns)) => self.beside(&list.names, columns)?,
            (None, None) => {
                for listed in &list.names {
                    self.out.name(&listed.name);
                    self.out.text(mark(self.classify, listed.node));
                    self.out.end()?;
                }
            }
        }
        Ok(())
    }

    fn json(&mut self, list: &List<'_>, owners: &Owners) -> Result<(), CliError> {
        for listed in &list.names {
            let path = match &list.directory {
                Some(directory) => join(directory, &listed.name),
                None => listed.name.clone(),
            };
            self.out.text(&json_line(&json_file(&path, listed.node, owners)));
            self.out.end()?;
        }
        Ok(())
    }

    /// Names in columns, downwards, as many as fit.
    fn beside(&mut self, names: &[Listed<'_>], room: usize) -> Result<(), CliError> {
        let shown = |listed: &Listed<'_>| {
            let name = crate::layer::path::Escaped(&listed.name).to_string();
            name + mark(self.classify, listed.node)
        };
        let names: Vec<String> = names.iter().map(shown).collect();
        let (rows, widths) = fitting(&names.iter().map(|name| width(name)).collect::<Vec<_>>(), room);
        for row in 0..rows {
            let in_row: Vec<&String> = names.iter().skip(row).step_by(rows).collect();
            for (column, name) in in_row.iter().enumerate() {
                self.out.text(name);
                if column + 1 < in_row.len() {
                    self.out.text(&" ".repeat(widths[column] + GAP - width(name)));
                }
            }
            self.out.end()?;
        }
        Ok(())
    }
}

/// Between two columns.
const GAP: usize = 2;

/// The fewest rows in which names of these widths fit, and how wide each column is then.
fn fitting(names: &[usize], room: usize) -> (usize, Vec<usize>) {
    let of = |rows: usize| -> Vec<usize> {
        names.chunks(rows).map(|column| column.iter().copied().max().unwrap_or(0)).collect()
    };
    let most = names.len().min(room / (GAP + 1) + 1).max(1);
    for columns in (2..=most).rev() {
        let rows = names.len().div_ceil(columns);
        let widths = of(rows);
        if widths.iter().sum::<usize>() + GAP * (widths.len() - 1) <= room {
            return (rows, widths);
        }
    }
    (names.len(), of(names.len().max(1)))
}

/// What `-F` adds to a name.
fn mark(classify: bool, node: ViewNode<'_>) -> &'static str {
    match node.kind() {
        _ if !classify => "",
        NodeKind::Directory => "/",
        NodeKind::Symlink { .. } => "@",
        NodeKind::Fifo => "|",
        NodeKind::File if node.mode() & 0o111 != 0 => "*",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_columns_as_fit() {
        assert_eq!(fitting(&[3, 3, 3, 3], 8), (2, vec![3, 3]));
        assert_eq!(fitting(&[3, 3, 3, 3], 18), (1, vec![3, 3, 3, 3]));
        assert_eq!(fitting(&[30, 3], 8), (2, vec![30]));
        assert_eq!(fitting(&[], 8), (0, vec![]));
    }
}
