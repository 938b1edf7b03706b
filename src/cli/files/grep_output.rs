//! What `grep` prints of what it finds.

use serde_json::{Value, json};

use super::common::json_name;
use super::out::Out;
use crate::cli::error::CliError;
use crate::cli::session::{Session, json_line};
use crate::layer::path::Escaped;
use crate::ops::Error;
use crate::ops::files::grep::{Around, Hit, Matching, Searched};
use crate::ui::OutputError;

/// What is printed.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of grep of its own")]
pub(super) struct OutputArgs {
    /// Print numbers of lines
    #[arg(short = 'n', long)]
    pub(super) line_number: bool,
    /// Print how many lines of each file match
    #[arg(short, long)]
    pub(super) count: bool,
    /// Print only the names of files with a match
    #[arg(short = 'l', long)]
    pub(super) files_with_matches: bool,
    /// Print only the names of files without a match
    #[arg(short = 'L', long)]
    pub(super) files_without_match: bool,
    /// Print only what matches of a line
    #[arg(short, long)]
    pub(super) only_matching: bool,
    /// Print nothing
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// Print names of files
    #[arg(short = 'H', long)]
    pub(super) with_filename: bool,
    /// Print no names of files
    #[arg(short = 'h', long)]
    pub(super) no_filename: bool,
    /// Skip files that are no text
    #[arg(short = 'I', long)]
    pub(super) skip_binary: bool,
    /// Say nothing of files that cannot be searched
    #[arg(short = 's', long)]
    pub(super) no_messages: bool,
    /// Print a NUL byte behind names of files
    #[arg(short = 'Z', short_alias = '0', long)]
    pub(super) null: bool,
    /// Print one JSON object a line for each line
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    pub(super) format: Option<String>,
}

/// Which lines are printed besides.
#[derive(Debug, clap::Args)]
pub(super) struct AroundArgs {
    /// Print so many lines behind each line, too
    #[arg(short = 'A', long, value_name = "N")]
    after_context: Option<usize>,
    /// Print so many lines before each line, too
    #[arg(short = 'B', long, value_name = "N")]
    before_context: Option<usize>,
    /// Print so many lines before and behind each line; -N is the same
    #[arg(short = 'C', long, value_name = "N")]
    context: Option<usize>,
    /// Print this between groups of lines
    #[arg(long, value_name = "TEXT", default_value = "--", hide_default_value = true)]
    group_separator: String,
    /// Print nothing between groups of lines
    #[arg(long)]
    no_group_separator: bool,
}

impl AroundArgs {
    /// How many lines are printed besides.
    pub(super) fn lines(&self) -> Around {
        let lines = |own: Option<usize>| own.or(self.context).unwrap_or_default();
        Around { before: lines(self.before_context), after: lines(self.after_context) }
    }

    /// What is printed between groups of lines, which there are if lines besides were asked for, be it none.
    pub(super) fn separator(&self) -> Option<&str> {
        let asked = [self.after_context, self.before_context, self.context].iter().any(Option::is_some);
        (asked && !self.no_group_separator).then_some(self.group_separator.as_str())
    }
}

/// Prints what is found.
pub(super) struct Printer<'a> {
    session: &'a Session,
    out: Out<'a>,
    args: &'a OutputArgs,
    matching: &'a Matching,
    /// Whether names of files are printed.
    named: bool,
    groups: Groups<'a>,
    is_found: bool,
    is_cut: bool,
    failed: Option<OutputError>,
}

/// Lines that follow each other.
#[derive(Default)]
struct Groups<'a> {
    /// What is printed between two groups.
    separator: Option<&'a str>,
    /// The last line of this file that was printed.
    last: Option<u64>,
    /// Whether any line was printed.
    has_begun: bool,
}

/// What came of a search.
pub(super) struct Outcome {
    /// Whether something was found.
    pub(super) is_found: bool,
    /// Whether something of a file was left out.
    pub(super) is_cut: bool,
}

impl<'a> Printer<'a> {
    /// With `named`, names of files are printed; with a separator, it parts lines that do not follow each other.
    pub(super) fn new(
        session: &'a Session,
        args: &'a OutputArgs,
        matching: &'a Matching,
        named: bool,
        separator: Option<&'a str>,
    ) -> Self {
        let (out, groups) = (Out::new(&session.ui, false), Groups { separator, ..Groups::default() });
        Self { session, out, args, matching, named, groups, is_found: false, is_cut: false, failed: None }
    }

    /// Prints what is left, if the search ended well.
    pub(super) fn finish(mut self, searched: Result<(), Error>) -> Result<Outcome, CliError> {
        // Why nothing could be written any more matters more than that nothing was.
        self.failed.take().map_or(Ok(()), Err)?;
        searched?;
        self.out.flush()?;
        Ok(Outcome { is_found: self.is_found, is_cut: self.is_cut })
    }

    /// Whether the search goes on.
    pub(super) fn hit(&mut self, file: &Searched<'_>, hit: Hit<'_>) -> bool {
        match self.print(file, hit) {
            Ok(goes_on) => goes_on,
            Err(error) => {
                self.failed = Some(error);
                false
            }
        }
    }

    fn print(&mut self, file: &Searched<'_>, hit: Hit<'_>) -> Result<bool, OutputError> {
        let args = self.args;
        let names_only = args.files_with_matches || args.files_without_match;
        match hit {
            Hit::Done { count, is_cut } => {
                if is_cut {
                    self.is_cut = true;
                    let path = Escaped(&file.path);
                    self.session.ui.error(&format!(
                        "{path}: a line, or the context before one, is longer than 64 MiB and was cut"
                    ));
                }
                self.groups.last = None;
                self.done(file, count)?;
            }
            Hit::Context { number, line } => {
                if !names_only && !args.count && !args.quiet {
                    self.context(file, number, line)?;
                }
            }
            _ if args.skip_binary && hit == Hit::Binary => {}
            _ if args.files_without_match => {}
            _ => {
                self.is_found = true;
                if args.quiet {
                    return Ok(false);
                }
                match hit {
                    _ if names_only || args.count => {}
                    Hit::Line { number, line } => self.line(file, number, line)?,
                    _ => {
                        self.out.flush()?;
                        self.session.ui.note(&format!("grep: {}: binary file matches", Escaped(&file.path)));
                    }
                }
            }
        }
        Ok(true)
    }

    fn done(&mut self, file: &Searched<'_>, count: u64) -> Result<(), OutputError> {
        let args = self.args;
        if args.files_without_match && count == 0 {
            self.is_found = true;
        }
        if args.quiet {
            return Ok(());
        }
        if args.files_with_matches && count > 0 || args.files_without_match && count == 0 {
            self.out.name(&file.path);
            self.out.text(if args.null { "\0" } else { "\n" });
            return self.out.settle();
        }
        if args.count && !args.files_with_matches && !args.files_without_match {
            self.prefix(file, ":");
            self.out.text(&count.to_string());
            return self.out.end();
        }
        Ok(())
    }

    fn prefix(&mut self, file: &Searched<'_>, behind: &str) {
        if self.named {
            self.out.name(&file.path);
            self.out.text(if self.args.null { "\0" } else { behind });
        }
    }

    /// Parts lines that do not follow each other.
    fn part(&mut self, number: u64) -> Result<(), OutputError> {
        let groups = &mut self.groups;
        let follows = groups.last.is_some_and(|last| last + 1 == number);
        let separator = groups.separator.filter(|_| groups.has_begun && !follows && self.args.format.is_none());
        (groups.last, groups.has_begun) = (Some(number), true);
        let Some(separator) = separator else { return Ok(()) };
        self.out.text(separator);
        self.out.end()
    }

    fn line(&mut self, file: &Searched<'_>, number: u64, line: &[u8]) -> Result<(), OutputError> {
        self.part(number)?;
        if self.args.format.is_some() {
            return self.object(&json!({"Path": json_name(&file.path), "Line": number, "Text": json_name(line)}));
        }
        let parts = if self.args.only_matching { self.matching.parts(line) } else { vec![line] };
        parts.into_iter().try_for_each(|part| self.words(file, ":", number, part))
    }

    /// A line before or behind one that matches.
    fn context(&mut self, file: &Searched<'_>, number: u64, line: &[u8]) -> Result<(), OutputError> {
        self.part(number)?;
        match (&self.args.format, self.args.only_matching) {
            (Some(_), _) => self.object(
                &json!({"Path": json_name(&file.path), "Line": number, "Text": json_name(line), "Context": true}),
            ),
            (None, true) => Ok(()),
            (None, false) => self.words(file, "-", number, line),
        }
    }

    fn object(&mut self, object: &Value) -> Result<(), OutputError> {
        self.out.text(&json_line(object));
        self.out.end()
    }

    fn words(&mut self, file: &Searched<'_>, mark: &str, number: u64, words: &[u8]) -> Result<(), OutputError> {
        self.prefix(file, mark);
        if self.args.line_number {
            self.out.text(&format!("{number}{mark}"));
        }
        self.out.line_of_file(words);
        self.out.end()
    }
}
