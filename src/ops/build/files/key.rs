//! What the result of a copy depends on, as one hash: paths, types, permissions, owners, capabilities, targets of links
//! and contents, but no times.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::content::{ContentReader, capabilities, open_unchanged};
use super::error::CopyError;
use super::owner::Owner;
use super::pick::Item;
use super::tree::{Content, SourceNode};
use crate::layer::EntryKind;
use crate::oci::{Digest, Hasher};
use crate::store::{ContentHashes, ContentKey};

/// The version of what is hashed.
const VERSION: &[u8] = b"imgtool-copy 1";
/// Fewer contents than this are not worth another thread.
const FEW: usize = 32;

/// Hashes what will be copied. Contents that are remembered are not read; the others are, and are remembered.
pub(super) fn key(items: &[Item<'_>], owner: Option<Owner>, hashes: &mut ContentHashes) -> Result<Digest, CopyError> {
    let contents = contents(items, hashes)?;
    let mut contents = contents.iter();
    let mut all = Fields(Hasher::new());
    all.put(VERSION);
    for item in items {
        all.put(&item.name);
        all.number(item.picks.len() as u64);
        let mut links: HashMap<(u64, u64), u64> = HashMap::new();
        for (place, pick) in (0_u64..).zip(&item.picks) {
            let node = &pick.node;
            all.put(&pick.path);
            all.kind(&node.kind);
            all.number(u64::from(node.mode));
            let (uid, gid) = owner.unwrap_or((node.uid, node.gid));
            all.number(uid);
            all.number(gid);
            // Which earlier name is the same file.
            let first = node.link.map_or(place, |link| *links.entry(link).or_insert(place));
            all.number(first);
            if node.kind == EntryKind::File {
                let digest = contents.next().expect("each file has one");
                all.number(node.size);
                all.put(digest.as_bytes());
            }
        }
    }
    Ok(all.0.finish())
}

/// The digests of all files, in order.
fn contents(items: &[Item<'_>], hashes: &mut ContentHashes) -> Result<Vec<Digest>, CopyError> {
    let settled = hashes.settled().ok();
    let files: Vec<(&SourceNode<'_>, Option<ContentKey>)> = items
        .iter()
        .flat_map(|item| &item.picks)
        .filter(|pick| pick.node.kind == EntryKind::File)
        .map(|pick| (&pick.node, identity(&pick.node)))
        .collect();
    let mut found: Vec<Option<Digest>> =
        files.iter().map(|(node, key)| given(node).or_else(|| hashes.get(key.as_ref()?))).collect();
    let unknown: Vec<usize> = (0..files.len()).filter(|place| found[*place].is_none()).collect();
    for (place, digest) in read(&files, &unknown)? {
        if let (node, Some(key)) = files[place]
            && is_settled(node, settled)
        {
            hashes.put(key, &digest);
        }
        found[place] = Some(digest);
    }
    Ok(found.into_iter().map(|digest| digest.expect("what was unknown was read")).collect())
}

/// Whether a file changed long enough ago to be remembered.
fn is_settled(node: &SourceNode<'_>, settled: Option<crate::layer::Mtime>) -> bool {
    match &node.content {
        Content::Disk { seen, .. } => {
            settled.is_some_and(|settled| seen.stat.ctime < settled && seen.stat.mtime < settled)
        }
        _ => true,
    }
}

/// Reads contents side by side.
fn read(files: &[(&SourceNode<'_>, Option<ContentKey>)], unknown: &[usize]) -> Result<Vec<(usize, Digest)>, CopyError> {
    let (ordered, unknown): (Vec<usize>, Vec<usize>) =
        unknown.iter().partition(|place| packed(files[**place].0).is_some());
    let read_in_order = read_packed(files, ordered)?;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let workers = cores.min(unknown.len() / FEW + 1);
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(unknown.len()));
    let work = || -> Result<(), CopyError> {
        let mut reader = ContentReader::new();
        let mut mine = Vec::new();
        while let Some(&place) = unknown.get(next.fetch_add(1, Ordering::Relaxed)) {
            mine.push((place, digest(&mut reader, files[place].0)?));
        }
        done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(mine);
        Ok(())
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
        let mine = work();
        let ended = others.into_iter().map(|other| other.join().expect("reading does not panic"));
        ended.fold(mine, Result::and)
    })?;
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.extend(read_in_order);
    Ok(done)
}

/// Where a content lies in a compressed layer; none if it does not.
fn packed(node: &SourceNode<'_>) -> Option<(usize, usize, u64)> {
    let Content::Layer { layers, range } = &node.content else { return None };
    let stack = std::ptr::from_ref(layers.contents).addr();
    let is_packed = range.size > 0 && !layers.contents.is_plain(range.layer);
    is_packed.then_some((stack, range.layer, range.content_offset))
}

/// Reads contents of compressed layers in the order in which they lie there: each layer is decompressed once.
fn read_packed(
    files: &[(&SourceNode<'_>, Option<ContentKey>)],
    mut places: Vec<usize>,
) -> Result<Vec<(usize, Digest)>, CopyError> {
    places.sort_by_key(|place| packed(files[*place].0));
    let (mut reader, mut done) = (ContentReader::new(), Vec::<(usize, Digest)>::with_capacity(places.len()));
    for place in places {
        // Names of one file have one content.
        let same = done.last().filter(|(last, _)| packed(files[*last].0) == packed(files[place].0));
        let digest = match same {
            Some((_, digest)) => *digest,
            None => digest(&mut reader, files[place].0)?,
        };
        done.push((place, digest));
    }
    Ok(done)
}

/// The digest of a content, and of the capabilities that belong to it.
fn digest<'a>(reader: &mut ContentReader<'a>, node: &SourceNode<'a>) -> Result<Digest, CopyError> {
    let mut hashing = Hashing(Hasher::new());
    let xattrs = match &node.content {
        Content::Disk { folder, path, seen } => {
            let file = open_unchanged(folder, path, seen)?;
            let xattrs = capabilities(&file, path)?;
            reader.copy_file(file, path, seen, &mut hashing)?;
            xattrs
        }
        content => {
            reader.copy(content, b"", node.size, &mut hashing)?;
            node.xattrs.clone()
        }
    };
    let content = hashing.0.finish();
    if xattrs.is_empty() {
        return Ok(content);
    }
    let mut all = Fields(Hasher::new());
    all.put(content.as_bytes());
    for (name, value) in &xattrs {
        all.put(name);
        all.put(value);
    }
    Ok(all.0.finish())
}

/// A digest that is known without reading.
fn given(node: &SourceNode<'_>) -> Option<Digest> {
    match &node.content {
        Content::None if node.size == 0 && node.xattrs.is_empty() => Some(Digest::of(b"")),
        Content::Spooled { digest, .. } => *digest,
        _ => None,
    }
}

/// Identifies a content by what changes with it.
fn identity(node: &SourceNode<'_>) -> Option<ContentKey> {
    let mut fields = Fields(Hasher::new());
    match &node.content {
        Content::Disk { seen, .. } => {
            fields.put(b"file");
            let stat = &seen.stat;
            for number in [seen.dev, stat.ino, stat.size] {
                fields.number(number);
            }
            for time in [stat.mtime, stat.ctime] {
                fields.number(time.seconds.cast_unsigned());
                fields.number(u64::from(time.nanos));
            }
        }
        Content::Layer { layers, range } => {
            fields.put(b"layer");
            fields.put(layers.diff_ids.get(range.layer)?.digest().as_bytes());
            fields.number(range.content_offset);
            fields.number(range.size);
            // A layer's members may share a content's place only if they are empty, but may differ in these.
            for (name, value) in &node.xattrs {
                fields.put(name);
                fields.put(value);
            }
        }
        _ => return None,
    }
    fields.0.finish().as_bytes()[..16].try_into().ok()
}

/// Hashes fields so that no two lists of them look alike.
struct Fields(Hasher);

impl Fields {
    fn put(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    fn number(&mut self, number: u64) {
        self.0.update(&number.to_le_bytes());
    }

    fn kind(&mut self, kind: &EntryKind) {
        match kind {
            EntryKind::File => self.put(b"f"),
            EntryKind::Directory => self.put(b"d"),
            EntryKind::Fifo => self.put(b"p"),
            EntryKind::Symlink { target } => {
                self.put(b"l");
                self.put(target);
            }
            EntryKind::Hardlink { target } => {
                self.put(b"h");
                self.put(target.as_bytes());
            }
            EntryKind::CharDevice { major, minor } | EntryKind::BlockDevice { major, minor } => {
                self.put(if matches!(kind, EntryKind::CharDevice { .. }) { b"c" } else { b"b" });
                self.number(u64::from(*major));
                self.number(u64::from(*minor));
            }
        }
    }
}

struct Hashing(Hasher);

impl std::io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
