//! Layers with all that a layer can hold: owners, times, devices, attributes, links, names of any bytes.

use tar::{Builder, EntryType, Header};

/// One member of a layer.
#[derive(Clone)]
pub(crate) struct Node {
    name: Vec<u8>,
    kind: EntryType,
    mode: u32,
    owner: (u64, u64),
    time: String,
    target: Vec<u8>,
    device: (u32, u32),
    xattrs: Vec<(&'static str, Vec<u8>)>,
    data: Vec<u8>,
}

impl Node {
    fn new(name: impl AsRef<[u8]>, kind: EntryType, mode: u32) -> Self {
        Self {
            name: name.as_ref().to_vec(),
            kind,
            mode,
            owner: (0, 0),
            time: "1000000000".to_owned(),
            target: Vec::new(),
            device: (0, 0),
            xattrs: Vec::new(),
            data: Vec::new(),
        }
    }

    pub(crate) fn file(name: impl AsRef<[u8]>, data: impl AsRef<[u8]>) -> Self {
        Self { data: data.as_ref().to_vec(), ..Self::new(name, EntryType::Regular, 0o644) }
    }

    pub(crate) fn dir(name: impl AsRef<[u8]>) -> Self {
        Self::new(name, EntryType::Directory, 0o755)
    }

    pub(crate) fn symlink(name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Self { target: target.as_ref().to_vec(), ..Self::new(name, EntryType::Symlink, 0o777) }
    }

    pub(crate) fn link(name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Self { target: target.as_ref().to_vec(), ..Self::new(name, EntryType::Link, 0o644) }
    }

    pub(crate) fn fifo(name: impl AsRef<[u8]>) -> Self {
        Self::new(name, EntryType::Fifo, 0o600)
    }

    pub(crate) fn device(name: impl AsRef<[u8]>, kind: EntryType, device: (u32, u32)) -> Self {
        Self { device, ..Self::new(name, kind, 0o660) }
    }

    pub(crate) fn mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    pub(crate) fn owner(self, uid: u64, gid: u64) -> Self {
        Self { owner: (uid, gid), ..self }
    }

    /// Seconds since 1970, with a fraction perhaps.
    pub(crate) fn time(self, time: &str) -> Self {
        Self { time: time.to_owned(), ..self }
    }

    pub(crate) fn xattr(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.xattrs.push((name, value.as_ref().to_vec()));
        self
    }
}

/// The members as a layer.
pub(crate) fn layer(nodes: &[Node]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for node in nodes {
        let mut records: Vec<(String, Vec<u8>)> = vec![("mtime".into(), node.time.clone().into_bytes())];
        records.push(("uid".into(), node.owner.0.to_string().into_bytes()));
        records.push(("gid".into(), node.owner.1.to_string().into_bytes()));
        if node.name.len() > 100 {
            records.push(("path".into(), node.name.clone()));
        }
        if node.target.len() > 100 {
            records.push(("linkpath".into(), node.target.clone()));
        }
        records.extend(node.xattrs.iter().map(|(name, value)| (format!("SCHILY.xattr.{name}"), value.clone())));
        let whole = "a tar in memory";
        builder
            .append_pax_extensions(records.iter().map(|(key, value)| (key.as_str(), value.as_slice())))
            .expect(whole);
        builder.append(&header(node), node.data.as_slice()).expect(whole);
    }
    builder.into_inner().expect("a tar in memory")
}

/// The header: what does not fit is in the PAX records.
fn header(node: &Node) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(node.kind);
    header.set_mode(node.mode);
    header.set_uid(node.owner.0 & 0o7_777_777);
    header.set_gid(node.owner.1 & 0o7_777_777);
    header.set_mtime(node.time.split('.').next().and_then(|whole| whole.parse().ok()).unwrap_or(0));
    header.set_size(node.data.len() as u64);
    if matches!(node.kind, EntryType::Char | EntryType::Block) {
        header.set_device_major(node.device.0).expect("a ustar header");
        header.set_device_minor(node.device.1).expect("a ustar header");
    }
    let old = header.as_old_mut();
    put(&mut old.name, &node.name);
    put(&mut old.linkname, &node.target);
    header.set_cksum();
    header
}

fn put(field: &mut [u8; 100], text: &[u8]) {
    let length = text.len().min(field.len());
    field[..length].copy_from_slice(&text[..length]);
}
