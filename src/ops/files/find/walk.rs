//! Walks through the files of an image, and asks of each whether an expression is true for it.

use super::eval::{Evaluation, Wishes};
use super::expr::{Expression, Follow};
use super::facts::Facts;
use super::format::followed;
use super::output::Output;
use super::seen::Seen;
use crate::layer::overlay::{FollowError, LastLink, NodeKind, ViewNode};
use crate::ops::files::list::join;
use crate::ops::files::opened::follow;
use crate::ops::files_error::FilesError;

/// The longest path that is walked through, as in Linux: links that lead upwards could make paths without end.
const LONGEST: usize = 4095;
/// The most files that are looked at: links that are followed can lead to one directory by millions of ways.
const MOST: usize = 50_000_000;

/// Walks through all operands and gives what the expression makes of the files. What cannot be reached comes back.
pub fn walk<'v, E>(
    expression: &Expression,
    facts: &Facts<'v>,
    operands: &[Vec<u8>],
    mut give: impl FnMut(Output<'_, 'v>) -> Result<(), E>,
) -> Result<Vec<FilesError>, E> {
    let mut walker = Walker { expression, facts, give: &mut give, errors: Vec::new(), visited: 0 };
    for operand in operands {
        if walker.operand(operand)? {
            break;
        }
    }
    Ok(walker.errors)
}

struct Walker<'a, 'v, E> {
    expression: &'a Expression,
    facts: &'a Facts<'v>,
    give: &'a mut dyn FnMut(Output<'_, 'v>) -> Result<(), E>,
    errors: Vec<FilesError>,
    visited: usize,
}

enum Step<'v> {
    Enter(Seen<'v>),
    /// With `-depth`: its content is done.
    Leave(Seen<'v>),
}

impl<'v, E> Walker<'_, 'v, E> {
    /// Whether the walk is to end.
    fn operand(&mut self, operand: &[u8]) -> Result<bool, E> {
        let options = self.expression.options;
        let own = match follow(self.facts.view, operand, LastLink::Keep) {
            Ok(node) => node,
            Err(error) => {
                self.errors.push(error);
                return Ok(false);
            }
        };
        let start = operand.len();
        let top = Seen { path: operand.to_vec(), start, node: own, own, depth: 0 };
        let follows = options.follow != Follow::Never;
        let mut left = vec![Step::Enter(seen(top, follows))];
        // The directories on the way to the current file.
        let mut above: Vec<usize> = Vec::new();
        while let Some(step) = left.pop() {
            let seen = match step {
                Step::Leave(seen) => {
                    if self.ask(&seen)?.quit {
                        return Ok(true);
                    }
                    continue;
                }
                Step::Enter(seen) => seen,
            };
            above.truncate(seen.depth);
            if self.is_loop(&seen, &above) || self.is_too_much(&seen) || self.is_lost(&seen) {
                continue;
            }
            let mut wishes = Wishes::default();
            if !options.depth_first {
                wishes = self.ask(&seen)?;
            }
            if wishes.quit {
                return Ok(true);
            }
            let below = if wishes.prune || seen.depth >= options.most { Vec::new() } else { self.below(&seen) };
            above.push(seen.node.id());
            if options.depth_first {
                left.push(Step::Leave(seen));
            }
            left.extend(below.into_iter().rev().map(Step::Enter));
        }
        Ok(false)
    }

    fn ask(&mut self, seen: &Seen<'v>) -> Result<Wishes, E> {
        if seen.depth < self.expression.options.least {
            return Ok(Wishes::default());
        }
        let follows = self.expression.options.follow == Follow::Always;
        let mut evaluation = Evaluation { facts: self.facts, follows, give: self.give, wishes: Wishes::default() };
        evaluation.run(&self.expression.root, seen)?;
        Ok(evaluation.wishes)
    }

    fn below(&self, top: &Seen<'v>) -> Vec<Seen<'v>> {
        let follows = self.expression.options.follow == Follow::Always;
        let child = |node: ViewNode<'v>| {
            let path = join(&top.path, node.name());
            seen(Seen { path, start: top.start, node, own: node, depth: top.depth + 1 }, follows)
        };
        top.node.children().map(child).collect()
    }

    /// Whether a link led back to a directory on the way, which is told.
    fn is_loop(&mut self, seen: &Seen<'v>, above: &[usize]) -> bool {
        let is_loop = seen.node != seen.own && seen.node.is_directory() && above.contains(&seen.node.id());
        if is_loop {
            self.errors.push(FilesError::Circle { path: seen.path.clone() });
        }
        is_loop
    }

    /// Whether a link that is to be followed leads to itself, which is told.
    fn is_lost(&mut self, seen: &Seen<'v>) -> bool {
        let follows = match self.expression.options.follow {
            Follow::Always => true,
            Follow::Operands => seen.depth == 0,
            Follow::Never => false,
        };
        let is_lost = follows && followed(seen) == Err(FollowError::Loop);
        if is_lost {
            self.errors.push(FilesError::Path { path: seen.path.clone(), source: FollowError::Loop });
        }
        is_lost
    }

    fn is_too_much(&mut self, seen: &Seen<'v>) -> bool {
        self.visited += 1;
        if self.visited == MOST {
            self.errors.push(FilesError::TooMany { limit: MOST });
        }
        if seen.path.len() > LONGEST + seen.start {
            self.errors.push(FilesError::TooLong { limit: LONGEST });
            return true;
        }
        self.visited >= MOST
    }
}

/// A file, of which a link is followed if it leads somewhere.
fn seen(seen: Seen<'_>, follows: bool) -> Seen<'_> {
    if !follows || !matches!(seen.own.kind(), NodeKind::Symlink { .. }) {
        return seen;
    }
    let node = followed(&seen).unwrap_or(seen.own);
    Seen { node, ..seen }
}
