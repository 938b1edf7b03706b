//! What users may do: rules that add up.
//!
//! A request is allowed if any rule allows it: the order does not matter, and nothing is ever taken away. If there are no
//! rules, each user may do everything. `anonymous_pull` is one more rule: everybody may pull everything.

use std::collections::{BTreeMap, HashSet};

use crate::serve::error::ServeError;
use crate::serve::settings::{AccessSettings, Right, Rule, Subject};

/// What users may do.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    groups: BTreeMap<String, HashSet<String>>,
    rules: Vec<Rule>,
}

impl Rules {
    pub(super) fn new(settings: &AccessSettings) -> Result<Self, ServeError> {
        let groups = settings.groups.iter();
        let groups: BTreeMap<String, HashSet<String>> =
            groups.map(|(name, users)| (name.clone(), users.iter().cloned().collect())).collect();
        let mut rules = settings.rules.clone();
        for rule in &rules {
            for subject in &rule.who {
                match subject {
                    Subject::Group(group) if !groups.contains_key(group) => {
                        return Err(ServeError::Rule {
                            why: format!("a rule is for @{group}, and there is no such group"),
                        });
                    }
                    Subject::Anonymous if rule.rights.iter().any(|right| *right != Right::Pull) => {
                        let why = "a rule lets anonymous push or delete, and who does that needs a password".to_owned();
                        return Err(ServeError::Rule { why });
                    }
                    _ => {}
                }
            }
        }
        let everything = |who, rights| Rule { who: vec![who], repositories: vec!["**".to_owned()], rights };
        if rules.is_empty() {
            rules.push(everything(Subject::AnyUser, vec![Right::Push, Right::Delete]));
        }
        if settings.anonymous_pull {
            rules.push(everything(Subject::Anonymous, vec![Right::Pull]));
        }
        Ok(Self { groups, rules })
    }

    /// Whether a user, or who has no password, may do that with a repository.
    pub(super) fn allow(&self, user: Option<&str>, right: Right, repository: &str) -> bool {
        self.rules.iter().any(|rule| {
            rule.rights.iter().any(|given| *given == right || (*given, right) == (Right::Push, Right::Pull))
                && rule.who.iter().any(|subject| self.is_for(subject, user))
                && rule.repositories.iter().any(|glob| matches(glob.as_bytes(), repository.as_bytes()))
        })
    }

    /// Whether some of it is for those without a password.
    pub(super) fn anonymous(&self) -> bool {
        self.rules.iter().any(|rule| rule.who.contains(&Subject::Anonymous))
    }

    fn is_for(&self, subject: &Subject, user: Option<&str>) -> bool {
        match (subject, user) {
            (Subject::Anonymous, _) | (Subject::AnyUser, Some(_)) => true,
            (Subject::User(name), Some(user)) => name == user,
            (Subject::Group(group), Some(user)) => self.groups.get(group).is_some_and(|users| users.contains(user)),
            (_, None) => false,
        }
    }
}

/// Whether a name is what a glob describes. Takes time in proportion to both lengths, whatever the glob.
fn matches(glob: &[u8], name: &[u8]) -> bool {
    // reached[i]: the glob so far matches the first i bytes of the name.
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    let mut rest = glob;
    while let Some((&first, more)) = rest.split_first() {
        let is_star = first == b'*';
        let is_wide = is_star && more.first() == Some(&b'*');
        rest = if is_wide { &more[1..] } else { more };
        let mut next = vec![false; name.len() + 1];
        for at in 0..=name.len() {
            next[at] = if is_star {
                reached[at] || at > 0 && next[at - 1] && (is_wide || name[at - 1] != b'/')
            } else {
                at > 0 && reached[at - 1] && name[at - 1] == first
            };
        }
        reached = next;
    }
    reached[name.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use Right::{Delete, Pull, Push};

    #[test]
    fn globs() {
        for (glob, yes, no) in [
            ("demo", &["demo"][..], &["demos", "a/demo", "dem", ""][..]),
            ("*", &["demo", "x"], &["a/b"]),
            ("**", &["demo", "a/b/c"], &[]),
            ("team/*", &["team/app", "team/"], &["team/a/b", "team", "teams/app"]),
            ("team/**", &["team/app", "team/a/b"], &["team", "x/team/a"]),
            ("*/app", &["team/app"], &["app", "a/b/app"]),
            ("**/app", &["team/app", "a/b/app"], &["app", "team/apps"]),
            ("team-*/app*", &["team-x/app1", "team-/app"], &["team-x/y/app1"]),
        ] {
            for name in yes {
                assert!(matches(glob.as_bytes(), name.as_bytes()), "{glob} {name}");
            }
            for name in no {
                assert!(!matches(glob.as_bytes(), name.as_bytes()), "{glob} {name}");
            }
        }
        // A glob of stars ends soon.
        assert!(!matches("*a".repeat(2_000).as_bytes(), "b".repeat(255).as_bytes()));
    }

    fn rules(settings: &AccessSettings) -> Rules {
        Rules::new(settings).expect("they are valid")
    }

    #[test]
    fn who_may_do_what() {
        let rule = |who: &[Subject], repositories: &[&str], rights: &[Right]| Rule {
            who: who.to_vec(),
            repositories: repositories.iter().map(ToString::to_string).collect(),
            rights: rights.to_vec(),
        };
        let settings = AccessSettings {
            groups: [("team".to_owned(), vec!["ada".to_owned(), "grace".to_owned()])].into(),
            rules: vec![
                rule(&[Subject::Group("team".into())], &["team/**"], &[Right::Push]),
                rule(&[Subject::User("root".into())], &["**"], &[Right::Push, Right::Delete]),
                rule(&[Subject::AnyUser], &["base/*"], &[Right::Pull]),
                rule(&[Subject::Anonymous], &["public/*"], &[Right::Pull]),
            ],
            ..AccessSettings::default()
        };
        let rules = rules(&settings);
        assert!(rules.anonymous());
        for (user, right, repository, expected) in [
            (Some("ada"), Push, "team/app", true),
            (Some("ada"), Pull, "team/a/b", true),
            (Some("ada"), Delete, "team/app", false),
            (Some("ada"), Pull, "other", false),
            (Some("ada"), Pull, "base/os", true),
            (Some("ada"), Push, "base/os", false),
            (Some("ada"), Pull, "public/x", true),
            (Some("eve"), Pull, "team/app", false),
            (Some("eve"), Pull, "base/os", true),
            (Some("team"), Pull, "team/app", false),
            (Some("root"), Delete, "team/app", true),
            (None, Pull, "public/x", true),
            (None, Push, "public/x", false),
            (None, Pull, "base/os", false),
            (None, Pull, "team/app", false),
        ] {
            assert_eq!(rules.allow(user, right, repository), expected, "{user:?} {right:?} {repository}");
        }
    }

    #[test]
    fn without_rules_users_may_do_everything() {
        let settings = AccessSettings::default();
        assert!(rules(&settings).allow(Some("ada"), Right::Delete, "a/b"));
        assert!(!rules(&settings).allow(None, Right::Pull, "a/b"));
        let settings = AccessSettings { anonymous_pull: true, ..settings };
        assert!(rules(&settings).allow(None, Right::Pull, "a/b"));
        assert!(!rules(&settings).allow(None, Right::Push, "a/b"));
    }

    #[test]
    fn rules_that_cannot_be_meant_are_refused() {
        let with = |who: Subject, rights: Vec<Right>| AccessSettings {
            rules: vec![Rule { who: vec![who], repositories: vec!["**".into()], rights }],
            ..AccessSettings::default()
        };
        let unknown = Rules::new(&with(Subject::Group("x".into()), vec![Right::Pull])).expect_err("no such group");
        assert!(unknown.to_string().contains("@x"), "{unknown}");
        assert!(Rules::new(&with(Subject::Anonymous, vec![Right::Push])).is_err());
    }
}
