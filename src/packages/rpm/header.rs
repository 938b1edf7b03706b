//! The header of a package, as the database holds it:
//! <https://rpm-software-management.github.io/rpm/manual/format_header.html>.
//!
//! ```text
//! u32 entries   u32 bytes of data   entries * { u32 tag, u32 type, u32 offset, u32 count }   data      all big-endian
//! ```

use crate::packages::{Kind, Package, Unreadable, text};

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const SIZE: u32 = 1009;
const LICENSE: u32 = 1014;
const ARCH: u32 = 1022;
/// The size of packages of 4 GiB and more.
const LONG_SIZE: u32 = 5009;

/// The type of a number of 32 bits.
const INT32: u32 = 4;
/// The type of a number of 64 bits.
const INT64: u32 = 5;
/// The type of a text that ends with a zero.
const STRING: u32 = 6;
/// The bytes of an entry.
const ENTRY: usize = 16;
/// What imported keys are named.
const KEY: &str = "gpg-pubkey";

/// The package that a header describes; none if it is a key.
pub(super) fn package(bytes: &[u8]) -> Result<Option<Package>, Unreadable> {
    let header = Header::read(bytes).ok_or(Unreadable::Not("an intact database of rpm: a header is damaged"))?;
    let name = header.text(NAME).ok_or(Unreadable::Not("an intact database of rpm: a header has no name"))?;
    if name == KEY {
        return Ok(None);
    }
    let [version, release] = [VERSION, RELEASE].map(|tag| header.text(tag).unwrap_or_default());
    let epoch = header.number(EPOCH).map(|epoch| format!("{epoch}:")).unwrap_or_default();
    let arch = header.text(ARCH).unwrap_or_default();
    let package = Package::new(Kind::Rpm, name, format!("{epoch}{version}-{release}"), arch);
    Ok(Some(package.licensed(&header.text(LICENSE).unwrap_or_default()).sized(header.size())))
}

struct Header<'a> {
    entries: &'a [u8],
    data: &'a [u8],
}

impl<'a> Header<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let entries = usize::try_from(be32(bytes, 0)?).ok()?.checked_mul(ENTRY)?;
        let size = usize::try_from(be32(bytes, 4)?).ok()?;
        let rest = &bytes[8..];
        let data = rest.get(entries..)?;
        Some(Self { entries: rest.get(..entries)?, data: data.get(..size)? })
    }

    /// The bytes from the value of a tag on.
    fn value(&self, wanted: u32, of: u32) -> Option<&'a [u8]> {
        let entry = self.entries.chunks_exact(ENTRY).find(|entry| be32(entry, 0) == Some(wanted))?;
        let offset = usize::try_from(be32(entry, 8)?).ok()?;
        (be32(entry, 4)? == of).then(|| self.data.get(offset..)).flatten()
    }

    fn text(&self, tag: u32) -> Option<String> {
        let bytes = self.value(tag, STRING)?;
        let end = bytes.iter().position(|byte| *byte == 0)?;
        Some(text(&bytes[..end])).filter(|text| !text.is_empty())
    }

    fn number(&self, tag: u32) -> Option<u32> {
        be32(self.value(tag, INT32)?, 0)
    }

    fn size(&self) -> Option<u64> {
        let long = || Some(u64::from_be_bytes(self.value(LONG_SIZE, INT64)?.get(..8)?.try_into().ok()?));
        self.number(SIZE).map(u64::from).or_else(long)
    }
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header of these texts, and of an epoch.
    pub(super) fn header(texts: &[(u32, &str)], epoch: Option<u32>) -> Vec<u8> {
        let (mut entries, mut data) = (Vec::new(), Vec::new());
        let mut add = |tag: u32, of: u32, value: &[u8]| {
            let offset = u32::try_from(data.len()).expect("short");
            entries.extend([tag, of, offset, 1].map(u32::to_be_bytes).concat());
            data.extend_from_slice(value);
        };
        if let Some(epoch) = epoch {
            add(EPOCH, INT32, &epoch.to_be_bytes());
        }
        for (tag, text) in texts {
            add(*tag, STRING, format!("{text}\0").as_bytes());
        }
        let sizes = [entries.len() / ENTRY, data.len()].map(|size| u32::try_from(size).expect("short").to_be_bytes());
        [&sizes.concat()[..], &entries, &data].concat()
    }

    #[test]
    fn a_header_has_name_version_and_architecture() {
        let bash = [(NAME, "bash"), (VERSION, "5.2"), (RELEASE, "3.fc40"), (ARCH, "x86_64"), (LICENSE, "GPL")];
        let bash = header(&bash, None);
        let expected = Package::new(Kind::Rpm, "bash", "5.2-3.fc40", "x86_64").licensed("GPL");
        assert_eq!(package(&bash), Ok(Some(expected)));
        let odd = header(&[(VERSION, "1"), (RELEASE, "2"), (NAME, "odd")], Some(7));
        assert_eq!(package(&odd), Ok(Some(Package::new(Kind::Rpm, "odd", "7:1-2", ""))));
        assert_eq!(package(&header(&[(NAME, KEY)], None)), Ok(None));
        assert!(package(&header(&[(VERSION, "1")], None)).is_err());
        for end in 0..bash.len() {
            assert!(package(&bash[..end]).is_err(), "{end}");
        }
        let mut huge = bash;
        huge[..8].fill(0xff);
        assert!(package(&huge).is_err());
    }
}
