//! Writes the header blocks of a member.

use std::ops::Range;

use super::Meta;
use super::pax::{self, Records};
use crate::layer::entry::EntryKind;
use crate::layer::path::split_last;
use crate::layer::reader::{BLOCK, padding};

const NAME: Range<usize> = 0..100;
const LINK_NAME: Range<usize> = 157..257;
const PREFIX: Range<usize> = 345..500;

/// The header blocks of a member: its header, preceded by a PAX header where needed.
pub fn header_bytes(meta: &Meta) -> Vec<u8> {
    let name = member_name(meta);
    let split = split(&name);
    let records = records(meta, &name, split.is_some());
    let mut blocks = Vec::with_capacity(BLOCK);
    if !records.is_empty() {
        let content = records.into_bytes();
        let pax_name = ascii(&pax::header_name(&name));
        blocks.extend_from_slice(&pax_header(&pax_name, content.len() as u64));
        blocks.extend_from_slice(&content);
        blocks
            .extend(std::iter::repeat_n(0, usize::try_from(padding(content.len() as u64)).expect("less than a block")));
        blocks.extend_from_slice(&member_header(meta, &[], &ascii(&name)));
    } else if let Some((prefix, rest)) = split {
        blocks.extend_from_slice(&member_header(meta, prefix, rest));
    } else {
        blocks.extend_from_slice(&member_header(meta, &[], &name));
    }
    blocks
}

/// The name as it is written: directories end in `/`.
fn member_name(meta: &Meta) -> Vec<u8> {
    let mut name = meta.name.clone();
    if name.is_empty() {
        name.push(b'.');
    }
    if meta.kind == EntryKind::Directory && !name.ends_with(b"/") {
        name.push(b'/');
    }
    name
}

/// The PAX records for everything that does not fit in the header.
fn records(meta: &Meta, name: &[u8], splits: bool) -> Records {
    let mut records = Records::default();
    let fits = |text: &[u8], room: Range<usize>| text.len() <= room.len() && text.is_ascii();
    if !fits(name, NAME) && !splits {
        records.put(b"path", name);
    }
    if !fits(link_name(meta), LINK_NAME) {
        records.put(b"linkpath", link_name(meta));
    }
    for (key, value, width) in [("size", meta.content_size(), 12), ("uid", meta.uid, 8), ("gid", meta.gid, 8)] {
        if !fits_octal(value, width) {
            records.put(key.as_bytes(), value.to_string().as_bytes());
        }
    }
    if meta.mtime.nanos != 0 || !u64::try_from(meta.mtime.seconds).is_ok_and(|seconds| fits_octal(seconds, 12)) {
        records.put(b"mtime", pax::time(meta.mtime).as_bytes());
    }
    for (name, value) in &meta.xattrs {
        records.put_xattr(name, value);
    }
    // If there is a PAX header anyway, a long name goes into it whole, as in Go.
    if splits && !records.is_empty() {
        records.put(b"path", name);
    }
    records
}

fn link_name(meta: &Meta) -> &[u8] {
    match &meta.kind {
        EntryKind::Symlink { target } => target,
        EntryKind::Hardlink { target } => target.as_bytes(),
        _ => &[],
    }
}

/// Splits a name that is too long for its field into ustar's prefix and name, if it fits.
fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name.len() <= NAME.len() || !name.is_ascii() {
        return None;
    }
    let end = name.len().min(PREFIX.len() + 1);
    let end = if name.len() == end && name.ends_with(b"/") { end - 1 } else { end };
    let (prefix, _) = split_last(&name[..end]);
    let rest = name.get(prefix.len() + 1..)?;
    let fits = !prefix.is_empty() && !rest.is_empty() && rest.len() <= NAME.len();
    fits.then_some((prefix, rest))
}

fn member_header(meta: &Meta, prefix: &[u8], name: &[u8]) -> [u8; BLOCK] {
    let (typeflag, (major, minor)) = match &meta.kind {
        EntryKind::File => (b'0', (0, 0)),
        EntryKind::Hardlink { .. } => (b'1', (0, 0)),
        EntryKind::Symlink { .. } => (b'2', (0, 0)),
        EntryKind::CharDevice { major, minor } => (b'3', (*major, *minor)),
        EntryKind::BlockDevice { major, minor } => (b'4', (*major, *minor)),
        EntryKind::Directory => (b'5', (0, 0)),
        EntryKind::Fifo => (b'6', (0, 0)),
    };
    let mut header = Header::new(typeflag, name);
    header.text(PREFIX, prefix);
    header.text(LINK_NAME, &ascii(link_name(meta)));
    header.octal(100..108, u64::from(meta.mode & 0o7777));
    header.octal(108..116, meta.uid);
    header.octal(116..124, meta.gid);
    header.octal(124..136, meta.content_size());
    header.octal(136..148, u64::try_from(meta.mtime.seconds).unwrap_or(0));
    header.device(329..337, major);
    header.device(337..345, minor);
    header.finish()
}

fn pax_header(name: &[u8], size: u64) -> [u8; BLOCK] {
    let mut header = Header::new(b'x', name);
    for range in [100..108, 108..116, 116..124, 136..148, 329..337, 337..345] {
        header.octal(range, 0);
    }
    header.octal(124..136, size);
    header.finish()
}

/// A header that is being filled in.
struct Header([u8; BLOCK]);

impl Header {
    fn new(typeflag: u8, name: &[u8]) -> Self {
        let mut header = Self([0; BLOCK]);
        header.text(NAME, name);
        header.0[156] = typeflag;
        header.text(257..265, b"ustar\x0000");
        header
    }

    /// Sets a text field, truncated to its size.
    fn text(&mut self, field: Range<usize>, text: &[u8]) {
        let count = text.len().min(field.len());
        self.0[field.start..field.start + count].copy_from_slice(&text[..count]);
    }

    /// Sets a field to an octal number; to 0 if it does not fit, as a PAX record has the number then.
    fn octal(&mut self, field: Range<usize>, value: u64) {
        let value = if fits_octal(value, field.len()) { value } else { 0 };
        let digits = format!("{value:0width$o}", width = field.len() - 1);
        self.text(field, digits.as_bytes());
    }

    /// Sets a field to a major or minor number, in base 256 if octal does not fit, as PAX has no key for it.
    fn device(&mut self, field: Range<usize>, value: u32) {
        if fits_octal(u64::from(value), field.len()) {
            return self.octal(field, u64::from(value));
        }
        self.0[field.start] = 0x80;
        self.text(field.end - 4..field.end, &value.to_be_bytes());
    }

    fn finish(mut self) -> [u8; BLOCK] {
        self.text(148..156, b"        ");
        let sum: u32 = self.0.iter().copied().map(u32::from).sum();
        self.text(148..156, format!("{sum:06o}\0 ").as_bytes());
        self.0
    }
}

/// Whether a number fits a field in octal, with a NUL after it.
fn fits_octal(value: u64, width: usize) -> bool {
    value >> (3 * (width - 1)) == 0
}

/// A name in ASCII, for readers without PAX support.
fn ascii(name: &[u8]) -> Vec<u8> {
    name.iter().copied().filter(u8::is_ascii).collect()
}
