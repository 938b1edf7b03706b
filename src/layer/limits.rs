//! Limits on untrusted input.

/// 1 GiB.
const GIB: u64 = 1 << 30;

/// Limits on everything that is read from a layer or an archive. Commands use [`Limits::default`] unless a flag
/// overrides it; each limit is far above what real images need and far below what would harm the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes that one stream may decompress to; holes of sparse files count.
    pub unpacked: u64,
    /// The highest compression ratio of a stream, beyond [`Limits::ratio_from`] bytes. Deflate is limited to 1032:1, so
    /// every real gzip stream passes.
    pub ratio: u64,
    /// The decompressed size up to which [`Limits::ratio`] is not checked: small streams of zeros are common.
    pub ratio_from: u64,
    /// The most bytes of one PAX header or one sparse map, as in Go's archive/tar.
    pub pax_block: u64,
    /// The most bytes of one GNU long name; the kernel accepts paths of up to 4 KiB.
    pub long_name: u64,
    /// The base-2 logarithm of the largest zstd window, which is the decoder's memory.
    pub zstd_window_log: u32,
    /// The most memory an xz decoder may ask for, in KiB; `xz -9` needs 65 MiB.
    pub xz_memory_kib: u32,
    /// The most names in one layer, implied directories included; computing the size takes about 40 bytes each.
    pub entries: u64,
    /// The most bytes of all symbolic links' targets in one layer: they are held in memory while its size is computed.
    pub link_text: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            unpacked: 64 * GIB,
            ratio: 1100,
            ratio_from: GIB,
            pax_block: 1 << 20,
            long_name: 64 << 10,
            zstd_window_log: 27,
            xz_memory_kib: 128 << 10,
            entries: 4_000_000,
            link_text: 64 << 20,
        }
    }
}

/// A stream exceeds one of the [`Limits`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// More than [`Limits::unpacked`].
    #[error("layer unpacks to more than {limit} bytes")]
    Unpacked {
        /// The limit, in bytes.
        limit: u64,
    },
    /// More than [`Limits::ratio`] times the compressed bytes.
    #[error("layer unpacks to more than {ratio} times its {packed} packed bytes")]
    Ratio {
        /// The limit.
        ratio: u64,
        /// How many compressed bytes had been read when it was exceeded.
        packed: u64,
    },
}

impl Limits {
    /// Checks that `packed` bytes may decompress to `unpacked` ones.
    pub(crate) fn check(&self, packed: u64, unpacked: u64) -> Result<(), LimitError> {
        if unpacked > self.unpacked {
            return Err(LimitError::Unpacked { limit: self.unpacked });
        }
        if unpacked > self.ratio_from && unpacked / self.ratio.max(1) > packed {
            return Err(LimitError::Ratio { ratio: self.ratio, packed });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_stream_may_be_all_zeros_and_a_large_one_not() {
        let limits = Limits::default();
        assert_eq!(limits.check(0, GIB), Ok(()));
        assert_eq!(limits.check(GIB, GIB + 1), Ok(()));
        assert_eq!(limits.check(1 << 20, GIB + 1), Ok(()));
        assert_eq!(limits.check(1000, 2 * GIB), Err(LimitError::Ratio { ratio: 1100, packed: 1000 }));
        assert_eq!(limits.check(60 * GIB, 64 * GIB), Ok(()));
        assert_eq!(limits.check(60 * GIB, 64 * GIB + 1), Err(LimitError::Unpacked { limit: 64 * GIB }));
    }
}
