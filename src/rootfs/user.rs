//! Who works on a tree.

/// The ordinary user who runs this, as uid and gid; none if it is root.
pub fn ordinary_user() -> Option<(u32, u32)> {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    (!uid.is_root()).then(|| (uid.as_raw(), gid.as_raw()))
}
