//! Places in compressed layers from which reading can go on, kept for the next time.
//!
//! ```text
//! ROOT/imgtool/seek/<hex>    magic, digest of the blob, then for each point
//!                            how much comes out before it, how much goes in, bits (2 bytes), lengths (4 and 4 bytes),
//!                            the window, compressed, and a checksum of all that
//! ```
//!
//! Only a cache: it can be deleted. A point that does not match its checksum is as if it were not there, and what is read
//! from a point is compared with the checksums in the layer's index.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use super::{Error, Store};
use crate::layer::Checksum;
use crate::layer::restart::{RestartPoint, WINDOW};
use crate::layout::Durable;
use crate::oci::Digest;

const MAGIC: &[u8; 21] = b"imgtool-seek-index 1\n";
/// A point without its window and checksum.
const HEAD: usize = 8 + 8 + 2 + 4 + 4;
const CHECKSUM: u32 = 16;
/// The most points of a layer: 8 GB at 4 MiB each, 64 MiB on the disk if windows do not compress.
const MOST_POINTS: usize = 2048;

impl Store {
    /// The last point of a layer's blob at or before an offset of its tar, and the offset of the last point of all.
    pub fn restart_point(&self, blob: &Digest, before: u64) -> (Option<RestartPoint>, u64) {
        let read = || -> io::Result<(Option<RestartPoint>, u64)> {
            let mut file = BufReader::new(File::open(self.restarts_path(blob))?);
            let (mut best, mut last) = (None, 0);
            check_magic(&mut file, blob)?;
            for _ in 0..MOST_POINTS {
                let mut head = [0; HEAD];
                if file.read_exact(&mut head).is_err() {
                    break;
                }
                let place = file.stream_position()?;
                let (unpacked, length) = (number(&head[..8]), u32_at(&head, 22));
                last = unpacked;
                if unpacked <= before {
                    best = Some((head, place, length));
                }
                file.seek_relative(i64::from(length) + i64::from(CHECKSUM))?;
            }
            let Some((head, place, length)) = best else { return Ok((None, last)) };
            file.seek(SeekFrom::Start(place))?;
            Ok((Some(point(&mut file, &head, length)?), last))
        };
        read().unwrap_or((None, 0))
    }

    /// Keeps points of a layer's blob that lie behind those that are known.
    pub fn keep_restart_points(&self, blob: &Digest, points: &[RestartPoint]) -> Result<(), Error> {
        let path = self.restarts_path(blob);
        let (_, last) = self.restart_point(blob, 0);
        let new: Vec<&RestartPoint> = points.iter().filter(|point| point.unpacked > last).collect();
        if new.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        let is_known = last > 0 && File::open(&path).and_then(|mut file| file.read_to_end(&mut bytes)).is_ok();
        if !is_known {
            bytes = [MAGIC.as_slice(), blob.as_bytes()].concat();
        }
        for point in new {
            write_point(&mut bytes, point).map_err(Error::io(&path))?;
        }
        self.private_folder("seek")?;
        let draft = self.private_folder("tmp")?.join(format!("seek-{}-{}", blob.hex(), std::process::id()));
        let draft = Durable::create(draft.clone(), &self.job).map_err(Error::io(&draft))?;
        draft.file().write_all(&bytes).map_err(Error::io(&path))?;
        draft.settled().and_then(|draft| draft.publish(&path)).map_err(Error::io(&path))
    }

    /// Forgets the points of a layer's blob because reading from one failed.
    pub fn forget_restart_points(&self, blob: &Digest) {
        let _ = std::fs::remove_file(self.restarts_path(blob));
    }

    fn restarts_path(&self, blob: &Digest) -> PathBuf {
        self.root.join("imgtool/seek").join(blob.hex())
    }
}

fn check_magic(file: &mut impl Read, blob: &Digest) -> io::Result<()> {
    let mut start = [0; MAGIC.len() + 32];
    file.read_exact(&mut start)?;
    let is_this = start[..MAGIC.len()] == *MAGIC && start[MAGIC.len()..] == *blob.as_bytes();
    if is_this { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

fn point(file: &mut impl Read, head: &[u8; HEAD], length: u32) -> io::Result<RestartPoint> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > zstd::zstd_safe::compress_bound(WINDOW) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let (mut packed, mut checksum) = (vec![0; length], [0; CHECKSUM as usize]);
    file.read_exact(&mut packed)?;
    file.read_exact(&mut checksum)?;
    if Checksum::of(&[head.as_slice(), &packed].concat()).to_bytes() != checksum {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let window = zstd::bulk::decompress(&packed, WINDOW)?;
    let bits = (head[16], head[17]);
    Ok(RestartPoint { unpacked: number(&head[..8]), packed: number(&head[8..16]), bits, window })
}

fn write_point(to: &mut Vec<u8>, point: &RestartPoint) -> io::Result<()> {
    let packed = zstd::bulk::compress(&point.window, 1)?;
    let start = to.len();
    to.extend_from_slice(&point.unpacked.to_le_bytes());
    to.extend_from_slice(&point.packed.to_le_bytes());
    to.extend_from_slice(&[point.bits.0, point.bits.1]);
    for length in [point.window.len(), packed.len()] {
        to.extend_from_slice(&u32::try_from(length).map_err(io::Error::other)?.to_le_bytes());
    }
    to.extend_from_slice(&packed);
    let checksum = Checksum::of(&to[start..]).to_bytes();
    to.extend_from_slice(&checksum);
    Ok(())
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn u32_at(head: &[u8; HEAD], at: usize) -> u32 {
    u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(unpacked: u64) -> RestartPoint {
        let window = (0..WINDOW).map(|at| u8::try_from((at as u64 * unpacked) % 251).expect("small")).collect();
        RestartPoint { unpacked, packed: unpacked / 3, bits: (5, 17), window }
    }

    #[test]
    fn points_are_found_and_added_to_and_never_trusted() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::new(folder.path().join("store"));
        let blob = Digest::of(b"blob");
        assert_eq!(store.restart_point(&blob, 1000), (None, 0));
        store.keep_restart_points(&blob, &[made(100), made(200)]).expect("a store");
        store.keep_restart_points(&blob, &[made(200), made(300)]).expect("a store");
        for (before, expected) in [(99, None), (100, Some(100)), (250, Some(200)), (u64::MAX, Some(300))] {
            assert_eq!(store.restart_point(&blob, before), (expected.map(made), 300), "{before}");
        }
        let path = store.restarts_path(&blob);
        let whole = std::fs::read(&path).expect("a file");
        let mut changed = whole.clone();
        changed[MAGIC.len() + 32 + HEAD + 3] ^= 1;
        std::fs::write(&path, &changed).expect("a file");
        assert_eq!(store.restart_point(&blob, 150).0, None);
        assert_eq!(store.restart_point(&blob, 250).0, Some(made(200)));
        std::fs::write(&path, &whole[..whole.len() - 1]).expect("a file");
        assert_eq!(store.restart_point(&blob, 1000).0, None);
        std::fs::copy(&path, store.restarts_path(&Digest::of(b"other"))).expect("a file");
        assert_eq!(store.restart_point(&Digest::of(b"other"), 1000), (None, 0), "of another blob");
    }
}
