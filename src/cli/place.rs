//! Where on an unfinished command line somebody is: which command, which of its arguments, the value of which flag.

use clap::{Arg, Command};

use super::help::takes_one;

/// The end of a command line.
pub(super) struct Place<'a> {
    /// The command.
    pub(super) command: &'a Command,
    /// Its name, with those above it but the program's.
    pub(super) path: Vec<String>,
    /// The flag whose value comes next.
    pub(super) pending: Option<&'a Arg>,
    /// How many arguments that are no flags the command has already.
    pub(super) operands: usize,
    /// Whether `--` came: no flag can follow.
    pub(super) flags_ended: bool,
    /// What `--root` said.
    pub(super) root: Option<String>,
    /// All flags that may stand before and after a command.
    global: Vec<&'a Arg>,
}

impl<'a> Place<'a> {
    /// Reads the words behind the program's name. What is wrong is passed over.
    pub(super) fn after(program: &'a Command, words: &[String]) -> Self {
        let global = program.get_arguments().filter(|arg| arg.is_global_set()).collect();
        let mut place = Self {
            command: program,
            path: Vec::new(),
            pending: None,
            operands: 0,
            flags_ended: false,
            root: None,
            global,
        };
        for word in words {
            place.read(word);
        }
        place
    }

    fn read(&mut self, word: &str) {
        if let Some(arg) = self.pending.take() {
            self.value(arg, word);
        } else if self.flags_ended || !word.starts_with('-') || word == "-" {
            self.operand(word);
        } else if word == "--" {
            self.flags_ended = true;
        } else if let Some(flag) = word.strip_prefix("--") {
            match (flag.split_once('='), self.long(flag)) {
                (Some((name, value)), _) => {
                    if let Some(arg) = self.long(name) {
                        self.value(arg, value);
                    }
                }
                (None, arg) => self.pending = arg.filter(|arg| takes_one(arg)),
            }
        } else {
            self.letters(&word[1..]);
        }
    }

    /// `-abc`: flags of one letter, of which the last may have a value.
    fn letters(&mut self, letters: &str) {
        for (at, letter) in letters.char_indices() {
            let Some(arg) = self.flags().find(|arg| arg.get_short() == Some(letter)) else { return };
            if takes_one(arg) {
                self.pending = (at + letter.len_utf8() == letters.len()).then_some(arg);
                return;
            }
        }
    }

    fn value(&mut self, arg: &Arg, value: &str) {
        if arg.get_id() == "root" {
            self.root = Some(value.to_owned());
        }
    }

    fn operand(&mut self, word: &str) {
        let below = self.command.find_subcommand(word).filter(|_| self.operands == 0 && !self.flags_ended);
        match below {
            Some(below) => {
                self.path.push(below.get_name().to_owned());
                self.command = below;
            }
            None => self.operands += 1,
        }
    }

    /// The flag of a name without its dashes.
    pub(super) fn long(&self, name: &str) -> Option<&'a Arg> {
        self.flags().find(|arg| arg.get_long() == Some(name))
    }

    /// All flags that may stand here.
    pub(super) fn flags(&self) -> impl Iterator<Item = &'a Arg> {
        let own = self.command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_global_set());
        own.chain(self.global.iter().copied())
    }
}
