//! The names of users and groups, as the image's own files have them.

use std::collections::HashMap;

use crate::layer::overlay::LastLink;
use crate::ops::look::{Look, Place};
use crate::ops::{Context, Error};

/// The users and groups of an image.
#[derive(Debug, Clone, Default)]
pub struct Owners {
    users: Names,
    groups: Names,
}

/// Of several lines for one number or name the first counts.
#[derive(Debug, Clone, Default)]
struct Names {
    by_number: HashMap<u64, String>,
    by_name: HashMap<String, u64>,
}

/// Larger ones are not read: Debian's has 1 kB.
const MOST_BYTES: u64 = 4 << 20;

impl Owners {
    /// Reads `/etc/passwd` and `/etc/group` of the image; what is not there, or is too large to be it, names nobody.
    pub fn of(context: &Context, look: &Look) -> Result<Self, Error> {
        let files = ["/etc/passwd", "/etc/group"].map(|path| look.view.follow(path.as_bytes(), LastLink::Follow).ok());
        let contents = look.contents(context, files.into_iter().flatten(), MOST_BYTES)?;
        let names = |file: Option<_>| {
            let read = file.and_then(Place::of).and_then(|place| contents.get(&place));
            read.map(|read| Names::read(read)).unwrap_or_default()
        };
        let [users, groups] = files.map(names);
        Ok(Self { users, groups })
    }

    /// The name of a user, if it has one.
    pub fn user(&self, uid: u64) -> Option<&str> {
        self.users.by_number.get(&uid).map(String::as_str)
    }

    /// The name of a group, if it has one.
    pub fn group(&self, gid: u64) -> Option<&str> {
        self.groups.by_number.get(&gid).map(String::as_str)
    }

    /// The number of a user. That of root is known of images without `/etc/passwd`, too.
    pub fn uid(&self, name: &str) -> Option<u64> {
        self.users.by_name.get(name).copied().or((name == "root").then_some(0))
    }

    /// The number of a group. That of root is known of images without `/etc/group`, too.
    pub fn gid(&self, name: &str) -> Option<u64> {
        self.groups.by_name.get(name).copied().or((name == "root").then_some(0))
    }
}

impl Names {
    /// Reads lines `name:password:number:…`.
    fn read(content: &[u8]) -> Self {
        let mut names = Self::default();
        for line in content.split(|byte| *byte == b'\n') {
            let mut fields = line.split(|byte| *byte == b':').map(|field| std::str::from_utf8(field).ok());
            let (Some(Some(name)), Some(_), Some(Some(number))) = (fields.next(), fields.next(), fields.next()) else {
                continue;
            };
            let Some(number) = number.parse().ok().filter(|_| !name.is_empty()) else { continue };
            names.by_number.entry(number).or_insert_with(|| name.to_owned());
            names.by_name.entry(name.to_owned()).or_insert(number);
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_counts() {
        let names = Names::read(b"root:x:0:0::/root:/bin/sh\ntoor:x:0:0\nbad\n:x:7\nx:x:y\n\xff:x:8\ndaemon:x:1:");
        let mut found: Vec<_> = names.by_number.into_iter().collect();
        found.sort();
        assert_eq!(found, [(0, "root".to_owned()), (1, "daemon".to_owned())]);
        assert_eq!(names.by_name.get("toor"), Some(&0));
    }
}
