//! What docker's `--format` means: for commands that list things, and for `inspect`.
//!
//! A list has fields, each with a header. `table TEMPLATE` prints aligned columns under the headers of the fields that
//! the template shows; `json` prints an object a row; anything else is a template for a row's line. In all of them the
//! two characters `\t` and `\n` stand for a tab and a line end, since a shell's quotes keep them so.

use serde_json::{Map, Value};

use super::table;
use crate::docker;
use crate::go::json;
use crate::go::template::{Struct, Template, TemplateError, Type};

/// How far docker indents JSON.
const INDENT: &str = "    ";

/// How the rows of a list are printed.
#[derive(Debug, Clone)]
pub enum OutputFormat {
    /// Aligned columns under headers.
    Table(Template),
    /// One JSON object a row, keys sorted.
    Json,
    /// `raw`: names and values, in a template that each command has for itself; see [`OutputFormat::raw`].
    Raw,
    /// One line a row.
    Template(Template),
}

impl OutputFormat {
    /// What the user's `format` means, `default_table` (`{{.ID}}\t{{.Size}}`) being meant by none and by `table`.
    pub fn parse(format: Option<&str>, default_table: &str) -> Result<Self, TemplateError> {
        match format.unwrap_or_default() {
            "" | "table" => row_template(default_table.strip_prefix("table").unwrap_or(default_table)).map(Self::Table),
            "json" => Ok(Self::Json),
            "raw" => Ok(Self::Raw),
            format => match format.strip_prefix("table") {
                Some(columns) => row_template(columns).map(Self::Table),
                None => row_template(format).map(Self::Template),
            },
        }
    }

    /// The same format, `raw` now being `template`. Without one docker prints the word itself, and so do we.
    pub fn raw(self, template: &str) -> Result<Self, TemplateError> {
        if matches!(self, Self::Raw) { row_template(template).map(Self::Template) } else { Ok(self) }
    }
}

fn row_template(text: &str) -> Result<Template, TemplateError> {
    docker::template(&text.trim_matches(' ').replace("\\t", "\t").replace("\\n", "\n"))
}

/// All `rows`, which are of type `of`, as docker prints them, each line with its end. `headers` names the fields and the
/// header of each.
///
/// A table without rows is its headers; anything else without rows is nothing.
pub fn render_rows(
    format: &OutputFormat,
    of: &'static Struct,
    headers: &[(&str, &str)],
    rows: &[Map<String, Value>],
) -> Result<String, TemplateError> {
    let row_line = |row: &Map<String, Value>| match format {
        OutputFormat::Table(template) | OutputFormat::Template(template) => {
            template.execute(&Value::Object(row.clone()), Type::Struct(of))
        }
        OutputFormat::Json => Ok(json::to_string_sorted(row)),
        OutputFormat::Raw => Ok("raw".to_owned()),
    };
    let mut lines = String::new();
    if let OutputFormat::Table(template) = format {
        let names = headers.iter().map(|&(field, header)| (field.to_owned(), header.into())).collect();
        lines.push_str(&template.header(&Value::Object(names)));
        lines.push('\n');
    }
    for row in rows {
        lines.push_str(&row_line(row)?);
        lines.push('\n');
    }
    Ok(if matches!(format, OutputFormat::Table(_)) { table::align(&lines) } else { lines })
}

/// One object of type `of` as docker's `version`, `info` and `system df --verbose` print it: `json`, or a template.
pub fn render_object(format: &str, of: &'static Struct, object: &Value) -> Result<String, TemplateError> {
    if format == "json" {
        return Ok(json::to_string_plain(object));
    }
    docker::template(format.strip_prefix("table ").unwrap_or(format))?.execute(object, Type::Struct(of))
}

/// What `inspect --format` prints, and what was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// One line for each item that the template fits; a line end alone if there is none, as docker prints.
    pub text: String,
    /// Why the other items have no line.
    pub failures: Vec<TemplateError>,
}

/// One line for each item, as `docker inspect --format` prints them; `json` prints one compact array.
///
/// A template that does not parse is the error (docker's exit code 64). One that does not fit an item is a failure of
/// that item (exit code 1).
pub fn inspect(template: &str, items: &[Value]) -> Result<Inspection, TemplateError> {
    if template == "json" {
        return Ok(Inspection { text: json::to_string_plain(items) + "\n", failures: Vec::new() });
    }
    let template = docker::template(template)?;
    let (mut text, mut failures) = (String::new(), Vec::new());
    for item in items {
        match docker::inspect(&template, item) {
            Ok(line) => text.extend([line.as_str(), "\n"]),
            Err(error) => failures.push(error),
        }
    }
    if text.is_empty() {
        text.push('\n');
    }
    Ok(Inspection { text, failures })
}

/// What `manifest inspect --verbose` prints, indented by tabs.
pub fn verbose_json(item: &Value) -> String {
    json::to_string_indent(item, "\t") + "\n"
}

/// A manifest as `manifest inspect` prints it: indented by tabs, a list of manifests by three spaces. What is no JSON
/// stays as it is.
pub fn manifest_json(bytes: &[u8], is_list: bool) -> String {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
        return String::from_utf8_lossy(bytes).into_owned() + "\n";
    };
    let indent = if is_list { "   " } else { "\t" };
    let line = |line: &str| {
        let text = line.trim_start_matches(' ');
        format!("{}{text}\n", indent.repeat((line.len() - text.len()) / 4))
    };
    json::to_string_indent_plain(&value, INDENT).lines().map(line).collect()
}

/// Items as `inspect` prints them without a format: a JSON array indented by four spaces, `[]` if it is empty.
pub fn inspect_json(items: &[Value]) -> String {
    json::to_string_indent_plain(items, INDENT) + "\n"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::docker::types::{HISTORY_ROW, IMAGE_ROW};

    const HEADERS: [(&str, &str); 5] = [
        ("ID", "IMAGE ID"),
        ("Repository", "REPOSITORY"),
        ("Tag", "TAG"),
        ("CreatedSince", "CREATED"),
        ("Size", "SIZE"),
    ];
    const TABLE: &str = "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}";

    fn rows() -> Vec<Map<String, Value>> {
        let row = |repository: &str, tag: &str, id: &str| {
            let row = json!({"ID": id, "Repository": repository, "Tag": tag, "CreatedSince": "3 weeks ago",
                "Size": "3B", "Digest": "<none>"});
            row.as_object().cloned().expect("an object")
        };
        vec![row("foo/bar", "1", "f5205a8f0548"), row("looooooooooooooooong/name", "tag", "06251c28ded7")]
    }

    fn listed(format: &str) -> String {
        let format = OutputFormat::parse(Some(format), TABLE);
        match format.and_then(|format| render_rows(&format, &IMAGE_ROW, &HEADERS, &rows())) {
            Ok(text) => text,
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn lists_are_as_docker_prints_them() {
        let table = "\
REPOSITORY                  TAG       IMAGE ID       CREATED       SIZE
foo/bar                     1         f5205a8f0548   3 weeks ago   3B
looooooooooooooooong/name   tag       06251c28ded7   3 weeks ago   3B
";
        let functions = "\
IMAGE ID       SIZE      REPOSITORY                    TAG   |IMAGE ID|IMAGE ID|8|IMAGE ID
f5205a8f0548   3B        FOO/BAR                       1   |f52|\"f5205a8f0548\"|12|f5205a8f0548
06251c28ded7   3B        LOOOOOOOOOOOOOOOOONG/NAME     tag   |062|\"06251c28ded7\"|12|06251c28ded7
";
        let json_rows = concat!(
            r#"{"CreatedSince":"3 weeks ago","Digest":"\u003cnone\u003e","ID":"f5205a8f0548","Repository":"foo/bar","#,
            r#""Size":"3B","Tag":"1"}"#,
            "\n",
            r#"{"CreatedSince":"3 weeks ago","Digest":"\u003cnone\u003e","ID":"06251c28ded7","#,
            r#""Repository":"looooooooooooooooong/name","Size":"3B","Tag":"tag"}"#,
            "\n"
        );
        let cases = [
            ("", table),
            ("table", table),
            ("json", json_rows),
            ("{{json .}}", json_rows),
            ("{{json .Digest}}", "\"<none>\"\n\"<none>\"\n"),
            (
                "table {{.ID}}\\t{{.Size}}\\t{{upper .Repository}}\\t{{pad .Tag 2 3}}|{{truncate .ID 3}}|{{json .ID}}\
                 |{{len .ID}}|{{printf \"%5s\" .ID}}",
                functions,
            ),
            ("table{{.ID}}", "IMAGE ID\nf5205a8f0548\n06251c28ded7\n"),
            ("table ", "\n\n\n"),
            ("x\\ty", "x\ty\nx\ty\n"),
            ("{{.Tag}}\\n", "1\n\ntag\n\n"),
            (" {{.Tag}} ", "1\ntag\n"),
            ("json {{.Tag}}", "json 1\njson tag\n"),
            ("raw", "raw\nraw\n"),
            ("table {{index (split .Repository \"/\") 0}}", "82\nfoo\nlooooooooooooooooong\n"),
            ("table {{range split .Tag \"a\"}}{{.}} {{end}}", "\n1 \nt g \n"),
            ("table {{if .ID}}{{.ID}}{{end}} {{slice .ID 0 3}}", "IMAGE ID IMA\nf5205a8f0548 f52\n06251c28ded7 062\n"),
        ];
        for (format, expected) in cases {
            assert_eq!(listed(format), expected, "--format {format:?}");
        }
    }

    #[test]
    fn mistakes_are_told_as_docker_tells_them() {
        let cases = [
            (
                "{{json .Tag}} {{.Nope}}",
                r#"template: :1:16: executing "" at <.Nope>: can't evaluate field Nope in type *formatter.imageContext"#,
            ),
            (
                "table {{.ID}}\\t{{.Nope}}",
                r#"template: :1:10: executing "" at <.Nope>: can't evaluate field Nope in type *formatter.imageContext"#,
            ),
            ("{{.ID", "template: :1: unclosed action"),
            ("{{nofn .ID}}", r#"template: :1: function "nofn" not defined"#),
        ];
        for (format, expected) in cases {
            assert_eq!(listed(format), format!("template parsing error: {expected}"), "--format {format:?}");
        }
        let history = OutputFormat::parse(Some("{{.Nope}}"), TABLE).expect("a template");
        let error = render_rows(&history, &HISTORY_ROW, &HEADERS, &rows()).expect_err("no such field");
        assert!(error.to_string().ends_with("can't evaluate field Nope in type *image.historyContext"), "{error}");
    }

    #[test]
    fn nothing_to_list() {
        let cases =
            [("json", ""), ("{{.ID}}", ""), ("table {{.ID}}", "IMAGE ID\n"), ("table {{.Nope}}", "<no value>\n")];
        for (format, expected) in cases {
            let format = OutputFormat::parse(Some(format), TABLE).expect("a format");
            assert_eq!(render_rows(&format, &IMAGE_ROW, &HEADERS, &[]), Ok(expected.to_owned()));
        }
    }

    #[test]
    fn raw_is_what_the_command_says() {
        let raw = "tag: {{.Tag}}\\nimage_id: {{.ID}}\\n";
        let format = OutputFormat::parse(Some("raw"), TABLE).and_then(|format| format.raw(raw)).expect("a format");
        let text = "tag: 1\nimage_id: f5205a8f0548\n\ntag: tag\nimage_id: 06251c28ded7\n\n";
        assert_eq!(render_rows(&format, &IMAGE_ROW, &HEADERS, &rows()), Ok(text.to_owned()));
        let format = OutputFormat::parse(Some("{{.Tag}}"), TABLE).and_then(|format| format.raw(raw)).expect("a format");
        assert_eq!(render_rows(&format, &IMAGE_ROW, &HEADERS, &rows()), Ok("1\ntag\n".to_owned()));
    }

    #[test]
    fn inspect_prints_a_line_an_item() {
        let items = [json!({"Id": "a<b", "RepoTags": ["x"]}), json!({"Id": "c", "RepoTags": []})];
        let text = |template: &str| inspect(template, &items).map(|inspection| inspection.text);
        assert_eq!(text("{{.Id}}"), Ok("a<b\nc\n".to_owned()));
        assert_eq!(
            text("json"),
            Ok("[{\"Id\":\"a<b\",\"RepoTags\":[\"x\"]},{\"Id\":\"c\",\"RepoTags\":[]}]\n".to_owned())
        );
        assert_eq!(inspect("{{.Id}}", &[]).map(|inspection| inspection.text), Ok("\n".to_owned()));

        let stopped = inspect("{{index .RepoTags 0}}", &items).expect("a template");
        let message = r#"template: :1:2: executing "" at <index .RepoTags 0>: error calling index: reflect: slice index out of range"#;
        assert_eq!(stopped.text, "x\n");
        assert_eq!(stopped.failures, [TemplateError::Execute { message: message.to_owned() }]);
        assert!(matches!(inspect("{{.Id", &items), Err(TemplateError::Parse { .. })));
    }

    #[test]
    fn manifests_are_indented_as_docker_does() {
        assert_eq!(
            manifest_json(br#"{"a":[{"b":"  c"}]}"#, false),
            "{\n\t\"a\": [\n\t\t{\n\t\t\t\"b\": \"  c\"\n\t\t}\n\t]\n}\n"
        );
        assert_eq!(manifest_json(br#"{"a":1}"#, true), "{\n   \"a\": 1\n}\n");
    }

    #[test]
    fn inspect_without_a_format_is_indented() {
        assert_eq!(inspect_json(&[]), "[]\n");
        let text = "[\n    {\n        \"Id\": \"a<b\",\n        \"Tags\": [],\n        \"Config\": {}\n    }\n]\n";
        assert_eq!(inspect_json(&[json!({"Id": "a<b", "Tags": [], "Config": {}})]), text);
    }
}
