//! The language of Dockerfiles.

mod instruction;

pub use instruction::{
    ArgPair, CommandForm, Copy, Directives, Dockerfile, Heredoc, Instruction, Located, Pair, Run, Stage,
};
