//! Blobs on their way to a repository, several at a time.

use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::event::{LayerState, SentLayers, TellLayer};
use super::meter::Meter;
use super::outbox::Outbox;
use super::plan::Plan;
use crate::image::outgoing::{OutgoingPart, PartKind, Recode};
use crate::image::{MovingBlob, Progress, copy, work};
use crate::oci::{Descriptor, DiffId, Digest, Hasher, Reference};
use crate::ops::{Context, Error};
use crate::registry::{self, Arrived, RegistryHost, Repository, Sessions, Upload};
use crate::store::{self, SendingBlob, Store};

/// From how many bytes on a blob is sent by one process at a time.
const LEAST_ALONE: u64 = 128 << 10;
/// How long to wait between two looks at whether another process still sends a blob.
const LOOK: Duration = Duration::from_millis(100);
/// How often a layer is compressed that the registry does not get whole.
const COMPRESSED_AT_MOST: usize = 3;

/// Sends images to one repository.
pub struct Sender<'a> {
    context: &'a Context,
    /// What all senders share.
    outbox: &'a Outbox<'a>,
    repository: &'a Repository,
    tell: TellLayer<'a>,
    progress: &'a dyn Progress,
    /// The repository from which the images come, if it is of the same registry.
    origin: Option<String>,
}

impl<'a> Sender<'a> {
    /// Sends to `repository`.
    pub fn new(
        outbox: &'a Outbox<'a>,
        repository: &'a Repository,
        tell: TellLayer<'a>,
        progress: &'a dyn Progress,
    ) -> Self {
        Self { context: outbox.context, outbox, repository, tell, progress, origin: None }
    }

    /// The images come from a repository. If it is of the same registry, blobs are mounted from it; if it is the same
    /// repository, they are there.
    pub fn coming_from(mut self, name: &Reference) -> Self {
        let is_same = RegistryHost::of(name) == *self.repository.host();
        self.origin = is_same.then(|| name.repository().to_owned());
        self
    }

    /// Sends an image: its blobs, then its manifests and indexes, the one that the name leads to last. Returns the
    /// descriptor of that.
    pub fn send(&self, plan: &Plan) -> Result<Descriptor, Error> {
        let is_retag = self.origin.as_deref() == Some(self.repository.name().repository());
        let sent = if is_retag { SentLayers::new() } else { self.send_blobs(plan)? };
        let mut root = plan.outgoing.descriptor.clone();
        for part in plan.documents() {
            let is_root = part.descriptor.digest == plan.outgoing.descriptor.digest;
            if is_retag && !is_root {
                continue;
            }
            let (descriptor, bytes) = plan.document(part, &sent)?;
            let by_digest = || self.repository.name().with_digest(descriptor.digest);
            let name = if is_root && plan.name.tag().is_some() { plan.name.clone() } else { by_digest() };
            self.repository.put_manifest(&name, &descriptor.media_type, &bytes)?;
            if is_root {
                root = descriptor;
            }
        }
        Ok(root)
    }

    /// Sends the layers and configs of an image. Returns what layers became that were compressed.
    fn send_blobs(&self, plan: &Plan) -> Result<SentLayers, Error> {
        let mut parts: Vec<&OutgoingPart> = plan.blobs().collect();
        for part in parts.iter().filter(|part| part.kind == PartKind::Blob) {
            self.tell_of(plan, part, LayerState::Preparing);
        }
        // The largest first: what is begun last should not take long.
        parts.sort_by_key(|part| std::cmp::Reverse(part.descriptor.size));
        self.progress.more(parts.iter().map(|part| part.descriptor.size).sum());
        let sent = work::for_each(&parts, self.outbox.options.jobs, |id, part| self.part(id as u64, plan, part))?;
        let changed = parts.iter().zip(sent).filter_map(|(part, sent)| Some((part.descriptor.digest, sent?)));
        Ok(changed.collect())
    }

    /// Sends a blob; returns what it became, if it was compressed.
    fn part(&self, id: u64, plan: &Plan, part: &OutgoingPart) -> Result<Option<Descriptor>, Error> {
        let digest = &part.descriptor.digest;
        let diff_id = plan.diff_ids.get(digest).filter(|_| part.kind == PartKind::Blob);
        let label = diff_id.map_or_else(|| part.label.clone(), |diff_id| diff_id.short().to_string());
        let _moving = self.outbox.pool.enter(self.repository.host().as_str(), digest);
        let start = |what: &str| {
            let label = format!("{label}: {what}");
            let blob = MovingBlob { image: "", digest, action: "push", label: &label };
            self.progress.start_blob(id, &blob, Some(part.descriptor.size));
        };
        let _sending = self.begin_sending(part, &|| {
            start("Waiting for another imgtool");
            self.tell_of(plan, part, LayerState::Elsewhere);
        })?;
        start("Pushing");
        self.tell_of(plan, part, LayerState::Pushing);
        let meter = Meter::new(self.progress, id, part.descriptor.size);
        let (arrived, became) = if let Some(diff_id) = diff_id.filter(|_| plan.plain.contains(digest)) {
            let (arrived, became) = self.packed(&meter, diff_id, part)?;
            (arrived, Some(became))
        } else {
            let open = |offset| part.open_from(offset);
            let arrived = self.upload(&part.descriptor, &open, &[*digest], &|bytes| meter.advance(bytes));
            (arrived.map_err(|error| damage(error, part))?, None)
        };
        meter.complete();
        self.progress.finish(id, "");
        let state = match arrived {
            Arrived::Exists => LayerState::Exists,
            Arrived::Mounted(from) => LayerState::MountedFrom(from),
            Arrived::Sent => LayerState::Pushed,
        };
        self.tell_of(plan, part, state);
        Ok(became)
    }

    /// Waits while another process sends the same blob to the same repository: two would end each other's session.
    fn begin_sending(&self, part: &OutgoingPart, waiting: &dyn Fn()) -> Result<Option<SendingBlob>, Error> {
        if part.descriptor.size < LEAST_ALONE {
            return Ok(None);
        }
        let (store, repository) = (&self.context.store, self.repository.name().name());
        let begin = || store.begin_sending(&repository, &part.descriptor.digest);
        if let Some(alone) = begin() {
            return Ok(Some(alone));
        }
        waiting();
        loop {
            store.job().check().map_err(|source| Error::Io { what: part.shown(), source })?;
            std::thread::sleep(LOOK);
            if let Some(alone) = begin() {
                return Ok(Some(alone));
            }
        }
    }

    fn upload(
        &self,
        descriptor: &Descriptor,
        open: registry::OpenBlob<'_>,
        known_as: &[Digest],
        moved: &(dyn Fn(u64) + Sync),
    ) -> Result<Arrived, registry::Error> {
        let there = self.outbox.repositories_with(self.repository, &descriptor.digest);
        if there.iter().any(|name| name == self.repository.name().repository()) {
            return Ok(Arrived::Exists);
        }
        let elsewhere = || {
            let known = self.outbox.elsewhere.repositories(self.repository, known_as);
            let mut all: Vec<String> = Vec::new();
            for name in there.iter().cloned().chain(self.origin.clone()).chain(known) {
                if !all.contains(&name) {
                    all.push(name);
                }
            }
            all
        };
        let sessions = self.sessions();
        let upload = Upload { descriptor, open, elsewhere: &elsewhere, sessions: &sessions, moved };
        let arrived = self.repository.upload(&upload)?;
        self.outbox.arrived(self.repository, &descriptor.digest);
        Ok(arrived)
    }

    /// Sends a layer compressed. If it is known what it becomes, it is compressed only if the registry lacks it.
    fn packed(&self, meter: &Meter<'_>, diff_id: &DiffId, part: &OutgoingPart) -> Result<(Arrived, Descriptor), Error> {
        let recode = self.outbox.options.compress;
        let (store, form) = (&self.context.store, form(recode));
        let media_type = recode.compression().media_type();
        if let Some((digest, size)) = store.packed_layer(diff_id, &form) {
            let descriptor = Descriptor::new(media_type.clone(), digest, size);
            let open = |offset| {
                let mut stream = recode.stream(part.open()?)?;
                io::copy(&mut stream.by_ref().take(offset), &mut io::sink())?;
                Ok(stream)
            };
            let (share, whole) = (u128::from(part.descriptor.size), u128::from(size.max(1)));
            let moved = |bytes| meter.advance(u64::try_from(u128::from(bytes) * share / whole).unwrap_or_default());
            match self.upload(&descriptor, &open, &[digest, part.descriptor.digest], &moved) {
                // It is no longer what it becomes.
                Err(error) if is_other(&error) => store.forget_packed_layer(diff_id, &form),
                arrived => return Ok((arrived?, descriptor)),
            }
        }
        let (digest, size) = self.compressed(meter, diff_id, &form, part)?;
        store.remember_packed_layer(diff_id, &form, &digest, size);
        self.outbox.arrived(self.repository, &digest);
        Ok((Arrived::Sent, Descriptor::new(media_type, digest, size)))
    }

    /// Compresses a layer on its way.
    fn compressed(
        &self,
        meter: &Meter<'_>,
        diff_id: &DiffId,
        form: &str,
        part: &OutgoingPart,
    ) -> Result<(Digest, u64), Error> {
        let unreadable = |source| Error::Io { what: format!("layer {diff_id}"), source };
        let key = Digest::of(format!("{diff_id} {form}").as_bytes());
        let _turn = self.outbox.compressing.wait();
        let mut attempt = 1;
        loop {
            let seen = Mutex::new(Hasher::new());
            let observed = Observed { stream: part.open().map_err(unreadable)?, seen: &seen, meter };
            let mut stream = self.outbox.options.compress.stream(Box::new(observed)).map_err(unreadable)?;
            match self.repository.upload_stream(&mut *stream, &key, &self.sessions()) {
                // The session of an earlier run, or one that the registry forgot: now it is forgotten here, too.
                Err(error) if attempt < COMPRESSED_AT_MOST && (is_lost(&error) || is_other(&error)) => attempt += 1,
                sent => {
                    let sent = sent?;
                    drop(stream);
                    let actual = seen.into_inner().unwrap_or_else(PoisonError::into_inner).finish();
                    return if actual == part.descriptor.digest { Ok(sent) } else { Err(damaged(part, &actual)) };
                }
            }
        }
    }

    fn sessions(&self) -> Kept<'_> {
        Kept { store: &self.context.store, repository: self.repository.name().name() }
    }

    fn tell_of(&self, plan: &Plan, part: &OutgoingPart, state: LayerState) {
        if let (Some(diff_id), PartKind::Blob) = (plan.diff_ids.get(&part.descriptor.digest), part.kind) {
            (self.tell)(*diff_id, state);
        }
    }
}

/// Whether a blob came to the registry that has another digest or size than was said.
fn is_other(error: &registry::Error) -> bool {
    let ends_early = |source: &io::Error| source.kind() == io::ErrorKind::UnexpectedEof;
    matches!(error, registry::Error::UploadSource { source, .. } if ends_early(source))
        || error.refusal().is_some_and(|refusal| refusal.has("DIGEST_INVALID"))
}

fn is_lost(error: &registry::Error) -> bool {
    matches!(error, registry::Error::UploadLost { .. })
}

fn damaged(part: &OutgoingPart, actual: &Digest) -> Error {
    let problem = format!("its digest is {actual}");
    store::Error::DamagedLayer { digest: part.descriptor.digest, problem }.into()
}

/// If a registry refuses a blob for its digest, what was sent may be damaged.
fn damage(error: registry::Error, part: &OutgoingPart) -> Error {
    let actual = || copy::send(&mut part.open().ok()?, &mut io::sink(), &|_| {}).ok().map(|(digest, _)| digest);
    match is_other(&error).then(actual).flatten().filter(|actual| *actual != part.descriptor.digest) {
        Some(actual) => damaged(part, &actual),
        None => error.into(),
    }
}

/// The name of what a compression makes of a layer. Another version may make something else.
fn form(recode: Recode) -> String {
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    match recode {
        Recode::Unpack => "tar".to_owned(),
        Recode::Gzip(level) => format!("gzip-{level}-{VERSION}"),
        Recode::Zstd(level) => format!("zstd-{level}-{VERSION}"),
    }
}

/// Upload sessions that are kept in the store.
struct Kept<'a> {
    store: &'a Store,
    repository: String,
}

impl Sessions for Kept<'_> {
    fn find(&self, digest: &Digest) -> Option<String> {
        self.store.upload_session(&self.repository, digest)
    }

    fn keep(&self, digest: &Digest, url: &str) {
        self.store.keep_upload_session(&self.repository, digest, url);
    }

    fn forget(&self, digest: &Digest) {
        self.store.forget_upload_session(&self.repository, digest);
    }
}

/// Hashes what is read of a layer, and reports it.
struct Observed<'a, R> {
    stream: R,
    seen: &'a Mutex<Hasher>,
    meter: &'a Meter<'a>,
}

impl<R: Read> Read for Observed<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.stream.read(into)?;
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).update(&into[..got]);
        self.meter.advance(got as u64);
        Ok(got)
    }
}
