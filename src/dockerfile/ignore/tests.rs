use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::Value;

use super::translate::{Kind, translate};
use super::*;

fn table(name: &str) -> Vec<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/build/parser").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows: Vec<Value> = serde_json::from_str(&text).expect("a table");
    assert!(!rows.is_empty(), "{name} has rows");
    rows
}

fn strings(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{value}: {error}"))
}

fn patterns(text: &str) -> Patterns {
    Patterns::parse(text.as_bytes()).expect(text)
}

#[test]
fn patterns_on_paths() {
    for row in table("ignore.json") {
        let excluded = Patterns::of(strings(&row["patterns"]))
            .map(|patterns| patterns.excludes(row["path"].as_str().expect("a path").as_bytes()));
        assert_eq!(excluded.ok(), row["ignored"].as_bool(), "{row}");
    }
}

#[test]
fn what_patterns_become() {
    for row in table("ignore_regex.json") {
        let kind = translate(row["pattern"].as_str().expect("a pattern"));
        let told = match &kind {
            Kind::Exact => ("exact", ""),
            Kind::Prefix => ("prefix", ""),
            Kind::Suffix => ("suffix", ""),
            Kind::Regex(regex) => ("regexp", regex.as_str()),
        };
        assert_eq!((Some(told.0), Some(told.1)), (row["kind"].as_str(), row["regex"].as_str()), "{row}");
    }
}

#[test]
fn lines_of_a_file() {
    for row in table("ignore_file.json") {
        let read = read::lines(row["file"].as_str().expect("a file").as_bytes()).expect("patterns");
        let read: Vec<String> = read.into_iter().map(|line| String::from_utf8(line).expect("UTF-8")).collect();
        assert_eq!(read, strings(&row["patterns"]), "{row}");
    }
}

#[test]
fn a_file_as_people_write_it() {
    let patterns = patterns("\u{feff}# all\r\n*\r\n\r\n!src/  \r\n!./docs//x.md\r\n src/*.tmp \r\n #x\r\n");
    let cases = [
        ("README", true),
        ("src", false),
        ("src/a/b", false),
        ("src/a.tmp", true),
        ("src/a/b.tmp", false),
        ("docs", true),
        ("docs/x.md", false),
        ("docs/y.md", true),
    ];
    for (path, is_excluded) in cases {
        assert_eq!(patterns.excludes(path.as_bytes()), is_excluded, "{path}");
    }
}

#[test]
fn the_answer_does_not_depend_on_what_was_asked_before() {
    let patterns = patterns("a\n!a/b\n**/x\n");
    let paths = ["a/c", "a/b/c", "a/c", "b/c", "c", "x/a/c", "a/b/c", "a/b/x/c", "a/b/c"];
    let answers = [true, false, true, false, false, true, false, true, false];
    let asked: Vec<bool> = paths.iter().map(|path| patterns.excludes(path.as_bytes())).collect();
    assert_eq!(asked, answers);
}

#[test]
fn odd_patterns_mean_what_they_mean_to_moby() {
    let cases: [(&str, &str, bool); 14] = [
        ("a\\d*", "a1x", true),
        ("a\\d*", "adx", false),
        ("[*]", "a]", false),
        ("[*]", "//]", true),
        ("[[:digit:]]", "7", true),
        ("[[:digit:]]", "d]", false),
        ("[a&&b]", "&", true),
        ("[^a]", "/", true),
        ("^*", "x", true),
        ("x^*", "x^y", false),
        ("\\x41?", "Ab", true),
        ("foo\\b?ar", "foo.ar", true),
        ("?", "\n", true),
        ("a**b", "a\nb", false),
    ];
    for (pattern, path, is_excluded) in cases {
        let patterns = Patterns::of([pattern]).expect(pattern);
        assert_eq!(patterns.excludes(path.as_bytes()), is_excluded, "{pattern} on {path:?}");
    }
    let patterns = Patterns::of(["a?b"]).expect("a pattern");
    assert!(patterns.excludes(b"a\xffb"), "a byte that is no UTF-8 is one letter");
}

#[test]
fn patterns_that_cannot_be_read() {
    let bad = ["[b-a]", "a\\", "[", "[]a]", "[a", "[-]", "a\\p*", "[[:none:]]"];
    for pattern in bad {
        let error = Patterns::of([pattern]).expect_err(pattern);
        assert_eq!(error, PatternError::Syntax { pattern: pattern.to_owned() });
    }
    assert_eq!(Patterns::parse(b"a\n!\n").expect_err("no exception"), PatternError::Exception);
    let long = Patterns::parse("a".repeat(5000).as_bytes()).expect_err("too long");
    assert_eq!(long, PatternError::Long { length: 5000, limit: 4096 });
    let many = Patterns::parse("a\n".repeat(10_001).as_bytes()).expect_err("too many");
    assert_eq!(many, PatternError::Many { limit: 10_000 });
}

#[test]
fn folders_that_need_no_look() {
    let cases = [
        ("*", "src", false),
        ("*\n!src/main", "src", true),
        ("*\n!src/main", "docs", false),
        ("*\n!src/main", "src/main", true),
        ("*\n!src/main", "src/other", false),
        ("*\n!**/*.md", "any/where", true),
        ("!**/*.md\nnode_modules", "node_modules", false),
        ("!**/*.md\nnode_modules", "node_modules/a", false),
        ("*\n!a/*/c", "a/b", true),
        ("*\n!a/*/c", "b", false),
        ("*\n!a/**", "a", true),
        ("*\n!ab**", "a", false),
        ("*\n![ab]/c?/d", "b/cc", true),
        ("*\n![ab]/c?/d", "b/ccc", false),
        ("*\n!src\nsrc", "src", false),
    ];
    for (text, folder, may) in cases {
        assert_eq!(patterns(text).may_include_below(folder.as_bytes()), may, "{text:?} below {folder}");
    }
}

#[test]
fn what_would_take_an_expression_with_backtracking_for_ever_is_quick() {
    let patterns = Patterns::of([format!("{}b", "*a".repeat(200))]).expect("a pattern");
    assert!(!patterns.excludes("a".repeat(2000).as_bytes()));
    let patterns = Patterns::of([format!("{}x?b", "**/".repeat(200))]).expect("a pattern");
    assert!(!patterns.excludes("a/".repeat(1000).as_bytes()));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<Vec<u8>>(), path in any::<Vec<u8>>()) {
        if let Ok(patterns) = Patterns::parse(&text) {
            patterns.excludes(&path);
            patterns.may_include_below(&path);
        }
    }

    #[test]
    fn nothing_is_skipped_that_is_included(
        lines in proptest::collection::vec("!?[ab*?/\\[\\]\\\\^-]{1,6}", 1..6),
        folder in "[ab]{1,2}(/[ab]{1,2}){0,2}",
        name in "[ab]{1,2}(/[ab]{1,2}){0,2}",
    ) {
        let Ok(patterns) = Patterns::of(&lines) else { return Ok(()) };
        let path = format!("{folder}/{name}");
        if patterns.excludes(folder.as_bytes()) && !patterns.excludes(path.as_bytes()) {
            prop_assert!(patterns.may_include_below(folder.as_bytes()), "{lines:?} {path}");
        }
    }
}

#[test]
fn wildcards_have_a_limit_together() {
    let many = |count: usize| Patterns::of(std::iter::repeat_n("*a".repeat(100), count)).map(drop);
    assert_eq!(many(1000), Ok(()));
    assert!(many(2000).is_err_and(|error| error.to_string().contains("250000")));
    let plain = Patterns::of((0..10_000).map(|number| format!("folder/{number}/{}", "x".repeat(100))));
    assert!(plain.is_ok(), "names without wildcards cost nothing");
}
