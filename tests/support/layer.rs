//! Layers with everything that a tar can say: long and strange names, large numbers, attributes, old dialects.

/// One entry of a layer.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) name: Vec<u8>,
    pub(crate) flag: u8,
    pub(crate) link: Vec<u8>,
    pub(crate) data: Vec<u8>,
    pub(crate) mode: u32,
    pub(crate) uid: u64,
    pub(crate) gid: u64,
    /// Seconds since 1970, and nanoseconds.
    pub(crate) mtime: (i64, u32),
    pub(crate) device: (u32, u32),
    pub(crate) xattrs: Vec<(String, Vec<u8>)>,
    /// Further PAX records, as they are.
    pub(crate) pax: Vec<(String, Vec<u8>)>,
    pub(crate) dialect: Dialect,
}

/// How what does not fit into a header is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// In a PAX header.
    Pax,
    /// In GNU's long names and base-256 numbers.
    Gnu,
    /// Not at all: the header of Unix version 7.
    V7,
}

/// When every entry was changed, unless a test says otherwise.
pub(crate) const MTIME: (i64, u32) = (1_000_000_000, 0);

impl Item {
    pub(crate) fn new(name: impl AsRef<[u8]>, flag: u8) -> Self {
        Self {
            name: name.as_ref().to_vec(),
            flag,
            link: Vec::new(),
            data: Vec::new(),
            mode: 0o644,
            uid: 0,
            gid: 0,
            mtime: MTIME,
            device: (0, 0),
            xattrs: Vec::new(),
            pax: Vec::new(),
            dialect: Dialect::Pax,
        }
    }

    pub(crate) fn file(name: impl AsRef<[u8]>, data: impl AsRef<[u8]>) -> Self {
        Self { data: data.as_ref().to_vec(), ..Self::new(name, b'0') }
    }

    pub(crate) fn dir(name: impl AsRef<[u8]>) -> Self {
        Self { mode: 0o755, ..Self::new(name, b'5') }
    }

    pub(crate) fn symlink(name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Self { link: target.as_ref().to_vec(), mode: 0o777, ..Self::new(name, b'2') }
    }

    pub(crate) fn hardlink(name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Self { link: target.as_ref().to_vec(), ..Self::new(name, b'1') }
    }

    pub(crate) fn whiteout(name: impl AsRef<[u8]>) -> Self {
        Self::file(name, "")
    }

    pub(crate) fn mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    pub(crate) fn owner(self, uid: u64, gid: u64) -> Self {
        Self { uid, gid, ..self }
    }

    pub(crate) fn mtime(self, seconds: i64, nanos: u32) -> Self {
        Self { mtime: (seconds, nanos), ..self }
    }

    pub(crate) fn device(self, major: u32, minor: u32) -> Self {
        Self { device: (major, minor), ..self }
    }

    pub(crate) fn xattr(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.xattrs.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn pax(mut self, key: &str, value: impl AsRef<[u8]>) -> Self {
        self.pax.push((key.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn dialect(self, dialect: Dialect) -> Self {
        Self { dialect, ..self }
    }

    /// The entry with all headers that it needs, and its data.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.dialect {
            Dialect::Pax => bytes.extend(self.pax_header()),
            Dialect::Gnu => {
                for (flag, text) in [(b'L', &self.name), (b'K', &self.link)] {
                    if text.len() > 100 {
                        let data = [&text[..], b"\0"].concat();
                        bytes.extend(Self { dialect: Dialect::Gnu, data, ..Self::new("././@LongLink", flag) }.bytes());
                    }
                }
            }
            Dialect::V7 => {}
        }
        bytes.extend(self.header());
        bytes.extend_from_slice(&self.data);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    }

    fn pax_header(&self) -> Vec<u8> {
        let mut records: Vec<(String, Vec<u8>)> = Vec::new();
        let mut add = |needed: bool, key: &str, value: Vec<u8>| {
            if needed {
                records.push((key.to_owned(), value));
            }
        };
        let odd = |text: &[u8]| text.len() > 100 || !text.is_ascii();
        add(odd(&self.name), "path", self.name.clone());
        add(odd(&self.link), "linkpath", self.link.clone());
        add(self.uid > 0o7_777_777, "uid", self.uid.to_string().into_bytes());
        add(self.gid > 0o7_777_777, "gid", self.gid.to_string().into_bytes());
        let (seconds, nanos) = self.mtime;
        add(nanos != 0 || !(0..=0o77_777_777_777).contains(&seconds), "mtime", decimal(seconds, nanos).into_bytes());
        for (name, value) in &self.xattrs {
            let key = if value.is_empty() { "LIBARCHIVE" } else { "SCHILY" };
            add(true, &format!("{key}.xattr.{name}"), value.clone());
        }
        records.extend(self.pax.iter().cloned());
        if records.is_empty() {
            return Vec::new();
        }
        let data: Vec<u8> = records.iter().flat_map(|(key, value)| record(key, value)).collect();
        Self { data, dialect: Dialect::V7, ..Self::new("PaxHeaders.0/x", b'x') }.bytes()
    }

    fn header(&self) -> [u8; 512] {
        let mut header = [0; 512];
        let mut put = |at: usize, room: usize, bytes: &[u8]| {
            let length = bytes.len().min(room);
            header[at..at + length].copy_from_slice(&bytes[..length]);
        };
        let gnu = self.dialect == Dialect::Gnu;
        let number = |value: i64, room: usize| -> Vec<u8> {
            let digits = format!("{value:0width$o}\0", width = room - 1);
            if gnu && (value < 0 || digits.len() > room) {
                let mut bytes = value.to_be_bytes().to_vec();
                let fill = if value < 0 { 0xff } else { 0 };
                bytes.splice(0..0, vec![fill; room.saturating_sub(8)]);
                let mut bytes = bytes.split_off(bytes.len() - room);
                bytes[0] |= 0x80;
                return bytes;
            }
            // What does not fit is in the PAX header, if anywhere.
            if value < 0 || digits.len() > room { vec![b'0'; room - 1] } else { digits.into_bytes() }
        };
        let signed = |value: u64| i64::try_from(value).expect("owners have 63 bits here");
        put(0, 100, &self.name);
        put(100, 8, &number(i64::from(self.mode), 8));
        put(108, 8, &number(signed(self.uid), 8));
        put(116, 8, &number(signed(self.gid), 8));
        put(124, 12, &number(i64::try_from(self.data.len()).expect("small"), 12));
        put(136, 12, &number(self.mtime.0, 12));
        put(156, 1, &[if self.dialect == Dialect::V7 && self.flag == b'0' { 0 } else { self.flag }]);
        put(157, 100, &self.link);
        if self.dialect != Dialect::V7 || self.flag == b'x' {
            put(257, 8, if gnu { b"ustar  \0" } else { b"ustar\x0000" });
            put(329, 8, &number(i64::from(self.device.0), 8));
            put(337, 8, &number(i64::from(self.device.1), 8));
        }
        seal(&mut header);
        header
    }
}

/// Puts the checksum into a header.
pub(crate) fn seal(header: &mut [u8]) {
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header[..512].iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// A PAX record: its own length, key and value.
pub(crate) fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
}

/// Seconds and nanoseconds as PAX writes them: the sign is of the whole number.
fn decimal(seconds: i64, nanos: u32) -> String {
    if seconds >= 0 || nanos == 0 {
        return if nanos == 0 { seconds.to_string() } else { format!("{seconds}.{nanos:09}") };
    }
    format!("-{}.{:09}", -(seconds + 1), 1_000_000_000 - nanos)
}

/// The entries as a layer.
pub(crate) fn layer(items: &[Item]) -> Vec<u8> {
    let mut tar: Vec<u8> = items.iter().flat_map(Item::bytes).collect();
    tar.resize(tar.len() + 1024, 0);
    tar
}
