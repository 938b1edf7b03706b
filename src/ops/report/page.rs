//! The document.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::go::json;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = concat!(include_str!("packages.js"), include_str!("page.js"));

/// The page with its data. Go's JSON escapes `<`, `>` and `&`, so that no text can end the element or begin another.
pub(super) fn document<T: Serialize>(data: &T) -> Vec<u8> {
    let policy = policy();
    let data = json::to_vec(data);
    let mut document = Vec::with_capacity(PAGE.len() + STYLE.len() + SCRIPT.len() + data.len());
    let mut rest = PAGE;
    while let Some((before, (name, after))) =
        rest.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        document.extend_from_slice(before.as_bytes());
        document.extend_from_slice(match name {
            "policy" => policy.as_bytes(),
            "style" => STYLE.as_bytes(),
            "script" => SCRIPT.as_bytes(),
            _ => &data,
        });
        rest = after;
    }
    document.extend_from_slice(rest.as_bytes());
    document
}

/// What a browser may do with a report: show it, with its own style and script.
pub fn policy() -> String {
    let (style, script) = (source(STYLE), source(SCRIPT));
    format!("default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'")
}

/// What a policy calls a text that it allows.
fn source(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_data_ends_its_element() {
        let evil = ["</script><img src=x onerror=alert(1)>", "<!--<script>", "{policy}", "]]>&amp;"];
        let page = String::from_utf8(document(&evil)).expect("UTF-8");
        assert_eq!(page.matches("</script>").count(), 2);
        assert_eq!(page.matches("<script").count(), 2);
        assert!(!page.contains("<img") && !page.contains("<!--"), "{page}");
        assert!(page.contains(r#"id="data">["\u003c/script\u003e\u003cimg src=x onerror=alert(1)\u003e","#));
        assert_eq!(page.matches(STYLE).count(), 1);
        assert_eq!(page.matches(SCRIPT).count(), 1);
        assert!(page.contains("{policy}\""), "what is put in is not looked through again");
        assert!(!SCRIPT.contains("</script") && !SCRIPT.contains("innerHTML") && !STYLE.contains("</style"));
    }
}
