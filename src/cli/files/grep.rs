use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use super::common::{Operands, WhichArgs};
use super::grep_output::{AroundArgs, OutputArgs, Printer};
use crate::cli::completes::Completes;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::cli::usage::Arity;
use crate::layer::overlay::LastLink;
use crate::ops::Error;
use crate::ops::FilesError;
use crate::ops::files::glob::Glob;
use crate::ops::files::grep::{Matching, Selection, Syntax, expression, grep, select};

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
    #[command(flatten)]
    around: AroundArgs,
    /// Search all files in directories
    #[arg(short, long)]
    recursive: bool,
    /// Like -r, and follow all symbolic links
    #[arg(short = 'R', long)]
    dereference_recursive: bool,
    /// Search only files whose names match
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// Search no file whose name matches
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Search no directory whose name matches
    #[arg(long, value_name = "GLOB")]
    exclude_dir: Vec<String>,
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
        let matching = self.pattern.matching()?.around(self.around.lines());
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
            exclude_directories: globs(&self.exclude_dir),
        };
        let (files, wrong) = select(&look.view, &paths, &selection);
        let output = &self.output;
        let is_directory = look.view.follow(&paths[0], LastLink::Follow).is_ok_and(|node| node.is_directory());
        let several = paths.len() > 1 || selection.recursive && is_directory;
        let named = output.with_filename || !output.no_filename && several;
        let mut printer = Printer::new(session, output, &matching, named, self.around.separator());
        let searched = grep(&look, &session.context, &files, &matching, &mut |file, hit| printer.hit(file, hit));
        let outcome = printer.finish(searched)?;
        if !output.no_messages {
            for error in &wrong {
                session.ui.error(&error.to_string());
            }
        }
        Ok(match (outcome.is_found, wrong.is_empty() && !outcome.is_cut) {
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
