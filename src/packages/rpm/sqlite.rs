//! `rpmdb.sqlite`: the one table that is needed of it, `Packages (hnum INTEGER PRIMARY KEY, blob BLOB)`.
//!
//! A table is a tree of pages: <https://www.sqlite.org/fileformat2.html>.
//!
//! ```text
//! interior page   0x05 … cells: u32 left child, varint key; u32 rightmost child in the page's head
//! leaf page       0x0d … cells: varint size of the record, varint key, record ─▶ u32 next overflow page, if it is long
//! record          varint size of its head, a varint for the type of each column, the columns
//! ```
//!
//! No page is visited twice, so that pages that lead to each other are an error; records that overlap are one too, so that
//! no more is taken than the file has.

use std::borrow::Cow;
use std::collections::HashMap;

use super::wal;
use crate::packages::{MOST_PACKAGES, Unreadable};

const MAGIC: &[u8] = b"SQLite format 3\0";
const INTERIOR: u8 = 0x05;
const LEAF: u8 = 0x0d;
/// The page of the table of tables has the head of the file before its own.
const FILE_HEAD: usize = 100;
/// Trees of real files have 4 levels; with fewer than 2 children each page would be in a chain.
const MOST_LEVELS: usize = 40;
/// More columns than these are not looked at.
const COLUMNS: usize = 4;
const DAMAGED: Unreadable = Unreadable::Not("an intact SQLite database");

pub(super) fn is_sqlite(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The headers in the database with this log, which may be empty, in the order of their keys.
pub(super) fn blobs<'a>(bytes: &'a [u8], log: &'a [u8]) -> Result<Vec<Cow<'a, [u8]>>, Unreadable> {
    let mut file = File::read(bytes, log).ok_or(DAMAGED)?;
    let mut root = None;
    for record in file.table(1)? {
        let columns = columns(&record).ok_or(DAMAGED)?;
        // type, name, tbl_name, rootpage, sql
        if let [b"table", b"Packages", _, page] = columns[..] {
            root = Some(page.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)));
        }
    }
    let root = root.and_then(|root| usize::try_from(root).ok()).ok_or(Unreadable::Not("a database of rpm"))?;
    let mut blobs = Vec::new();
    for record in file.table(root)? {
        let header = match &record {
            Cow::Borrowed(record) => Cow::Borrowed(*columns(record).ok_or(DAMAGED)?.get(1).ok_or(DAMAGED)?),
            Cow::Owned(record) => Cow::Owned(columns(record).ok_or(DAMAGED)?.get(1).ok_or(DAMAGED)?.to_vec()),
        };
        blobs.push(header);
    }
    Ok(blobs)
}

struct File<'a> {
    bytes: &'a [u8],
    page: usize,
    /// The bytes of a page without those that are reserved at its end.
    usable: usize,
    /// Pages that are newer than those of the file.
    log: HashMap<usize, &'a [u8]>,
    seen: Vec<bool>,
    /// How many bytes records may still have.
    left: usize,
}

impl<'a> File<'a> {
    fn read(bytes: &'a [u8], log: &'a [u8]) -> Option<Self> {
        let page = match u16::from_be_bytes(bytes.get(16..18)?.try_into().ok()?) {
            1 => 65_536,
            size => usize::from(size),
        };
        let usable = page.checked_sub(usize::from(*bytes.get(20)?))?;
        if !page.is_power_of_two() || page < 512 || usable < 480 {
            return None;
        }
        let log = wal::pages(log, page);
        // A log may make the file longer, by no more pages than it has.
        let pages = bytes.len() / page + log.len();
        let seen = vec![false; pages];
        Some(Self { bytes, page, usable, log, seen, left: pages.saturating_mul(page) })
    }

    /// A page that was not asked for before, by its number from 1.
    fn page(&mut self, number: usize) -> Result<&'a [u8], Unreadable> {
        let index = number.checked_sub(1).ok_or(DAMAGED)?;
        let seen = self.seen.get_mut(index).filter(|seen| !**seen).ok_or(DAMAGED)?;
        *seen = true;
        let in_log = self.log.get(&number).map(|page| &page[..self.usable]);
        in_log.or_else(|| self.bytes.get(index * self.page..index * self.page + self.usable)).ok_or(DAMAGED)
    }

    /// The records of a table, in order.
    fn table(&mut self, root: usize) -> Result<Vec<Cow<'a, [u8]>>, Unreadable> {
        let mut records = Vec::new();
        // The pages that are left, the next at the end, each with its level.
        let mut left = vec![(root, 0)];
        while let Some((number, level)) = left.pop() {
            let page = self.page(number)?;
            let head = if number == 1 { FILE_HEAD } else { 0 };
            let kind = *page.get(head).ok_or(DAMAGED)?;
            match kind {
                LEAF => self.leaf(page, head, &mut records)?,
                INTERIOR if level < MOST_LEVELS => {
                    left.extend(children(page, head).ok_or(DAMAGED)?.into_iter().rev().map(|page| (page, level + 1)));
                }
                _ => return Err(DAMAGED),
            }
            if records.len() > MOST_PACKAGES || left.len() > self.seen.len() {
                return Err(Unreadable::TooMany);
            }
        }
        Ok(records)
    }

    fn leaf(&mut self, page: &'a [u8], head: usize, records: &mut Vec<Cow<'a, [u8]>>) -> Result<(), Unreadable> {
        for at in cells(page, head, 8).ok_or(DAMAGED)? {
            records.push(self.record(page, at)?);
        }
        Ok(())
    }

    /// The record of a cell, put together if it is spread over pages.
    fn record(&mut self, page: &'a [u8], at: usize) -> Result<Cow<'a, [u8]>, Unreadable> {
        let cell = page.get(at..).ok_or(DAMAGED)?;
        let (size, rest) = varint(cell).ok_or(DAMAGED)?;
        let (_, rest) = varint(rest).ok_or(DAMAGED)?;
        let size = usize::try_from(size).map_err(|_| DAMAGED)?;
        self.left = self.left.checked_sub(size).ok_or(DAMAGED)?;
        let local = self.local(size);
        let here = rest.get(..local).ok_or(DAMAGED)?;
        if local == size {
            return Ok(Cow::Borrowed(here));
        }
        let mut record = here.to_vec();
        let mut next = be32(rest, local).ok_or(DAMAGED)?;
        while record.len() < size {
            let page = self.page(next)?;
            let take = (size - record.len()).min(self.usable - 4);
            record.extend_from_slice(&page[4..4 + take]);
            next = be32(page, 0).ok_or(DAMAGED)?;
        }
        Ok(Cow::Owned(record))
    }

    /// How much of a record of this size is in its leaf.
    fn local(&self, size: usize) -> usize {
        let most = self.usable - 35;
        if size <= most {
            return size;
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let local = least + (size - least) % (self.usable - 4);
        if local <= most { local } else { least }
    }
}

/// Where the cells of a page are.
fn cells(page: &[u8], head: usize, head_size: usize) -> Option<Vec<usize>> {
    let count = usize::from(be16(page, head + 3)?);
    let pointers = page.get(head + head_size..)?.get(..count * 2)?;
    Some(pointers.chunks_exact(2).map(|two| usize::from(u16::from_be_bytes([two[0], two[1]]))).collect())
}

fn children(page: &[u8], head: usize) -> Option<Vec<usize>> {
    let mut children = Vec::new();
    for at in cells(page, head, 12)? {
        children.push(be32(page, at)?);
    }
    children.push(be32(page, head + 8)?);
    Some(children)
}

/// The first columns of a record, as bytes.
fn columns(record: &[u8]) -> Option<Vec<&[u8]>> {
    let (head_size, after) = varint(record)?;
    let head_size = usize::try_from(head_size).ok()?;
    let mut types = after.get(..head_size.checked_sub(record.len() - after.len())?)?;
    let mut body = record.get(head_size..)?;
    let mut columns = Vec::new();
    while !types.is_empty() && columns.len() < COLUMNS {
        let (kind, rest) = varint(types)?;
        types = rest;
        let size = match kind {
            0 | 8 | 9 => 0,
            1..=4 => usize::try_from(kind).ok()?,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            kind => usize::try_from((kind - 12) / 2).ok()?,
        };
        columns.push(body.get(..size)?);
        body = &body[size..];
    }
    Some(columns)
}

/// A number of 1 to 9 bytes, and what follows it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().take(9).enumerate() {
        if at == 8 {
            return Some((value << 8 | u64::from(*byte), &bytes[9..]));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn be32(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(four)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: usize = 512;

    fn number(mut value: u64) -> Vec<u8> {
        let mut bytes = vec![(value & 0x7f) as u8];
        while value > 0x7f {
            value >>= 7;
            bytes.insert(0, (value & 0x7f) as u8 | 0x80);
        }
        bytes
    }

    /// A record of columns, each with its type.
    fn record(columns: &[(u64, &[u8])]) -> Vec<u8> {
        let types: Vec<u8> = columns.iter().flat_map(|(kind, _)| number(*kind)).collect();
        let body = columns.iter().flat_map(|(_, bytes)| bytes.iter().copied());
        let head = number(types.len() as u64 + 1);
        head.into_iter().chain(types).chain(body).collect()
    }

    fn text(text: &str) -> (u64, &[u8]) {
        (13 + 2 * text.len() as u64, text.as_bytes())
    }

    /// A row of `Packages` with this header.
    fn row(header: &[u8]) -> Vec<u8> {
        record(&[(0, b""), (12 + 2 * header.len() as u64, header)])
    }

    /// A cell of a leaf, whose record has this size and begins so.
    fn cell(size: usize, local: &[u8]) -> Vec<u8> {
        [number(size as u64), vec![1], local.to_vec()].concat()
    }

    fn page(kind: u8, head: usize, right: u32, cells: &[Vec<u8>]) -> Vec<u8> {
        let mut page = vec![0; PAGE];
        page[head] = kind;
        page[head + 3..head + 5].copy_from_slice(&u16::try_from(cells.len()).expect("few").to_be_bytes());
        let pointers = head + if kind == INTERIOR { 12 } else { 8 };
        if kind == INTERIOR {
            page[head + 8..head + 12].copy_from_slice(&right.to_be_bytes());
        }
        let mut end = PAGE;
        for (at, cell) in cells.iter().enumerate() {
            end -= cell.len();
            page[end..end + cell.len()].copy_from_slice(cell);
            let pointer = u16::try_from(end).expect("short").to_be_bytes();
            page[pointers + 2 * at..pointers + 2 * at + 2].copy_from_slice(&pointer);
        }
        page
    }

    fn leaf(rows: &[&[u8]]) -> Vec<u8> {
        let cells: Vec<Vec<u8>> = rows.iter().map(|header| row(header)).map(|row| cell(row.len(), &row)).collect();
        page(LEAF, 0, 0, &cells)
    }

    fn interior(left: &[u32], right: u32) -> Vec<u8> {
        let cells: Vec<Vec<u8>> = left.iter().map(|page| [&page.to_be_bytes()[..], &[1]].concat()).collect();
        page(INTERIOR, 0, right, &cells)
    }

    /// The first page, which says that the table is in the second, and the others.
    fn database(pages: &[Vec<u8>]) -> Vec<u8> {
        let other = record(&[text("index"), text("x"), text("Name"), (1, &[9]), text("")]);
        let table = record(&[text("table"), text("Packages"), text("Packages"), (1, &[2]), text("CREATE …")]);
        let cells = [cell(other.len(), &other), cell(table.len(), &table)];
        let mut first = page(LEAF, FILE_HEAD, 0, &cells);
        first[..16].copy_from_slice(MAGIC);
        first[16..18].copy_from_slice(&512_u16.to_be_bytes());
        [first, pages.concat()].concat()
    }

    fn read(database: &[u8]) -> Result<Vec<Vec<u8>>, Unreadable> {
        blobs(database, b"").map(|blobs| blobs.into_iter().map(Cow::into_owned).collect())
    }

    /// A database with a record of 1,100 bytes, in a leaf on page 3 and on pages 4 and 5.
    fn long() -> (Vec<u8>, Vec<u8>) {
        let header: Vec<u8> = (0..1100_u32).map(|at| (at % 251) as u8).collect();
        let row = row(&header);
        // As SQLite computes it: (512 - 12) * 32 / 255 - 23 = 39, and what is left for whole pages of 508.
        let local = 39 + (row.len() - 39) % 508;
        let next = |page: u32, bytes: &[u8]| {
            let mut page = [&page.to_be_bytes()[..], bytes].concat();
            page.resize(PAGE, 0);
            page
        };
        let leaf = page(LEAF, 0, 0, &[cell(row.len(), &[&row[..local], &[0, 0, 0, 4]].concat())]);
        let database = database(&[
            interior(&[3], 6),
            leaf,
            next(5, &row[local..local + 508]),
            next(0, &row[local + 508..]),
            super::tests::leaf(&[b"last"]),
        ]);
        (database, header)
    }

    #[test]
    fn trees_and_long_records_are_read_in_order() {
        assert_eq!(read(&database(&[leaf(&[b"one", b"two"])])), Ok(vec![b"one".to_vec(), b"two".to_vec()]));
        assert_eq!(read(&database(&[leaf(&[])])), Ok(vec![]));
        let tree = database(&[interior(&[4, 3], 5), leaf(&[b"2"]), leaf(&[b"1"]), interior(&[], 6), leaf(&[b"3"])]);
        assert_eq!(read(&tree), Ok([b"1", b"2", b"3"].map(|one| one.to_vec()).to_vec()));
        let (database, header) = long();
        assert_eq!(read(&database), Ok(vec![header, b"last".to_vec()]));
    }

    #[test]
    fn pages_that_lead_to_each_other_are_an_error() {
        let cycles = [
            vec![interior(&[2], 2)],
            vec![interior(&[3], 4), interior(&[2], 4), leaf(&[])],
            vec![interior(&[3, 3], 3), leaf(&[b"x"])],
            vec![interior(&[1], 1)],
            vec![interior(&[0], 3), leaf(&[])],
            vec![interior(&[], 77)],
        ];
        for pages in cycles {
            assert_eq!(read(&database(&pages)), Err(DAMAGED));
        }
        let chain: Vec<Vec<u8>> = (3..100).map(|next| interior(&[], next)).collect();
        assert_eq!(read(&database(&chain)), Err(DAMAGED), "too many levels");
        // The chain of a long record: its second page leads to its first, or to a page of the tree.
        for next in [4_u32, 2, 5, 0, u32::MAX] {
            let (mut database, _) = long();
            database[3 * PAGE..3 * PAGE + 4].copy_from_slice(&next.to_be_bytes());
            assert_eq!(read(&database).is_ok(), next == 5, "{next}");
        }
    }

    #[test]
    fn numbers_that_lie_are_an_error() {
        let ends = [row(b"x"), vec![0xff; 9], vec![0x80; 30], record(&[(10, b"")]), record(&[(0, b""), (4000, b"x")])];
        let sizes = [usize::MAX, 1 << 40, 400, 0];
        for local in ends {
            for size in sizes {
                let wrong = database(&[page(LEAF, 0, 0, &[cell(size, &local)])]);
                assert_eq!(read(&wrong), Err(DAMAGED), "{size} {local:?}");
            }
        }
        let mut many = leaf(&[b"x"]);
        many[3..5].fill(0xff);
        assert_eq!(read(&database(&[many])), Err(DAMAGED));
        // The same cell again and again: each is in the file, all together are not.
        let one = row(&[7; 200]);
        let mut again = page(LEAF, 0, 0, &[cell(one.len(), &one)]);
        let pointer = [again[8], again[9]];
        again[3..5].copy_from_slice(&100_u16.to_be_bytes());
        (0..100).for_each(|at| again[8 + 2 * at..10 + 2 * at].copy_from_slice(&pointer));
        assert_eq!(read(&database(&[again])), Err(DAMAGED));
        assert_eq!(read(&database(&[])), Err(DAMAGED), "no root");
        let mut nothing = database(&[leaf(&[])]);
        let name = nothing.windows(8).rposition(|eight| eight == b"Packages").expect("its name");
        nothing[name - 8..name].copy_from_slice(b"packages");
        assert_eq!(read(&nothing), Err(Unreadable::Not("a database of rpm")));
    }

    #[test]
    fn no_bytes_are_a_panic() {
        let (database, _) = long();
        for end in 0..database.len() {
            assert!(read(&database[..end]).is_err(), "{end}");
        }
        for value in [0x00, 0x7f, 0xff] {
            for at in 0..database.len() {
                let mut wrong = database.clone();
                wrong[at] = value;
                let _ = read(&wrong);
            }
        }
    }

    #[test]
    fn the_log_has_the_newer_pages() {
        let old = database(&[leaf(&[b"old"])]);
        let (tree, more) = (interior(&[], 3), leaf(&[b"new", b"more"]));
        let log = wal::tests::log(true, PAGE, &[(2, false, &tree), (3, true, &more), (3, false, &leaf(&[b"open"]))]);
        let of = |log: &[u8]| {
            let blobs = blobs(&old, log).expect("a database");
            blobs.into_iter().map(|blob| String::from_utf8(blob.into_owned()).expect("text")).collect::<Vec<_>>()
        };
        assert_eq!(of(&log), ["new", "more"]);
        assert_eq!(of(b"no log"), ["old"]);
        assert_eq!(of(&log[..log.len() / 3]), ["old"]);
        let cycle = wal::tests::log(false, PAGE, &[(2, true, &interior(&[2], 2))]);
        assert_eq!(blobs(&old, &cycle), Err(DAMAGED));
    }
}
