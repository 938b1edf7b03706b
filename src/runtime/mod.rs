//! Running a program in a root file system, through an OCI runtime.
//!
//! ```text
//! imgtool ─▶ imgtool (new pid and mount namespaces) ─▶ imgtool (pid 1: mounts, config.json) ─▶ crun | runc | youki
//! ```
//!
//! - Each process asks the kernel to be killed when the one before it ends, and with pid 1 everything below ends: no
//!   container outlives imgtool, however imgtool ends.
//! - All mounts are made in the private mount namespace, and vanish with it.
//! - As an ordinary user, all this happens in a user namespace, which [`Namespaces`] entered when the program started.

mod called;
mod child;
pub mod confinement;
mod engine;
mod error;
mod failure;
mod inside;
mod lines;
mod namespaces;
mod plan;
mod request;
mod spec;
mod start;
mod sweep;
mod user;

pub use called::called;
pub use engine::Engine;
pub use error::Error;
pub use namespaces::{Namespaces, Privileges, has_id, is_nested};
pub use plan::{Layers, Mounted, Plan, PlannedMount};
pub use request::{Network, Stream, Ulimit};
pub use spec::HOST;
pub use start::{Ended, Wanted, run};
pub use sweep::{remove_unused, sweep};
pub use user::{ProcessUser, find_user};
