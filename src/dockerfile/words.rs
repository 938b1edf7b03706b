//! Arguments of instructions, in their three forms: names and values, a JSON array, words.

use serde_json::Value;

use super::error::Fault;
use super::instruction::Pair;

/// The blanks between words, and behind a keyword.
pub(super) const BLANKS: [char; 5] = ['\t', '\u{b}', '\u{c}', '\r', ' '];

/// Names and values, their quotes and variables untouched, in the new form `a=b c="d e"`, or if the first word has no `=`, the old one: a name, and all the rest as its value.
pub(super) fn pairs(rest: &str, escape: char, instruction: &'static str) -> Result<Vec<Pair>, Fault> {
    let words = quoted(rest, escape);
    match words.first() {
        None => Err(Fault::NoArgument { instruction }),
        Some(first) if !first.contains('=') => {
            let (name, value) = rest.split_once(BLANKS).ok_or(Fault::NoValue { instruction })?;
            Ok(vec![(name.to_owned(), value.trim_start_matches(BLANKS).to_owned())])
        }
        Some(_) => words.into_iter().map(|word| split(word, instruction)).collect(),
    }
}

fn split(word: String, instruction: &'static str) -> Result<Pair, Fault> {
    match word.split_once('=') {
        None => Err(Fault::NoEquals { word }),
        Some(("", _)) => Err(Fault::BlankName { instruction }),
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
    }
}

/// Words that may have blanks within quotes; quotes and escape characters stay.
pub(super) fn quoted(text: &str, escape: char) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(next) = chars.next() {
        if quote.is_none() && next.is_whitespace() {
            words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
            continue;
        }
        if next == escape && quote != Some('\'') {
            // One at the very end escapes nothing and is dropped.
            if let Some(escaped) = chars.next() {
                word.extend([next, escaped]);
            }
            continue;
        }
        match quote {
            None if matches!(next, '\'' | '"') => quote = Some(next),
            Some(open) if open == next => quote = None,
            _ => {}
        }
        word.push(next);
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

/// A JSON array of strings; `None` if the text is not a JSON array, and so is to be taken literally.
pub(super) fn json(rest: &str) -> Result<Option<Vec<String>>, Fault> {
    let rest = rest.trim_start();
    if !rest.starts_with('[') {
        return Ok(None);
    }
    let Ok(items) = serde_json::from_str::<Vec<Value>>(rest) else { return Ok(None) };
    let strings = items.into_iter().map(|item| match item {
        Value::String(text) => Ok(text),
        _ => Err(Fault::NotStrings),
    });
    strings.collect::<Result<_, _>>().map(Some)
}

/// A JSON array, or words between blanks.
pub(super) fn list(rest: &str) -> Result<Vec<String>, Fault> {
    Ok(json(rest)?.unwrap_or_else(|| plain(rest)))
}

/// Words between blanks.
pub(super) fn plain(rest: &str) -> Vec<String> {
    rest.split(BLANKS).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_quotes() {
        let cases: [(&str, &[&str]); 10] = [
            ("", &[]),
            ("  a  b ", &["a", "b"]),
            ("a=\"b c\" d", &["a=\"b c\"", "d"]),
            ("a='b c'd e", &["a='b c'd", "e"]),
            (r"a=b\ c d", &[r"a=b\ c", "d"]),
            (r#"a="b\" c" d"#, &[r#"a="b\" c""#, "d"]),
            (r"a='b\' c", &[r"a='b\'", "c"]),
            (r"a\", &["a"]),
            ("a=\"b c", &["a=\"b c"]),
            ("\"\" b", &["\"\"", "b"]),
        ];
        for (text, words) in cases {
            assert_eq!(quoted(text, '\\'), words, "{text:?}");
        }
        assert_eq!(quoted(r"a=b\ c` d", '`'), [r"a=b\", "c` d"]);
    }

    #[test]
    fn names_and_values() {
        let read = |text: &str| pairs(text, '\\', "ENV").map_err(|error| error.to_string());
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(read("a=b c=\"d e\" f="), Ok(vec![pair("a", "b"), pair("c", "\"d e\""), pair("f", "")]));
        assert_eq!(read("a b=c  d"), Ok(vec![pair("a", "b=c  d")]));
        assert_eq!(read("a   \"b c\""), Ok(vec![pair("a", "\"b c\"")]));
        assert_eq!(read("a=b=c"), Ok(vec![pair("a", "b=c")]));
        assert_eq!(read(""), Err("ENV requires at least one argument".to_owned()));
        assert_eq!(read("a"), Err("ENV must have two arguments".to_owned()));
        assert_eq!(read("=b"), Err("ENV names can not be blank".to_owned()));
        let missing = r#"syntax error - can't find = in "c". Must be of the form: name=value"#;
        assert_eq!(read("a=b c"), Err(missing.to_owned()));
    }

    #[test]
    fn arrays_and_lists() {
        assert_eq!(json(r#"["a", "\u0041\n"]"#), Ok(Some(vec!["a".to_owned(), "A\n".to_owned()])));
        assert_eq!(json("[]"), Ok(Some(Vec::new())));
        for text in ["", "a", "['a']", r#"["a"] b"#, r#"["a""#, "[ -f x ]"] {
            assert_eq!(json(text), Ok(None), "{text:?}");
        }
        for text in ["[1]", r#"["a", null]"#, "[[]]"] {
            assert_eq!(json(text), Err(Fault::NotStrings), "{text:?}");
        }
        assert_eq!(list("a \t b"), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(list(r#"["a b"]"#), Ok(vec!["a b".to_owned()]));
    }
}
