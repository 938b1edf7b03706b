//! Go's `fmt`: how values print.

use std::fmt::Write as _;

use serde_json::{Number, Value};

/// The name of the Go type that holds such a value.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// A value as `%v` prints it: `map[a:1 b:[x y]]`, keys sorted.
pub fn display(value: &Value) -> String {
    let mut text = String::new();
    Spec::default().push(&mut text, 'v', value);
    text
}

/// `strconv.Quote`: a string literal with unprintable characters escaped.
pub(super) fn quote(text: &str) -> String {
    format!("\"{}\"", escaped(text, '"', is_printable))
}

fn escaped(text: &str, quote: char, is_shown: impl Fn(char) -> bool) -> String {
    let mut to = String::with_capacity(text.len());
    for c in text.chars() {
        let code = u32::from(c);
        let _ = match c {
            '\x07' => write!(to, "\\a"),
            '\x08' => write!(to, "\\b"),
            '\x0c' => write!(to, "\\f"),
            '\n' => write!(to, "\\n"),
            '\r' => write!(to, "\\r"),
            '\t' => write!(to, "\\t"),
            '\x0b' => write!(to, "\\v"),
            '\\' => write!(to, "\\\\"),
            c if c == quote => write!(to, "\\{c}"),
            c if is_shown(c) => write!(to, "{c}"),
            _ if code < 0x80 => write!(to, "\\x{code:02x}"),
            _ if code < 0x1_0000 => write!(to, "\\u{code:04x}"),
            _ => write!(to, "\\U{code:08x}"),
        };
    }
    to
}

/// Approximates Go's `unicode.IsPrint`: visible characters, and of the spaces only U+0020.
pub(super) fn is_printable(c: char) -> bool {
    c == ' ' || !is_invisible(c) && !c.is_whitespace()
}

/// Whether `c` is a control or invisible formatting character.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}'   // soft hyphen, Arabic letter mark, Mongolian vowel separator
            | '\u{200b}'..='\u{200f}'           // zero width, and marks of direction
            | '\u{2028}'..='\u{202e}'           // separators, embeddings and overrides of direction
            | '\u{2060}'..='\u{206f}'           // joiners, isolates, deprecated format characters
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'         // tags: text that is never shown
        )
}

/// `fmt.Sprint`: values side by side, with a space between two that are not strings.
pub(super) fn sprint(values: &[&Value]) -> String {
    let mut text = String::new();
    for (i, value) in values.iter().enumerate() {
        if i > 0 && !value.is_string() && !values[i - 1].is_string() {
            text.push(' ');
        }
        text.push_str(&display(value));
    }
    text
}

/// `fmt.Sprintln`: values with a space between any two, and a line end.
pub(super) fn sprintln(values: &[&Value]) -> String {
    let shown: Vec<String> = values.iter().map(|value| display(value)).collect();
    shown.join(" ") + "\n"
}

/// The flags, width and precision of a verb.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "printf has five flags")]
pub(super) struct Spec {
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    pub(super) width: usize,
    pub(super) precision: Option<usize>,
}

impl Spec {
    /// Prints `value` with `verb`.
    pub(super) fn push(&self, to: &mut String, verb: char, value: &Value) {
        let text = match value {
            _ if verb == 'T' => type_name(value).to_owned(),
            Value::Array(items) if verb == 'v' && self.sharp && items.iter().all(Value::is_string) => {
                let items: Vec<String> = items.iter().map(|item| self.shown(item)).collect();
                return to.extend(["[]string{", &items.join(", "), "}"]);
            }
            Value::Array(items) => return self.push_array(to, verb, items),
            Value::Object(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_unstable_by_key(|(key, _)| *key);
                if verb == 'v' && self.sharp && map.values().all(Value::is_string) {
                    let entry = |(key, value): (&String, &Value)| quote(key) + ":" + &self.shown(value);
                    let entries: Vec<String> = entries.into_iter().map(entry).collect();
                    return to.extend(["map[string]string{", &entries.join(", "), "}"]);
                }
                return self.push_map(to, verb, &entries);
            }
            Value::Null if verb == 'v' => "<nil>".to_owned(),
            Value::Bool(value) if matches!(verb, 'v' | 't') => value.to_string(),
            Value::String(text) => match self.string(verb, text) {
                Some(text) => text,
                None => return to.push_str(&self.bad_verb(verb, value)),
            },
            Value::Number(number) => match self.number(verb, number) {
                Some(text) => return self.push_number(to, &text),
                None => return to.push_str(&self.bad_verb(verb, value)),
            },
            _ => return to.push_str(&self.bad_verb(verb, value)),
        };
        self.push_padded(to, &text);
    }

    /// The value as `%v` prints it with these flags.
    fn shown(&self, value: &Value) -> String {
        let mut text = String::new();
        self.push(&mut text, 'v', value);
        text
    }

    fn push_array(&self, to: &mut String, verb: char, items: &[Value]) {
        to.push('[');
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                to.push(' ');
            }
            self.push(to, verb, item);
        }
        to.push(']');
    }

    fn push_map(&self, to: &mut String, verb: char, entries: &[(&String, &Value)]) {
        to.push_str("map[");
        for (i, (key, value)) in entries.iter().enumerate() {
            if i > 0 {
                to.push(' ');
            }
            self.push(to, verb, &Value::from(key.as_str()));
            to.push(':');
            match value {
                // A set is a map to Go's empty struct.
                Value::Object(set) if set.is_empty() && verb == 'v' => to.push_str("{}"),
                _ => self.push(to, verb, value),
            }
        }
        to.push(']');
    }

    fn push_padded(&self, to: &mut String, text: &str) {
        let missing = self.width.saturating_sub(text.chars().count());
        if self.minus {
            to.push_str(text);
        }
        let filler = if self.zero && !self.minus { '0' } else { ' ' };
        to.extend(std::iter::repeat_n(filler, missing));
        if !self.minus {
            to.push_str(text);
        }
    }

    /// A number: zeros go between its sign and its digits.
    fn push_number(&self, to: &mut String, text: &str) {
        if self.zero && !self.minus {
            let (sign, digits) = text.split_at(usize::from(text.starts_with(['+', '-', ' '])));
            to.push_str(sign);
            Self { width: self.width.saturating_sub(sign.len()), ..self.clone() }.push_padded(to, digits);
        } else {
            self.push_padded(to, text);
        }
    }

    /// Go's error for a verb that does not fit: it names the value's type and prints the value with the flags.
    fn bad_verb(&self, verb: char, value: &Value) -> String {
        if value.is_null() {
            return format!("%!{verb}(<nil>)");
        }
        let mut shown = String::new();
        Self { sharp: false, ..self.clone() }.push(&mut shown, 'v', value);
        format!("%!{verb}({}={shown})", type_name(value))
    }

    fn string(&self, verb: char, text: &str) -> Option<String> {
        let cut: String = match self.precision {
            Some(precision) => text.chars().take(precision).collect(),
            None => text.to_owned(),
        };
        Some(match verb {
            'v' if self.sharp => quote(&cut),
            'v' | 's' => cut,
            'q' if self.sharp && !cut.contains('`') && cut.chars().all(|c| c == '\t' || is_printable(c)) => {
                format!("`{cut}`")
            }
            'q' if self.plus => format!("\"{}\"", escaped(&cut, '"', |c| c.is_ascii() && is_printable(c))),
            'q' => quote(&cut),
            'x' | 'X' => self.hex(verb, text),
            _ => return None,
        })
    }

    fn hex(&self, verb: char, text: &str) -> String {
        let bytes = text.as_bytes();
        let cut = &bytes[..self.precision.unwrap_or(bytes.len()).min(bytes.len())];
        let digits = |byte: &u8| if verb == 'x' { format!("{byte:02x}") } else { format!("{byte:02X}") };
        let prefix = if self.sharp && !cut.is_empty() { format!("0{verb}") } else { String::new() };
        let between = if self.space { format!(" {prefix}") } else { String::new() };
        prefix + &cut.iter().map(digits).collect::<Vec<_>>().join(&between)
    }

    fn number(&self, verb: char, number: &Number) -> Option<String> {
        match number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from)) {
            Some(integer) => self.integer(verb, integer),
            None => self.float(verb, number.as_f64()?),
        }
    }

    fn integer(&self, verb: char, value: i128) -> Option<String> {
        let (prefix, digits) = match verb {
            'v' | 'd' => ("", value.unsigned_abs().to_string()),
            'b' => ("0b", format!("{:b}", value.unsigned_abs())),
            'o' => ("0", format!("{:o}", value.unsigned_abs())),
            'O' => ("0o", format!("{:o}", value.unsigned_abs())),
            'x' => ("0x", format!("{:x}", value.unsigned_abs())),
            'X' => ("0X", format!("{:X}", value.unsigned_abs())),
            'c' => return Some(character(value).to_string()),
            'q' => {
                return Some(format!("'{}'", escaped(character(value).encode_utf8(&mut [0; 4]), '\'', is_printable)));
            }
            'U' if self.sharp && is_printable(character(value)) => {
                return Some(format!("U+{:04X} '{}'", value.unsigned_abs(), character(value)));
            }
            'U' => return Some(format!("U+{:04X}", value.unsigned_abs())),
            _ => return None,
        };
        let zeros = self.precision.unwrap_or(0).saturating_sub(digits.len());
        let prefix = if self.sharp || verb == 'O' { prefix } else { "" };
        Some(format!("{}{prefix}{}{digits}", self.sign(value < 0), "0".repeat(zeros)))
    }

    fn float(&self, verb: char, value: f64) -> Option<String> {
        let size = value.abs();
        let digits = match (verb.to_ascii_lowercase(), self.precision) {
            ('v' | 'g', Some(precision)) => general(size, precision),
            ('v' | 'g', None) => shortest(size),
            ('f', precision) => format!("{size:.*}", precision.unwrap_or(6)),
            ('e', precision) => with_exponent(&format!("{size:.*e}", precision.unwrap_or(6))),
            _ => return None,
        };
        let digits = if verb.is_uppercase() { digits.to_uppercase() } else { digits };
        Some(format!("{}{digits}", self.sign(value.is_sign_negative())))
    }

    fn sign(&self, negative: bool) -> &'static str {
        match () {
            () if negative => "-",
            () if self.plus => "+",
            () if self.space => " ",
            () => "",
        }
    }
}

fn character(code: i128) -> char {
    u32::try_from(code).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The shortest digits that round-trip; with an exponent from 1e6 on and below 1e-4, as Go's `%v`.
fn shortest(value: f64) -> String {
    let scientific = format!("{value:e}");
    let exponent: i32 = scientific.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0);
    if (-4..6).contains(&exponent) { format!("{value}") } else { with_exponent(&scientific) }
}

/// `1.5e3` as `1.5e+03`.
fn with_exponent(scientific: &str) -> String {
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific.to_owned() };
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// A finite, non-negative number as C's `%.*g` prints it.
pub fn general(value: f64, precision: usize) -> String {
    let precision = precision.max(1);
    let scientific = format!("{value:.*e}", precision - 1);
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().expect("Rust prints exponents as integers");
    match usize::try_from(i32::try_from(precision).unwrap_or(i32::MAX) - 1 - exponent) {
        Ok(decimals) if exponent >= -4 => trim_zeros(&format!("{value:.decimals$}")).to_owned(),
        _ => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{}e{sign}{:02}", trim_zeros(mantissa), exponent.abs())
        }
    }
}

fn trim_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}
