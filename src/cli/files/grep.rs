use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use serde_json::json;

use super::common::{Operands, WhichArgs, json_name};
use super::out::Out;
use crate::cli::completes::Completes;
use crate::cli::error::CliError;
use crate::cli::session::{Session, json_line};
use crate::cli::usage::Arity;
use crate::layer::overlay::LastLink;
use crate::layer::path::Escaped;
use crate::ops::Error;
use crate::ops::FilesError;
use crate::ops::files::glob::Glob;
use crate::ops::files::grep::{Hit, Matching, Searched, Selection, Syntax, expression, grep, select};
use crate::ui::OutputError;

/// Print lines of files of an image that match a pattern, as grep does
///
/// Without a PATH all files are searched. The output and the exit code are GNU grep's: 0 if a line was found, 1 if none,
/// 2 if something went wrong. IMAGE is a name or an ID in the store, `docker://NAME` in a registry, or an archive or OCI
/// layout: ./file.tar, docker-archive:PATH[:REF|:@N], oci-archive:PATH[:REF], oci:DIR[:REF].
#[derive(Debug, clap::Args)]
#[command(override_usage = "grep [OPTIONS] PATTERN IMAGE[:PATH] [PATH...]", disable_help_flag = true)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    which: WhichArgs,
    #[command(flatten)]
    pattern: PatternArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// Search all files in directories
    #[arg(short, long)]
    recursive: bool,
    /// The same, and follow all symbolic links
    #[arg(short = 'R', long)]
    dereference_recursive: bool,
    /// Of files in directories, only those whose names match
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// Of files in directories, none whose name matches
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Show help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
    /// The pattern, the image, and paths in it
    #[arg(value_name = "PATTERN", add = Completes::Each(&[Completes::Words(&[]), Completes::Images]))]
    operands: Vec<OsString>,
}

/// What is looked for.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of grep of its own")]
struct PatternArgs {
    /// Patterns are extended regular expressions
    #[arg(short = 'E', long)]
    extended_regexp: bool,
    /// Patterns are text
    #[arg(short = 'F', long)]
    fixed_strings: bool,
    /// Patterns are basic regular expressions (the default)
    #[arg(short = 'G', long)]
    basic_regexp: bool,
    /// Patterns are as Perl writes them, without look-around and references
    #[arg(short = 'P', long)]
    perl_regexp: bool,
    /// Look for this pattern; can be repeated
    #[arg(short = 'e', long = "regexp", value_name = "PATTERN")]
    patterns: Vec<String>,
    /// Ignore case
    #[arg(short, long)]
    ignore_case: bool,
    /// Lines that do not match
    #[arg(short = 'v', long)]
    invert_match: bool,
    /// Match whole words only
    #[arg(short, long)]
    word_regexp: bool,
    /// Match whole lines only
    #[arg(short = 'x', long)]
    line_regexp: bool,
    /// Search files that are no text as if they were
    #[arg(short = 'a', long)]
    text: bool,
    /// Stop after so many lines of a file
    #[arg(short, long, value_name = "N")]
    max_count: Option<u64>,
}

/// What is printed.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of grep of its own")]
struct OutputArgs {
    /// Print numbers of lines
    #[arg(short = 'n', long)]
    line_number: bool,
    /// Print how many lines of each file match
    #[arg(short, long)]
    count: bool,
    /// Print only the names of files with a match
    #[arg(short = 'l', long)]
    files_with_matches: bool,
    /// Print only the names of files without a match
    #[arg(short = 'L', long)]
    files_without_match: bool,
    /// Print only what matches of a line
    #[arg(short, long)]
    only_matching: bool,
    /// Print nothing
    #[arg(short, long)]
    quiet: bool,
    /// Print names of files
    #[arg(short = 'H', long)]
    with_filename: bool,
    /// Print no names of files
    #[arg(short = 'h', long)]
    no_filename: bool,
    /// Skip files that are no text
    #[arg(short = 'I', long)]
    skip_binary: bool,
    /// Say nothing of files that cannot be searched
    #[arg(short = 's', long)]
    no_messages: bool,
    /// Print a NUL byte behind names of files
    #[arg(short = 'Z', short_alias = '0', long)]
    null: bool,
    /// Print one JSON object a line for each line
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    format: Option<String>,
}

/// What grep ends with if something went wrong.
const WRONG: u8 = 2;

impl Args {
    pub(in crate::cli) fn run(self, session: &Session) -> Result<(), CliError> {
        let code = match self.search(session).map_err(|error| session.tell(error)) {
            Ok(0) => return Ok(()),
            Ok(code) => code,
            Err(error @ (CliError::Output(_) | CliError::Usage(_))) => return Err(error),
            Err(CliError::AlreadyReported { .. }) => WRONG,
            Err(error) => {
                error.report(&session.ui);
                WRONG
            }
        };
        Err(CliError::AlreadyReported { code })
    }

    /// Gives the exit code.
    fn search(mut self, session: &Session) -> Result<u8, CliError> {
        if self.pattern.patterns.is_empty() {
            let shown: Vec<String> = self.operands.iter().map(|word| word.to_string_lossy().into_owned()).collect();
            session.check(Arity::AtLeast(2), &shown)?;
            let pattern = self.operands.remove(0).into_vec();
            let wrong = |_| CliError::Plain("the pattern is no text".to_owned());
            self.pattern.patterns.push(String::from_utf8(pattern).map_err(wrong)?);
        }
        let matching = self.pattern.matching()?;
        let Operands { image, mut paths } = Operands::read(session, self.operands, Arity::AtLeast(1))?;
        let whole = paths.is_empty();
        if whole {
            paths.push(b"/".to_vec());
        }
        let look = self.which.open(session, &image)?;
        let globs = |typed: &[String]| typed.iter().map(|glob| Glob::new(glob.as_bytes(), false)).collect();
        let selection = Selection {
            recursive: self.recursive || self.dereference_recursive || whole,
            follow: self.dereference_recursive,
            include: globs(&self.include),
            exclude: globs(&self.exclude),
        };
        let (files, wrong) = select(&look.view, &paths, &selection);
        let output = &self.output;
        let is_directory = look.view.follow(&paths[0], LastLink::Follow).is_ok_and(|node| node.is_directory());
        let several = paths.len() > 1 || selection.recursive && is_directory;
        let named = output.with_filename || !output.no_filename && several;
        let mut printer = Printer::new(session, output, &matching, named);
        let searched = grep(&look, &session.context, &files, &matching, &mut |file, hit| printer.hit(file, hit));
        let (failed, found) = (printer.failed.take(), printer.is_found);
        if let Some(failed) = failed {
            return Err(failed.into());
        }
        searched?;
        printer.out.flush()?;
        if !output.no_messages {
            for error in &wrong {
                session.ui.error(&error.to_string());
            }
        }
        Ok(match (found, wrong.is_empty() && !printer.is_cut) {
            (true, _) if output.quiet => 0,
            (_, false) => WRONG,
            (true, true) => 0,
            (false, true) => 1,
        })
    }
}

impl PatternArgs {
    fn matching(&self) -> Result<Matching, CliError> {
        let syntax = match () {
            () if self.fixed_strings => Syntax::Fixed,
            () if self.extended_regexp => Syntax::Extended,
            () if self.perl_regexp => Syntax::Perl,
            () => Syntax::Basic,
        };
        let regex = expression(&self.patterns, syntax, self.ignore_case, self.word_regexp, self.line_regexp);
        let regex = regex.map_err(|source| Error::from(FilesError::Pattern { source }))?;
        Ok(Matching::new(regex, self.invert_match, self.text, self.max_count.unwrap_or(u64::MAX)))
    }
}

struct Printer<'a> {
    session: &'a Session,
    out: Out<'a>,
    args: &'a OutputArgs,
    matching: &'a Matching,
    /// Whether names of files are printed.
    named: bool,
    is_found: bool,
    is_cut: bool,
    failed: Option<OutputError>,
}

impl<'a> Printer<'a> {
    fn new(session: &'a Session, args: &'a OutputArgs, matching: &'a Matching, named: bool) -> Self {
        let out = Out::new(&session.ui, false);
        Self { session, out, args, matching, named, is_found: false, is_cut: false, failed: None }
    }

    /// Whether the search goes on.
    fn hit(&mut self, file: &Searched<'_>, hit: Hit<'_>) -> bool {
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
                    self.session.ui.error(&format!("{path}: a line of more than 64 MiB was not searched to its end"));
                }
                self.done(file, count)?;
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

    fn line(&mut self, file: &Searched<'_>, number: u64, line: &[u8]) -> Result<(), OutputError> {
        if self.args.format.is_some() {
            let object = json!({"Path": json_name(&file.path), "Line": number, "Text": json_name(line)});
            self.out.text(&json_line(&object));
            return self.out.end();
        }
        let parts = if self.args.only_matching { self.matching.parts(line) } else { vec![line] };
        for part in parts {
            self.prefix(file, ":");
            if self.args.line_number {
                self.out.text(&format!("{number}:"));
            }
            self.out.line_of_file(part);
            self.out.end()?;
        }
        Ok(())
    }
}
