//! Who runs a program: the user of an image's config, looked up in the image.

use std::fs::File;
use std::io::{self, Read as _};

use rustix::fs::OFlags;

use super::Error;
use crate::rootfs::Root;

/// A user in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcessUser {
    /// Its number.
    pub uid: u32,
    /// The number of its group.
    pub gid: u32,
    /// Further groups.
    pub groups: Vec<u32>,
    /// The home directory, if the image has it.
    pub home: Option<String>,
}

/// The most of `/etc/passwd` and `/etc/group` that is read.
const LONGEST: u64 = 4 << 20;

/// The user that was typed: `user`, `uid`, `user:group`, `uid:gid` and what lies between; root if nothing was.
pub fn find_user(root: &Root, typed: &str) -> Result<ProcessUser, Error> {
    let read = |path: &str| {
        read(root, path).map_err(|source| Error::Io { path: format!("/{path} of the image").into(), source })
    };
    find(typed, &read("etc/passwd")?, &read("etc/group")?)
}

/// A file of the image; nothing if it has none.
fn read(root: &Root, path: &str) -> io::Result<String> {
    let file = match root.open_beneath(path.as_bytes(), OFlags::RDONLY | OFlags::NONBLOCK) {
        Ok(file) => File::from(file),
        Err(_) => return Ok(String::new()),
    };
    let mut bytes = Vec::new();
    if file.metadata()?.is_file() {
        file.take(LONGEST).read_to_end(&mut bytes)?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn find(typed: &str, passwd: &str, group: &str) -> Result<ProcessUser, Error> {
    let (name, group_name) = match typed.split_once(':') {
        Some((name, group)) => (name, Some(group).filter(|group| !group.is_empty())),
        None => (typed, None),
    };
    let name = if name.is_empty() { "0" } else { name };
    let entry = lines(passwd)
        .find(|fields| fields[0] == name)
        .or_else(|| lines(passwd).find(|fields| fields.get(2).is_some_and(|uid| *uid == name)));
    let number = |at: usize| entry.as_ref().and_then(|fields| fields.get(at)?.parse::<u32>().ok());
    let uid = number(2).or_else(|| name.parse().ok()).ok_or_else(|| no_such("user", name, "passwd"))?;
    let gid = match group_name {
        None => number(3).unwrap_or(0),
        Some(wanted) => find_group(wanted, group).ok_or_else(|| no_such("group", wanted, "group"))?,
    };
    let member = entry.as_ref().map(|fields| fields[0]).unwrap_or_default();
    let is_member = |fields: &Vec<&str>| {
        !member.is_empty() && fields.get(3).is_some_and(|names| names.split(',').any(|name| name == member))
    };
    let groups = lines(group).filter(is_member).filter_map(|fields| fields.get(2)?.parse().ok());
    let groups = if group_name.is_some() { Vec::new() } else { groups.collect() };
    let home = entry.as_ref().and_then(|fields| fields.get(5)).map(|home| (*home).to_owned());
    Ok(ProcessUser { uid, gid, groups, home })
}

fn find_group(wanted: &str, group: &str) -> Option<u32> {
    let named = lines(group).find(|fields| fields[0] == wanted);
    named.and_then(|fields| fields.get(2)?.parse().ok()).or_else(|| wanted.parse().ok())
}

fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().map(|line| line.split(':').collect())
}

fn no_such(what: &str, name: &str, file: &str) -> Error {
    Error::NoSuchUser { what: what.to_owned(), name: name.to_owned(), file: file.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_by_name_and_number() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:100::/home/ann:/bin/sh\nbad\n";
        let group = "root:x:0:\nusers:x:100:\naudio:x:63:bob,ann\nempty:x:\n";
        let user = |uid, gid, groups: &[u32], home: Option<&str>| ProcessUser {
            uid,
            gid,
            groups: groups.to_vec(),
            home: home.map(str::to_owned),
        };
        let cases = [
            ("", user(0, 0, &[], Some("/root"))),
            ("ann", user(1000, 100, &[63], Some("/home/ann"))),
            ("1000", user(1000, 100, &[63], Some("/home/ann"))),
            ("ann:audio", user(1000, 63, &[], Some("/home/ann"))),
            ("77", user(77, 0, &[], None)),
            ("77:88", user(77, 88, &[], None)),
            (":users", user(0, 100, &[], Some("/root"))),
        ];
        for (typed, expected) in cases {
            assert_eq!(find(typed, passwd, group).expect("a user"), expected, "{typed}");
        }
        for typed in ["eve", "ann:eve", "-1"] {
            assert!(find(typed, passwd, group).is_err(), "{typed}");
        }
    }
}
