//! An expression that was read.

use regex::bytes::Regex;

use super::compare::{Age, Compare};
use super::format::Format;
use super::perm::Permissions;
use crate::layer::Mtime;
use crate::ops::files::glob::Glob;

/// Which symbolic links are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Follow {
    /// None: `-P`.
    #[default]
    Never,
    /// Those that were typed: `-H`.
    Operands,
    /// All: `-L`.
    Always,
}

/// What is looked for, and where.
#[derive(Debug)]
pub struct Expression {
    pub(super) root: Expr,
    pub(super) options: WalkOptions,
}

impl Expression {
    /// The same, with links followed as flags before the image say. `-follow` in the expression comes first.
    #[must_use]
    pub fn following(mut self, follow: Follow) -> Self {
        if self.options.follow == Follow::Never {
            self.options.follow = follow;
        }
        self
    }
}

/// How the files are walked through.
#[derive(Debug, Clone, Copy)]
pub(super) struct WalkOptions {
    pub(super) least: usize,
    pub(super) most: usize,
    /// What is in a directory comes before it.
    pub(super) depth_first: bool,
    pub(super) follow: Follow,
}

impl Default for WalkOptions {
    fn default() -> Self {
        Self { least: 0, most: usize::MAX, depth_first: false, follow: Follow::Never }
    }
}

/// A part of an expression.
#[derive(Debug)]
pub(super) enum Expr {
    Test(Test),
    Action(Action),
    Not(Box<Expr>),
    /// `a b`
    All(Vec<Expr>),
    /// `a -o b`
    Any(Vec<Expr>),
    /// `a , b`
    Each(Vec<Expr>),
}

/// What is asked about a file.
#[derive(Debug)]
pub(super) enum Test {
    Always(bool),
    Name(Glob),
    Path(Glob),
    LinkTarget(Glob),
    Regex(Regex),
    Kind(String),
    /// Of what a link leads to, or of the link if links are followed.
    OtherKind(String),
    Size(Compare, u64),
    Permissions(Permissions),
    User(Compare),
    Group(Compare),
    NoUser,
    NoGroup,
    Newer(Mtime),
    /// Modified within the time of so many units of seconds before a time; see [`Age`].
    Age(Age),
    Links(Compare),
    Empty,
    /// The same file as that of this number.
    Same(usize),
    Layer(Compare),
    /// Has capabilities; if one is named, this.
    Capability(Option<u32>),
    Executable,
}

/// What is done with a file.
#[derive(Debug)]
pub(super) enum Action {
    Print,
    Print0,
    Format(Format),
    List,
    Prune,
    Quit,
}
