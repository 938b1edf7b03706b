//! The 512 bytes of a tar header: V7, ustar, PAX's, star's and GNU's, distinguished and read as in Go's archive/tar
//! ([POSIX, ustar](https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_06)).

use std::ops::Range;

use super::error::HeaderProblem;
use super::number::{numeric, octal, until_nul};

/// The size of a block: headers are one, contents are padded to a multiple.
pub(crate) const BLOCK: usize = 512;

/// One block of an archive.
pub(super) type Block = [u8; BLOCK];

const NAME: Range<usize> = 0..100;
const MODE: Range<usize> = 100..108;
const UID: Range<usize> = 108..116;
const GID: Range<usize> = 116..124;
const SIZE: Range<usize> = 124..136;
const MTIME: Range<usize> = 136..148;
const CHECKSUM: Range<usize> = 148..156;
const TYPEFLAG: usize = 156;
const LINK_NAME: Range<usize> = 157..257;
const MAGIC: Range<usize> = 257..263;
const VERSION: Range<usize> = 263..265;
const DEVICE_MAJOR: Range<usize> = 329..337;
const DEVICE_MINOR: Range<usize> = 337..345;
const USTAR_PREFIX: Range<usize> = 345..500;
const STAR_PREFIX: Range<usize> = 345..476;
const STAR_TIMES: [Range<usize>; 2] = [476..488, 488..500];
const STAR_TRAILER: Range<usize> = 508..512;
const GNU_TIMES: [Range<usize>; 2] = [345..357, 357..369];

/// A parsed header, before extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TarHeader {
    pub(super) format: TarFormat,
    pub(super) name: Vec<u8>,
    pub(super) link_name: Vec<u8>,
    pub(super) typeflag: u8,
    pub(super) mode: i64,
    pub(super) uid: i64,
    pub(super) gid: i64,
    pub(super) size: i64,
    pub(super) mtime: i64,
    pub(super) device_major: i64,
    pub(super) device_minor: i64,
}

/// The format of a header, on which the fields after the magic number depend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TarFormat {
    V7,
    Ustar,
    Star,
    Gnu,
}

impl TarHeader {
    /// Reads a header.
    pub(super) fn parse(block: &Block) -> Result<Self, HeaderProblem> {
        verify_checksum(block)?;
        let format = format(block);
        let number =
            |field: &'static str, range: Range<usize>| numeric(&block[range]).ok_or(HeaderProblem::Number { field });
        let device = |field, range| if format == TarFormat::V7 { Ok(0) } else { number(field, range) };
        Ok(Self {
            format,
            name: with_prefix(prefix(block, format)?, until_nul(&block[NAME])),
            link_name: until_nul(&block[LINK_NAME]).to_vec(),
            typeflag: block[TYPEFLAG],
            mode: number("mode", MODE)?,
            uid: number("uid", UID)?,
            gid: number("gid", GID)?,
            size: number("size", SIZE)?,
            mtime: number("mtime", MTIME)?,
            device_major: device("device number", DEVICE_MAJOR)?,
            device_minor: device("device number", DEVICE_MINOR)?,
        })
    }
}

/// Old writers summed signed bytes, so both sums are accepted.
fn verify_checksum(block: &Block) -> Result<(), HeaderProblem> {
    let expected = octal(&block[CHECKSUM]).ok_or(HeaderProblem::Checksum)?;
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| i64::from(byte)).sum::<i64>();
    // The field itself counts as spaces.
    let unsigned = sum(block) - sum(&block[CHECKSUM]) + 8 * i64::from(b' ');
    let negative = |bytes: &[u8]| bytes.iter().map(|&byte| i64::from(byte >> 7)).sum::<i64>();
    let signed = unsigned - 256 * (negative(block) - negative(&block[CHECKSUM]));
    if expected == unsigned || expected == signed { Ok(()) } else { Err(HeaderProblem::Checksum) }
}

fn format(block: &Block) -> TarFormat {
    match (&block[MAGIC], &block[VERSION]) {
        (b"ustar\0", _) if &block[STAR_TRAILER] == b"tar\0" => TarFormat::Star,
        (b"ustar\0", _) => TarFormat::Ustar,
        (b"ustar ", b" \0") => TarFormat::Gnu,
        _ => TarFormat::V7,
    }
}

/// The prefix of the name. GNU headers have times in its place, but Go before 1.8 wrote a prefix there: anything that
/// does not parse as times is one.
fn prefix(block: &Block, format: TarFormat) -> Result<&[u8], HeaderProblem> {
    let well_formed = |times: &[Range<usize>]| times.iter().all(|time| numeric(&block[time.clone()]).is_some());
    match format {
        TarFormat::V7 => Ok(b""),
        TarFormat::Ustar => Ok(until_nul(&block[USTAR_PREFIX])),
        TarFormat::Star if well_formed(&STAR_TIMES) => Ok(until_nul(&block[STAR_PREFIX])),
        TarFormat::Star => Err(HeaderProblem::Number { field: "time" }),
        TarFormat::Gnu => {
            let [accessed, changed] = GNU_TIMES;
            let ok = |time: Range<usize>| block[time.start] == 0 || well_formed(&[time]);
            let prefix = until_nul(&block[USTAR_PREFIX]);
            Ok(if ok(accessed) && ok(changed) || !prefix.is_ascii() { b"" } else { prefix })
        }
    }
}

fn with_prefix(prefix: &[u8], name: &[u8]) -> Vec<u8> {
    if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
}
