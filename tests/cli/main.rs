//! The commands, each as a session: what was typed, what was printed, the exit code.

#[path = "../support/mod.rs"]
mod support;

mod commit;
mod commit_user;
mod completion;
mod copy;
mod damaged;
mod diff;
mod docker_habits;
mod escapes;
mod export;
mod family;
mod fidelity;
mod filter;
mod formats;
mod help;
mod history;
mod images;
mod import;
mod in_registry;
mod inspect;
mod interrupt;
mod lists;
mod load;
mod login;
mod manifest;
mod memory;
mod open_files;
mod other_tools;
mod places;
mod platforms;
mod progress;
mod prune;
mod pull;
mod rmi;
mod save;
mod search;
mod streams;
mod tag;
mod transports;
mod tutorial;
mod unpack;
mod usage;
mod verify;
mod wrong_files;
