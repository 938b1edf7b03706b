//! The user namespace in which an ordinary user is root, with a range of owners to give to files.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::process::{Command, Stdio};

use nix::sched::{CloneFlags, unshare};
use rustix::process::{getegid, geteuid, getpid};

/// What this process may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Privileges {
    /// Everything: it is root of the system.
    Root,
    /// What root may do, in a user namespace with a range of IDs.
    Range,
    /// What root may do, in a user namespace in which there is nobody else.
    Single,
    /// Nothing: the system refuses user namespaces, for this reason.
    Ordinary(String),
}

/// The user namespace of the process.
#[derive(Debug)]
pub struct Namespaces;

/// The word by which imgtool calls itself to set the IDs of a process.
pub(super) const MAP: &str = "--imgtool-map-ids";

impl Namespaces {
    /// Makes an ordinary user root of a new user namespace; for others nothing changes. Must be called before the
    /// process has threads.
    ///
    /// Inside, all files of the user are root's, and new ones stay the user's outside. IDs of /etc/subuid and
    /// /etc/subgid are mapped from 1 on, if newuidmap and newgidmap are there to do it.
    pub fn enter_if_needed() -> Privileges {
        if geteuid().is_root() {
            return Self::present();
        }
        match enter() {
            Ok(privileges) => privileges,
            Err(error) => Privileges::Ordinary(error.to_string()),
        }
    }

    /// What root of this process's namespace may do.
    fn present() -> Privileges {
        match mapped("uid_map").as_deref() {
            Some([(0, _, length)]) if *length >= u64::from(u32::MAX) => Privileges::Root,
            Some([(0, _, 1)]) => Privileges::Single,
            _ => Privileges::Range,
        }
    }
}

/// Whether the process is in a user namespace other than the system's.
pub fn is_nested() -> bool {
    !matches!(mapped("uid_map").as_deref(), Some([(0, 0, length)]) if *length >= u64::from(u32::MAX))
}

/// Whether an ID can be had in this namespace; `map` is `uid_map` or `gid_map`.
pub fn has_id(map: &str, id: u64) -> bool {
    mapped(map).is_none_or(|ranges| ranges.iter().any(|(first, _, length)| (*first..first + length).contains(&id)))
}

/// The lines of `uid_map` or `gid_map`: the first ID inside, the first outside, how many.
fn mapped(map: &str) -> Option<Vec<(u64, u64, u64)>> {
    let text = fs::read_to_string(format!("/proc/self/{map}")).ok()?;
    let line = |line: &str| {
        let mut numbers = line.split_whitespace().map(|number| number.parse().ok());
        Some((numbers.next()??, numbers.next()??, numbers.next()??))
    };
    text.lines().map(line).collect()
}

fn enter() -> io::Result<Privileges> {
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    // The IDs are set by a process that is outside, so it must be started before.
    let mut mapper = Command::new("/proc/self/exe")
        .args([MAP, &getpid().as_raw_nonzero().to_string(), &uid.to_string(), &gid.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let entered = unshare(CloneFlags::CLONE_NEWUSER);
    let told = mapper.stdin.take().map_or(Ok(()), |mut stdin| match entered {
        Ok(()) => stdin.write_all(b"1"),
        Err(_) => Ok(()),
    });
    let is_mapped = mapper.wait()?.success();
    entered?;
    if is_mapped && told.is_ok() {
        return Ok(Namespaces::present());
    }
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1"))?;
    Ok(Privileges::Single)
}

/// Sets the IDs of a process when a byte comes from standard input; the words are its ID, its user and its group.
/// Returns whether all were set.
pub(super) fn map(words: &[String]) -> bool {
    let [pid, uid, gid] = words else { return false };
    let mut go = [0];
    if io::stdin().read_exact(&mut go).is_err() {
        return false;
    }
    let name = name_of(uid);
    let set = |program: &str, file: &str, own: &str| {
        let ranges = ranges(&fs::read_to_string(file).unwrap_or_default(), name.as_deref(), uid);
        if ranges.is_empty() {
            return false;
        }
        let mut words = vec![pid.clone(), "0".to_owned(), own.to_owned(), "1".to_owned()];
        let mut next = 1;
        for (first, length) in ranges {
            words.extend([next.to_string(), first.to_string(), length.to_string()]);
            next += length;
        }
        let quiet = || Stdio::null();
        let ended = Command::new(program).args(&words).stdin(quiet()).stdout(quiet()).stderr(quiet()).status();
        ended.is_ok_and(|status| status.success())
    };
    let both = ["/etc/subuid", "/etc/subgid"];
    let has_ranges =
        |file: &&str| !ranges(&fs::read_to_string(file).unwrap_or_default(), name.as_deref(), uid).is_empty();
    // With its groups set the process could not set its own ID alone any more, so that is done here.
    let alone = || fs::write(format!("/proc/{pid}/uid_map"), format!("0 {uid} 1")).is_ok();
    both.iter().all(has_ranges) && set("newgidmap", both[1], gid) && (set("newuidmap", both[0], uid) || alone())
}

fn name_of(uid: &str) -> Option<String> {
    let passwd = fs::read_to_string("/etc/passwd").ok()?;
    let of_user = |line: &&str| line.split(':').nth(2) == Some(uid);
    Some(passwd.lines().find(of_user)?.split(':').next()?.to_owned())
}

/// The ranges of a user in /etc/subuid or /etc/subgid: the first ID and how many.
fn ranges(text: &str, name: Option<&str>, uid: &str) -> Vec<(u64, u64)> {
    let range = |line: &str| {
        let mut fields = line.trim().split(':');
        let whose = fields.next()?;
        let is_ours = Some(whose) == name || whose == uid;
        let range = (fields.next()?.parse().ok()?, fields.next()?.parse::<u64>().ok()?);
        (is_ours && range.1 > 0).then_some(range)
    };
    text.lines().filter_map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_found_by_name_and_number() {
        let text = "# comment\nann:100000:65536\n1000:300000:10\nbob:5:6\nann:bad:1\nann:1\n";
        assert_eq!(ranges(text, Some("ann"), "1000"), [(100_000, 65536), (300_000, 10)]);
        assert_eq!(ranges(text, None, "1001"), []);
    }
}
