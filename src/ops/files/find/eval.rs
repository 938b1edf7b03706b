//! Whether an expression is true for a file, and what is done with it meanwhile.

use super::expr::{Action, Expr, Test};
use super::facts::Facts;
use super::format::{followed, line, other_kind};
use super::output::Output;
use super::seen::Seen;
use crate::layer::overlay::NodeKind;
use crate::ops::files::{capability, mode};

/// What an expression wants of the walk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Wishes {
    /// Not to go into this directory.
    pub(super) prune: bool,
    /// To end.
    pub(super) quit: bool,
}

/// Evaluates an expression for a file.
pub(super) struct Evaluation<'a, 'v, E> {
    pub(super) facts: &'a Facts<'v>,
    pub(super) follows: bool,
    pub(super) give: &'a mut dyn FnMut(Output<'_, 'v>) -> Result<(), E>,
    pub(super) wishes: Wishes,
}

impl<'v, E> Evaluation<'_, 'v, E> {
    pub(super) fn run(&mut self, expr: &Expr, seen: &Seen<'v>) -> Result<bool, E> {
        if self.wishes.quit {
            return Ok(false);
        }
        match expr {
            Expr::Test(test) => Ok(self.holds(test, seen)),
            Expr::Action(action) => self.act(action, seen).map(|()| true),
            Expr::Not(inner) => Ok(!self.run(inner, seen)?),
            Expr::All(parts) => {
                for part in parts {
                    if !self.run(part, seen)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Expr::Any(parts) => {
                for part in parts {
                    if self.run(part, seen)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Expr::Each(parts) => {
                let mut last = false;
                for part in parts {
                    last = self.run(part, seen)?;
                }
                Ok(last)
            }
        }
    }

    fn act(&mut self, action: &Action, seen: &Seen<'v>) -> Result<(), E> {
        match action {
            Action::Print => (self.give)(Output::Found(seen)),
            Action::Print0 => (self.give)(Output::Ended(seen)),
            Action::Format(format) => (self.give)(Output::Pieces(&format.pieces(seen, self.facts.owners))),
            Action::List => (self.give)(Output::Pieces(&line(seen, self.facts.owners, self.facts.now))),
            Action::Prune => {
                self.wishes.prune = true;
                Ok(())
            }
            Action::Quit => {
                self.wishes.quit = true;
                Ok(())
            }
        }
    }

    fn holds(&self, test: &Test, seen: &Seen<'v>) -> bool {
        let node = seen.node;
        let is_of = |kinds: &str, letter: char| kinds.contains(letter);
        match test {
            Test::Always(always) => *always,
            Test::Name(glob) => glob.matches(seen.name()),
            Test::Path(glob) => glob.matches(&seen.path),
            Test::LinkTarget(glob) => {
                matches!(node.kind(), NodeKind::Symlink { target } if glob.matches(target))
            }
            Test::Regex(regex) => regex.is_match(&seen.path),
            Test::Kind(kinds) => is_of(kinds, mode::letter(node.kind())),
            Test::OtherKind(kinds) if self.follows => is_of(kinds, mode::letter(seen.own.kind())),
            Test::OtherKind(kinds) => match other_kind(seen) {
                'N' => is_of(kinds, 'l'),
                // Where it leads cannot be said.
                'L' => false,
                other => is_of(kinds, other),
            },
            Test::Size(compare, unit) => compare.holds(mode::size(node).div_ceil(*unit)),
            Test::Permissions(permissions) => permissions.hold(mode::permissions(node), node.is_directory()),
            Test::User(compare) => compare.holds(node.uid()),
            Test::Group(compare) => compare.holds(node.gid()),
            Test::NoUser => self.facts.owners.user(node.uid()).is_none(),
            Test::NoGroup => self.facts.owners.group(node.gid()).is_none(),
            Test::Newer(time) => node.mtime() > *time,
            Test::Age(age) => age.holds(node.mtime()),
            Test::Links(compare) => compare.holds(mode::links(node)),
            Test::Empty => match node.kind() {
                NodeKind::Directory => node.children().len() == 0,
                NodeKind::File => node.size() == 0,
                _ => false,
            },
            Test::Same(first) => node.first_name().id() == *first,
            Test::Layer(compare) => compare.holds(node.layer() as u64 + 1),
            Test::Capability(wanted) => {
                capability::of(node).is_some_and(|capabilities| wanted.is_none_or(|number| capabilities.has(number)))
            }
            Test::Executable => {
                let node = followed(seen).unwrap_or(node);
                node.is_directory() || node.mode() & 0o111 != 0 && !matches!(node.kind(), NodeKind::Symlink { .. })
            }
        }
    }
}
