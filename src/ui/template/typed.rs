//! What Go knows from docker's types and JSON does not tell: which numbers are durations, which objects are structs.

use serde_json::Value;

use super::fmt::{display, go_duration};
use super::node::{Command, Expr, Pipe, Term};

/// Fields that are a `time.Duration`, wherever they are.
const DURATIONS: [&str; 4] = ["Interval", "Timeout", "StartPeriod", "StartInterval"];
/// Fields that are structs, and what is in them, in docker's order.
const STRUCTS: [(&str, &[&str]); 2] = [
    ("RootFS", &["Type", "Layers"]),
    ("Healthcheck", &["Test", "Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"]),
];

/// What a pipe prints that is no more than a field of such a type.
pub(super) fn shown(pipe: &Pipe, value: &Value) -> Option<String> {
    let [Command { words, .. }] = pipe.commands.as_slice() else { return None };
    let [Expr { term: Term::Field(fields) | Term::Variable(_, fields) | Term::Chain(_, fields), .. }] =
        words.as_slice()
    else {
        return None;
    };
    let name = fields.last()?;
    match value {
        Value::Number(_) if DURATIONS.contains(&name.as_str()) => value.as_i64().map(go_duration),
        Value::Object(object) => {
            let (_, fields) = STRUCTS.iter().find(|(known, _)| known == name)?;
            let field = |field: &&str| match object.get(*field) {
                None if matches!(*field, "Test" | "Layers") => "[]".to_owned(),
                found if DURATIONS.contains(field) => go_duration(found.and_then(Value::as_i64).unwrap_or_default()),
                None => "0".to_owned(),
                Some(found) => display(found),
            };
            Some(format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(" ")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::ui::inspect;
    use serde_json::json;

    #[test]
    fn dockers_types() {
        let image = json!({
            "Id": "x", "RootFS": {"Type": "layers", "Layers": ["a", "b"]}, "Size": 7,
            "Config": {"Healthcheck": {"Test": ["CMD", "x"], "Interval": 90_500_000_000_u64, "Timeout": 0}},
        });
        let cases = [
            ("{{.RootFS}}", "{layers [a b]}"),
            ("{{with .Config.Healthcheck}}{{.Interval}} {{.Timeout}}{{end}}", "1m30.5s 0s"),
            ("{{$h := .Config.Healthcheck}}{{$h.Interval}}", "1m30.5s"),
            ("{{.Config.Healthcheck}}", "{[CMD x] 1m30.5s 0s 0s 0s 0}"),
            ("{{json .Config.Healthcheck.Interval}} {{.Size}}", "90500000000 7"),
            // Docker's type calls it `ID`: the template does not fit that, and is tried on JSON.
            ("{{.Id}} {{.RootFS}} {{.Config.Healthcheck.Interval}}", "x map[Layers:[a b] Type:layers] 90500000000"),
        ];
        for (template, expected) in cases {
            let shown = inspect(template, std::slice::from_ref(&image)).expect("a template");
            assert_eq!((shown.text.trim_end(), shown.failure), (expected, None), "{template}");
        }
    }
}
