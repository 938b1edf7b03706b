//! The jobs for which imgtool starts itself.

use std::ffi::OsString;
use std::process::ExitCode;

use super::{child, namespaces, sweep};

/// What imgtool does when it was started by itself for a job that needs a process of its own; none if it was not. `words`
/// are those after the program's name.
pub fn called(words: &[OsString]) -> Option<ExitCode> {
    let (job, words) = words.split_first()?;
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let code = match job.to_str()? {
        namespaces::MAP => u8::from(!namespaces::map(&words)),
        sweep::SWEEP => u8::from(!sweep::swept(&words)),
        child::OUTSIDE => child::outside(&words),
        child::INSIDE => child::inside(),
        _ => return None,
    };
    Some(ExitCode::from(code))
}
