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
//! No page is visited twice, so that pages that lead to each other are an error, and no more is taken than the file has.

use std::borrow::Cow;

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

/// The headers in the database, in the order of their keys.
pub(super) fn blobs(bytes: &[u8]) -> Result<Vec<Cow<'_, [u8]>>, Unreadable> {
    let mut file = File::read(bytes).ok_or(DAMAGED)?;
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
    seen: Vec<bool>,
}

impl<'a> File<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let page = match u16::from_be_bytes(bytes.get(16..18)?.try_into().ok()?) {
            1 => 65_536,
            size => usize::from(size),
        };
        let usable = page.checked_sub(usize::from(*bytes.get(20)?))?;
        let is_valid = page.is_power_of_two() && page >= 512 && usable >= 480;
        is_valid.then(|| Self { bytes, page, usable, seen: vec![false; bytes.len() / page] })
    }

    /// A page that was not asked for before, by its number from 1.
    fn page(&mut self, number: usize) -> Result<&'a [u8], Unreadable> {
        let index = number.checked_sub(1).ok_or(DAMAGED)?;
        let seen = self.seen.get_mut(index).filter(|seen| !**seen).ok_or(DAMAGED)?;
        *seen = true;
        self.bytes.get(index * self.page..index * self.page + self.usable).ok_or(DAMAGED)
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
        let size = usize::try_from(size).ok().filter(|size| *size <= self.bytes.len()).ok_or(DAMAGED)?;
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
