//! Blobs on their way to a repository, several at a time.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::event::{LayerState, SendOptions, SentLayers, TellLayer};
use super::plan::Plan;
use crate::image::outgoing::{OutgoingPart, PartKind, Recode};
use crate::image::{Progress, work};
use crate::oci::{Descriptor, DiffId, Digest, Reference};
use crate::ops::{Context, Error};
use crate::registry::{Arrived, RegistryHost, Repository, Sessions, Upload};
use crate::store::Store;

/// Sends images to one repository.
pub struct Sender<'a> {
    context: &'a Context,
    repository: &'a Repository,
    options: SendOptions,
    tell: TellLayer<'a>,
    progress: &'a dyn Progress,
    /// The other repositories of the registry that have a blob, as far as the store's names tell.
    elsewhere: HashMap<Digest, Vec<String>>,
    /// The repository from which the images come, if it is of the same registry.
    origin: Option<String>,
    /// The blobs that are known to be in the repository.
    there: Mutex<HashSet<Digest>>,
}

impl<'a> Sender<'a> {
    /// Sends to `repository`.
    pub fn new(
        context: &'a Context,
        repository: &'a Repository,
        options: SendOptions,
        tell: TellLayer<'a>,
        progress: &'a dyn Progress,
    ) -> Result<Self, Error> {
        let elsewhere = elsewhere(context, repository)?;
        Ok(Self { context, repository, options, tell, progress, elsewhere, origin: None, there: Mutex::default() })
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
        self.progress.total(Some(parts.iter().map(|part| part.descriptor.size).sum()));
        let sent = work::for_each(&parts, self.options.jobs, |id, part| self.part(id as u64, plan, part))?;
        let changed = parts.iter().zip(sent).filter_map(|(part, sent)| Some((part.descriptor.digest, sent?)));
        Ok(changed.collect())
    }

    /// Sends a blob; returns what it became, if it was compressed.
    fn part(&self, id: u64, plan: &Plan, part: &OutgoingPart) -> Result<Option<Descriptor>, Error> {
        let digest = &part.descriptor.digest;
        let diff_id = plan.diff_ids.get(digest).filter(|_| part.kind == PartKind::Blob);
        let label = diff_id.map_or_else(|| part.label.clone(), |diff_id| diff_id.short().to_string());
        self.progress.start(id, &format!("{label}: Pushing"), Some(part.descriptor.size));
        self.tell_of(plan, part, LayerState::Pushing);
        let (arrived, became) = match diff_id.filter(|_| plan.plain.contains(digest)) {
            Some(diff_id) => {
                let (arrived, became) = self.packed(id, diff_id, part)?;
                (arrived, Some(became))
            }
            None => (self.upload(id, &part.descriptor, &|offset| part.open_from(offset), &[*digest])?, None),
        };
        self.progress.finish(id, "");
        let state = match arrived {
            Arrived::Exists => LayerState::Exists,
            Arrived::Mounted(from) => LayerState::MountedFrom(from),
            Arrived::Sent => LayerState::Pushed,
        };
        self.tell_of(plan, part, state);
        Ok(became)
    }

    fn upload(
        &self,
        id: u64,
        descriptor: &Descriptor,
        open: crate::registry::OpenBlob<'_>,
        known_as: &[Digest],
    ) -> Result<Arrived, Error> {
        if self.there().contains(&descriptor.digest) {
            return Ok(Arrived::Exists);
        }
        let known = known_as.iter().filter_map(|digest| self.elsewhere.get(digest)).flatten();
        let elsewhere: Vec<String> = self.origin.iter().chain(known).cloned().collect();
        let sessions = Kept { store: &self.context.store, repository: self.repository.name().name() };
        let moved = |bytes| self.progress.advance(id, bytes);
        let upload = Upload { descriptor, open, elsewhere: &elsewhere, sessions: &sessions, moved: &moved };
        let arrived = self.repository.upload(&upload)?;
        self.there().insert(descriptor.digest);
        Ok(arrived)
    }

    fn there(&self) -> MutexGuard<'_, HashSet<Digest>> {
        self.there.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a layer compressed. If it is known what it becomes, it is compressed only if the registry lacks it.
    fn packed(&self, id: u64, diff_id: &DiffId, part: &OutgoingPart) -> Result<(Arrived, Descriptor), Error> {
        let recode = self.options.compress;
        let (store, form) = (&self.context.store, form(recode));
        let media_type = recode.compression().media_type();
        let unreadable = |source| Error::Io { what: format!("layer {diff_id}"), source };
        if let Some((digest, size)) = store.packed_layer(diff_id, &form) {
            let descriptor = Descriptor::new(media_type.clone(), digest, size);
            let open = |offset| {
                let mut stream = recode.stream(part.open()?)?;
                io::copy(&mut stream.by_ref().take(offset), &mut io::sink())?;
                Ok(stream)
            };
            let known_as = [digest, part.descriptor.digest];
            match self.upload(id, &descriptor, &open, &known_as) {
                Err(Error::Registry(error)) if error.refusal().is_some_and(|refusal| refusal.has("DIGEST_INVALID")) => {
                    // Another version of the compressor made it.
                    store.forget_packed_layer(diff_id, &form);
                }
                arrived => return Ok((arrived?, descriptor)),
            }
        }
        let counted = Counted { stream: part.open().map_err(unreadable)?, progress: self.progress, id };
        let mut stream = recode.stream(Box::new(counted)).map_err(unreadable)?;
        let (digest, size) = self.repository.upload_stream(&mut *stream, &|_| {})?;
        store.remember_packed_layer(diff_id, &form, &digest, size);
        Ok((Arrived::Sent, Descriptor::new(media_type, digest, size)))
    }

    fn tell_of(&self, plan: &Plan, part: &OutgoingPart, state: LayerState) {
        if let (Some(diff_id), PartKind::Blob) = (plan.diff_ids.get(&part.descriptor.digest), part.kind) {
            (self.tell)(*diff_id, state);
        }
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

/// Finds in which other repositories of a registry blobs are, as far as the names in the store tell.
fn elsewhere(context: &Context, repository: &Repository) -> Result<HashMap<Digest, Vec<String>>, Error> {
    let mut found: HashMap<Digest, Vec<String>> = HashMap::new();
    let own = repository.name();
    let catalog = context.store.catalog()?;
    for entry in catalog.entries() {
        let Some(name) = &entry.name else { continue };
        if name.registry() != own.registry() || name.repository() == own.repository() {
            continue;
        }
        let Ok(tree) = context.store.tree(entry) else { continue };
        let mut digests = HashSet::new();
        tree.collect_digests(&mut digests);
        for digest in digests {
            let repositories = found.entry(digest).or_default();
            if !repositories.iter().any(|known| known == name.repository()) {
                repositories.push(name.repository().to_owned());
            }
        }
    }
    Ok(found)
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

/// Reports what is read of a layer.
struct Counted<'a, R> {
    stream: R,
    progress: &'a dyn Progress,
    id: u64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.stream.read(into)?;
        self.progress.advance(self.id, got as u64);
        Ok(got)
    }
}
