//! Buffers that are used again, by one upload after the other.

use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

/// How many buffers wait to be used again.
const MOST: usize = 8;
/// The largest that does, in bytes.
const LARGEST: usize = 4 << 20;

/// Of all threads: what one allocates and another frees would stay with the process, for each of them.
static FREE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// Bytes in a buffer that is used again when this is dropped.
#[derive(Debug, Default)]
pub(super) struct Buffer(pub(super) Vec<u8>);

impl Buffer {
    /// An empty buffer with room for so many bytes.
    pub(super) fn take(size: usize) -> Self {
        let free = if size <= LARGEST { FREE.lock().unwrap_or_else(PoisonError::into_inner).pop() } else { None };
        let mut bytes = free.unwrap_or_default();
        bytes.reserve_exact(size);
        Self(bytes)
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.0);
        if bytes.capacity() == 0 || bytes.capacity() > LARGEST {
            return;
        }
        bytes.clear();
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < MOST {
            free.push(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_one_with_room() {
        let mut buffer = Buffer::take(10_000);
        buffer.0.extend_from_slice(b"bytes");
        drop(buffer);
        let again = Buffer::take(20_000);
        assert!(again.is_empty() && again.capacity() >= 20_000);
        drop(Buffer::take(LARGEST + 1));
        assert!(FREE.lock().expect("no panic").iter().all(|free| free.capacity() <= LARGEST && free.is_empty()));
    }
}
