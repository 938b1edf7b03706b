//! The current user.

/// The uid and gid of the current user; `None` if it is root.
pub fn ordinary_user() -> Option<(u32, u32)> {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    (!uid.is_root()).then(|| (uid.as_raw(), gid.as_raw()))
}
