//! Unambiguous JSON.
//!
//! If two readers parse a document differently, an attacker can show them two different images. So documents with
//! duplicate keys (Go takes the last, others the first), with keys that differ only by case (Go takes either for a
//! field) or with trailing data are refused, and so are documents larger or more deeply nested than any real one.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The largest manifest, index or config, in bytes: registries refuse larger manifests, and no real config is larger.
pub const MAX_DOCUMENT: usize = 4 << 20;

/// The deepest nesting of values; `serde_json` enforces it.
pub const MAX_DEPTH: usize = 128;

/// The most values in a document. A parsed value takes about a hundred bytes, so 4 MiB of `[0,0,…` would take a lot of
/// memory.
pub const MAX_VALUES: usize = 500_000;

/// Why a text is not unambiguous JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// It is too large.
    #[error("{size} bytes of JSON are more than the {limit} allowed")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// It has too many values.
    #[error("more than {MAX_VALUES} values of JSON, at line {line} column {column}")]
    TooManyValues {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// It starts with a byte order mark, which Go refuses.
    #[error("JSON starts with a byte order mark")]
    ByteOrderMark,
    /// An object has a duplicate key.
    #[error("duplicate key {key:?} at line {line} column {column}")]
    DuplicateKey {
        /// The key.
        key: String,
        /// The line of the duplicate, from 1.
        line: usize,
        /// The column of the duplicate, from 1.
        column: usize,
    },
    /// An object has two keys that Go's case-insensitive matching takes for one.
    #[error("ambiguous key {key:?} at line {line} column {column}: it differs from another only by case")]
    AmbiguousKey {
        /// The second key.
        key: String,
        /// Its line, from 1.
        line: usize,
        /// Its column, from 1.
        column: usize,
    },
    /// An object has two keys that fold to one known key.
    #[error("ambiguous key {key:?}: it occurs in more than one spelling")]
    FoldedKey {
        /// The known key.
        key: String,
    },
    /// An item of an array of objects is not an object.
    #[error("expected an object as item {at} of the array")]
    NotAnObject {
        /// Its position, from 0.
        at: usize,
    },
    /// It is not valid JSON, or not of the expected structure.
    #[error("{message}")]
    Syntax {
        /// The parser's message with the place, control characters escaped.
        message: String,
    },
}

/// Which keys of a document may not differ only by case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseRule {
    /// Those of the outermost object. Deeper ones may be user-defined, such as labels.
    TopLevel,
    /// Those of every object.
    Everywhere,
}

/// Checks that `bytes` are unambiguous JSON of at most `limit` bytes.
pub fn check(bytes: &[u8], limit: usize) -> Result<(), JsonError> {
    check_case(bytes, limit, CaseRule::TopLevel)
}

/// As [`check`], with a choice of which keys may not differ only by case.
pub fn check_case(bytes: &[u8], limit: usize, case: CaseRule) -> Result<(), JsonError> {
    if bytes.len() > limit {
        return Err(JsonError::TooLarge { size: bytes.len(), limit });
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(JsonError::ByteOrderMark);
    }
    let mut walk = Walk { case, values: 0, fault: None };
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    let checked = JsonNode { walk: &mut walk, depth: 0 }.deserialize(&mut parser).and_then(|()| parser.end());
    checked.map_err(|error| match walk.fault {
        Some(fault) => fault.at(error.line(), error.column()),
        None => error.into(),
    })
}

/// Checks and deserialises `bytes`.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8], limit: usize) -> Result<T, JsonError> {
    check(bytes, limit)?;
    serde_json::from_slice(bytes).map_err(JsonError::from)
}

/// Checks and deserialises `bytes` as Go would, ignoring the case of `keys`.
///
/// This concerns the outermost object or, if the document is an array, the objects in it; deeper keys stay as they are.
/// Two spellings of one of `keys` are refused, and so is an array with anything but objects in it.
pub fn from_slice_folded<T: DeserializeOwned>(bytes: &[u8], limit: usize, keys: &[&str]) -> Result<T, JsonError> {
    check(bytes, limit)?;
    let mut document: Value = serde_json::from_slice(bytes)?;
    match &mut document {
        Value::Object(object) => fold_keys(object, keys)?,
        Value::Array(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                fold_keys(item.as_object_mut().ok_or(JsonError::NotAnObject { at })?, keys)?;
            }
        }
        _ => {}
    }
    T::deserialize(document).map_err(JsonError::from)
}

/// Renames the keys of an object that match one of `keys` except for case.
pub(crate) fn fold_keys(object: &mut Map<String, Value>, keys: &[&str]) -> Result<(), JsonError> {
    let mut folded = Map::with_capacity(object.len());
    for (key, value) in std::mem::take(object) {
        let key_folded = fold(&key);
        let known = keys.iter().find(|known| fold(known) == key_folded);
        let key = known.map_or(key, |known| (*known).to_owned());
        if folded.insert(key.clone(), value).is_some() {
            return Err(JsonError::FoldedKey { key });
        }
    }
    *object = folded;
    Ok(())
}

/// The case-folded key: equal for keys that Go's `bytes.EqualFold` takes for equal (also the long s and the Kelvin
/// sign).
fn fold(key: &str) -> String {
    key.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        let escape = |char: char| if char.is_control() { char.escape_debug().to_string() } else { char.to_string() };
        Self::Syntax { message: error.to_string().chars().map(escape).collect() }
    }
}

/// The state of the check.
struct Walk {
    case: CaseRule,
    values: usize,
    fault: Option<Fault>,
}

/// Errors that serde's errors cannot carry.
enum Fault {
    Duplicate(String),
    Ambiguous(String),
    TooMany,
}

impl Fault {
    /// The error with its place.
    fn at(self, line: usize, column: usize) -> JsonError {
        match self {
            Self::Duplicate(key) => JsonError::DuplicateKey { key, line, column },
            Self::Ambiguous(key) => JsonError::AmbiguousKey { key, line, column },
            Self::TooMany => JsonError::TooManyValues { line, column },
        }
    }
}

/// Checks one value without keeping it.
struct JsonNode<'a> {
    walk: &'a mut Walk,
    depth: usize,
}

impl JsonNode<'_> {
    /// The check of a nested value.
    fn below(&mut self) -> JsonNode<'_> {
        JsonNode { walk: self.walk, depth: self.depth + 1 }
    }

    /// Records a fault and stops the parser.
    fn stop<T, E: serde::de::Error>(&mut self, fault: Fault) -> Result<T, E> {
        self.walk.fault = Some(fault);
        Err(E::custom("refused"))
    }
}

impl<'de> DeserializeSeed<'de> for JsonNode<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, from: D) -> Result<(), D::Error> {
        self.walk.values += 1;
        if self.walk.values > MAX_VALUES {
            return self.stop(Fault::TooMany);
        }
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for JsonNode<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self.below())?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        let case_counts = self.depth == 0 || self.walk.case == CaseRule::Everywhere;
        let (mut keys, mut folded_keys) = (Keys::default(), HashSet::new());
        while let Some(Key(key)) = entries.next_key()? {
            if keys.contains(&key) {
                return self.stop(Fault::Duplicate(key.into_owned()));
            }
            if case_counts && !folded_keys.insert(fold(&key)) {
                return self.stop(Fault::Ambiguous(key.into_owned()));
            }
            keys.insert(key);
            entries.next_value_seed(self.below())?;
        }
        Ok(())
    }
}

/// A key of an object, as it stands in the text if it has no escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Spelled;
        impl<'de> Visitor<'de> for Spelled {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        from.deserialize_str(Spelled)
    }
}

/// The keys of an object: most have few.
#[derive(Default)]
struct Keys<'de> {
    few: Vec<Cow<'de, str>>,
    many: HashSet<Cow<'de, str>>,
}

impl<'de> Keys<'de> {
    /// With more keys, looking at each is slower than hashing.
    const FEW: usize = 12;

    fn contains(&self, key: &str) -> bool {
        self.few.iter().any(|known| known == key) || (!self.many.is_empty() && self.many.contains(key))
    }

    fn insert(&mut self, key: Cow<'de, str>) {
        if self.few.len() < Self::FEW {
            self.few.push(key);
        } else {
            self.many.insert(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The error message for a text.
    fn fault(text: &str, case: CaseRule) -> String {
        check_case(text.as_bytes(), 1000, case).expect_err(text).to_string()
    }

    #[test]
    fn json_that_means_one_thing_passes() {
        for text in [
            "{}",
            "[]",
            " null\n",
            "-1.5e3",
            r#"{"a":{"b":1},"b":{"b":1}}"#,
            r#"{"labels":{"a":1,"A":2}}"#,
            r#"[{"a":1,"A":2}]"#,
            r#"{"":"\u0000\ud83d\ude00"}"#,
        ] {
            assert_eq!(check(text.as_bytes(), 1000), Ok(()), "{text}");
        }
    }

    #[test]
    fn duplicates_are_found_among_few_keys_and_among_many() {
        for count in [2, Keys::FEW, Keys::FEW + 1, 40] {
            for twice in [0, count - 1] {
                let keys = (0..count).chain([twice]).map(|key| format!(r#""k{key}":0"#));
                let text = format!("{{{}}}", keys.collect::<Vec<_>>().join(","));
                let found = fault(&text, CaseRule::TopLevel);
                assert!(found.starts_with(&format!("duplicate key \"k{twice}\"")), "{count}: {found}");
            }
        }
    }

    #[test]
    fn json_that_means_two_things_is_refused_with_its_place() {
        for (text, expected) in [
            (r#"{"a":1,"a":1}"#, r#"duplicate key "a" at line 1 column 10"#),
            ("{\"x\":[{\"a\":1,\n \"a\":2}]}", r#"duplicate key "a" at line 2 column 4"#),
            (r#"{"a":1,"\u0061":1}"#, r#"duplicate key "a" at line 1 column 15"#),
            (
                r#"{"layers":1,"LAYERS":1}"#,
                r#"ambiguous key "LAYERS" at line 1 column 20: it differs from another only by case"#,
            ),
            (
                "{\"layers\":1,\"layer\u{17f}\":1}",
                "ambiguous key \"layer\u{17f}\" at line 1 column 21: it differs from another only by case",
            ),
            (r#"{"\u001b[2J":1,"\u001b[2J":1}"#, r#"duplicate key "\u{1b}[2J" at line 1 column 26"#),
            ("\u{feff}{}", "JSON starts with a byte order mark"),
            ("{} {}", "trailing characters at line 1 column 4"),
            ("{}\0", "trailing characters at line 1 column 3"),
            ("", "EOF while parsing a value at line 1 column 0"),
            ("{\"a\":\n01}", "invalid number at line 2 column 2"),
            ("{'a':1}", "key must be a string at line 1 column 2"),
            ("[1,]", "trailing comma at line 1 column 4"),
        ] {
            assert_eq!(fault(text, CaseRule::TopLevel), expected, "{text:?}");
        }
    }

    #[test]
    fn case_counts_everywhere_only_if_it_is_asked_for() {
        let text = r#"{"a":[{"size":1,"Size":2}]}"#;
        assert_eq!(check(text.as_bytes(), 1000), Ok(()));
        assert!(fault(text, CaseRule::Everywhere).starts_with("ambiguous key \"Size\""));
    }

    #[test]
    fn limits_hold() {
        assert_eq!(check(b"[  ]", 4), Ok(()));
        assert_eq!(check(b"[   ]", 4), Err(JsonError::TooLarge { size: 5, limit: 4 }));
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(check(nested(MAX_DEPTH - 1).as_bytes(), 1000), Ok(()));
        assert!(fault(&nested(MAX_DEPTH), CaseRule::TopLevel).starts_with("recursion limit exceeded"));
        let many = |values: usize| format!("[{}0]", "0,".repeat(values - 2));
        assert_eq!(check(many(MAX_VALUES).as_bytes(), MAX_DOCUMENT), Ok(()));
        let error = check(many(MAX_VALUES + 1).as_bytes(), MAX_DOCUMENT);
        assert!(matches!(error, Err(JsonError::TooManyValues { line: 1, .. })), "{error:?}");
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        assert!(check(b"\"\xff\"", 1000).is_err());
        assert!(check(b"{\"\xc3\":1}", 1000).is_err());
        assert!(check(br#""\ud800""#, 1000).is_err());
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Entry {
        config: String,
        #[serde(default)]
        repo_tags: Vec<String>,
        #[serde(default)]
        deep: Map<String, Value>,
    }

    fn folded(text: &str) -> Result<Vec<Entry>, JsonError> {
        from_slice_folded(text.as_bytes(), 1000, &["Config", "RepoTags", "Deep"])
    }

    #[test]
    fn keys_are_matched_without_their_case() {
        let entries = folded(r#"[{"config":"c","repoTags":["t"],"DEEP":{"config":1},"unknown":1}]"#).expect("entries");
        assert_eq!(entries[0].config, "c");
        assert_eq!(entries[0].repo_tags, ["t"]);
        assert!(entries[0].deep.contains_key("config"), "what is deeper keeps its keys");
    }

    #[test]
    fn keys_that_fold_to_one_are_refused() {
        let expected = JsonError::FoldedKey { key: "Config".to_owned() };
        assert_eq!(folded(r#"[{"config":"c","Config":"d"}]"#), Err(expected));
        assert_eq!(folded(r#"[["c"]]"#), Err(JsonError::NotAnObject { at: 0 }));
        assert!(matches!(folded(r#"[{"config":1}]"#), Err(JsonError::Syntax { .. })));
    }

    #[test]
    fn errors_show_no_control_characters() {
        let error = folded("[{\"config\":\"c\",\"repotags\":\"\\u001b[2J\"}]").expect_err("a string is no list");
        assert!(!error.to_string().contains(char::is_control), "{error}");
    }

    proptest! {
        #[test]
        fn what_passes_is_json_for_serde_too(text in r#"([\[\]{},: ]|"[aAbB]"|[0-9]|null){0,12}"#) {
            let parsed = serde_json::from_str::<Value>(&text);
            match check(text.as_bytes(), 1000) {
                Ok(()) => prop_assert!(parsed.is_ok()),
                Err(JsonError::Syntax { .. }) => prop_assert!(parsed.is_err()),
                // Ambiguities that serde does not detect, or errors that it finds only later.
                Err(error) => prop_assert!(
                    matches!(error, JsonError::DuplicateKey { .. } | JsonError::AmbiguousKey { .. }), "{}", error
                ),
            }
        }

        #[test]
        fn nothing_makes_it_panic(bytes in any::<Vec<u8>>()) {
            prop_assert_eq!(check(&bytes, 1000).is_ok(), check(&bytes, bytes.len()).is_ok());
        }
    }
}
