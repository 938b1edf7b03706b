//! Files in a zip archive: <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>.
//!
//! ```text
//! "PK\3\4" a file …   "PK\1\2" its entry in the directory …   ["PK\6\6" "PK\6\7" if there are 65,535 files]   "PK\5\6" end
//! ```
//!
//! The directory at the end counts, as for Java.

use std::borrow::Cow;
use std::io::Read as _;

use flate2::read::DeflateDecoder;

const LOCAL: &[u8] = b"PK\x03\x04";
const ENTRY: &[u8] = b"PK\x01\x02";
const WIDE_END: &[u8] = b"PK\x06\x06";
const WIDE_LOCATOR: &[u8] = b"PK\x06\x07";
const END: &[u8] = b"PK\x05\x06";
/// The bytes of the end, and those that a comment behind it may have.
const END_SIZE: usize = 22;
const LONGEST_COMMENT: usize = 65_535;
const STORED: u64 = 0;
const DEFLATED: u64 = 8;

/// A file in the archive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member<'a> {
    /// Its path.
    pub(super) name: &'a [u8],
    archive: &'a [u8],
    method: u64,
    packed: usize,
    local: usize,
}

/// The files that the directory of an archive lists; none if it is no archive.
pub(super) fn members(archive: &[u8]) -> Option<impl Iterator<Item = Member<'_>>> {
    let mut at = directory(archive)?;
    Some(std::iter::from_fn(move || {
        let entry = archive.get(at..)?.strip_prefix(ENTRY).map(|_| &archive[at..])?;
        let [name, extra, comment] = [28, 30, 32].map(|at| number(entry, at, 2));
        let end = 46_usize.checked_add(name?)?;
        at = at.checked_add(end)?.checked_add(extra?)?.checked_add(comment?)?;
        Some(Member {
            name: entry.get(46..end)?,
            archive,
            method: number(entry, 10, 2)? as u64,
            packed: number(entry, 20, 4)?,
            local: number(entry, 42, 4)?,
        })
    }))
}

/// Where the directory begins.
fn directory(archive: &[u8]) -> Option<usize> {
    let last = archive.len().checked_sub(END_SIZE)?;
    let first = last.saturating_sub(LONGEST_COMMENT);
    let end = (first..=last).rev().find(|at| archive[*at..].starts_with(END))?;
    let offset = number(archive, end + 16, 4)?;
    let is_wide = offset == 0xffff_ffff || number(archive, end + 10, 2)? == 0xffff;
    let locator = end.checked_sub(20).filter(|at| is_wide && archive[*at..].starts_with(WIDE_LOCATOR));
    let Some(locator) = locator else { return Some(offset) };
    let wide = number(archive, locator + 8, 8)?;
    archive.get(wide..)?.strip_prefix(WIDE_END)?;
    number(archive, wide.checked_add(48)?, 8)
}

impl<'a> Member<'a> {
    /// Its content, if that has at most `most` bytes and can be unpacked.
    pub(super) fn content(&self, most: u64) -> Option<Cow<'a, [u8]>> {
        let local = self.archive.get(self.local..)?.strip_prefix(LOCAL).map(|_| &self.archive[self.local..])?;
        let start = 30_usize.checked_add(number(local, 26, 2)?)?.checked_add(number(local, 28, 2)?)?;
        let packed = local.get(start..)?.get(..self.packed)?;
        match self.method {
            STORED => (packed.len() as u64 <= most).then_some(Cow::Borrowed(packed)),
            DEFLATED => {
                let mut content = Vec::new();
                DeflateDecoder::new(packed).take(most.checked_add(1)?).read_to_end(&mut content).ok()?;
                (content.len() as u64 <= most).then_some(Cow::Owned(content))
            }
            _ => None,
        }
    }
}

/// A little-endian number.
fn number(bytes: &[u8], at: usize, size: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(size)?)?;
    let number = bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    usize::try_from(number).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write as _;

    use super::*;

    /// An archive of compressed files.
    pub(in crate::packages) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
        let (mut archive, mut entries) = (Vec::new(), Vec::new());
        for (name, content) in files {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(content).expect("memory");
            let packed = encoder.finish().expect("memory");
            let mut common = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            for size in [packed.len(), content.len()] {
                common.extend(u32::try_from(size).expect("short").to_le_bytes());
            }
            common.extend(u16::try_from(name.len()).expect("short").to_le_bytes());
            common.extend([0, 0]);
            let offset = u32::try_from(archive.len()).expect("short").to_le_bytes();
            entries.extend([ENTRY, &[20, 0], &common, &[0; 10], &offset, name.as_bytes()].concat());
            archive.extend([LOCAL, &common, name.as_bytes(), &packed].concat());
        }
        let count = u16::try_from(files.len()).expect("few").to_le_bytes();
        let [size, offset] =
            [entries.len(), archive.len()].map(|size| u32::try_from(size).expect("short").to_le_bytes());
        archive.extend(entries);
        archive.extend([END, &[0; 4], &count, &count, &size, &offset, &[0, 0]].concat());
        archive
    }

    #[test]
    fn files_are_found_by_the_directory() {
        let archive = zip(&[("a/b", b"content"), ("c", &[0; 5000])]);
        let read: Vec<(&[u8], usize)> = members(&archive)
            .expect("an archive")
            .map(|one| (one.name, one.content(5000).expect("short").len()))
            .collect();
        assert_eq!(read, [(&b"a/b"[..], 7), (b"c", 5000)]);
        assert!(members(&archive).expect("an archive").nth(1).expect("two").content(4999).is_none());
        for end in 0..archive.len() {
            assert!(members(&archive[..end]).is_none(), "{end}");
        }
        for at in 0..archive.len() {
            let mut wrong = archive.clone();
            wrong[at] ^= 0xff;
            members(&wrong).into_iter().flatten().for_each(|one| drop(one.content(10)));
        }
    }
}
