//! rpm's database: a header for each package, in one of three kinds of files.
//!
//! | file | since | what it is |
//! |---|---|---|
//! | `rpmdb.sqlite` | rpm 4.16 (Fedora 33, RHEL 9, Amazon Linux 2023) | `sqlite` |
//! | `Packages.db` | SUSE | `ndb` |
//! | `Packages` | until then (RHEL 7 and 8, Amazon Linux 2) | Berkeley DB: it is recognised, and not read |
//!
//! Keys that are imported (`gpg-pubkey`) have headers too; they are no packages.

mod header;
mod ndb;
mod sqlite;
mod wal;

use super::{Package, Unreadable, collect};

/// Where Berkeley DB keeps its magic number.
const BERKELEY_MAGIC_AT: usize = 12;
/// Those of its hash tables and B-trees.
const BERKELEY_MAGIC: [u32; 2] = [0x0006_1561, 0x0005_3162];

/// The packages in a database of any kind. The beginning of the file says which it is. `log` is what stands beside one of
/// `SQLite` as `rpmdb.sqlite-wal`; it may be empty.
pub fn installed(bytes: &[u8], log: &[u8]) -> Result<Vec<Package>, Unreadable> {
    let headers = if sqlite::is_sqlite(bytes) {
        sqlite::blobs(bytes, log)?
    } else if ndb::is_ndb(bytes) {
        ndb::blobs(bytes)?
    } else if is_berkeley(bytes) {
        return Err(Unreadable::Berkeley);
    } else {
        return Err(Unreadable::Not("a database of rpm"));
    };
    let mut packages = Vec::with_capacity(headers.len());
    for header in headers {
        packages.extend(header::package(&header)?);
    }
    collect(packages.into_iter())
}

fn is_berkeley(bytes: &[u8]) -> bool {
    let magic = bytes.get(BERKELEY_MAGIC_AT..BERKELEY_MAGIC_AT + 4);
    magic.and_then(|magic| magic.try_into().ok()).is_some_and(|magic: [u8; 4]| {
        [u32::from_le_bytes(magic), u32::from_be_bytes(magic)].iter().any(|magic| BERKELEY_MAGIC.contains(magic))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files_are_no_databases() {
        let mut berkeley = vec![0; 4096];
        berkeley[12..16].copy_from_slice(&0x0006_1561_u32.to_le_bytes());
        assert_eq!(installed(&berkeley, b""), Err(Unreadable::Berkeley));
        for wrong in [&b""[..], b"RpmP", b"SQLite format 3\0", &[0; 100]] {
            assert!(installed(wrong, b"").is_err(), "{wrong:?}");
        }
    }
}
