//! Flags as docker reads them, which is as Go's pflag does: `-qa`, `-f=x`, `--all=false`, a flag's value that begins with
//! a dash, and of two values the last.
//!
//! What was typed is written anew in the one form that has no two readings, `--flag=value … -- argument …`, and that is
//! what clap gets. Mistakes are told in docker's words, in the order in which docker finds them.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use clap::{Arg, ArgAction, Command};

use super::elsewhere;
use crate::ops::filter::boolean;

/// A flag that was typed wrong.
#[derive(Debug)]
pub(super) struct Wrong {
    /// The commands that were typed, from the program on.
    pub(super) path: Vec<OsString>,
    /// What is wrong, in docker's words.
    pub(super) message: String,
    /// The long flag that does not exist, if it is that.
    pub(super) unknown: Option<String>,
}

/// Rewrites `typed`, the program's name included.
pub(super) fn read(root: &Command, typed: &[OsString]) -> Result<Vec<OsString>, Wrong> {
    let global: Vec<&Arg> = root.get_arguments().filter(|arg| arg.is_global_set()).collect();
    if let [program, help, topic @ ..] = typed
        && help == "help"
    {
        return Ok([std::slice::from_ref(program), topic, &["--help".into()]].concat());
    }
    let (mut command, mut rest) = (root, typed.get(1..).unwrap_or_default());
    let mut written = typed.get(..1).unwrap_or_default().to_vec();
    let mut path = written.clone();
    loop {
        let mut line = Line { command, global: &global, flags: Vec::new(), arguments: Vec::new(), help: false };
        let has_commands = command.has_subcommands();
        let read = line.read(rest, has_commands);
        rest = read.map_err(|(message, unknown)| Wrong { path: path.clone(), message, unknown })?;
        if line.help {
            path.push("--help".into());
            return Ok(path);
        }
        written.extend(line.written());
        if !has_commands {
            if !line.arguments.is_empty() {
                written.push("--".into());
                written.extend(line.arguments);
            }
            return Ok(written);
        }
        let Some((word, after)) = rest.split_first() else { return Ok(written) };
        let Some(next) = word.to_str().and_then(|word| command.find_subcommand(word)) else {
            let group = path.get(1).and_then(|group| group.to_str()).unwrap_or_default();
            if word.to_str().is_some_and(|word| elsewhere::instead(group, word).is_some()) {
                written.push(word.clone());
                return Ok(written);
            }
            // Docker reads the flags behind a command that it does not know as its own.
            line.read(after, false).map_err(|(message, unknown)| Wrong { path: path.clone(), message, unknown })?;
            written.push(word.clone());
            return Ok(written);
        };
        path.push(next.get_name().into());
        written.push(next.get_name().into());
        (command, rest) = (next, after);
    }
}

/// What is wrong, and the flag that does not exist if it is that.
type Mistake = (String, Option<String>);

/// One command's flags and arguments.
struct Line<'a> {
    command: &'a Command,
    global: &'a [&'a Arg],
    flags: Vec<(&'a Arg, OsString)>,
    arguments: Vec<OsString>,
    help: bool,
}

impl<'a> Line<'a> {
    /// Reads flags and arguments, and gives what is left: with `stop`, all from the first argument on.
    fn read<'t>(&mut self, mut rest: &'t [OsString], stop: bool) -> Result<&'t [OsString], Mistake> {
        while let Some((word, after)) = rest.split_first() {
            match word.as_bytes() {
                b"--" if stop => return Ok(after),
                b"--" => {
                    self.arguments.extend_from_slice(after);
                    return Ok(&[]);
                }
                [b'-', b'-', name @ ..] => rest = self.long(name, after)?,
                [b'-', letters @ ..] if !letters.is_empty() => rest = self.short(letters, after)?,
                _ if stop => return Ok(rest),
                _ => {
                    self.arguments.push(word.clone());
                    rest = after;
                }
            }
        }
        Ok(rest)
    }

    /// `--name`, `--name=value`, `--name value`.
    fn long<'t>(&mut self, text: &[u8], after: &'t [OsString]) -> Result<&'t [OsString], Mistake> {
        let shown = String::from_utf8_lossy(text);
        if matches!(text.first(), None | Some(b'-' | b'=')) {
            return Err((format!("bad flag syntax: --{shown}"), None));
        }
        let (name, value) = match text.iter().position(|byte| *byte == b'=') {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        let name = String::from_utf8_lossy(name);
        let named = |arg: &&Arg| {
            arg.get_long() == Some(&name) || arg.get_all_aliases().is_some_and(|all| all.contains(&&*name))
        };
        let Some(arg) = self.all().find(named) else {
            let unknown = format!("--{name}");
            return Err((format!("unknown flag: {unknown}"), Some(unknown)));
        };
        match value {
            Some(value) => self.set(arg, value).map(|()| after),
            None if is_switch(arg) => self.set(arg, b"true").map(|()| after),
            None => self.set_next(arg, after, &|| format!("flag needs an argument: --{shown}")),
        }
    }

    /// `-a`, `-abc`, `-f=value`, `-fvalue`, `-f value`.
    fn short<'t>(&mut self, letters: &[u8], after: &'t [OsString]) -> Result<&'t [OsString], Mistake> {
        let mut letters = letters;
        while let Some((letter, more)) = letters.split_first() {
            let shown = String::from_utf8_lossy(letters);
            let letter = char::from(*letter);
            let named = |arg: &&Arg| {
                arg.get_short() == Some(letter) || arg.get_all_short_aliases().is_some_and(|all| all.contains(&letter))
            };
            let Some(arg) = self.all().find(named) else {
                return Err((format!("unknown shorthand flag: '{letter}' in -{shown}"), None));
            };
            match more {
                [b'=', value @ ..] if !value.is_empty() => return self.set(arg, value).map(|()| after),
                _ if is_switch(arg) => self.set(arg, b"true")?,
                [] => {
                    return self.set_next(arg, after, &|| format!("flag needs an argument: '{letter}' in -{shown}"));
                }
                value => return self.set(arg, value).map(|()| after),
            }
            letters = more;
        }
        Ok(after)
    }

    fn all(&self) -> impl Iterator<Item = &'a Arg> {
        self.command.get_arguments().chain(self.global.iter().copied()).filter(|arg| !arg.is_positional())
    }

    fn set_next<'t>(
        &mut self,
        arg: &'a Arg,
        after: &'t [OsString],
        missing: &dyn Fn() -> String,
    ) -> Result<&'t [OsString], Mistake> {
        let (value, after) = after.split_first().ok_or_else(|| (missing(), None))?;
        self.set(arg, value.as_bytes()).map(|()| after)
    }

    fn set(&mut self, arg: &'a Arg, value: &[u8]) -> Result<(), Mistake> {
        let mut value = OsStr::from_bytes(value).to_owned();
        if is_switch(arg) {
            let text = value.to_string_lossy();
            let on = boolean(&text).ok_or_else(|| (not_a_bool(arg, &text), None))?;
            self.help |= on && is_help(arg);
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
        self.flags.push((arg, value));
        Ok(())
    }

    /// The flags as clap reads them without doubt: each once, but for those that may be given several times. An empty
    /// value is none, as docker has it.
    fn written(&self) -> Vec<OsString> {
        let mut written = Vec::new();
        for (place, (arg, value)) in self.flags.iter().enumerate() {
            let repeats = matches!(arg.get_action(), ArgAction::Append);
            let is_last = self.flags[place + 1..].iter().all(|(other, _)| other.get_id() != arg.get_id());
            let name = format!("--{}", arg.get_long().unwrap_or_default());
            if !repeats && !is_last {
                continue;
            }
            if takes_no_value(arg) {
                written.extend((value == "true").then(|| name.into()));
            } else if repeats || !value.is_empty() || matters_empty(arg) {
                written.push(OsString::from_vec([name.as_bytes(), b"=", value.as_bytes()].concat()));
            }
        }
        written
    }
}

/// Whether the flag is on or off: it takes a value only behind `=`.
fn is_switch(arg: &Arg) -> bool {
    takes_no_value(arg) || arg.get_num_args().is_some_and(|range| range.min_values() == 0)
}

/// Whether an empty value is not the same as none: docker says that there is no type of that name, and an empty variable
/// where the store should be named must not mean another store.
fn matters_empty(arg: &Arg) -> bool {
    matches!(arg.get_long(), Some("type" | "root"))
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
    }

    fn rewritten(typed: &str) -> String {
        let typed: Vec<OsString> = typed.split(' ').map(|word| word.replace('_', " ").trim().into()).collect();
        let mut command = <Top as clap::CommandFactory>::command();
        command.build();
        match read(&command, &typed) {
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
            ("t", "t"),
            ("", ""),
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
