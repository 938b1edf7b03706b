//! The commands, each as a session: what was typed, what was printed, the exit code.

#[path = "../support/mod.rs"]
mod support;

mod damaged;
mod docker_habits;
mod filter;
mod formats;
mod history;
mod images;
mod inspect;
mod load;
mod manifest;
mod memory;
mod progress;
mod prune;
mod rmi;
mod save;
mod tag;
mod transports;
mod tutorial;
mod usage;
