//! A JSON object that is changed in some places and kept as it is in all others.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The members of a JSON object in their order, each value as it was written.
#[derive(Clone, Default)]
pub(super) struct Object(Vec<(String, Box<RawValue>)>);

impl Object {
    /// The value of a member, as JSON. Of several of one name the last one counts, as in Go.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.get())
    }

    /// The names of all members, with their values as JSON.
    pub(super) fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.get()))
    }

    /// Gives a member a value, in its place, or in a new one at the end. The value is JSON.
    pub(super) fn set(&mut self, name: &str, value: String) -> Result<(), serde_json::Error> {
        let value = RawValue::from_string(value)?;
        match self.0.iter_mut().rev().find(|(own, _)| own == name) {
            Some(member) => member.1 = value,
            None => self.0.push((name.to_owned(), value)),
        }
        Ok(())
    }

    /// Removes the members that are not to be kept; whether there were any.
    pub(super) fn retain(&mut self, is_kept: impl Fn(&str) -> bool) -> bool {
        let before = self.0.len();
        self.0.retain(|(name, _)| is_kept(name));
        self.0.len() < before
    }

    /// The object as docker writes it: a member a line, indented with tabs. `depth` is how many objects it is within.
    pub(super) fn to_json(&self, depth: usize) -> String {
        if self.0.is_empty() {
            return "{}".to_owned();
        }
        let (outer, inner) = ("\t".repeat(depth), "\t".repeat(depth + 1));
        let member = |(name, value): &(String, Box<RawValue>)| {
            format!("{inner}{}: {}", serde_json::Value::from(name.as_str()), value.get())
        };
        format!("{{\n{}\n{outer}}}", self.0.iter().map(member).collect::<Vec<_>>().join(",\n"))
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(json: &str) -> Object {
        serde_json::from_str(json).expect("an object")
    }

    #[test]
    fn what_is_not_changed_stays_as_it_was_written() {
        let json =
            "{\n\t\"z\": 1.00,\n\t\"a\\u00e4\": { \"x\" :[1,\n\t2] },\n\t\"big\": 123456789012345678901234567890\n}";
        let mut object = object(json);
        assert_eq!(object.to_json(0), json.replace("\\u00e4", "ä"));
        object.set("a", "{}".to_owned()).expect("JSON");
        object.set("z", "2".to_owned()).expect("JSON");
        assert!(object.retain(|name| name != "big"));
        assert_eq!(object.to_json(0), "{\n\t\"z\": 2,\n\t\"aä\": { \"x\" :[1,\n\t2] },\n\t\"a\": {}\n}");
        assert!(object.set("a", "{".to_owned()).is_err());
    }

    #[test]
    fn names_are_found_and_escaped() {
        let object = object(r#"{"a":1,"a":2,"\"":3}"#);
        assert_eq!((object.get("a"), object.get("\""), object.get("b")), (Some("2"), Some("3"), None));
        assert_eq!(object.to_json(1), "{\n\t\t\"a\": 1,\n\t\t\"a\": 2,\n\t\t\"\\\"\": 3\n\t}");
        assert_eq!(Object::default().to_json(3), "{}");
        assert!(serde_json::from_str::<Object>("[1]").is_err());
    }
}
