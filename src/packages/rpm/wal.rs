//! `rpmdb.sqlite-wal`: pages that `SQLite` has written, and not yet merged into its database. A database whose last user
//! was killed, or that was copied while it was in use, has one.
//!
//! ```text
//! head    u32 magic, version, size of a page, count   u32 salts[2]   u32 sums[2]                32 bytes, big-endian
//! frame   u32 page, pages of the file if it is the last of a transaction   salts   sums         24 bytes, then the page
//! ```
//!
//! <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>: frames count up to the last whole transaction, as long as
//! their salts are those of the head and their sums are right.

use std::collections::HashMap;

/// The magic number; its lowest bit says that sums are of big-endian numbers.
const MAGIC: u32 = 0x377f_0682;
const VERSION: u32 = 3_007_000;
const HEAD: usize = 32;
const FRAME: usize = 24;

/// The pages of a log by their numbers from 1. None of what is no log of pages of this size, as `SQLite` has it.
pub(super) fn pages(log: &[u8], page_size: usize) -> HashMap<usize, &[u8]> {
    read(log, page_size).unwrap_or_default()
}

fn read(log: &[u8], page_size: usize) -> Option<HashMap<usize, &[u8]>> {
    let head = log.get(..HEAD)?;
    let is_big = match number(head, 0)? {
        MAGIC => false,
        magic if magic == MAGIC | 1 => true,
        _ => return None,
    };
    let mut sums = Sums { is_big, sums: [0, 0] };
    sums.add(&head[..24]);
    let is_ours = number(head, 4)? == VERSION && usize::try_from(number(head, 8)?).ok()? == page_size;
    if !is_ours || !sums.are(head, 24) {
        return None;
    }
    let (mut pages, mut transaction) = (HashMap::new(), Vec::new());
    for frame in log[HEAD..].chunks_exact(FRAME + page_size) {
        let (about, page) = frame.split_at(FRAME);
        sums.add(&about[..8]);
        sums.add(page);
        if about[8..16] != head[16..24] || !sums.are(about, 16) {
            break;
        }
        transaction.push((usize::try_from(number(about, 0)?).ok()?, page));
        if number(about, 4)? != 0 {
            pages.extend(transaction.drain(..));
        }
    }
    Some(pages)
}

/// The two sums of all that was added.
struct Sums {
    is_big: bool,
    sums: [u32; 2],
}

impl Sums {
    /// Adds bytes, a multiple of 8.
    fn add(&mut self, bytes: &[u8]) {
        let [mut one, mut other] = self.sums;
        for eight in bytes.as_chunks::<8>().0 {
            let [first, second] = [[eight[0], eight[1], eight[2], eight[3]], [eight[4], eight[5], eight[6], eight[7]]]
                .map(|four| if self.is_big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) });
            one = one.wrapping_add(first).wrapping_add(other);
            other = other.wrapping_add(second).wrapping_add(one);
        }
        self.sums = [one, other];
    }

    /// Whether they are those that stand here.
    fn are(&self, bytes: &[u8], at: usize) -> bool {
        self.sums.map(Some) == [number(bytes, at), number(bytes, at + 4)]
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A log of frames: the number of a page, whether it ends a transaction, the page.
    pub(in crate::packages::rpm) fn log(is_big: bool, page_size: usize, frames: &[(u32, bool, &[u8])]) -> Vec<u8> {
        let size = u32::try_from(page_size).expect("short");
        let mut sums = Sums { is_big, sums: [0, 0] };
        let mut log = [MAGIC | u32::from(is_big), VERSION, size, 0, 11, 22].map(u32::to_be_bytes).concat();
        sums.add(&log);
        log.extend(sums.sums.map(u32::to_be_bytes).concat());
        for (page, is_last, content) in frames {
            let about = [*page, if *is_last { 9 } else { 0 }].map(u32::to_be_bytes).concat();
            sums.add(&about);
            sums.add(content);
            let salts = log[16..24].to_vec();
            log.extend([&about[..], &salts, &sums.sums.map(u32::to_be_bytes).concat(), content].concat());
        }
        log
    }

    #[test]
    fn whole_transactions_count() {
        let [a, b, c, d] = [1, 2, 3, 4].map(|byte| vec![byte; 512]);
        for is_big in [false, true] {
            let log = log(is_big, 512, &[(7, false, &a), (2, true, &b), (7, true, &c), (2, false, &d)]);
            assert_eq!(pages(&log, 512), HashMap::from([(7, &c[..]), (2, &b[..])]));
            assert!(pages(&log, 1024).is_empty());
            let frame = FRAME + 512;
            let after = |end: usize| pages(&log[..end], 512).len();
            assert_eq!([0, HEAD, HEAD + frame, HEAD + 2 * frame - 1, HEAD + 2 * frame].map(after), [0, 0, 0, 0, 2]);
            // What is wrong ends the log; what is before it counts.
            for (at, left) in [(0, 0), (4, 0), (17, 0), (24, 0), (HEAD, 0), (HEAD + 30, 0), (HEAD + 2 * frame + 40, 2)]
            {
                let mut wrong = log.clone();
                wrong[at] ^= 0xff;
                let pages = pages(&wrong, 512);
                assert_eq!(pages.len(), left, "{at}");
                assert!(left == 0 || pages[&7] == a, "{at}");
            }
        }
    }
}
