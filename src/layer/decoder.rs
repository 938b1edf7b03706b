//! Decompresses a layer or an archive.

use std::io::{self, BufRead, Read};

use super::compression::Compression;
use super::limits::Limits;
use super::members::Members;
use super::unpack::Unpack;

impl Compression {
    /// Decompresses `packed`, within `limits`.
    ///
    /// The decoder reads `packed` to its very end. Zeros after the compressed data are accepted as padding where the
    /// tools `gzip`, `bzip2` and `xz` accept them; other trailing data, truncation and a wrong checksum are errors: the
    /// reader fails with an [`io::Error`] that holds a [`DamagedError`](super::compression::DamagedError), or a [`LimitError`](super::limits::LimitError)
    /// if the output exceeds a limit.
    pub fn decoder<'a, R>(self, packed: R, limits: &Limits) -> io::Result<Box<dyn Read + Send + 'a>>
    where
        R: BufRead + Send + 'a,
    {
        Ok(Box::new(match self {
            Self::None => Unpack::new(packed, self, limits, Ok),
            Self::Gzip => {
                Unpack::new(packed, self, limits, |packed| Ok(Members::<_, flate2::bufread::GzDecoder<_>>::new(packed)))
            }
            Self::Bzip2 => {
                Unpack::new(packed, self, limits, |packed| Ok(Members::<_, bzip2::bufread::BzDecoder<_>>::new(packed)))
            }
            Self::Xz => Unpack::new(packed, self, limits, |packed| {
                Ok(lzma_rust2::XzReader::new_mem_limit(packed, true, limits.xz_memory_kib))
            }),
            Self::Zstd => Unpack::new(packed, self, limits, |packed| {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
                decoder.window_log_max(limits.zstd_window_log)?;
                Ok(decoder)
            }),
        }?))
    }
}
