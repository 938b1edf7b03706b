//! `Packages.db`, rpm's own kind of database, which SUSE uses.
//!
//! ```text
//! "RpmP" u32 version, generation, pages of slots …                  32 bytes, then the slots, all little-endian
//! "Slot" u32 package, first block, blocks                           16 bytes; the package 0 is a free slot
//! "BlbS" u32 package, generation, length   the header   "BlbE" …    a blob, in blocks of 16 bytes
//! ```

use std::borrow::Cow;

use crate::packages::{MOST_PACKAGES, Unreadable};

const MAGIC: &[u8] = b"RpmP";
const SLOT_MAGIC: &[u8] = b"Slot";
const BLOB_MAGIC: &[u8] = b"BlbS";
/// The bytes of a slot, of the head of a blob, and of a block.
const BLOCK: usize = 16;
/// The bytes of a page of slots.
const PAGE: usize = 4096;
/// The bytes before the first slot.
const HEAD: usize = 32;
const DAMAGED: Unreadable = Unreadable::Not("an intact database of rpm (ndb)");

pub(super) fn is_ndb(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The headers in the database, in the order of its slots.
pub(super) fn blobs(bytes: &[u8]) -> Result<Vec<Cow<'_, [u8]>>, Unreadable> {
    let pages = number(bytes, 12).ok_or(DAMAGED)?;
    let end = pages.checked_mul(PAGE).ok_or(DAMAGED)?;
    let slots = bytes.get(HEAD..end).ok_or(DAMAGED)?;
    let mut blobs = Vec::new();
    let mut left = bytes.len();
    for slot in slots.chunks_exact(BLOCK) {
        if !slot.starts_with(SLOT_MAGIC) {
            return Err(DAMAGED);
        }
        if number(slot, 4) == Some(0) {
            continue;
        }
        if blobs.len() == MOST_PACKAGES {
            return Err(Unreadable::TooMany);
        }
        let blob = blob(bytes, slot).ok_or(DAMAGED)?;
        // Slots that lead to the same blob again and again would have more.
        left = left.checked_sub(blob.len()).ok_or(DAMAGED)?;
        blobs.push(Cow::Borrowed(blob));
    }
    Ok(blobs)
}

fn blob<'a>(bytes: &'a [u8], slot: &[u8]) -> Option<&'a [u8]> {
    let start = number(slot, 8)?.checked_mul(BLOCK)?;
    let head = bytes.get(start..start.checked_add(BLOCK)?)?;
    let is_own = head.starts_with(BLOB_MAGIC) && head[4..8] == slot[4..8];
    let from = start + BLOCK;
    bytes.get(from..from.checked_add(number(head, 12)?)?).filter(|_| is_own)
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(four)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> Vec<u8> {
        let numbers = |numbers: [u32; 3]| numbers.map(u32::to_le_bytes).concat();
        let mut bytes = [MAGIC, &numbers([0, 1, 1]), &[0; 16]].concat();
        bytes.extend([SLOT_MAGIC, &numbers([0, 0, 0])].concat());
        bytes.extend([SLOT_MAGIC, &numbers([7, 256, 2])].concat());
        while bytes.len() < PAGE {
            bytes.extend([SLOT_MAGIC, &numbers([0, 0, 0])].concat());
        }
        bytes.extend([BLOB_MAGIC, &numbers([7, 1, 3]), b"abc"].concat());
        bytes
    }

    #[test]
    fn slots_lead_to_blobs() {
        let bytes = database();
        assert_eq!(blobs(&bytes), Ok(vec![Cow::Borrowed(&b"abc"[..])]));
        for end in 0..bytes.len() {
            assert!(blobs(&bytes[..end]).is_err(), "{end}");
        }
        let mut again = bytes.clone();
        for slot in 2..254 {
            let at = HEAD + slot * BLOCK;
            again.copy_within(HEAD + BLOCK..HEAD + 2 * BLOCK, at);
        }
        assert_eq!(blobs(&again).map(|all| all.len()), Ok(253), "short blobs");
        let end = again.len();
        again[end - 7..end - 3].copy_from_slice(&100_u32.to_le_bytes());
        again.resize(end + 200, b'x');
        assert_eq!(blobs(&again), Err(DAMAGED), "more than the file has");
        for at in [12, 32, 52, 56, PAGE, PAGE + 4, PAGE + 12] {
            let mut wrong = bytes.clone();
            wrong[at..at + 4].fill(0xff);
            assert!(blobs(&wrong).is_err(), "{at}");
        }
    }
}
