//! Go's `printf`: a format's text, verbs, flags and indexes.

use std::fmt::Write as _;

use serde_json::Value;

use crate::go::fmt::{Spec, display, type_name};

/// The largest width and precision, as in Go; bounds memory.
const MAX_WIDTH: usize = 1_000_000;

/// `fmt.Sprintf`; mismatches are reported inline, as in Go: `%!d(string=a)`.
pub(super) fn sprintf(format: &str, values: &[&Value]) -> String {
    let mut printer = Printer { rest: format, values, next: 0, reordered: false, text: String::new() };
    while let Some(start) = printer.rest.find('%') {
        printer.text.push_str(&printer.rest[..start]);
        printer.rest = &printer.rest[start + 1..];
        printer.verb();
    }
    printer.text.push_str(printer.rest);
    printer.extra();
    printer.text
}

struct Printer<'a> {
    rest: &'a str,
    values: &'a [&'a Value],
    /// Index of the value that the next verb prints.
    next: usize,
    /// Whether `[n]` was used; then unused values are no error.
    reordered: bool,
    text: String,
}

impl<'a> Printer<'a> {
    fn verb(&mut self) {
        let mut spec = self.flags();
        let mut good_index = self.index();
        if self.skip('*') {
            match self.star() {
                Some(width) => {
                    spec.minus |= width < 0;
                    spec.width = usize::try_from(width.unsigned_abs()).unwrap_or(MAX_WIDTH);
                }
                None => self.text.push_str("%!(BADWIDTH)"),
            }
        } else {
            spec.width = self.digits().unwrap_or(0);
        }
        if self.skip('.') {
            good_index &= self.index();
            spec.precision = if self.skip('*') {
                let precision = self.star().and_then(|n| usize::try_from(n).ok());
                if precision.is_none() {
                    self.text.push_str("%!(BADPREC)");
                }
                precision
            } else {
                Some(self.digits().unwrap_or(0))
            };
        }
        good_index &= self.index();
        let Some(verb) = self.rest.chars().next() else {
            self.text.push_str("%!(NOVERB)");
            return;
        };
        self.rest = &self.rest[verb.len_utf8()..];
        self.value(&spec, verb, good_index);
    }

    fn value(&mut self, spec: &Spec, verb: char, good_index: bool) {
        if verb == '%' {
            self.text.push('%');
        } else if !good_index {
            let _ = write!(self.text, "%!{verb}(BADINDEX)");
        } else if let Some(value) = self.values.get(self.next) {
            self.next += 1;
            spec.push(&mut self.text, verb, value);
        } else {
            let _ = write!(self.text, "%!{verb}(MISSING)");
        }
    }

    fn skip(&mut self, c: char) -> bool {
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn flags(&mut self) -> Spec {
        let mut spec = Spec::default();
        loop {
            match self.rest.as_bytes().first() {
                Some(b'-') => spec.minus = true,
                Some(b'+') => spec.plus = true,
                Some(b'#') => spec.sharp = true,
                Some(b' ') => spec.space = true,
                Some(b'0') => spec.zero = true,
                _ => return spec,
            }
            self.rest = &self.rest[1..];
        }
    }

    fn digits(&mut self) -> Option<usize> {
        let length = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let number = self.rest[..length].parse().ok().filter(|&n| n <= MAX_WIDTH);
        self.rest = &self.rest[length..];
        number
    }

    /// `[n]`: the next verb prints the n-th value. False if there is no such value.
    fn index(&mut self) -> bool {
        let Some(inner) = self.rest.strip_prefix('[') else { return true };
        self.reordered = true;
        let Some((number, rest)) = inner.split_once(']') else {
            self.rest = inner;
            return false;
        };
        self.rest = rest;
        match number.parse::<usize>() {
            Ok(n) if (1..=self.values.len()).contains(&n) => self.next = n - 1,
            _ => return false,
        }
        true
    }

    fn star(&mut self) -> Option<i64> {
        let value = self.values.get(self.next)?;
        self.next += 1;
        value.as_i64().filter(|n| n.unsigned_abs() <= MAX_WIDTH as u64)
    }

    /// Reports unused values.
    fn extra(&mut self) {
        let values: &'a [&'a Value] = self.values;
        if self.reordered || self.next >= values.len() {
            return;
        }
        let extra: Vec<String> = values[self.next..].iter().map(|value| typed(value)).collect();
        let _ = write!(self.text, "%!(EXTRA {})", extra.join(", "));
    }
}

fn typed(value: &Value) -> String {
    if value.is_null() { "<nil>".to_owned() } else { format!("{}={}", type_name(value), display(value)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn printf_never_panics(format in "[%\\[\\]0-9*.+# a-zA-Z-]{0,20}") {
            let (a, b) = (Value::from(12), Value::from("é"));
            sprintf(&format, &[&a, &b]);
        }
    }
}
