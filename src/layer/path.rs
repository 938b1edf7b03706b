//! Paths inside an image: bytes relative to its root, normalised by construction.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::serde_bytes;

/// Why a name is not a valid path inside an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It has more `..` than components before them.
    #[error("path {:?} leads outside the image", crate::layer::path::Escaped(name))]
    Outside {
        /// The name, unchanged.
        name: Vec<u8>,
    },
    /// It contains a NUL byte.
    #[error("path {:?} has a NUL byte", crate::layer::path::Escaped(name))]
    Nul {
        /// The name, unchanged.
        name: Vec<u8>,
    },
}

/// A path inside an image: components joined by `/`, none of them empty, `.` or `..`; empty for the root.
///
/// Paths are bytes, not text, and are ordered as bytes. [`fmt::Display`] escapes everything but printable UTF-8 as
/// `\xNN`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EntryPath(Vec<u8>);

/// Allows lookup by bytes, which are ordered alike.
impl std::borrow::Borrow<[u8]> for EntryPath {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl EntryPath {
    /// The path of a member called `name`: a leading `/` is stripped, `.` and inner `..` are resolved lexically.
    pub fn new(name: &[u8]) -> Result<Self, PathError> {
        if name.contains(&0) {
            return Err(PathError::Nul { name: name.to_vec() });
        }
        let mut path = Vec::with_capacity(name.len());
        for component in name.split(|&byte| byte == b'/') {
            match component {
                b"" | b"." => {}
                b".." if path.is_empty() => return Err(PathError::Outside { name: name.to_vec() }),
                b".." => path.truncate(split_last(&path).0.len()),
                _ => {
                    if !path.is_empty() {
                        path.push(b'/');
                    }
                    path.extend_from_slice(component);
                }
            }
        }
        Ok(Self(path))
    }

    /// The image's root.
    pub fn root() -> Self {
        Self::default()
    }

    /// Whether this is the image's root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes, without a leading `/`.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The parent directory; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        (!self.is_root()).then(|| Self(split_last(&self.0).0.to_vec()))
    }

    /// The last component; `None` for the root.
    pub fn file_name(&self) -> Option<&[u8]> {
        (!self.is_root()).then(|| split_last(&self.0).1)
    }

    /// The components, top first; none for the root.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|&byte| byte == b'/').filter(|component| !component.is_empty())
    }

    /// The path of `name`, a relative name, in this directory.
    pub fn join(&self, name: &[u8]) -> Result<Self, PathError> {
        Self::new(&[self.as_bytes(), b"/", name].concat())
    }

    /// Whether this path is `ancestor` or below it.
    pub fn starts_with(&self, ancestor: &Self) -> bool {
        match self.0.strip_prefix(ancestor.as_bytes()) {
            Some(rest) => ancestor.is_root() || rest.is_empty() || rest[0] == b'/',
            None => false,
        }
    }
}

/// Everything before the last `/`, and everything after it.
pub(crate) fn split_last(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&[], path),
    }
}

impl fmt::Display for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Escaped(&self.0), f)
    }
}

impl fmt::Debug for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Escaped(&self.0), f)
    }
}

impl Serialize for EntryPath {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for EntryPath {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bytes = serde_bytes::deserialize(from)?;
        if is_clean(&bytes) { Ok(Self(bytes)) } else { Err(serde::de::Error::custom("path is not normalised")) }
    }
}

/// Whether a path is as [`EntryPath::new`] makes it.
fn is_clean(path: &[u8]) -> bool {
    let is_name = |name: &[u8]| !matches!(name, b"" | b"." | b"..");
    path.is_empty() || !path.contains(&0) && path.split(|&byte| byte == b'/').all(is_name)
}

/// Displays bytes from an image: printable UTF-8 unchanged, everything else (also `\` and invisible or
/// direction-changing characters) escaped. `{:?}` adds quotes and escapes quotes in it.
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                write_escaped(f, character)?;
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Writes a character, escaped byte by byte unless it is printable.
fn write_escaped(f: &mut fmt::Formatter<'_>, character: char) -> fmt::Result {
    use fmt::Write as _;
    let plain = character != '\\' && (matches!(character, '"' | '\'') || character.escape_debug().count() == 1);
    if plain {
        return f.write_char(character);
    }
    if character == '\\' {
        return f.write_str("\\\\");
    }
    let mut buffer = [0; 4];
    character.encode_utf8(&mut buffer).bytes().try_for_each(|byte| write!(f, "\\x{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_cleaned_and_kept_inside() {
        let table: &[(&[u8], Option<&[u8]>)] = &[
            (b"", Some(b"")),
            (b".", Some(b"")),
            (b"/", Some(b"")),
            (b"./", Some(b"")),
            (b"/.", Some(b"")),
            (b"a/..", Some(b"")),
            (b"./etc//passwd/", Some(b"etc/passwd")),
            (b"///a", Some(b"a")),
            (b"a/./b/../c", Some(b"a/c")),
            (b"a/b/../../c", Some(b"c")),
            (b"...", Some(b"...")),
            (b"..a/b..", Some(b"..a/b..")),
            (b"a\\..\\b", Some(b"a\\..\\b")),
            (b"..", None),
            (b"/..", None),
            (b"../a", None),
            (b"./../a", None),
            (b"a/../../b", None),
            (b"a/../../a/b", None),
            (b"a\0b", None),
        ];
        for (name, expected) in table {
            let path = EntryPath::new(name).ok();
            assert_eq!(path.as_ref().map(EntryPath::as_bytes), *expected, "{}", name.escape_ascii());
        }
    }

    #[test]
    fn a_path_has_a_parent_and_a_name_but_the_root_has_none() {
        let path = EntryPath::new(b"usr/bin/env").expect("a valid path");
        assert_eq!(path.file_name(), Some(&b"env"[..]));
        assert_eq!(path.parent(), EntryPath::new(b"usr/bin").ok());
        assert_eq!(path.components().collect::<Vec<_>>(), [&b"usr"[..], b"bin", b"env"]);
        assert_eq!(EntryPath::new(b"usr").expect("a valid path").parent(), Some(EntryPath::root()));
        assert_eq!(EntryPath::root().parent(), None);
        assert_eq!(EntryPath::root().file_name(), None);
        assert_eq!(EntryPath::root().components().count(), 0);
    }

    #[test]
    fn being_below_is_by_components() {
        let path = |name: &str| EntryPath::new(name.as_bytes()).expect("a valid path");
        assert!(path("usr/bin").starts_with(&path("usr")));
        assert!(path("usr").starts_with(&path("usr")));
        assert!(path("usr").starts_with(&EntryPath::root()));
        assert!(!path("usrlocal").starts_with(&path("usr")));
        assert!(!path("usr").starts_with(&path("usr/bin")));
        assert_eq!(path("usr").join(b"bin").ok(), Some(path("usr/bin")));
        assert_eq!(EntryPath::root().join(b"bin").ok(), Some(path("bin")));
    }

    #[test]
    fn what_could_move_a_cursor_is_shown_as_hex() {
        let table: &[(&[u8], &str)] = &[
            ("ü\"'x y".as_bytes(), "ü\"'x y"),
            (b"a\x1b[2Jb", "a\\x1b[2Jb"),
            (b"a\nb", "a\\x0ab"),
            (b"\xffa", "\\xffa"),
            (b"a\\b", "a\\\\b"),
            ("\u{202e}x".as_bytes(), "\\xe2\\x80\\xaex"),
            ("\u{85}".as_bytes(), "\\xc2\\x85"),
        ];
        for (name, expected) in table {
            assert_eq!(EntryPath::new(name).expect("a valid path").to_string(), *expected);
        }
    }

    #[test]
    fn a_path_that_is_not_clean_is_not_deserialised() {
        let path = EntryPath::new(b"a/b").expect("a valid path");
        let bytes = postcard::to_stdvec(&path).expect("memory");
        assert_eq!(postcard::from_bytes::<EntryPath>(&bytes), Ok(path));
        for name in [&b"/a"[..], b"..", b"a/", b"a\0"] {
            let bytes = postcard::to_stdvec(name).expect("memory");
            assert!(postcard::from_bytes::<EntryPath>(&bytes).is_err(), "{}", name.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn cleaning_twice_changes_nothing(name in "[a./\\\\x\u{202e}]{0,20}") {
            if let Ok(path) = EntryPath::new(name.as_bytes()) {
                prop_assert!(path.components().all(|c| !matches!(c, b"" | b"." | b"..")));
                prop_assert_eq!(is_clean(name.as_bytes()), path.as_bytes() == name.as_bytes());
                prop_assert_eq!(EntryPath::new(path.as_bytes()), Ok(path));
            }
        }
    }
}
