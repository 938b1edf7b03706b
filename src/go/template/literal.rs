//! Go's literals: numbers, characters and strings.

use serde_json::Value;

/// The value of a number as Go writes numbers: `42`, `0x2a`, `0o52`, `052`, `0b101010`, `4_2`, `4.2e1`.
pub(super) fn number(text: &str) -> Result<Value, String> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, body) = match lower.as_str() {
        hex if hex.starts_with("0x") => (16, &hex[2..]),
        octal if octal.starts_with("0o") => (8, &octal[2..]),
        binary if binary.starts_with("0b") => (2, &binary[2..]),
        octal if octal.len() > 1 && octal.starts_with('0') && !octal.contains(['.', 'e']) => (8, &octal[1..]),
        decimal => (10, decimal),
    };
    let body = body.replace('_', "");
    match i128::from_str_radix(&body, radix).map(|n| if negative { -n } else { n }) {
        Ok(n) => i64::try_from(n)
            .map(Value::from)
            .or_else(|_| u64::try_from(n).map(Value::from))
            .map_err(|_| format!("integer overflow: \"{text}\"")),
        Err(_) if radix == 10 && body.contains(['.', 'e']) => float(&body, negative).ok_or_else(|| illegal(text)),
        Err(_) if radix == 10 && body.len() > 30 && body.bytes().all(|b| b.is_ascii_digit()) => {
            Err(format!("integer overflow: \"{text}\""))
        }
        Err(_) => Err(illegal(text)),
    }
}

fn illegal(text: &str) -> String {
    format!("illegal number syntax: \"{text}\"")
}

fn float(digits: &str, negative: bool) -> Option<Value> {
    let value: f64 = digits.parse().ok()?;
    // A whole number stays a float: `1.0` and `1e3` are floats.
    serde_json::Number::from_f64(if negative { -value } else { value }).map(Value::Number)
}

/// The code point of `'x'`.
pub(super) fn character(text: &str) -> Result<Value, String> {
    let inner = unquote_with(text, '\'').map_err(|_| format!("malformed character constant: {text}"))?;
    let mut chars = inner.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Ok(Value::from(u32::from(c))),
        _ => Err(format!("malformed character constant: {text}")),
    }
}

/// The value of `"text"` or `` `text` ``.
pub(super) fn unquote(text: &str) -> Result<String, String> {
    match text.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
        Some(raw) => Ok(raw.replace('\r', "")),
        None => unquote_with(text, '"'),
    }
}

fn unquote_with(text: &str, quote: char) -> Result<String, String> {
    let invalid = || "invalid syntax".to_owned();
    let inner = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)).ok_or_else(invalid)?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        let (code, is_byte) = match c {
            '\\' => escape(&mut chars, quote).ok_or_else(invalid)?,
            c => (u32::from(c), false),
        };
        match u8::try_from(code) {
            Ok(byte) if is_byte => bytes.push(byte),
            _ => {
                let c = char::from_u32(code).ok_or_else(invalid)?;
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
    // Go's strings are bytes; invalid UTF-8 could not be displayed anyway.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The code after a backslash, and whether it is a byte rather than a character.
fn escape(chars: &mut std::str::Chars<'_>, quote: char) -> Option<(u32, bool)> {
    let simple = |code: u8| Some((u32::from(code), false));
    match chars.next()? {
        'a' => simple(7),
        'b' => simple(8),
        'f' => simple(12),
        'n' => simple(b'\n'),
        'r' => simple(b'\r'),
        't' => simple(b'\t'),
        'v' => simple(11),
        '\\' => simple(b'\\'),
        c if c == quote => Some((u32::from(c), false)),
        'x' => digits(chars, 2, 16, 0).map(|code| (code, true)),
        'u' => digits(chars, 4, 16, 0).map(|code| (code, false)),
        'U' => digits(chars, 8, 16, 0).map(|code| (code, false)),
        c @ '0'..='7' => digits(chars, 2, 8, c.to_digit(8)?).filter(|&code| code < 256).map(|code| (code, true)),
        _ => None,
    }
}

fn digits(chars: &mut std::str::Chars<'_>, count: usize, radix: u32, start: u32) -> Option<u32> {
    let mut code = start;
    for _ in 0..count {
        code = code.checked_mul(radix)?.checked_add(chars.next()?.to_digit(radix)?)?;
    }
    Some(code)
}
