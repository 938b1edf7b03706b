//! What a Dockerfile says, before variables are substituted: stages, and the instructions in them.

use std::ops::RangeInclusive;

/// A Dockerfile that was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dockerfile {
    /// The parser directives.
    pub directives: Directives,
    /// The `ARG`s before the first `FROM`, in order.
    pub global_args: Vec<Located<Vec<ArgPair>>>,
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// The lines of instructions with an empty line in the middle, which docker warns of.
    pub empty_continuations: Vec<RangeInclusive<usize>>,
}

/// The parser directives of a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directives {
    /// The escape character, a backslash or a backtick.
    pub escape: char,
    /// The value of `# syntax=`, which is only shown.
    pub syntax: Option<String>,
    /// The value of `# check=`.
    pub check: Option<String>,
}

impl Default for Directives {
    fn default() -> Self {
        Self { escape: '\\', syntax: None, check: None }
    }
}

/// Something and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Located<T> {
    /// What it is.
    pub value: T,
    /// The first and the last line, counted from 1.
    pub lines: RangeInclusive<usize>,
    /// The first word, as it was typed.
    pub keyword: String,
    /// The instruction as it was typed, continuations joined.
    pub original: String,
    /// The comments right above it, without their `#`.
    pub comments: Vec<String>,
}

/// A `FROM`, and what follows up to the next one.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// The image, or an earlier stage; may have variables.
    pub base: String,
    /// The value of `--platform`; may have variables.
    pub platform: Option<String>,
    /// The name after `AS`, as it was typed.
    pub name: Option<String>,
    /// Where the `FROM` stands.
    pub lines: RangeInclusive<usize>,
    /// The word `FROM` as it was typed.
    pub keyword: String,
    /// The `FROM` as it was typed, all of it.
    pub original: String,
    /// The comments right above it, without their `#`.
    pub comments: Vec<String>,
    /// The instructions, in order.
    pub instructions: Vec<Located<Instruction>>,
}

/// A name and a value.
pub type Pair = (String, String);

/// A name, and the default if there is one.
pub type ArgPair = (String, Option<String>);

/// An instruction, before variables are substituted.
#[derive(Debug, Clone, PartialEq)]
pub enum Instruction {
    /// `ADD`
    Add(Copy),
    /// `ARG`
    Arg(Vec<ArgPair>),
    /// `CMD`
    Cmd(CommandForm),
    /// `COPY`
    Copy(Copy),
    /// `ENTRYPOINT`
    Entrypoint(CommandForm),
    /// `ENV`
    Env(Vec<Pair>),
    /// `EXPOSE`
    Expose(Vec<String>),
    /// `HEALTHCHECK`
    Healthcheck(crate::oci::Healthcheck),
    /// `LABEL`
    Label(Vec<Pair>),
    /// `MAINTAINER`
    Maintainer(String),
    /// `ONBUILD`: the instruction as it was typed.
    Onbuild(String),
    /// `RUN`
    Run(Box<Run>),
    /// `SHELL`
    Shell(Vec<String>),
    /// `STOPSIGNAL`
    StopSignal(String),
    /// `USER`
    User(String),
    /// `VOLUME`
    Volume(Vec<String>),
    /// `WORKDIR`
    Workdir(String),
}

/// A command in one of its forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandForm {
    /// A JSON array: the words themselves.
    Exec(Vec<String>),
    /// Text for the shell; `None` if there was none.
    Shell(Option<String>),
}

/// `COPY` or `ADD`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Copy {
    /// The sources: patterns of paths, URLs, in order.
    pub sources: Vec<String>,
    /// Files that the Dockerfile itself contains; they come after the sources.
    pub heredocs: Vec<Heredoc>,
    /// The destination.
    pub destination: String,
    /// `--from`
    pub from: Option<String>,
    /// `--chown`
    pub chown: Option<String>,
    /// `--chmod`
    pub chmod: Option<String>,
    /// `--checksum` (of `ADD`)
    pub checksum: Option<String>,
    /// `--exclude`, each of them.
    pub excludes: Vec<String>,
    /// `--link`
    pub link: bool,
    /// `--parents` (of `COPY`)
    pub parents: bool,
    /// `--keep-git-dir` (of `ADD`)
    pub keep_git_dir: bool,
    /// `--unpack` (of `ADD`); none if it was not said.
    pub unpack: Option<bool>,
}

/// A file that the Dockerfile itself contains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heredoc {
    /// The word behind `<<`, without its quotes.
    pub name: String,
    /// Its text; tabs are already removed where `<<-` says so.
    pub content: String,
    /// Whether variables are substituted: the word was not quoted.
    pub expand: bool,
    /// The number of the descriptor before `<<`, if there is one.
    pub descriptor: u32,
    /// Whether it was `<<-`.
    pub chomp: bool,
}

/// `RUN`
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The command; the text in shell form has the first line only, `<<NAME` included, if there are heredocs.
    pub command: CommandForm,
    /// Its heredocs.
    pub heredocs: Vec<Heredoc>,
    /// `--mount`, each as it was typed: it may have variables.
    pub mounts: Vec<String>,
    /// `--network`
    pub network: Option<String>,
    /// `--security`
    pub security: Option<String>,
}
