//! Reading blobs, each once however many images have it.

use std::collections::HashMap;
use std::io::{self, Read};

use super::{Damage, DamageKind, ExpectedBlob};
use crate::cancel::Token;
use crate::image::blob::Key;
use crate::image::copy::send;
use crate::image::work::{for_each, threads};
use crate::image::{Blob, Progress};
use crate::layer::{Limits, ScanError, scan};
use crate::oci::{DiffId, Digest};

/// What the bytes of a blob are.
#[derive(Debug, Clone)]
pub struct ReadBlob {
    digest: Digest,
    size: u64,
    /// Of a layer: its diff ID, or why it is not a layer.
    layer: Option<Result<DiffId, String>>,
}

/// Why a blob could not be read to its end: it is not there, or something else.
type Unread = (DamageKind, String);

/// A blob, and whether it is read as a layer.
pub type JobKey = (Key, bool);

/// The blobs that are to be read.
#[derive(Debug, Default)]
pub struct Jobs {
    jobs: Vec<(Blob, bool)>,
    known: HashMap<JobKey, usize>,
}

impl Jobs {
    /// The key of a part's result.
    pub fn key(part: &ExpectedBlob) -> JobKey {
        (part.blob.key(), part.diff_id.is_some())
    }

    /// Adds the blob of a part, if it is not among them.
    pub fn add(&mut self, part: &ExpectedBlob) {
        let key = Self::key(part);
        self.known.entry(key).or_insert_with(|| {
            self.jobs.push((part.blob.clone(), key.1));
            self.jobs.len() - 1
        });
    }

    /// Reads all blobs, several at a time, the largest first. An error only if the job was cancelled.
    pub fn read(
        self,
        limits: &Limits,
        progress: &dyn Progress,
        job: &Token,
    ) -> io::Result<HashMap<JobKey, Result<ReadBlob, Unread>>> {
        let mut order: Vec<usize> = (0..self.jobs.len()).collect();
        order.sort_by_key(|at| std::cmp::Reverse(self.jobs[*at].0.size()));
        progress.total(Some(self.jobs.iter().map(|(blob, _)| blob.size()).sum()));
        let seen = for_each(&order, threads(), |_, &at| {
            job.check()?;
            let (blob, is_layer) = &self.jobs[at];
            progress.start(at as u64, &format!("Verifying {} of {}", at + 1, order.len()), Some(blob.size()));
            let seen = see(blob, *is_layer, limits, &|bytes| progress.advance(at as u64, bytes), job);
            progress.finish(at as u64, "");
            Ok::<_, io::Error>((at, seen))
        })?;
        job.check()?;
        let mut seen: HashMap<usize, Result<ReadBlob, Unread>> = seen.into_iter().collect();
        Ok(self.known.into_iter().filter_map(|(key, at)| Some((key, seen.remove(&at)?))).collect())
    }
}

fn see(blob: &Blob, is_layer: bool, limits: &Limits, moved: &dyn Fn(u64), job: &Token) -> Result<ReadBlob, Unread> {
    let open = || Ok::<_, io::Error>(Watched { inner: blob.open()?, job });
    let mut problem = None;
    if is_layer {
        match open().map_err(ScanError::from).and_then(|reader| scan(reader, limits, &mut io::sink())) {
            Ok(found) => {
                moved(blob.size());
                let layer = Some(Ok(found.summary.diff_id));
                return Ok(ReadBlob { digest: found.blob, size: found.blob_size, layer });
            }
            Err(error) => problem = Some(Err(error.to_string())),
        }
    }
    // The digest tells whether the bytes are damaged or never were a layer.
    let read = open().and_then(|mut reader| send(&mut reader, &mut io::sink(), &|_| {}));
    moved(blob.size());
    let (digest, size) = read.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => (DamageKind::Missing, error.to_string()),
        _ => (DamageKind::Invalid, error.to_string()),
    })?;
    Ok(ReadBlob { digest, size, layer: problem })
}

/// Compares a blob with what is expected; of several faults, reports the one that explains the others.
pub fn judge(part: &ExpectedBlob, seen: &Result<ReadBlob, Unread>) -> Option<Damage> {
    let digest = part.described.map(|(digest, _)| digest);
    let damage = |kind, problem: String| Some(Damage::new(part.name, digest, kind, problem));
    let seen = match seen {
        Ok(seen) => seen,
        Err((kind, problem)) => return damage(*kind, problem.clone()),
    };
    if let Some(described) = part.described
        && let Some((kind, problem)) = compare(described, (seen.digest, seen.size))
    {
        return damage(kind, problem);
    }
    match (&seen.layer, part.diff_id) {
        (Some(Err(problem)), Some(_)) => damage(DamageKind::Invalid, problem.clone()),
        (Some(Ok(actual)), Some(expected)) if *actual != expected => {
            damage(DamageKind::WrongDiffId, format!("its diff ID is {actual}, and the config says {expected}"))
        }
        _ => None,
    }
}

/// The fault of a blob, by its expected and actual digest and size; `None` if they agree.
pub(super) fn compare(expected: (Digest, u64), actual: (Digest, u64)) -> Option<(DamageKind, String)> {
    let sizes = || format!("it has {} bytes where its descriptor says {}", actual.1, expected.1);
    match actual.0 == expected.0 {
        true if actual.1 == expected.1 => None,
        true => Some((DamageKind::WrongSize, sizes())),
        false if actual.1 < expected.1 => Some((DamageKind::Truncated, sizes())),
        false => Some((DamageKind::Changed, format!("its content has the digest {}", actual.0))),
    }
}

/// A reader that fails when the job is cancelled.
struct Watched<'a, R> {
    inner: R,
    job: &'a Token,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.job.check()?;
        self.inner.read(into)
    }
}
