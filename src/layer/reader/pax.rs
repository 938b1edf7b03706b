//! PAX headers: records that override header fields ([POSIX,
//! pax](https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_03)).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::error::HeaderProblem;
use super::number::decimal;
use crate::layer::mtime::Mtime;

/// The prefix of extended attributes' keys.
const XATTR: &[u8] = b"SCHILY.xattr.";
/// libarchive's prefix, with values in base64.
const LIBARCHIVE_XATTR: &[u8] = b"LIBARCHIVE.xattr.";
/// The map of a sparse file, `offset,length,…`.
pub(super) const SPARSE_MAP: &str = "GNU.sparse.map";
const SPARSE_OFFSET: &[u8] = b"GNU.sparse.offset";
const SPARSE_LENGTH: &[u8] = b"GNU.sparse.numbytes";

/// The records of a PAX header; of a repeated key the last counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Pax {
    records: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Pax {
    /// Reads the content of an `x` or `g` member. Anything malformed is refused: readers that skip it would see another
    /// archive.
    pub(super) fn parse(mut block: &[u8]) -> Result<Self, HeaderProblem> {
        let mut pax = Self::default();
        let mut sparse: Vec<&[u8]> = Vec::new();
        while !block.is_empty() {
            let (key, value, rest) = record(block).ok_or(HeaderProblem::PaxRecord)?;
            block = rest;
            // Sparse format 0.0 repeats two keys alternately; their values joined are the map of format 0.1.
            let expected = if sparse.len().is_multiple_of(2) { SPARSE_OFFSET } else { SPARSE_LENGTH };
            match key {
                SPARSE_OFFSET | SPARSE_LENGTH if key != expected || value.contains(&b',') => {
                    return Err(HeaderProblem::SparseMap);
                }
                SPARSE_OFFSET | SPARSE_LENGTH => sparse.push(value),
                _ => drop(pax.records.insert(key.to_vec(), value.to_vec())),
            }
        }
        if !sparse.is_empty() {
            pax.records.insert(SPARSE_MAP.into(), sparse.join(&b','));
        }
        Ok(pax)
    }

    /// The value of a key; `None` if empty, which means that the header's own value counts.
    pub(super) fn get(&self, key: &str) -> Option<&[u8]> {
        self.records.get(key.as_bytes()).map(Vec::as_slice).filter(|value| !value.is_empty())
    }

    /// The value of a key as a number.
    pub(super) fn number(&self, key: &'static str) -> Result<Option<i64>, HeaderProblem> {
        let read = |value| decimal(value).ok_or(HeaderProblem::PaxValue { key });
        self.get(key).map(read).transpose()
    }

    /// The value of a key as a time.
    pub(super) fn time(&self, key: &'static str) -> Result<Option<Mtime>, HeaderProblem> {
        let read = |value| time(value).ok_or(HeaderProblem::PaxValue { key });
        self.get(key).map(read).transpose()
    }

    /// The extended attributes, sorted by name. Go, and so docker, ignores records with an empty value and ends a key
    /// at its first `=`: so attributes with an empty value or `=` in their name need libarchive's key, which the layers
    /// that we write use for them.
    pub(super) fn xattrs(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        for (key, value) in &self.records {
            if let Some(name) = key.strip_prefix(XATTR).filter(|_| !value.is_empty()) {
                found.insert(name.to_vec(), value.clone());
            }
        }
        for (key, value) in &self.records {
            let Some((name, value)) = key.strip_prefix(LIBARCHIVE_XATTR).and_then(|name| libarchive(name, value))
            else {
                continue;
            };
            // Writers of both keys also write a wrong `SCHILY` record: `user.k` with the value `v=1`.
            if let Some(equals) = name.iter().position(|byte| *byte == b'=')
                && found
                    .get(&name[..equals])
                    .is_some_and(|wrong| *wrong == [&name[equals + 1..], b"=", &value].concat())
            {
                found.remove(&name[..equals]);
            }
            found.entry(name).or_insert(value);
        }
        found.into_iter().collect()
    }
}

/// Decodes libarchive's record of an attribute that `SCHILY.xattr` cannot express: the name percent-encoded, the value
/// in base64.
fn libarchive(name: &[u8], value: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let name: Vec<u8> = percent_encoding::percent_decode(name).collect();
    let value = BASE64.decode(value).ok()?;
    let needed = value.is_empty() || name.contains(&b'=');
    (needed && !name.is_empty() && !name.contains(&0)).then_some((name, value))
}

/// libarchive omits the `=` padding, others write it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Splits the first record, `LENGTH KEY=VALUE\n`, from the rest. The length includes itself and the newline.
fn record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = records.iter().position(|&byte| byte == b' ')?;
    let length = usize::try_from(decimal(&records[..space])?).ok()?;
    if length < 5 || length > records.len() {
        return None;
    }
    let (record, rest) = records.split_at(length);
    let record = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|&byte| byte == b'=')?;
    let (key, value) = (&record[..equals], &record[equals + 1..]);
    let is_text = matches!(key, b"path" | b"linkpath" | b"uname" | b"gname");
    let has_nul = if is_text { value.contains(&0) } else { key.contains(&0) };
    (!key.is_empty() && !has_nul).then_some((key, value, rest))
}

/// A time in seconds with a decimal fraction, truncated to nine digits.
fn time(text: &[u8]) -> Option<Mtime> {
    let dot = text.iter().position(|&byte| byte == b'.');
    let (whole, fraction) = dot.map_or((text, &[][..]), |dot| (&text[..dot], &text[dot + 1..]));
    let seconds = decimal(whole)?;
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = fraction.iter().copied().chain(std::iter::repeat(b'0')).take(9);
    let nanos = digits.fold(0, |nanos, digit| nanos * 10 + u32::from(digit - b'0'));
    if whole.first() == Some(&b'-') && nanos > 0 {
        // -1.25 seconds is 750 milliseconds after -2 seconds.
        return Some(Mtime { seconds: seconds.checked_sub(1)?, nanos: 1_000_000_000 - nanos });
    }
    Some(Mtime { seconds, nanos })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_as_go_reads_them() {
        type Expected<'a> = Option<(&'a str, &'a str, &'a str)>;
        let table: &[(&str, Expected)] = &[
            ("6 k=v\n\n", Some(("k", "v", "\n"))),
            ("19 path=/etc/hosts\n", Some(("path", "/etc/hosts", ""))),
            ("6 k=v\n6 k=w\n", Some(("k", "v", "6 k=w\n"))),
            ("5 k=\n", Some(("k", "", ""))),
            ("+6 k=v\n", None),
            ("06 k=v\n", None),
            ("6 k=v", None),
            ("6 k~v\n", None),
            ("6 k=v\0", None),
            ("4 =v\n", None),
            ("5 =v\n", None),
            ("3 k=v\n", None),
            ("-5 k=v\n", None),
            ("9999999999999999999 k=v\n", None),
            ("00000006 k=v\n", None),
            ("6\nk=v\n", None),
            ("15 path=a\0bcdef\n", None),
            ("7 a\0=b\n", None),
            ("12 other=\0b\n", Some(("other", "\0b", ""))),
            ("18 foo=b=\nar=\n==\x00\n", Some(("foo", "b=\nar=\n==\x00", ""))),
        ];
        for (text, expected) in table {
            let actual = record(text.as_bytes());
            let expected = expected.map(|(k, v, r)| (k.as_bytes(), v.as_bytes(), r.as_bytes()));
            assert_eq!(actual, expected, "{text:?}");
        }
        assert!(record(format!("1234 path={}\n", "x".repeat(1234 - 11)).as_bytes()).is_some());
    }

    #[test]
    fn times_have_nine_decimals_and_count_from_below() {
        let table: &[(&str, Option<(i64, u32)>)] = &[
            ("1350244992.023960108", Some((1_350_244_992, 23_960_108))),
            ("1350244992.02396010", Some((1_350_244_992, 23_960_100))),
            ("1350244992.0239601089", Some((1_350_244_992, 23_960_108))),
            ("1350244992.", Some((1_350_244_992, 0))),
            ("1350244992", Some((1_350_244_992, 0))),
            ("-1.25", Some((-2, 750_000_000))),
            ("-1.000000001", Some((-2, 999_999_999))),
            ("-1", Some((-1, 0))),
            ("-0.5", Some((-1, 500_000_000))),
            ("", None),
            (".5", None),
            ("1.5x", None),
            ("1.-5", None),
            ("1e5", None),
            ("\u{663}", None),
        ];
        for (text, expected) in table {
            assert_eq!(time(text.as_bytes()).map(|t| (t.seconds, t.nanos)), *expected, "{text}");
        }
    }

    #[test]
    fn the_last_of_equal_keys_counts_and_empty_values_do_not() {
        let pax = Pax::parse(b"8 uid=1\n8 uid=2\n7 gid=\n").expect("valid records");
        assert_eq!(pax.number("uid"), Ok(Some(2)));
        assert_eq!(pax.number("gid"), Ok(None));
        let pax = Pax::parse(b"8 uid=x\n").expect("valid records");
        assert_eq!(pax.number("uid"), Err(HeaderProblem::PaxValue { key: "uid" }));
    }

    #[test]
    fn attributes_are_sorted_bytes() {
        let pax = Pax::parse(b"25 SCHILY.xattr.user.b=\0\xff\n22 SCHILY.xattr.user.a\n");
        assert_eq!(pax, Err(HeaderProblem::PaxRecord));
        let pax = Pax::parse(b"26 SCHILY.xattr.user.b=\0\xff\n23 SCHILY.xattr.user.a\x3d").map(|pax| pax.xattrs());
        assert_eq!(pax, Err(HeaderProblem::PaxRecord));
        let records = b"26 SCHILY.xattr.user.b=\0\xff\n25 SCHILY.xattr.user.a=x\n24 SCHILY.xattr.user.c=\n\
            28 LIBARCHIVE.xattr.user.d=\n28 LIBARCHIVE.xattr.user.a=\n29 LIBARCHIVE.xattr.user.e=y\n";
        let pax = Pax::parse(records).expect("valid records");
        let pairs = [(&b"user.a"[..], &b"x"[..]), (b"user.b", b"\0\xff"), (b"user.d", b"")];
        assert_eq!(pax.xattrs(), pairs.map(|(name, value)| (name.to_vec(), value.to_vec())));
    }

    #[test]
    fn attributes_with_an_equals_sign_are_read_from_the_key_of_libarchive() {
        let both = [&record_of("LIBARCHIVE.xattr.user.k%3Dv", "MQ"), &record_of("SCHILY.xattr.user.k=v", "1")];
        let pax = Pax::parse(both.map(Vec::as_slice).concat().as_slice()).expect("valid records");
        assert_eq!(pax.xattrs(), [(b"user.k=v".to_vec(), b"1".to_vec())]);
        let other = [&record_of("LIBARCHIVE.xattr.user.k%3Dv", "MQ=="), &record_of("SCHILY.xattr.user.k", "other")];
        let pax = Pax::parse(other.map(Vec::as_slice).concat().as_slice()).expect("valid records");
        let pairs = [("user.k", "other"), ("user.k=v", "1")];
        assert_eq!(pax.xattrs(), pairs.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())));
        for (key, value) in [("user.%00=", "MQ"), ("user.k%3Dv", "!"), ("", "MQ")] {
            let pax = Pax::parse(&record_of(&format!("LIBARCHIVE.xattr.{key}"), value)).expect("valid records");
            assert_eq!(pax.xattrs(), [], "{key} {value}");
        }
    }

    fn record_of(key: &str, value: &str) -> Vec<u8> {
        let rest = key.len() + value.len() + 3;
        let length = (1..999).find(|length: &usize| *length == rest + length.to_string().len()).expect("a length");
        format!("{length} {key}={value}\n").into_bytes()
    }

    #[test]
    fn sparse_maps_of_the_first_format_become_those_of_the_second() {
        let records = b"23 GNU.sparse.offset=0\n25 GNU.sparse.numbytes=5\n24 GNU.sparse.offset=70\n";
        let pax = Pax::parse(records).expect("valid records");
        assert_eq!(pax.get(SPARSE_MAP), Some(&b"0,5,70"[..]));
        assert_eq!(Pax::parse(b"25 GNU.sparse.numbytes=5\n"), Err(HeaderProblem::SparseMap));
    }
}
