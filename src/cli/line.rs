//! The command line, read once: what clap is to get, what is wrong, and where on an unfinished line somebody is.
//!
//! Flags are read as docker reads them, which is as Go's pflag does: `-qa`, `-f=x`, `--all=false`, a flag's value that
//! begins with a dash, and of two values the last. What was typed is written anew in the one form that has no two
//! readings, `--flag=value … -- argument …`, and that is what clap gets. Mistakes are told in docker's words, in the
//! order in which docker finds them.

use std::ffi::{OsStr, OsString};
use std::num::IntErrorKind;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use clap::{Arg, ArgAction, Command};

use super::elsewhere;
use crate::ops::filter::boolean;

/// A flag that was typed wrong.
#[derive(Debug, Clone)]
pub(super) struct Wrong<'a> {
    /// The command that was read until then.
    pub(super) command: &'a Command,
    /// Its name, with those above it.
    pub(super) path: String,
    /// What is wrong, in docker's words.
    pub(super) message: String,
    /// The flag that does not exist, if it is that.
    pub(super) unknown: Option<String>,
}

/// A command line as far as it was read.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own of what was read")]
pub(super) struct CommandLine<'a> {
    /// The command.
    pub(super) command: &'a Command,
    /// Its name with those above it, the program's first.
    pub(super) path: Vec<&'a str>,
    /// The word in the place of a command that is none.
    pub(super) unknown: Option<OsString>,
    /// The arguments of the command that are no flags.
    pub(super) arguments: Vec<OsString>,
    /// The flag whose value comes next, as it was typed.
    pub(super) pending: Option<(&'a Arg, String)>,
    /// Whether `--` came: no flag can follow.
    pub(super) flags_ended: bool,
    /// Whether an expression as that of `find` has begun, whose words begin with one dash.
    in_expression: bool,
    /// Whether the line begins with `help`.
    pub(super) is_help_topic: bool,
    /// What `--root` says.
    pub(super) root: Option<OsString>,
    /// The first mistake.
    wrong: Option<Wrong<'a>>,
    /// The flags that may stand before and after a command.
    global: Vec<&'a Arg>,
    /// The flags of the command.
    flags: Vec<(&'a Arg, OsString)>,
    /// Whether `--help` is among them.
    asks_for_help: bool,
    /// The commands above and their flags, as clap is to get them.
    written: Vec<OsString>,
}

/// What is wrong, and the flag that does not exist if it is that.
type Mistake = (String, Option<String>);

impl<'a> CommandLine<'a> {
    /// Reads the words behind the program's name. What is wrong is passed over and kept for [`CommandLine::for_clap`].
    pub(super) fn read(program: &'a Command, words: &[OsString]) -> Self {
        let is_help_topic = words.first().is_some_and(|word| word == "help");
        let mut line = Self {
            command: program,
            path: vec![program.get_name()],
            unknown: None,
            arguments: Vec::new(),
            pending: None,
            flags_ended: false,
            in_expression: false,
            is_help_topic,
            root: None,
            wrong: None,
            global: program.get_arguments().filter(|arg| arg.is_global_set()).collect(),
            flags: Vec::new(),
            asks_for_help: false,
            written: vec![program.get_name().into()],
        };
        for word in &words[usize::from(is_help_topic)..] {
            if let Err((message, unknown)) = line.word(word) {
                line.note(message, unknown);
            }
            if line.is_answered() {
                break;
            }
        }
        line
    }

    /// The name of the command, with those above it.
    pub(super) fn name(&self) -> String {
        self.path.join(" ")
    }

    /// The line as clap reads it without doubt, or the first mistake.
    pub(super) fn for_clap(mut self) -> Result<Vec<OsString>, Wrong<'a>> {
        if let Some((_, typed)) = self.pending.take() {
            let letter = typed.chars().nth(1).filter(|letter| *letter != '-');
            let which = letter.map_or_else(|| typed.clone(), |letter| format!("'{letter}' in {typed}"));
            self.note(format!("flag needs an argument: {which}"), None);
        }
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        if let Some(unknown) = self.unknown {
            self.written.push(unknown);
            return Ok(self.written);
        }
        if self.asks_for_help || self.is_help_topic {
            return Ok(self.path.into_iter().map(OsString::from).chain(["--help".into()]).collect());
        }
        self.write_flags();
        if !self.arguments.is_empty() {
            self.written.push("--".into());
            self.written.extend(self.arguments);
        }
        Ok(self.written)
    }

    fn note(&mut self, message: String, unknown: Option<String>) {
        let path = self.name();
        self.wrong.get_or_insert(Wrong { command: self.command, path, message, unknown });
    }

    /// Whether nothing that follows matters: help was asked for before a command, or there is an answer to one that is
    /// not here, whatever its flags are.
    fn is_answered(&self) -> bool {
        if self.asks_for_help && self.command.has_subcommands() && !self.arguments.is_empty() {
            return true;
        }
        let group = self.path.get(1).copied().unwrap_or_default();
        let unknown = self.unknown.as_ref().and_then(|word| word.to_str());
        unknown.is_some_and(|word| elsewhere::instead(group, word).is_some())
    }

    fn word(&mut self, word: &OsStr) -> Result<(), Mistake> {
        if let Some((arg, _)) = self.pending.take() {
            return self.set(arg, word.as_bytes());
        }
        match word.as_bytes() {
            _ if self.flags_ended => self.operand(word),
            bytes if self.is_of_expression(bytes) => self.operand(word),
            b"--" => self.flags_ended = true,
            [b'-', b'-', name @ ..] => return self.long(name),
            [b'-', digits @ ..] if is_number(digits) && self.flag("context").is_some() => {
                return self.long(&[b"context=", digits].concat());
            }
            [b'-', letters @ ..] if !letters.is_empty() => return self.short(letters),
            _ => self.operand(word),
        }
        Ok(())
    }

    /// Whether a word belongs to an expression, which begins behind the first operand. Flags with two dashes may stand
    /// in it.
    fn is_of_expression(&mut self, word: &[u8]) -> bool {
        let takes_dashes = |arg: &Arg| arg.is_positional() && arg.is_allow_hyphen_values_set();
        if self.arguments.is_empty() || !self.command.get_arguments().any(takes_dashes) {
            return false;
        }
        self.in_expression |= matches!(word, [b'-', letter, ..] if *letter != b'-') || matches!(word, b"(" | b"!");
        let name = word.strip_prefix(b"--").map(|name| String::from_utf8_lossy(name).into_owned());
        let name = name.as_deref().map(|name| name.split_once('=').map_or(name, |(name, _)| name));
        self.in_expression && name.is_none_or(|name| self.flag(name).is_none())
    }

    fn operand(&mut self, word: &OsStr) {
        if !self.command.has_subcommands() || self.unknown.is_some() || self.asks_for_help {
            self.arguments.push(word.to_owned());
            return;
        }
        let Some(next) = word.to_str().and_then(|word| self.command.find_subcommand(word)) else {
            // Docker reads the flags behind a command that it does not know as its own.
            self.write_flags();
            (self.unknown, self.flags_ended) = (Some(word.to_owned()), false);
            return;
        };
        self.write_flags();
        self.written.push(next.get_name().into());
        self.path.push(next.get_name());
        (self.command, self.flags_ended) = (next, false);
    }

    /// `--name`, `--name=value`, `--name value`.
    fn long(&mut self, text: &[u8]) -> Result<(), Mistake> {
        let shown = String::from_utf8_lossy(text);
        if matches!(text.first(), None | Some(b'-' | b'=')) {
            return Err((format!("bad flag syntax: --{shown}"), None));
        }
        let (name, value) = match text.iter().position(|byte| *byte == b'=') {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        let name = String::from_utf8_lossy(name);
        let Some(arg) = self.flag(&name) else {
            let unknown = format!("--{name}");
            return Err((format!("unknown flag: {unknown}"), Some(unknown)));
        };
        match value {
            Some(value) => self.set(arg, value),
            None if is_switch(arg) => self.set(arg, b"true"),
            None => {
                self.pending = Some((arg, format!("--{shown}")));
                Ok(())
            }
        }
    }

    /// `-a`, `-abc`, `-f=value`, `-fvalue`, `-f value`.
    fn short(&mut self, letters: &[u8]) -> Result<(), Mistake> {
        let mut letters = letters;
        while let Some((letter, more)) = letters.split_first() {
            let shown = String::from_utf8_lossy(letters);
            let letter = char::from(*letter);
            let named = |arg: &&Arg| {
                arg.get_short() == Some(letter) || arg.get_all_short_aliases().is_some_and(|all| all.contains(&letter))
            };
            let Some(arg) = self.all_flags().find(named) else {
                return Err((format!("unknown shorthand flag: '{letter}' in -{shown}"), Some(format!("-{letter}"))));
            };
            match more {
                [b'=', value @ ..] if !value.is_empty() => return self.set(arg, value),
                _ if is_switch(arg) => self.set(arg, b"true")?,
                [] => self.pending = Some((arg, format!("-{shown}"))),
                value => return self.set(arg, value),
            }
            letters = more;
        }
        Ok(())
    }

    /// The flag of a name without its dashes.
    pub(super) fn flag(&self, name: &str) -> Option<&'a Arg> {
        let named =
            |arg: &&Arg| arg.get_long() == Some(name) || arg.get_all_aliases().is_some_and(|all| all.contains(&name));
        self.all_flags().find(named)
    }

    /// The flags that may stand before and after every command.
    pub(super) fn global_flags(&self) -> impl Iterator<Item = &'a Arg> {
        self.global.clone().into_iter()
    }

    /// All flags that may stand here.
    pub(super) fn all_flags(&self) -> impl Iterator<Item = &'a Arg> {
        flags_of(self.command).chain(self.global_flags())
    }

    fn set(&mut self, arg: &'a Arg, value: &[u8]) -> Result<(), Mistake> {
        let mut value = OsStr::from_bytes(value).to_owned();
        if is_switch(arg) {
            let text = value.to_string_lossy();
            let on = boolean(&text).ok_or_else(|| (not_a_bool(arg, &text), None))?;
            self.asks_for_help |= on && is_help(arg);
            value = if on { "true".into() } else { "false".into() };
        }
        if arg.get_id() == "filter" {
            if value.is_empty() {
                return Ok(());
            }
            if !value.as_bytes().contains(&b'=') {
                let why = "bad format of filter (expected name=value)";
                return Err((invalid(arg, &value.to_string_lossy(), why), None));
            }
        }
        if arg.get_id() == "limit" {
            let text = value.to_string_lossy();
            let not_one = |why| (invalid(arg, &text, &format!("strconv.ParseInt: parsing {text:?}: {why}")), None);
            text.parse::<i64>().map_err(|error| match error.kind() {
                IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => not_one("value out of range"),
                _ => not_one("invalid syntax"),
            })?;
        }
        if arg.get_id() == "root" {
            self.root = Some(value.clone());
        }
        self.flags.push((arg, value));
        Ok(())
    }

    /// Writes the command's flags as clap reads them without doubt: each once, but for those that may be given several
    /// times. An empty value is none, as docker has it.
    fn write_flags(&mut self) {
        let flags = std::mem::take(&mut self.flags);
        for (place, (arg, value)) in flags.iter().enumerate() {
            let repeats = matches!(arg.get_action(), ArgAction::Append);
            let is_last = flags[place + 1..].iter().all(|(other, _)| other.get_id() != arg.get_id());
            let name = format!("--{}", arg.get_long().unwrap_or_default());
            if !repeats && !is_last {
                continue;
            }
            if takes_no_value(arg) {
                self.written.extend((value == "true").then(|| name.into()));
            } else if repeats || !value.is_empty() || matters_empty(arg) {
                self.written.push(OsString::from_vec([name.as_bytes(), b"=", value.as_bytes()].concat()));
            }
        }
    }
}

/// Whether it is `5` in the `-5` of grep, which is short for `--context=5`.
fn is_number(text: &[u8]) -> bool {
    text.first().is_some_and(|first| *first != b'0') && text.iter().all(u8::is_ascii_digit)
}

/// The flags of a command's own.
pub(super) fn flags_of(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_global_set())
}

/// Whether the flag is on or off: it takes a value only behind `=`.
fn is_switch(arg: &Arg) -> bool {
    takes_no_value(arg) || arg.get_num_args().is_some_and(|range| range.min_values() == 0)
}

/// Whether an empty value is not the same as none: docker says that there is no type of that name, or that a password is
/// empty, and an empty variable where the store should be named must not mean another store.
fn matters_empty(arg: &Arg) -> bool {
    matches!(arg.get_long(), Some("type" | "root" | "username" | "password"))
}

fn takes_no_value(arg: &Arg) -> bool {
    !arg.get_action().takes_values()
}

fn is_help(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong)
}

fn not_a_bool(arg: &Arg, text: &str) -> String {
    invalid(arg, text, &format!("strconv.ParseBool: parsing {text:?}: invalid syntax"))
}

fn invalid(arg: &Arg, text: &str, why: &str) -> String {
    let long = arg.get_long().unwrap_or_default();
    let flag = match arg.get_short().filter(|_| !is_help(arg)) {
        Some(short) => format!("-{short}, --{long}"),
        None => format!("--{long}"),
    };
    format!("invalid argument {text:?} for {flag:?} flag: {why}")
}

#[cfg(test)]
mod tests {
    use clap::{Parser, Subcommand};

    use super::*;

    #[derive(Debug, Parser)]
    #[command(name = "t")]
    struct Top {
        #[arg(long, global = true)]
        root: Option<String>,
        #[arg(short = 'H', long)]
        host: Option<String>,
        #[command(subcommand)]
        command: Below,
    }

    #[derive(Debug, Subcommand)]
    enum Below {
        #[command(alias = "list")]
        Ls {
            #[arg(short, long)]
            all: bool,
            #[arg(short, long)]
            quiet: bool,
            #[arg(short, long)]
            filter: Vec<String>,
            #[arg(short, long)]
            output: Option<String>,
            #[arg(short = 'H', long, default_value_t = true, num_args = 0..=1, require_equals = true,
                default_missing_value = "true", action = clap::ArgAction::Set)]
            human: bool,
            names: Vec<String>,
        },
        Find {
            #[arg(short = 'L', long)]
            links: bool,
            #[arg(long)]
            format: Option<String>,
            #[arg(allow_hyphen_values = true)]
            words: Vec<String>,
        },
    }

    fn rewritten(typed: &str) -> String {
        let typed: Vec<OsString> = typed.split(' ').map(|word| word.replace('_', " ").trim().into()).collect();
        let mut command = <Top as clap::CommandFactory>::command();
        command.build();
        match CommandLine::read(&command, &typed[1..]).for_clap() {
            Ok(words) => words.join(OsStr::new(" ")).to_string_lossy().into_owned(),
            Err(wrong) => format!("! {}", wrong.message),
        }
    }

    #[test]
    fn one_form_of_many() {
        let cases = [
            ("t ls -aq", "t ls --all --quiet"),
            ("t list x -a", "t ls --all -- x"),
            ("t ls -qf x=y", "t ls --quiet --filter=x=y"),
            ("t ls -fx=y -f=a=1 --filter b=2 --filter=c=3", "t ls --filter=x=y --filter=a=1 --filter=b=2 --filter=c=3"),
            ("t ls -o a --output=b", "t ls --output=b"),
            ("t ls -o -a", "t ls --output=-a"),
            ("t ls -o _", "t ls"),
            ("t ls -o=", "t ls --output=="),
            ("t ls --all=false", "t ls"),
            ("t ls -a --all=0", "t ls"),
            ("t ls -a=T", "t ls --all"),
            ("t ls -H", "t ls --human=true"),
            ("t ls -H=0 x", "t ls --human=false -- x"),
            ("t ls - -- -a --", "t ls -- - -a --"),
            ("t -H x ls -H --root y", "t --host=x ls --human=true --root=y"),
            ("t --root y ls --help --all", "t ls --help"),
            ("t ls -ah", "t ls --help"),
            ("t nosuch x -H y", "t nosuch"),
            ("t ls -f _ -f a=b", "t ls --filter=a=b"),
            ("t --root _ ls", "t --root= ls"),
            ("t help ls", "t ls --help"),
            ("t find -L x -name y", "t find --links -- x -name y"),
            ("t find x ! -name -- ( -L )", "t find -- x ! -name -- ( -L )"),
            ("t find x -size -5 --format=json", "t find --format=json -- x -size -5"),
            ("t", "t"),
        ];
        for (typed, expected) in cases {
            assert_eq!(rewritten(typed), expected, "{typed}");
        }
    }

    #[test]
    fn mistakes_in_dockers_words() {
        let cases = [
            ("t ls --bogus=1", "unknown flag: --bogus"),
            ("t ls -ax", "unknown shorthand flag: 'x' in -x"),
            ("t ls -xa", "unknown shorthand flag: 'x' in -xa"),
            (
                "t ls -f x",
                r#"invalid argument "x" for "-f, --filter" flag: bad format of filter (expected name=value)"#,
            ),
            ("t nosuch --bogus", "unknown flag: --bogus"),
            ("t ls -h=x", r#"invalid argument "x" for "--help" flag: strconv.ParseBool: parsing "x": invalid syntax"#),
            ("t ls --filter", "flag needs an argument: --filter"),
            ("t ls -af", "flag needs an argument: 'f' in -f"),
            ("t ls --=x", "bad flag syntax: --=x"),
            ("t ls ---x", "bad flag syntax: ---x"),
            (
                "t ls -a=maybe",
                r#"invalid argument "maybe" for "-a, --all" flag: strconv.ParseBool: parsing "maybe": invalid syntax"#,
            ),
            ("t -x ls", "unknown shorthand flag: 'x' in -x"),
        ];
        for (typed, expected) in cases {
            assert_eq!(rewritten(typed), format!("! {expected}"), "{typed}");
        }
    }
}
