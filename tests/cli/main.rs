//! The commands, each as a session: what was typed, what was printed, the exit code.

#[path = "../support/mod.rs"]
mod support;

mod completion;
mod damaged;
mod docker_habits;
mod escapes;
mod filter;
mod formats;
mod help;
mod history;
mod images;
mod inspect;
mod interrupt;
mod load;
mod manifest;
mod memory;
mod progress;
mod prune;
mod rmi;
mod save;
mod streams;
mod tag;
mod transports;
mod tutorial;
mod usage;
