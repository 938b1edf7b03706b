use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use super::common::{Operands, WhichArgs, json_file, told};
use super::out::Out;
use crate::cli::completes::Completes;
use crate::cli::error::CliError;
use crate::cli::session::{Session, json_line};
use crate::cli::usage::Arity;
use crate::layer::Mtime;
use crate::ops::Error;
use crate::ops::FilesError;
use crate::ops::files::find::{Facts, Follow, Output, Piece, needs_owners, parse, walk};
use crate::ops::files::owners::Owners;

const LONG: &str = "Find files of an image, in the words of GNU find\n\n\
    IMAGE is a name or an ID in the store, `docker://NAME` in a registry, or an archive or OCI layout: ./file.tar, \
    docker-archive:PATH[:REF|:@N], oci-archive:PATH[:REF], oci:DIR[:REF]. Nothing is unpacked.\n\n\
    Tests: -name -iname -path -ipath -lname -ilname -regex -iregex -type -xtype -size -empty -perm -user -group -uid -gid \
    -nouser -nogroup -newer -newermt -mtime -mmin -links -samefile -executable -true -false.\n\n\
    Tests of imgtool's own: -setuid, -setgid, -world-writable, -capabilities (a program with any), -capability NAME, \
    -layer N (files that come from this layer).\n\n\
    Actions: -print -print0 -printf FORMAT -ls -prune -quit. Options: -maxdepth -mindepth -depth -daystart -follow \
    -regextype.\n\n\
    Operators: ( EXPR ), ! EXPR, -not EXPR, EXPR -a EXPR, EXPR -o EXPR, EXPR , EXPR.\n\n\
    Users and groups are those of the image, times are in UTC. -exec and -delete are not here: pipe -print0 to xargs -0.";

/// Find files of an image, in the words of GNU find
#[derive(Debug, clap::Args)]
#[command(long_about = LONG, override_usage = "find [OPTIONS] IMAGE[:PATH] [PATH...] [EXPRESSION]")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    which: WhichArgs,
    /// Never follow symbolic links (the default)
    #[arg(short = 'P', long = "no-follow")]
    never: bool,
    /// Follow symbolic links among the paths that are given
    #[arg(short = 'H', long = "follow-paths")]
    operands: bool,
    /// Follow symbolic links
    #[arg(short = 'L', long = "follow")]
    always: bool,
    /// Print one JSON object a line for each file
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    format: Option<String>,
    /// The image, paths in it [default: /], and what to look for
    #[arg(value_name = "IMAGE", allow_hyphen_values = true, add = Completes::Each(&[Completes::Images]))]
    words: Vec<OsString>,
}

impl Args {
    pub(in crate::cli) fn run(mut self, session: &Session) -> Result<(), CliError> {
        let follow = match (self.always, self.operands) {
            _ if self.never => Follow::Never,
            (true, _) => Follow::Always,
            (false, true) => Follow::Operands,
            (false, false) => Follow::Never,
        };
        let start = self.words.iter().skip(1).position(begins).map_or(self.words.len(), |place| place + 1);
        let expression: Vec<Vec<u8>> = self.words.split_off(start).into_iter().map(OsString::into_vec).collect();
        let Operands { image, mut paths } = Operands::read(session, self.words, Arity::AtLeast(1))?;
        if paths.is_empty() {
            paths.push(b"/".to_vec());
        }
        let look = self.which.open(session, &image)?;
        let is_json = self.format.is_some();
        let named = is_json || needs_owners(&expression);
        let owners = if named { Owners::of(&session.context, &look)? } else { Owners::default() };
        let nanos = u32::try_from(session.now.subsec_nanosecond()).unwrap_or_default();
        let now = Mtime { seconds: session.now.as_second(), nanos };
        let follows_operands = follow != Follow::Never;
        let facts = Facts { view: &look.view, owners: &owners, now, follows_operands };
        let expression = parse(&expression, &facts).map_err(|error| Error::from(FilesError::from(error)))?;
        let (mut lines, mut ended) = (Out::new(&session.ui, false), Out::new(&session.ui, true));
        let errors = walk(&expression.following(follow), &facts, &paths, |output| -> Result<(), CliError> {
            match output {
                Output::Found(seen) if is_json => {
                    lines.text(&json_line(&json_file(&seen.path, seen.node, &owners)));
                    lines.end()?;
                }
                Output::Found(seen) => {
                    ended.flush()?;
                    lines.name(&seen.path);
                    lines.end()?;
                }
                Output::Ended(seen) => {
                    lines.flush()?;
                    ended.name(&seen.path);
                    ended.end()?;
                }
                Output::Pieces(pieces) => {
                    ended.flush()?;
                    for piece in pieces {
                        match piece {
                            Piece::Name(name) => lines.name(name),
                            Piece::Text(text) => lines.text(text),
                        }
                    }
                    lines.settle()?;
                }
            }
            Ok(())
        })?;
        lines.flush()?;
        ended.flush()?;
        told(session, errors, 1)
    }
}

/// Whether a word begins the expression.
fn begins(word: &OsString) -> bool {
    let word = word.as_encoded_bytes();
    matches!(word, b"(" | b")" | b"!" | b",") || word.len() > 1 && word[0] == b'-'
}
