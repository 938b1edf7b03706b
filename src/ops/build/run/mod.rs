//! `RUN`: a program runs on the layers so far, and what it changed becomes a layer.

mod command;
mod error;
mod request;

use crate::cancel::Token;
use crate::store::{Quarantine, Store};

pub use crate::runtime::Privileges;
pub use command::{RunCommand, command};
pub use error::RunError;
pub use request::{Below, BindSource, Network, OutputLine, RunLayer, RunMount, RunRequest, Stream, Ulimit};

/// Runs the `RUN`s of a build.
#[derive(Debug)]
pub struct Runner {
    store: Store,
    privileges: Privileges,
    runtime: Option<String>,
}

impl Runner {
    /// For builds with this store. `runtime` is the name or path of the OCI runtime, if one was asked for. Nothing is
    /// tried before the first `RUN`.
    pub fn new(store: Store, privileges: Privileges, runtime: Option<String>) -> Self {
        Self { store, privileges, runtime }
    }

    /// Runs one; `output` gets the lines that the program writes, from several threads.
    pub fn run(
        &self,
        quarantine: &Quarantine,
        request: &RunRequest<'_>,
        output: &(dyn Fn(OutputLine<'_>) + Sync),
        job: &Token,
    ) -> Result<RunLayer, RunError> {
        let _ = (quarantine, request, output, job, &self.store, &self.privileges, &self.runtime);
        Err(crate::runtime::Error::NoRuntime.into())
    }
}
