//! Reading cases.

/// Cases that follow each other.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) heading: String,
    pub(super) cases: Vec<Case>,
}

/// One command line, and the names of what may differ.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) line: String,
    pub(super) allowances: Vec<String>,
}

/// The sections of a file. Empty lines and those that begin with `#` say nothing.
pub(super) fn read(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        if let Some(heading) = line.strip_prefix("== ") {
            sections.push(Section { heading: heading.to_owned(), cases: Vec::new() });
            continue;
        }
        let (line, allowances) = line.rsplit_once("  # ").unwrap_or((line, ""));
        let case = Case {
            line: line.trim_end().to_owned(),
            allowances: allowances.split_whitespace().map(str::to_owned).collect(),
        };
        sections.last_mut().expect("a file begins with a heading").cases.push(case);
    }
    sections
}
