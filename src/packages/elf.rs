//! The sections of an ELF program: <https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.sheader.html>.

const MAGIC: &[u8] = b"\x7fELF";
const WIDE: u8 = 2;
const BIG_ENDIAN: u8 = 2;
/// A section without bytes in the file.
const NO_BITS: u64 = 8;

/// Whether a file begins as ELF does.
pub fn is_elf(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The bytes of the first section with this name; none if there is none, or what leads to it is wrong.
pub(super) fn section<'a>(bytes: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let elf = Elf { bytes, is_wide: *bytes.get(4)? == WIDE, is_big: *bytes.get(5)? == BIG_ENDIAN };
    // Where the headers are, how long one is, how many there are, and which has the names.
    let (table, size, count, names) = if elf.is_wide {
        (elf.number(0x28, 8)?, elf.number(0x3a, 2)?, elf.number(0x3c, 2)?, elf.number(0x3e, 2)?)
    } else {
        (elf.number(0x20, 4)?, elf.number(0x2e, 2)?, elf.number(0x30, 2)?, elf.number(0x32, 2)?)
    };
    let header = |index: u64| table.checked_add(index.checked_mul(size)?);
    let names = elf.content(header(names)?)?;
    (0..count).map_while(header).find_map(|at| {
        let name = names.get(usize::try_from(elf.number(at, 4)?).ok()?..)?;
        let is_it = name.strip_prefix(wanted).is_some_and(|rest| rest.first() == Some(&0));
        if is_it { elf.content(at) } else { None }
    })
}

struct Elf<'a> {
    bytes: &'a [u8],
    is_wide: bool,
    is_big: bool,
}

impl<'a> Elf<'a> {
    /// A number of up to 8 bytes.
    fn number(&self, at: u64, size: usize) -> Option<u64> {
        let at = usize::try_from(at).ok()?;
        let bytes = self.bytes.get(at..at.checked_add(size)?)?;
        let push = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(if self.is_big { bytes.iter().fold(0, push) } else { bytes.iter().rev().fold(0, push) })
    }

    /// The bytes of the section with the header at this place.
    fn content(&self, header: u64) -> Option<&'a [u8]> {
        let word = if self.is_wide { 8 } else { 4 };
        let (offset, size) = if self.is_wide { (0x18, 0x20) } else { (0x10, 0x14) };
        let number = |at: u64, size| self.number(header.checked_add(at)?, size);
        if number(4, 4)? == NO_BITS {
            return None;
        }
        let from = usize::try_from(number(offset, word)?).ok()?;
        let size = usize::try_from(number(size, word)?).ok()?;
        self.bytes.get(from..from.checked_add(size)?)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A 64-bit little-endian program with one section.
    pub(in crate::packages) fn program(name: &str, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        let content_at = bytes.len() as u64;
        bytes.extend_from_slice(content);
        let names_at = bytes.len() as u64;
        let names = format!("\0{name}\0");
        bytes.extend_from_slice(names.as_bytes());
        let table = bytes.len() as u64;
        for (name, from, size) in [(1_u32, content_at, content.len()), (0, names_at, names.len())] {
            let mut header = [0; 64];
            header[..4].copy_from_slice(&name.to_le_bytes());
            header[4] = 1;
            header[0x18..0x20].copy_from_slice(&from.to_le_bytes());
            header[0x20..0x28].copy_from_slice(&(size as u64).to_le_bytes());
            bytes.extend_from_slice(&header);
        }
        bytes[0x28..0x30].copy_from_slice(&table.to_le_bytes());
        bytes[0x3a] = 64;
        bytes[0x3c] = 2;
        bytes[0x3e] = 1;
        bytes
    }

    #[test]
    fn headers_that_lie_lead_nowhere() {
        let bytes = program(".x", b"content");
        assert_eq!(section(&bytes, b".x"), Some(&b"content"[..]));
        assert_eq!(section(&bytes, b"."), None);
        // The last 24 bytes of the last header are not needed.
        for end in 0..bytes.len() - 24 {
            assert_eq!(section(&bytes[..end], b".x"), None, "{end}");
        }
        for at in 4..bytes.len() {
            let mut wrong = bytes.clone();
            let end = wrong.len().min(at + 8);
            wrong[at..end].fill(0xff);
            let _ = section(&wrong, b".x");
        }
    }
}
