//! `images --tree`, as docker 29 draws it.

use crate::oci::Digest;
use crate::ops::images::ImageRecord;
use crate::ui::{Ui, human, text};

/// A line of the view.
struct TreeLine {
    name: String,
    id: String,
    disk: String,
    content: String,
}

/// The last column's header. Docker marks in it what a container uses, and here none does.
const EXTRA: &str = "EXTRA";
/// The columns' headers and least widths, after the first column.
const COLUMNS: [(&str, usize); 3] = [("ID", 12), ("DISK USAGE", 10), ("CONTENT SIZE", 12)];
const GAP: &str = "   ";

/// The whole view: an image a name, its platforms below it.
pub(super) fn render(ui: &Ui, records: &[ImageRecord]) -> String {
    let mut groups: Vec<Vec<TreeLine>> = Vec::new();
    for record in records {
        if record.names.is_empty() {
            groups.push(group(ui, record, "<untagged>", &record.descriptor.digest));
        }
        groups.extend(record.names.iter().map(|(name, digest)| group(ui, record, &name.familiar(), digest)));
    }
    groups.sort_by(|one, two| {
        let untagged = |group: &[TreeLine]| group[0].name == "<untagged>";
        (untagged(one), &one[0].name).cmp(&(untagged(two), &two[0].name))
    });
    draw(&groups)
}

fn group(ui: &Ui, record: &ImageRecord, name: &str, digest: &Digest) -> Vec<TreeLine> {
    let content = record.contents.get(digest);
    let platforms = content.map(|content| content.platforms.as_slice()).unwrap_or_default();
    let line = |name: String, id: String, size: u64, stored: u64| TreeLine {
        name,
        id,
        disk: human::size(size + stored, 3),
        content: human::size(stored, 3),
    };
    let (disk, stored) = content.map_or((0, 0), |content| (content.size, content.stored));
    let mut lines = vec![line(ui.word(name).into_owned(), record.id.short().to_string(), disk, stored)];
    if platforms.len() > 1 {
        let last = platforms.len() - 1;
        for (place, platform) in platforms.iter().enumerate() {
            let branch = if place == last { "└─" } else { "├─" };
            let name = format!("{branch} {}", ui.word(&platform.platform.to_string()));
            lines.push(line(name, platform.id.short().to_string(), platform.size, platform.stored));
        }
    }
    lines
}

fn draw(groups: &[Vec<TreeLine>]) -> String {
    let widest = groups.iter().flatten().map(|line| text::width(&line.name)).max().unwrap_or(0);
    let width = widest.max("IMAGE".len());
    let pad = |name: &str| format!("{name}{}", " ".repeat(width - text::width(name)));
    let [(id, id_width), (disk, disk_width), (content, content_width)] = COLUMNS;
    let mut drawn = format!(
        "{}{GAP}{id:<id_width$}{GAP}{disk:>disk_width$}{GAP}{content:>content_width$}{GAP}{EXTRA}\n",
        pad("IMAGE")
    );
    let spaced = groups.iter().any(|group| group.len() > 1);
    for (place, group) in groups.iter().enumerate() {
        if spaced && place > 0 {
            drawn.push('\n');
        }
        for TreeLine { name, id, disk, content } in group {
            let name = pad(name);
            let line = format!("{name}{GAP}{id:<id_width$}{GAP}{disk:>disk_width$}{GAP}{content:>content_width$}");
            drawn.extend([&line, GAP, &" ".repeat(EXTRA.len()), "\n"]);
        }
    }
    drawn
}
