//! `Name: value` lines in paragraphs, which dpkg, apk and Python write.

/// The paragraphs of a file: runs of lines that are not empty.
pub(super) fn paragraphs(bytes: &[u8]) -> impl Iterator<Item = Paragraph<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        while let Some(behind) = rest.strip_prefix(b"\n").or_else(|| rest.strip_prefix(b"\r\n")) {
            rest = behind;
        }
        if rest.is_empty() {
            return None;
        }
        let end = end_of_paragraph(rest);
        let (paragraph, behind) = rest.split_at(end);
        rest = behind;
        Some(Paragraph(paragraph))
    })
}

/// Where the first empty line begins.
fn end_of_paragraph(bytes: &[u8]) -> usize {
    let mut start = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if line == b"\n" || line == b"\r\n" {
            return start;
        }
        start += line.len();
    }
    bytes.len()
}

/// One paragraph.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paragraph<'a>(&'a [u8]);

impl<'a> Paragraph<'a> {
    /// All `name: value` lines in order; lines that go on with the one before are left out.
    pub(super) fn fields(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.0.split(|byte| *byte == b'\n').filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let (name, value) = (&line[..colon], &line[colon + 1..]);
            let is_continued = name.first().is_none_or(u8::is_ascii_whitespace);
            (!is_continued).then_some((name, value.trim_ascii()))
        })
    }

    /// The first value of a name, whose case does not count.
    pub(super) fn field(self, wanted: &str) -> Option<&'a [u8]> {
        self.fields().find(|(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes())).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_end_at_empty_lines() {
        let text = b"\n\na: 1\n b: no\nB:2 \r\n\n\r\nc:\n:x\nno colon\n";
        let read: Vec<Vec<(&[u8], &[u8])>> = paragraphs(text).map(|one| one.fields().collect()).collect();
        assert_eq!(read, [vec![(&b"a"[..], &b"1"[..]), (b"B", b"2")], vec![(b"c", b"")]]);
        let first = paragraphs(text).next().expect("a paragraph");
        assert_eq!((first.field("b"), first.field("A"), first.field("c")), (Some(&b"2"[..]), Some(&b"1"[..]), None));
        assert_eq!(paragraphs(b"").count() + paragraphs(b"\n\r\n").count(), 0);
    }
}
