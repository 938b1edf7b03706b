//! The commands, each as a session: what was typed, what was printed, the exit code.

#[path = "../support/mod.rs"]
mod support;

mod commit_user;
mod damaged;
mod filter;
mod formats;
mod history;
mod images;
mod inspect;
mod load;
mod memory;
mod progress;
mod prune;
mod rmi;
mod save;
mod tag;
mod transports;
mod usage;
