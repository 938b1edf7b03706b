//! The commands, each as a session: what was typed, what was printed, the exit code.

#[path = "../support/mod.rs"]
mod support;

mod commit;
mod commit_user;
mod damaged;
mod diff;
mod export;
mod fidelity;
mod filter;
mod formats;
mod history;
mod images;
mod import;
mod inspect;
mod interrupt;
mod load;
mod memory;
mod progress;
mod prune;
mod rmi;
mod save;
mod tag;
mod transports;
mod unpack;
mod usage;
