//! Whiteouts: the names by which a layer takes away what lower layers brought
//! ([image-spec, layer](https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md#whiteouts)).

/// What every whiteout's name starts with.
const PREFIX: &[u8] = b".wh.";
/// What the names start with that AUFS kept for itself; all but [`OPAQUE`] mean nothing.
const RESERVED: &[u8] = b".wh..wh.";
/// The name that hides everything that lower layers have in its directory.
const OPAQUE: &[u8] = b".wh..wh..opq";

/// A mark in a directory that hides something of the layers below, wherever it stands in the layer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Whiteout {
    /// `.wh.NAME`: the sibling of this name in the layers below is gone.
    Entry(Vec<u8>),
    /// `.wh..wh..opq`: everything in this directory in the layers below is gone.
    Opaque,
}

/// What the last component of a path says about whiteouts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WhiteoutName {
    /// An ordinary name.
    None,
    /// A whiteout.
    Some(Whiteout),
    /// AUFS's own bookkeeping: not made, not an error.
    Reserved,
    /// `.wh.`, `.wh..` or `.wh...`: would take away the directory itself or its parent.
    Invalid,
}

impl WhiteoutName {
    /// Reads one path component.
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
    /// The whiteout that the last component of a path stands for, if it is a valid one.
    pub fn of(name: &[u8]) -> Option<Self> {
        match WhiteoutName::of(name) {
            WhiteoutName::Some(whiteout) => Some(whiteout),
            WhiteoutName::None | WhiteoutName::Reserved | WhiteoutName::Invalid => None,
        }
    }

    /// The name that this whiteout has in a layer.
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
