//! Manifests of the upstream: by digest for good, by tag until they are to be asked for again.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, ETAG, HeaderName};

use super::fetch::id;
use super::refused::Why;
use super::upstream::{Pending, Upstream, lock};
use crate::image::BlobSource as _;
use crate::oci::strict::MAX_DOCUMENT;
use crate::oci::{Descriptor, Digest, MediaType, Reference};
use crate::registry::{self, Fetched};
use crate::serve::answer::{Answer, Content};
use crate::serve::any_digest::AnyDigest;
use crate::serve::api;
use crate::serve::asked::Asked;
use crate::serve::manifest::Parts;
use crate::serve::notify;
use crate::serve::refusal::{Code, Refusal};
use crate::serve::repository::RepositoryName;
use crate::serve::route::Target;
use crate::serve::server::Server;
use crate::store::Error;

/// How long what was fetched is kept if its image never becomes whole.
pub(super) const KEEP: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How many manifests wait for their blobs.
const MAX_PENDING: usize = 1000;
/// Tells that an answer may be out of date ([RFC 7234, 5.5.1](https://www.rfc-editor.org/rfc/rfc7234#section-5.5.1)).
const WARNING: HeaderName = HeaderName::from_static("warning");

/// `GET` and `HEAD /v2/NAME/manifests/REFERENCE`
pub(in crate::serve) fn get(
    server: &Server,
    upstream: &Upstream,
    asked: &Asked,
    name: &RepositoryName,
    target: &Target,
) -> Result<Answer, Refusal> {
    let full = name.in_store().ok_or_else(|| Refusal::new(Code::ManifestUnknown))?;
    let puller = Puller { server, upstream, name, full: &full };
    let found = match target {
        Target::Tag(tag) => puller.by_tag(tag),
        Target::Digest(AnyDigest::Sha256(digest)) => puller.by_digest(digest).map(|found| (found, false)),
        Target::Digest(AnyDigest::Sha512(_)) => return api::manifests::get(server, asked, name, target),
    };
    let (descriptor, is_stale) = found.map_err(|why| why.refusal(upstream.host(), Code::ManifestUnknown))?;
    let blob = server.store().open_blob(&descriptor).map_err(|error| Refusal::broken(&error))?;
    let bytes = blob.ok_or_else(|| Refusal::new(Code::ManifestUnknown))?.read_all(MAX_DOCUMENT as u64)?;
    let digest = AnyDigest::Sha256(descriptor.digest);
    if !asked.is_head() {
        let tag = if let Target::Tag(tag) = target { Some(tag.as_str()) } else { None };
        server.events.pulled(asked, || notify::Target::manifest(name, &descriptor, &digest, tag));
    }
    let answer = Answer::new(StatusCode::OK)
        .header(CONTENT_TYPE, descriptor.media_type.as_str())
        .header(api::CONTENT_DIGEST, digest.to_string())
        .header(ETAG, format!("\"{digest}\""))
        .content(Content::Bytes(bytes.into()));
    if is_stale {
        upstream.count_stale();
        return Ok(answer.header(WARNING, "110 - \"Response is Stale\""));
    }
    Ok(answer)
}

struct Puller<'a> {
    server: &'a Server,
    upstream: &'a Upstream,
    name: &'a RepositoryName,
    full: &'a Reference,
}

impl Puller<'_> {
    fn by_digest(&self, digest: &Digest) -> Result<Descriptor, Why> {
        if let Some(found) = self.here(digest) {
            return Ok(found);
        }
        let wanted = self.full.with_digest(*digest);
        let what = wanted.canonical();
        self.upstream.alone(&what, || match self.here(digest) {
            Some(found) => Ok(found),
            None => self.fetch(&wanted),
        })
    }

    /// What a tag leads to, and whether the upstream could not be asked.
    fn by_tag(&self, tag: &str) -> Result<(Descriptor, bool), Why> {
        let Self { upstream, name, .. } = *self;
        let fresh =
            || upstream.fresh(name, tag).filter(|(descriptor, _)| self.server.store().has_blob(&descriptor.digest));
        if let Some(found) = fresh() {
            return Ok(found);
        }
        let wanted = self.full.with_tag(tag).map_err(|error| Why::broken(&error))?;
        upstream.alone(&wanted.familiar(), || {
            if let Some(found) = fresh() {
                return Ok(found);
            }
            let last = self.last(tag);
            match self.ask(&wanted, last.as_ref()) {
                Ok(descriptor) => {
                    upstream.says(name, tag, &descriptor);
                    Ok((descriptor, false))
                }
                // What the upstream has deleted is gone; what it cannot tell may still be so.
                Err(why) if why.is_absence() => Err(why),
                Err(why) => match last {
                    Some(last) => {
                        self.server.settings.log.warn(&format!("{} is served as it was: {why}", wanted.familiar()));
                        upstream.is_silent(name, tag, &last);
                        Ok((last, true))
                    }
                    None => Err(why),
                },
            }
        })
    }

    /// Asks the upstream what a tag leads to, and fetches that if it is not `last`.
    fn ask(&self, wanted: &Reference, last: Option<&Descriptor>) -> Result<Descriptor, Why> {
        if let Some(last) = last {
            let repository = self.upstream.repository(self.full).map_err(|error| Why::of(&error))?;
            match repository.digest(wanted) {
                Ok(Some(digest)) if digest == last.digest => return Ok(last.clone()),
                Ok(_) => {}
                Err(error) => return Err(Why::of(&error)),
            }
        }
        self.fetch(wanted)
    }

    /// What a tag led to, if that is here.
    fn last(&self, tag: &str) -> Option<Descriptor> {
        let known = self.server.shelves.now().ok()?;
        let stored = || known.find(self.name)?.tags.get(tag).cloned();
        let last = self.upstream.last(self.name, tag).or_else(stored)?;
        self.server.store().has_blob(&last.digest).then_some(last)
    }

    /// The manifest of a digest, if it is here.
    fn here(&self, digest: &Digest) -> Option<Descriptor> {
        let known = self.server.shelves.now().ok()?;
        let named = known.find(self.name).and_then(|found| self.server.shelves.reach(found).manifests.get(digest));
        let store = self.server.store();
        if let Some(named) = named.filter(|_| store.has_blob(digest)) {
            return Some(named.clone());
        }
        if !store.has_claim(api::blobs::owner(self.name).as_str(), digest) {
            return None;
        }
        let blob = store.open_blob(&Descriptor::new(MediaType::default(), *digest, 0)).ok()??;
        let (size, bytes) = (blob.size(), blob.read_all(MAX_DOCUMENT as u64).ok()?);
        let kind = Parts::parse(&bytes).ok()?.kind("").ok()?;
        Some(Descriptor::new(kind, *digest, size))
    }

    fn fetch(&self, wanted: &Reference) -> Result<Descriptor, Why> {
        let what = wanted.canonical();
        if self.upstream.was_absent(&what) {
            let repository = self.full.familiar_name();
            return Err(Why::absent(&repository));
        }
        let fetched = self.upstream.repository(self.full).and_then(|repository| repository.manifest(wanted));
        let fetched = fetched.map_err(|error| {
            let why = Why::of(&error);
            if why.is_absence() || matches!(error, registry::Error::NoManifest { .. }) {
                self.upstream.is_absent(&what);
            }
            why
        })?;
        self.keep(wanted, fetched)
    }

    /// Keeps a manifest: its bytes at once, its name when its image is whole.
    fn keep(&self, wanted: &Reference, fetched: Fetched) -> Result<Descriptor, Why> {
        let Fetched { descriptor, bytes } = fetched;
        let invalid = |why: String| Why::unreachable(&std::io::Error::other(why));
        let parts = Parts::parse(&bytes).map_err(invalid)?;
        self.keep_bytes(&bytes, &parts).map_err(|error| Why::broken(&error))?;
        let mut pending = lock(&self.upstream.pending);
        pending.retain(|other| other.name != *wanted);
        if pending.len() >= MAX_PENDING {
            pending.remove(0);
        }
        let repository = self.name.clone();
        pending.push(Pending {
            name: wanted.clone(),
            repository,
            descriptor: descriptor.clone(),
            parts: Arc::new(parts),
        });
        drop(pending);
        settle(self.server, self.upstream, self.name);
        Ok(descriptor)
    }

    fn keep_bytes(&self, bytes: &[u8], parts: &Parts) -> Result<(), Error> {
        let (store, owner) = (self.server.store(), api::blobs::owner(self.name));
        let (id, until) = (id().map_err(Error::Input)?, SystemTime::now() + KEEP);
        store.begin_incoming(&id, owner.as_str())?;
        let mut incoming = store.open_incoming(&id, None)?;
        incoming.append(bytes)?;
        incoming.keep(owner.as_str(), until)?;
        let blobs = parts.blobs.iter().filter_map(|need| match need.digest {
            AnyDigest::Sha256(digest) => Some((digest, need.size)),
            AnyDigest::Sha512(_) => None,
        });
        let blobs: Vec<(Digest, u64)> = blobs.collect();
        for (digest, _) in &blobs {
            // The upstream says that the repository has it: what another one has brought need not be fetched.
            store.claim(owner.as_str(), digest, until)?;
        }
        self.upstream.expect(blobs);
        Ok(())
    }
}

/// Gives the manifests of a repository whose blobs have come their names in the store.
pub(super) fn settle(server: &Server, upstream: &Upstream, name: &RepositoryName) {
    let waiting: Vec<Pending> =
        lock(&upstream.pending).iter().filter(|pending| pending.repository == *name).cloned().collect();
    for pending in waiting {
        if !is_whole(server, &pending.parts, 0) {
            continue;
        }
        match publish(server, &pending) {
            Ok(()) => lock(&upstream.pending)
                .retain(|other| other.name != pending.name || other.descriptor.digest != pending.descriptor.digest),
            Err(error) => server.settings.log.error(&format!("{}: {error}", pending.name.familiar())),
        }
    }
}

/// Whether all blobs of an image are here, or those of one image of an index.
fn is_whole(server: &Server, parts: &Parts, depth: usize) -> bool {
    let store = server.store();
    let is_here = |digest: &AnyDigest| matches!(digest, AnyDigest::Sha256(digest) if store.has_blob(digest));
    if !parts.blobs.iter().all(|need| need.is_elsewhere || is_here(&need.digest)) {
        return false;
    }
    let child = |digest: &AnyDigest| {
        let AnyDigest::Sha256(digest) = digest else { return false };
        let parts = server.shelves.parts(&Descriptor::new(MediaType::default(), *digest, 0));
        depth < crate::image::MAX_INDEX_DEPTH && parts.is_some_and(|parts| is_whole(server, &parts, depth + 1))
    };
    parts.manifests.is_empty() || parts.manifests.iter().any(|need| child(&need.digest))
}

fn publish(server: &Server, pending: &Pending) -> Result<(), Error> {
    let store = server.store();
    let Pending { name, descriptor, .. } = pending;
    // A manifest that an index of the repository lists needs no name of its own.
    let shelf = server.shelves.now()?;
    let known = shelf.find(&pending.repository).map(|found| server.shelves.reach(found));
    if name.digest().is_some() && known.is_some_and(|known| known.manifests.contains_key(&descriptor.digest)) {
        return Ok(());
    }
    let repository = name.without_tag().without_digest();
    store.update(|catalog| {
        if !store.has_blob(&descriptor.digest) {
            return Err(Error::Removed { digest: descriptor.digest });
        }
        if let Some(old) = catalog.tag(name, descriptor, true) {
            catalog.leave(&repository, &old.from, SystemTime::now());
        }
        Ok(())
    })?
}
