//! HTML in which nothing but our own markup is markup.
//!
//! Tags and the names of attributes are literals of this program. Everything else is escaped on its way in, and there is
//! no other way in.

use std::fmt::Write as _;

use crate::go::fmt::is_invisible;

/// The longest text from an image that is shown, in characters.
const MAX_TEXT: usize = 1000;

/// A piece of HTML.
#[derive(Debug, Default)]
pub(super) struct Html(String);

/// An attribute: its name and its value.
pub(super) type Attribute<'a> = (&'static str, &'a str);

impl Html {
    /// A whole document.
    pub(super) fn document() -> Self {
        Self("<!DOCTYPE html>\n".to_owned())
    }

    /// An element with what `inside` writes.
    pub(super) fn element(&mut self, tag: &'static str, attributes: &[Attribute<'_>], inside: impl FnOnce(&mut Self)) {
        self.leaf(tag, attributes);
        inside(self);
        let _ = write!(self.0, "</{tag}>");
    }

    /// An element that has no content and no end.
    pub(super) fn leaf(&mut self, tag: &'static str, attributes: &[Attribute<'_>]) {
        let _ = write!(self.0, "<{tag}");
        for (name, value) in attributes {
            let _ = write!(self.0, " {name}=\"");
            self.text(value);
            self.0.push('"');
        }
        self.0.push('>');
    }

    /// An element with a text.
    pub(super) fn tag(&mut self, tag: &'static str, text: &str) {
        self.element(tag, &[], |inside| inside.text(text));
    }

    /// A link.
    pub(super) fn link(&mut self, href: &str, text: &str) {
        self.element("a", &[("href", href)], |inside| inside.text(text));
    }

    /// A text. What would be markup is escaped; what would hide or run backwards is shown as its number.
    pub(super) fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\n' | '\t' => self.0.push(c),
                c if is_invisible(c) => {
                    let _ = write!(self.0, "\\u{{{:x}}}", u32::from(c));
                }
                c => self.0.push(c),
            }
        }
    }

    /// A text from an image, which may be of any length.
    pub(super) fn long(&mut self, text: &str) {
        match text.char_indices().nth(MAX_TEXT) {
            None => self.text(text),
            Some((end, _)) => {
                self.text(&text[..end]);
                let note = format!("… {} bytes in all", text.len());
                self.element("span", &[("class", "quiet")], |inside| inside.text(&note));
            }
        }
    }

    /// A table that can be read on a phone, row by row: what column a cell is of is said in each.
    pub(super) fn table<R>(
        &mut self,
        caption: &str,
        heads: &[&'static str],
        rows: &[R],
        cell: impl Fn(&mut Self, &R, usize),
    ) {
        // Names and values want other widths than rows of many columns.
        let class = if heads.len() == 2 { "pairs" } else { "rows" };
        // The roles say what a table is by itself, until a style changes how it is displayed.
        self.element("table", &[("role", "table"), ("class", class)], |table| {
            table.tag("caption", caption);
            table.element("thead", &[("role", "rowgroup")], |head| {
                head.element("tr", &[("role", "row")], |row| {
                    for text in heads {
                        row.element("th", &[("role", "columnheader"), ("scope", "col")], |th| th.text(text));
                    }
                });
            });
            table.element("tbody", &[("role", "rowgroup")], |body| {
                for row in rows {
                    body.element("tr", &[("role", "row")], |tr| {
                        for (column, head) in heads.iter().enumerate() {
                            tr.element("td", &[("role", "cell"), ("data-head", head)], |td| cell(td, row, column));
                        }
                    });
                }
            });
        });
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Html)) -> String {
        let mut html = Html::default();
        write(&mut html);
        html.0
    }

    #[test]
    fn texts_and_values_are_escaped() {
        assert_eq!(written(|html| html.text("<script>&\"'</script>")), "&lt;script&gt;&amp;&quot;&#39;&lt;/script&gt;");
        assert_eq!(
            written(|html| html.link("/x\"onclick=\"y", "a\u{202e}b")),
            "<a href=\"/x&quot;onclick=&quot;y\">a\\u{202e}b</a>"
        );
        assert_eq!(written(|html| html.text("a\r\0b\n")), "a\\u{d}\\u{0}b\n");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let text = written(|html| html.long(&"ä".repeat(50_000)));
        assert!(text.starts_with("ää") && text.contains("… 100000 bytes in all"), "{}", text.len());
        assert_eq!(text.matches('ä').count(), MAX_TEXT);
    }
}
