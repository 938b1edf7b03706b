//! Tar files from a list of members, also of members that a well-meaning library would not write.

use tar::{EntryType, Header};

/// One member of a tar file. The name is written as it is, up to 100 bytes.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) kind: EntryType,
    pub(crate) link: String,
    pub(crate) data: Vec<u8>,
    pub(crate) mode: u32,
}

impl Member {
    pub(crate) fn file(name: impl Into<String>, data: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), kind: EntryType::Regular, link: String::new(), data: data.into(), mode: 0o644 }
    }

    pub(crate) fn dir(name: impl Into<String>) -> Self {
        Self { mode: 0o755, ..Self::special(name, EntryType::Directory) }
    }

    pub(crate) fn symlink(name: impl Into<String>, target: impl Into<String>) -> Self {
        Self { link: target.into(), mode: 0o777, ..Self::special(name, EntryType::Symlink) }
    }

    pub(crate) fn hardlink(name: impl Into<String>, target: impl Into<String>) -> Self {
        Self { link: target.into(), ..Self::special(name, EntryType::Link) }
    }

    /// A member without contents: a device, a FIFO, or a type of its own.
    pub(crate) fn special(name: impl Into<String>, kind: EntryType) -> Self {
        Self { kind, ..Self::file(name, Vec::new()) }
    }

    fn header(&self) -> Header {
        let mut header = Header::new_ustar();
        header.set_entry_type(self.kind);
        header.set_mode(self.mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(self.data.len() as u64);
        let old = header.as_old_mut();
        put(&mut old.name, &self.name);
        put(&mut old.linkname, &self.link);
        header.set_cksum();
        header
    }
}

fn put(field: &mut [u8; 100], text: &str) {
    assert!(text.len() <= field.len(), "a member's name has at most 100 bytes here: {text}");
    field[..text.len()].copy_from_slice(text.as_bytes());
}

/// The members as a tar file with its two blocks of zeros at the end.
pub(crate) fn pack(members: &[Member]) -> Vec<u8> {
    let mut tar = Vec::new();
    for member in members {
        tar.extend_from_slice(member.header().as_bytes());
        tar.extend_from_slice(&member.data);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    tar
}

/// The members of a plain tar file, long names read.
pub(crate) fn unpack(tar: &[u8]) -> Vec<Member> {
    use std::io::Read as _;
    let mut archive = tar::Archive::new(tar);
    let mut members = Vec::new();
    for entry in archive.entries().expect("a tar file") {
        let mut entry = entry.expect("a whole member");
        let mut data = Vec::new();
        entry.read_to_end(&mut data).expect("the member's bytes");
        members.push(Member {
            name: String::from_utf8_lossy(&entry.path_bytes()).into_owned(),
            kind: entry.header().entry_type(),
            link: entry.link_name_bytes().map(|l| String::from_utf8_lossy(&l).into_owned()).unwrap_or_default(),
            data,
            mode: entry.header().mode().expect("a mode"),
        });
    }
    members
}

/// The bytes of the member of that name.
pub(crate) fn member<'a>(members: &'a [Member], name: &str) -> &'a [u8] {
    &members
        .iter()
        .find(|m| m.name == name)
        .unwrap_or_else(|| panic!("no member {name} among {:?}", members.iter().map(|m| &m.name).collect::<Vec<_>>()))
        .data
}
