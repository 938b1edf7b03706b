//! The compression of a layer or an archive, detected by its first bytes.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use crate::oci::MediaType;

/// How many compressed bytes are read at a time.
const BUFFER: usize = 128 << 10;

/// The compression of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not compressed.
    None,
    /// gzip ([RFC 1952](https://www.rfc-editor.org/rfc/rfc1952)), one member or several.
    Gzip,
    /// bzip2.
    Bzip2,
    /// xz, one stream or several.
    Xz,
    /// zstd ([RFC 8878](https://www.rfc-editor.org/rfc/rfc8878)), any number of frames.
    Zstd,
}

impl Compression {
    /// How many bytes [`Compression::detect`] needs.
    pub const PREFIX: usize = 8;

    /// The compression of a stream that starts with `prefix`: [`Compression::PREFIX`] bytes, fewer only if it ends.
    pub fn detect(prefix: &[u8]) -> Self {
        match prefix {
            [0x1f, 0x8b, 0x08, ..] => Self::Gzip,
            [b'B', b'Z', b'h', ..] => Self::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            // A frame, or a skippable frame: magic number and four bytes of length.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, _, _, _, _, ..] => Self::Zstd,
            _ => Self::None,
        }
    }

    /// The media type of a layer with this compression ([image-spec,
    /// layer](https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md)). The specification has none for bzip2
    /// and xz: such layers are decompressed when an image is assembled.
    pub fn media_type(self) -> MediaType {
        match self {
            Self::Gzip => MediaType::OCI_LAYER_GZIP,
            Self::Zstd => MediaType::OCI_LAYER_ZSTD,
            Self::None | Self::Bzip2 | Self::Xz => MediaType::OCI_LAYER_TAR,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "uncompressed",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
        })
    }
}

/// Compressed data that is truncated, damaged, or followed by other data.
#[derive(Debug, thiserror::Error)]
#[error("{} {compression} data at byte {at}", if source.kind() == io::ErrorKind::UnexpectedEof { "truncated" } else { "damaged" })]
pub struct DamagedError {
    /// The compression.
    pub compression: Compression,
    /// How many compressed bytes were read.
    pub at: u64,
    /// The decoder's error.
    pub source: io::Error,
}

/// Detects the compression of a stream; the returned reader still starts at the first byte.
pub fn sniff<R: Read>(reader: R) -> io::Result<(Compression, impl BufRead + use<R>)> {
    let mut reader = reader;
    let mut prefix = Vec::with_capacity(Compression::PREFIX);
    reader.by_ref().take(Compression::PREFIX as u64).read_to_end(&mut prefix)?;
    let compression = Compression::detect(&prefix);
    Ok((compression, BufReader::with_capacity(BUFFER, io::Cursor::new(prefix).chain(reader))))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::layer::limits::{LimitError, Limits};

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    fn bzip2(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("memory");
        encoder.include_checksum(true).expect("an option");
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    /// What `printf 'hello\n' | xz` gives.
    fn xz() -> Vec<u8> {
        let hex = "fd377a585a000004e6d6b4460200210116000000742fe5a301000568656c6c6f0a000000a56097f194f6fde0\
                   00011e06c12fa41d1fb6f37d010000000004595a";
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
    }

    fn all() -> Vec<(Compression, Vec<u8>)> {
        vec![
            (Compression::Gzip, gzip(b"hello\n")),
            (Compression::Bzip2, bzip2(b"hello\n")),
            (Compression::Xz, xz()),
            (Compression::Zstd, zstd(b"hello\n")),
        ]
    }

    /// Decompresses through [`sniff`]; also returns whether the input was read to its end.
    fn unpack_within(packed: &[u8], limits: &Limits) -> io::Result<(Compression, Vec<u8>, bool)> {
        let mut input = packed;
        let (compression, reader) = sniff(&mut input)?;
        let mut unpacked = Vec::new();
        compression.decoder(reader, limits)?.read_to_end(&mut unpacked)?;
        Ok((compression, unpacked, input.is_empty()))
    }

    fn unpack(packed: &[u8]) -> io::Result<(Compression, Vec<u8>, bool)> {
        unpack_within(packed, &Limits::default())
    }

    #[test]
    fn every_compression_is_recognised_and_unpacked() {
        for (compression, packed) in all() {
            let unpacked = unpack(&packed).expect("valid data");
            assert_eq!(unpacked, (compression, b"hello\n".to_vec(), true));
        }
        assert_eq!(unpack(b"").expect("nothing"), (Compression::None, Vec::new(), true));
        assert_eq!(unpack(b"plain text").expect("text"), (Compression::None, b"plain text".to_vec(), true));
    }

    #[test]
    fn several_members_are_one_stream() {
        for (compression, packed) in all() {
            let unpacked = unpack(&packed.repeat(3)).expect("valid data");
            assert_eq!(unpacked, (compression, b"hello\nhello\nhello\n".to_vec(), true));
        }
        let skippable = [&[0x5f, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2][..], &zstd(b"a")].concat();
        assert_eq!(unpack(&skippable).expect("valid data"), (Compression::Zstd, b"a".to_vec(), true));
    }

    #[test]
    fn zeros_after_the_data_are_padding_where_its_own_program_takes_them() {
        for (compression, packed) in all() {
            for zeros in [1, 4, 511, 512, 300_000] {
                let padded = [&packed[..], &vec![0; zeros]].concat();
                // What `gzip -t`, `bzip2 -t`, `xz -t` and `zstd -t` accept.
                let taken = match compression {
                    Compression::Xz => zeros % 4 == 0,
                    Compression::Zstd => false,
                    _ => true,
                };
                let expected = taken.then(|| (compression, b"hello\n".to_vec(), true));
                assert_eq!(unpack(&padded).ok(), expected, "{compression} and {zeros} zeros");
                assert!(unpack(&[&padded[..], b"x"].concat()).is_err(), "{compression}, {zeros} zeros and more");
            }
        }
    }

    #[test]
    fn cut_changed_and_extended_data_is_refused() {
        for (compression, packed) in all() {
            for end in Compression::PREFIX..packed.len() {
                assert!(unpack(&packed[..end]).is_err(), "{compression} cut at {end}");
            }
            for junk in [&b"\x01"[..], b"junk", b"longer junk than any header"] {
                let error = unpack(&[&packed[..], junk].concat()).expect_err("junk");
                assert!(error.downcast::<DamagedError>().is_ok(), "{compression} and {junk:?}");
            }
        }
    }

    #[test]
    fn a_wrong_checksum_is_refused() {
        let mut packed = gzip(b"hello");
        let crc = packed.len() - 8;
        packed[crc] ^= 1;
        assert!(unpack(&packed).is_err());
        let mut packed = zstd(b"hello");
        let checksum = packed.len() - 1;
        packed[checksum] ^= 1;
        assert!(unpack(&packed).is_err());
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = zstd(&vec![0; 1 << 20]);
        let limits = Limits { ratio_from: 1 << 19, ..Limits::default() };
        let error = unpack_within(&bomb, &limits).expect_err("a bomb");
        assert!(matches!(error.downcast::<LimitError>(), Ok(LimitError::Ratio { ratio: 1100, .. })));
        let limits = Limits { unpacked: 1 << 19, ..Limits::default() };
        for stream in [bomb, vec![1; 1 << 20]] {
            let error = unpack_within(&stream, &limits).expect_err("too much");
            assert!(matches!(error.downcast::<LimitError>(), Ok(LimitError::Unpacked { limit }) if limit == 1 << 19));
        }
    }

    #[test]
    fn a_window_above_the_limit_is_refused() {
        let packed = [&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x90][..], &[1, 0, 0]].concat(); // window 2^28
        assert!(unpack(&packed).is_err());
        let packed = [&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88][..], &[1, 0, 0]].concat(); // window 2^27
        assert_eq!(unpack(&packed).expect("an empty frame").1, b"");
    }

    #[test]
    fn an_error_of_the_source_stays_itself() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::from(io::ErrorKind::ConnectionReset))
            }
        }
        let start = gzip(b"hello")[..12].to_vec();
        let (compression, reader) = sniff(io::Cursor::new(start).chain(Broken)).expect("the start is there");
        let mut decoder = compression.decoder(reader, &Limits::default()).expect("gzip");
        let error = io::copy(&mut decoder, &mut io::sink()).expect_err("the source broke");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
}
