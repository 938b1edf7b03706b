//! The `imgtool` binary: parse, run, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    imgtool::cli::main(std::env::args_os())
}
