//! Whiteouts: names by which a layer hides entries of lower layers ([image-spec,
//! layer](https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md#whiteouts)).

/// The prefix of every whiteout.
pub(crate) const PREFIX: &[u8] = b".wh.";
/// The prefix of AUFS's own metadata; all but [`OPAQUE`] are ignored.
const RESERVED: &[u8] = b".wh..wh.";
/// The opaque whiteout, which hides everything in its directory in lower layers.
const OPAQUE: &[u8] = b".wh..wh..opq";

/// An entry that hides something in lower layers, whatever its position in the layer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Whiteout {
    /// `.wh.NAME`: hides the sibling of this name in lower layers.
    Entry(Vec<u8>),
    /// `.wh..wh..opq`: hides everything in its directory in lower layers.
    Opaque,
}

/// A path component, classified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WhiteoutName {
    /// An ordinary name.
    None,
    /// A whiteout.
    Some(Whiteout),
    /// AUFS's own metadata: ignored, not an error.
    Reserved,
    /// `.wh.`, `.wh..` or `.wh...`: would hide the directory itself or its parent.
    Invalid,
}

impl WhiteoutName {
    /// Classifies a path component.
    pub(crate) fn of(name: &[u8]) -> Self {
        if name == OPAQUE {
            return Self::Some(Whiteout::Opaque);
        }
        if name.starts_with(RESERVED) {
            return Self::Reserved;
        }
        match name.strip_prefix(PREFIX) {
            None => Self::None,
            Some(b"" | b"." | b"..") => Self::Invalid,
            Some(hidden) => Self::Some(Whiteout::Entry(hidden.to_vec())),
        }
    }
}

impl Whiteout {
    /// Parses the last component of a path; `None` if it is not a valid whiteout.
    pub fn of(name: &[u8]) -> Option<Self> {
        match WhiteoutName::of(name) {
            WhiteoutName::Some(whiteout) => Some(whiteout),
            WhiteoutName::None | WhiteoutName::Reserved | WhiteoutName::Invalid => None,
        }
    }

    /// The file name of this whiteout in a layer.
    pub fn file_name(&self) -> Vec<u8> {
        match self {
            Self::Entry(name) => [PREFIX, name].concat(),
            Self::Opaque => OPAQUE.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_the_specification_says() {
        let hides = |name: &[u8]| WhiteoutName::Some(Whiteout::Entry(name.to_vec()));
        let table: &[(&[u8], WhiteoutName)] = &[
            (b"etc", WhiteoutName::None),
            (b".w", WhiteoutName::None),
            (b".wha", WhiteoutName::None),
            (b"", WhiteoutName::None),
            (b".wh.a", hides(b"a")),
            (b".wh.\xff", hides(b"\xff")),
            (b".wh....", hides(b"...")),
            (b".wh..a", hides(b".a")),
            (b".wh.wh.", hides(b"wh.")),
            (b".wh..wh..opq", WhiteoutName::Some(Whiteout::Opaque)),
            (b".wh..wh..opq2", WhiteoutName::Reserved),
            (b".wh..wh.", WhiteoutName::Reserved),
            (b".wh..wh.plnk", WhiteoutName::Reserved),
            (b".wh.", WhiteoutName::Invalid),
            (b".wh..", WhiteoutName::Invalid),
            (b".wh...", WhiteoutName::Invalid),
        ];
        for (name, expected) in table {
            assert_eq!(WhiteoutName::of(name), *expected, "{}", name.escape_ascii());
        }
    }

    #[test]
    fn a_whiteout_is_called_as_it_was_read() {
        for name in [&b".wh.a"[..], b".wh..wh..opq", b".wh.\xff"] {
            assert_eq!(Whiteout::of(name).map(|whiteout| whiteout.file_name()), Some(name.to_vec()));
        }
        assert_eq!(Whiteout::of(b".wh.."), None);
        assert_eq!(Whiteout::of(b".wh..wh.aufs"), None);
    }
}
