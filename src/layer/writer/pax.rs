//! The content of a PAX header.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

use crate::layer::mtime::Mtime;
use crate::layer::path::split_last;

/// The characters that libarchive percent-encodes in attribute names, besides non-ASCII.
const IN_NAMES: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b'=');

/// Records, sorted by unique key.
#[derive(Default)]
pub(super) struct Records(BTreeMap<Vec<u8>, Vec<u8>>);

impl Records {
    /// Adds a record.
    pub(super) fn put(&mut self, key: &[u8], value: &[u8]) {
        self.0.insert(key.to_vec(), value.to_vec());
    }

    /// Adds an extended attribute. Go ignores records with an empty value and ends a key at its first `=`: such
    /// attributes get libarchive's key, which other readers ignore instead of reading a wrong attribute.
    pub(super) fn put_xattr(&mut self, name: &[u8], value: &[u8]) {
        if value.is_empty() || name.contains(&b'=') {
            let name = percent_encode(name, IN_NAMES).to_string();
            self.put(format!("LIBARCHIVE.xattr.{name}").as_bytes(), STANDARD_NO_PAD.encode(value).as_bytes());
        } else {
            self.put(&[b"SCHILY.xattr.", name].concat(), value);
        }
    }

    /// Whether there are no records.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The records, concatenated.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0.into_iter().flat_map(|(key, value)| record(&key, &value)).collect()
    }
}

/// `LENGTH KEY=VALUE\n`; the length includes itself.
fn record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + rest.to_string().len();
    if length.to_string().len() > rest.to_string().len() {
        length = rest + length.to_string().len();
    }
    [length.to_string().as_bytes(), b" ", key, b"=", value, b"\n"].concat()
}

/// The name of a member's PAX header: `PaxHeaders.0/` inserted before the last component.
pub(super) fn header_name(name: &[u8]) -> Vec<u8> {
    let name = name.strip_suffix(b"/").unwrap_or(name);
    let (folder, file) = split_last(name);
    if folder.is_empty() { [b"PaxHeaders.0/", file].concat() } else { [folder, b"/PaxHeaders.0/", file].concat() }
}

/// Seconds with as many decimals as needed.
pub(super) fn time(mtime: Mtime) -> String {
    let Mtime { seconds, nanos } = mtime;
    if nanos == 0 {
        return seconds.to_string();
    }
    let text = if seconds < 0 {
        // 750 milliseconds after -2 seconds is -1.25 seconds.
        format!("-{}.{:09}", -(seconds + 1), 1_000_000_000_u32.saturating_sub(nanos))
    } else {
        format!("{seconds}.{nanos:09}")
    };
    text.trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_counts_itself() {
        for length in 1..1200 {
            let record = record(b"k", &vec![b'v'; length]);
            let text = String::from_utf8(record).expect("ASCII");
            assert_eq!(text.split(' ').next(), Some(text.len().to_string().as_str()));
        }
        assert_eq!(record(b"path", b"/etc/hosts"), b"19 path=/etc/hosts\n");
    }

    #[test]
    fn times_have_no_more_decimals_than_they_need() {
        let table = [
            ((1, 0), "1"),
            ((1, 500_000_000), "1.5"),
            ((0, 1), "0.000000001"),
            ((-1, 0), "-1"),
            ((-2, 750_000_000), "-1.25"),
            ((-1, 500_000_000), "-0.5"),
            ((i64::MIN, 1), "-9223372036854775807.999999999"),
        ];
        for ((seconds, nanos), expected) in table {
            assert_eq!(time(Mtime { seconds, nanos }), expected);
        }
    }

    #[test]
    fn a_header_is_named_after_its_member() {
        for (name, expected) in [("a", "PaxHeaders.0/a"), ("a/b", "a/PaxHeaders.0/b"), ("a/b/", "a/PaxHeaders.0/b")] {
            assert_eq!(header_name(name.as_bytes()), expected.as_bytes());
        }
    }
}
