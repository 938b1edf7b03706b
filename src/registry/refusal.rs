//! What a registry says when it refuses
//! ([error codes](https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#error-codes)).

use std::fmt;

use serde_json::Value;

use crate::http::Response;

/// The largest body of an error that is read, in bytes.
const LIMIT: u64 = 64 << 10;
/// The most errors of one answer that are shown.
const MOST: usize = 5;
/// The longest text of one error that is shown, in characters.
const LONGEST: usize = 300;

/// Why a registry refuses a request, in its own words. They are not escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the response.
    pub status: u16,
    /// Its standard phrase.
    pub reason: &'static str,
    /// The registry's errors; none if it gave none that can be read.
    pub errors: Vec<RefusalError>,
    /// What the server says about its limits: the `RateLimit-*`, `Retry-After` headers, and their values.
    pub limits: Vec<(&'static str, String)>,
}

/// One error of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalError {
    /// The code, such as `MANIFEST_UNKNOWN`.
    pub code: String,
    /// The text for people.
    pub message: String,
}

/// The headers that tell of limits.
const LIMITS: [&str; 4] = ["ratelimit-limit", "ratelimit-remaining", "docker-ratelimit-source", "retry-after"];

impl Refusal {
    /// Reads an answer that is not a success. Of its body, only the beginning is read.
    pub(super) fn read(response: Response) -> Self {
        let (status, reason) = (response.status(), response.reason());
        let limits = LIMITS.iter().filter_map(|name| Some((*name, cut(response.header(name)?)))).collect();
        let body = response.bytes(LIMIT).unwrap_or_default();
        Self { status, reason, errors: errors(&body), limits }
    }

    /// Whether the server does not have what stands at that path: not found, another method, gone, not implemented.
    pub(super) fn is_of_path(&self) -> bool {
        matches!(self.status, 404 | 405 | 410 | 501)
    }

    /// Whether one of the errors has that code.
    pub fn has(&self, code: &str) -> bool {
        self.errors.iter().any(|error| error.code.eq_ignore_ascii_case(code))
    }
}

/// The errors of a body: `{"errors": [{"code": …, "message": …}]}`, as the specification has it, or what token servers
/// and proxies send instead.
fn errors(body: &[u8]) -> Vec<RefusalError> {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(cut).unwrap_or_default();
    let read = |value: &Value| {
        let message = match text(value, "message") {
            empty if empty.is_empty() => value.as_str().map(cut).unwrap_or_default(),
            message => message,
        };
        RefusalError { code: text(value, "code"), message }
    };
    let listed = body.get("errors").and_then(Value::as_array);
    let all: Vec<RefusalError> = match listed {
        Some(listed) => listed.iter().take(MOST).map(read).collect(),
        None => ["message", "details", "error_description", "error"]
            .iter()
            .map(|name| text(&body, name))
            .find(|message| !message.is_empty())
            .map(|message| RefusalError { code: String::new(), message })
            .into_iter()
            .collect(),
    };
    all.into_iter().filter(|error| !error.code.is_empty() || !error.message.is_empty()).collect()
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

impl fmt::Display for Refusal {
    /// As docker: the code in words, and the message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.errors.is_empty() {
            return write!(f, "the server answers {} {}", self.status, self.reason);
        }
        for (place, RefusalError { code, message }) in self.errors.iter().enumerate() {
            let code = code.to_lowercase().replace('_', " ");
            let separator = if place == 0 { "" } else { ", " };
            match (code.is_empty(), message.is_empty()) {
                (false, false) => write!(f, "{separator}{code}: {message}")?,
                _ => write!(f, "{separator}{code}{message}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(status: u16, body: &str) -> String {
        Refusal { status, reason: "Not Found", errors: errors(body.as_bytes()), limits: Vec::new() }.to_string()
    }

    #[test]
    fn what_registries_say() {
        let cases = [
            (
                r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{"Tag":"x"}}]}"#,
                "manifest unknown: manifest unknown",
            ),
            (r#"{"errors":[{"code":"DENIED"},{"message":"go away"}]}"#, "denied, go away"),
            (r#"{"errors":["plain"]}"#, "plain"),
            (r#"{"details":"incorrect username or password"}"#, "incorrect username or password"),
            (r#"{"error":"invalid_grant","error_description":"too old"}"#, "too old"),
            (r#"{"errors":[]}"#, "the server answers 404 Not Found"),
            ("<html>", "the server answers 404 Not Found"),
            ("", "the server answers 404 Not Found"),
        ];
        for (body, expected) in cases {
            assert_eq!(shown(404, body), expected, "{body}");
        }
        let long = format!(r#"{{"message":"{}"}}"#, "x".repeat(100_000));
        assert_eq!(shown(500, &long).chars().count(), LONGEST + 1);
    }
}
