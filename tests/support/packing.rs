//! The compressions that archives and layers come in.

use std::io::Write as _;

/// How bytes are wrapped, around a layer or a whole archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    None,
    Gzip,
    Bzip2,
    Xz,
    Zstd,
}

impl Packing {
    pub(crate) const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Bzip2, Self::Xz, Self::Zstd];

    pub(crate) fn apply(self, bytes: &[u8]) -> Vec<u8> {
        let whole = "compressing in memory cannot fail";
        match self {
            Self::None => bytes.to_vec(),
            Self::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(bytes).expect(whole);
                encoder.finish().expect(whole)
            }
            Self::Bzip2 => {
                let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
                encoder.write_all(bytes).expect(whole);
                encoder.finish().expect(whole)
            }
            Self::Xz => {
                let options = lzma_rust2::XzOptions::with_preset(1);
                let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).expect(whole);
                encoder.write_all(bytes).expect(whole);
                encoder.finish().expect(whole)
            }
            Self::Zstd => {
                let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect(whole);
                // As the zstd program does.
                encoder.include_checksum(true).expect(whole);
                encoder.write_all(bytes).expect(whole);
                encoder.finish().expect(whole)
            }
        }
    }

    /// The suffix of an OCI layer's media type; `None` where the specification has no type for it.
    pub(crate) fn media_suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => "+gzip",
            Self::Zstd => "+zstd",
            Self::Bzip2 => "+bzip2",
            Self::Xz => "+xz",
        }
    }
}
