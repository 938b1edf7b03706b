//! The language of Dockerfiles.

mod instruction;
mod mount;

pub use instruction::{
    ArgPair, CommandForm, Copy, Directives, Dockerfile, Heredoc, Instruction, Located, Pair, Run, Stage,
};
pub use mount::{CacheSpec, MountError, MountKind, MountSpec, SecretSpec, Sharing, parse_mount};
