//! Files of users and passwords, as `htpasswd -B` writes them.
//!
//! ```text
//! # comment
//! ada:$2y$10$…
//! ```

use std::collections::{BTreeMap, BTreeSet};

use bcrypt::HashParts;

/// The highest cost that is taken: one verification takes about a second. Each step more doubles it.
const MAX_COST: u32 = 14;
/// What unknown users are verified against if there is no user at all.
const NOBODY: &str = "$2y$10$abcdefghijklmnopqrstuuWwdW1WY4tNB2p1bz0Cs4KQwTkLrdDrW";

/// Users and the hashes of their passwords.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Htpasswd {
    users: BTreeMap<String, String>,
    /// One hash of each cost that is there.
    costs: Vec<String>,
}

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) line: usize,
    pub(super) why: String,
}

impl Htpasswd {
    pub(super) fn parse(text: &str) -> Result<Self, Wrong> {
        let mut users = BTreeMap::new();
        let (mut costs, mut seen) = (Vec::new(), BTreeSet::new());
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |why: String| Wrong { line: number, why };
            let (user, hash) = line
                .split_once(':')
                .filter(|(user, _)| !user.is_empty())
                .ok_or_else(|| wrong("expected NAME:HASH".into()))?;
            let cost = cost(user, hash).map_err(wrong)?;
            if seen.insert(cost) {
                costs.push(hash.to_owned());
            }
            if users.insert(user.to_owned(), hash.to_owned()).is_some() {
                return Err(wrong(format!("the user {user} is there twice")));
            }
        }
        Ok(Self { users, costs })
    }

    /// The hash of a user's password; of an unknown user another one, which costs the same as a user's, and false.
    /// `choice` chooses it: the same number for the same name.
    pub(super) fn hash(&self, user: &str, choice: usize) -> (&str, bool) {
        match self.users.get(user) {
            Some(hash) => (hash, true),
            None => (choice.checked_rem(self.costs.len()).map_or(NOBODY, |at| &self.costs[at]), false),
        }
    }

    pub(super) fn has(&self, user: &str) -> bool {
        self.users.contains_key(user)
    }
}

/// The cost of a bcrypt hash.
fn cost(user: &str, hash: &str) -> Result<u32, String> {
    if !["$2y$", "$2a$", "$2b$"].iter().any(|prefix| hash.starts_with(prefix)) {
        let kind = match hash {
            hash if hash.starts_with("$apr1$") => "MD5 (apr1)",
            hash if hash.starts_with("{SHA}") => "SHA-1",
            hash if hash.starts_with("$5$") || hash.starts_with("$6$") => "SHA-2 (crypt)",
            hash if hash.len() == 13 => "crypt",
            _ => "no bcrypt hash",
        };
        return Err(format!("the password of {user} is {kind}, and only bcrypt is taken: htpasswd -B FILE {user}"));
    }
    let parts: HashParts = hash.parse().map_err(|_| format!("the bcrypt hash of {user} is not valid"))?;
    match parts.get_cost() {
        cost if cost > MAX_COST => Err(format!(
            "the bcrypt cost of {user} is {cost}, and at most {MAX_COST} is taken: htpasswd -B -C 10 FILE {user}"
        )),
        cost => Ok(cost),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2y$05$nw1RfWNhRq1AZtstdujsB.xGtYxLnUeX3DvCfzkmnluSHp/8RRAJO";

    #[test]
    fn users_comments_and_empty_lines() {
        let text = format!("# all\n\nada:{HASH}\r\n  grace:{}\n", HASH.replace("$2y$", "$2b$"));
        let users = Htpasswd::parse(&text).expect("it is valid");
        assert!(users.has("ada") && users.has("grace") && !users.has("# all"));
        assert_eq!(users.hash("ada", 7), (HASH, true));
        // Whom nobody knows costs the same as a user.
        assert_eq!(users.hash("eve", 7), (HASH, false));
        assert_eq!(Htpasswd::default().hash("eve", 7), (NOBODY, false));
        assert!(!bcrypt::verify("", NOBODY).expect("a hash"));
    }

    #[test]
    fn what_is_not_bcrypt_is_refused_with_the_way_out() {
        for (line, expected) in [
            ("ada", "expected NAME:HASH"),
            (":x", "expected NAME:HASH"),
            ("ada:$apr1$xx$yy", "MD5 (apr1), and only bcrypt is taken: htpasswd -B FILE ada"),
            ("ada:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "SHA-1"),
            ("ada:$6$salt$hash", "SHA-2"),
            ("ada:rqXexS6ZhobKA", "crypt"),
            ("ada:secret", "no bcrypt hash"),
            ("ada:", "no bcrypt hash"),
            ("ada:$2x$05$nw1RfWNhRq1AZtstdujsB.xGtYxLnUeX3DvCfzkmnluSHp/8RRAJO", "no bcrypt hash"),
            ("ada:$2y$05$short", "not valid"),
            ("ada:$2y$31$nw1RfWNhRq1AZtstdujsB.xGtYxLnUeX3DvCfzkmnluSHp/8RRAJO", "cost of ada is 31"),
        ] {
            let wrong = Htpasswd::parse(&format!("# x\n{line}\n")).expect_err(line);
            assert!(wrong.line == 2 && wrong.why.contains(expected), "{line}: {wrong:?}");
        }
        let twice = Htpasswd::parse(&format!("ada:{HASH}\nada:{HASH}")).expect_err("twice");
        assert_eq!(twice, Wrong { line: 2, why: "the user ada is there twice".to_owned() });
    }
}
