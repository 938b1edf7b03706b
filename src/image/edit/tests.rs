//! Changes against what Docker 20.10 and 29 made of them.

use serde_json::Value;

use super::{BuildStep, ConfigChange, amend, apply, child, flat, merge, scratch};
use crate::oci::{ContainerConfig, Created, DiffId, Digest, ImageConfig, Platform};

/// One list of changes, and Docker's answers: a config or an error.
fn table(name: &str) -> Vec<Value> {
    let path = format!("{}/fixtures/change/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn changes(row: &Value) -> Vec<String> {
    serde_json::from_value(row["changes"].clone()).expect("a list of strings")
}

/// What we make of it: `docker import` has nothing below, `docker commit` a container.
fn made(lines: &[String], below: Option<&ContainerConfig>) -> Result<ContainerConfig, String> {
    let mut config = below.cloned().unwrap_or_default();
    let changes = ConfigChange::parse_all(lines).map_err(|error| error.to_string())?;
    match below {
        None => apply(&mut config, &changes).map(|()| config),
        Some(below) => amend(below, &changes),
    }
    .map_err(|error| error.to_string())
}

/// Changes of a container that Docker ignores, and we do not.
const CLEARING: [&str; 2] = ["CMD []", "ENTRYPOINT []"];

/// A config without what Go leaves out, or without its null and false.
fn filled(config: &ContainerConfig) -> Value {
    let Value::Object(fields) = serde_json::to_value(config).expect("a config") else { return Value::Null };
    let empty = [Value::Null, Value::Bool(false), "".into(), Value::Array(Vec::new()), serde_json::json!({})];
    fields.into_iter().filter(|(_, value)| !empty.contains(value)).collect()
}

fn read(config: &Value) -> ContainerConfig {
    serde_json::from_value(config.clone()).unwrap_or_else(|error| panic!("{config}: {error}"))
}

fn row<'a>(rows: &'a [Value], changes: &[&str]) -> &'a Value {
    let wanted = serde_json::json!(changes);
    rows.iter().find(|row| row["changes"] == wanted).expect("a row")
}

#[test]
fn commits_and_imports_of_docker() {
    let rows = table("commit.json");
    // This row changes nothing of the container, which shows what it was.
    let tricky = read(&row(&rows, &["EXPOSE 80"])["commit 20.10 tricky"]);
    let base = read(&row(&rows, &["ENTRYPOINT []"])["commit 20.10 base"]);
    let mut compared = 0;
    for row in &rows {
        let lines = changes(row);
        // 29 takes STOPSIGNAL, 20.10 does not.
        let is_new = lines[0].starts_with("STOPSIGNAL");
        for (column, below) in [
            ("import 20.10", None),
            ("import 29", None),
            ("commit 20.10 tricky", Some(&tricky)),
            ("commit 29 tricky", Some(&tricky)),
            ("commit 20.10 base", Some(&base)),
        ] {
            if below.is_some() && lines.len() == 1 && CLEARING.contains(&&*lines[0]) {
                continue;
            }
            let (expected, is_29) = (&row[column], column.contains(" 29"));
            match (made(&lines, below), expected) {
                (Err(error), Value::String(text)) if is_29 => assert_eq!(&error, text, "{lines:?} {column}"),
                (Err(_), Value::String(_)) => {}
                (_, Value::String(_)) if is_new && !is_29 => continue,
                (Ok(config), Value::Object(_)) if is_29 => {
                    let mut config = config;
                    // What 29 leaves out of an image's config.
                    (config.image, config.attach_stdout, config.attach_stderr) = (String::new(), false, false);
                    assert_eq!(filled(&config), filled(&read(expected)), "{lines:?} {column}");
                }
                (Ok(config), Value::Object(_)) => assert_eq!(config, read(expected), "{lines:?} {column}"),
                (made, expected) => panic!("{lines:?} {column}: {made:?} and not {expected}"),
            }
            compared += 1;
        }
    }
    assert_eq!(compared, 131, "28 lists in 5 columns, but for STOPSIGNAL 9 in those of 20.10, and what clears in 3");
}

/// Where 29 differs from 20.10, which made the table, by what it makes of them.
const NEWER: [(&str, &str); 6] = [
    ("ENTRYPOINT [\"a\"] b", r#"{"Entrypoint":["/bin/sh","-c","[\"a\"] b"]}"#),
    ("EXPOSE 1-2-3", "invalid containerPort: 1-2-3"),
    ("EXPOSE ::1:1:80", r#"{"ExposedPorts":{"80/tcp":{}}}"#),
    ("HEALTHCHECK --interval=0 CMD a", r#"{"Healthcheck":{"Test":["CMD-SHELL","a"]}}"#),
    (
        "HEALTHCHECK --interval=0s --timeout=1.5h --start-period=1h2m3s4ms --retries=5 CMD a",
        r#"{"Healthcheck":{"Test":["CMD-SHELL","a"],"Timeout":5400000000000,"StartPeriod":3723004000000,"Retries":5}}"#,
    ),
    ("HEALTHCHECK --retries=0 CMD a", r#"{"Healthcheck":{"Test":["CMD-SHELL","a"]}}"#),
];

#[test]
fn imports_of_docker() {
    let rows = table("import.json");
    for row in &rows {
        let lines = changes(row);
        let made = made(&lines, None);
        let newer = NEWER.iter().find(|(changes, _)| lines == [*changes]);
        let expected = match newer {
            Some((_, newer)) => serde_json::from_str(newer).unwrap_or(Value::from(*newer)),
            None => row["import 20.10"].clone(),
        };
        match (&made, &expected) {
            (Ok(config), Value::Object(_)) => assert_eq!(filled(config), filled(&read(&expected)), "{lines:?}"),
            (Err(_), Value::String(_)) => {}
            _ => panic!("{lines:?}: {made:?} and not {expected}"),
        }
    }
    assert!(rows.len() > 150, "{}", rows.len());
}

#[test]
fn a_shell_of_the_config_runs_commands() {
    let mut config = ContainerConfig { shell: Some(vec!["/bin/bash".to_owned()]), ..ContainerConfig::default() };
    let changes = ConfigChange::parse_all(&["CMD a b".to_owned()]).expect("a change");
    apply(&mut config, &changes).expect("applies");
    assert_eq!(config.cmd, Some(vec!["/bin/bash".to_owned(), "a b".to_owned()]));
}

#[test]
fn nothing_changes_when_one_cannot() {
    let mut config = ContainerConfig { user: "a".to_owned(), ..ContainerConfig::default() };
    let before = config.clone();
    let lines = ["USER b".to_owned(), "EXPOSE x".to_owned()];
    assert!(apply(&mut config, &ConfigChange::parse_all(&lines).expect("changes")).is_err());
    assert_eq!(config, before);
    assert_eq!(ConfigChange::parse_all(&[]), Ok(Vec::new()));
}

#[test]
fn an_environment_does_not_grow_without_end() {
    let long = "x".repeat(1_000_000);
    let mut lines = vec![format!("ENV a={long}")];
    lines.extend((0..10).map(|number| format!("ENV b{number}=$a")));
    assert!(made(&lines[..4], None).is_ok());
    let error = made(&lines, None).expect_err("too long");
    assert_eq!(error, "the environment becomes 5000014 bytes long, and may have at most 4194304");
    let again: Vec<String> = std::iter::repeat_n(lines[0].clone(), 10).collect();
    assert!(made(&again, None).is_ok(), "what is replaced does not count");
}

#[test]
fn an_own_entrypoint_stands_alone() {
    let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    let image =
        ContainerConfig { entrypoint: words(&["/e"]), cmd: words(&["c"]), user: "u".to_owned(), ..Default::default() };
    let cases = [
        ((None, None), (words(&["/e"]), words(&["c"]))),
        ((None, words(&["x"])), (words(&["/e"]), words(&["x"]))),
        ((words(&["/n"]), None), (words(&["/n"]), None)),
        ((words(&[]), None), (words(&[]), words(&["c"]))),
    ];
    for ((entrypoint, cmd), expected) in cases {
        let merged = merge(ContainerConfig { cmd, entrypoint, ..Default::default() }, &image);
        assert_eq!((merged.entrypoint, merged.cmd), expected);
        assert_eq!(merged.user, "u");
    }
}

#[test]
fn empty_lists_clear_as_in_a_dockerfile() {
    let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    let both = ContainerConfig { entrypoint: words(&["/e"]), cmd: words(&["c"]), ..Default::default() };
    let cases: [(&[&str], _); 8] = [
        (&["CMD []"], (words(&["/e"]), words(&[]))),
        (&["ENTRYPOINT []"], (None, None)),
        (&["ENTRYPOINT []", "CMD [\"n\"]"], (None, words(&["n"]))),
        (&["CMD [\"n\"]", "ENTRYPOINT []"], (None, words(&["n"]))),
        (&["CMD []", "ENTRYPOINT []"], (None, None)),
        (&["ENTRYPOINT []", "CMD []"], (None, words(&[]))),
        (&["CMD []", "CMD [\"n\"]"], (words(&["/e"]), words(&["n"]))),
        (&["ENTRYPOINT []", "ENTRYPOINT [\"/n\"]"], (words(&["/n"]), None)),
    ];
    for (lines, expected) in cases {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let made = made(&lines, Some(&both)).expect("a config");
        assert_eq!((made.entrypoint, made.cmd), expected, "{lines:?}");
    }
}

fn step(layer: Option<&[u8]>) -> BuildStep {
    BuildStep {
        layer: layer.map(|tar| DiffId::new(Digest::of(tar))),
        created: Created::from_unix_seconds(1_000_000_000),
        author: "me".to_owned(),
        created_by: "/bin/sh".to_owned(),
        comment: "first".to_owned(),
    }
}

#[test]
fn a_child_has_one_step_more() {
    let json = r#"{"architecture":"arm64","comment":"below","config":{"Cmd":["a"]},"container":"c0","docker_version":"1",
        "container_config":{},"history":[{"created_by":"x","empty_layer":true}],"os":"linux","os.version":"9",
        "rootfs":{"type":"layers","diff_ids":[]},"variant":"v8","org.new":[1]}"#;
    let base: ImageConfig = serde_json::from_str(json).expect("a config");
    let made = child(&base, ContainerConfig::default(), step(Some(b"tar")));
    let text = String::from_utf8(made.bytes().to_vec()).expect("JSON");
    assert!(text.starts_with(r#"{"architecture":"arm64","author":"me","config":{"Hostname":"","#), "{text}");
    let digest = Digest::of(b"tar");
    let end = format!(
        concat!(
            r#""Labels":null}},"created":"2001-09-09T01:46:40Z","history":[{{"created_by":"x","empty_layer":true}},"#,
            r#"{{"created":"2001-09-09T01:46:40Z","author":"me","created_by":"/bin/sh","comment":"first"}}],"os":"linux","#,
            r#""os.version":"9","rootfs":{{"type":"layers","diff_ids":["{}"]}},"variant":"v8","org.new":[1]}}"#
        ),
        digest
    );
    assert!(text.ends_with(&end), "{text}");
    let unchanged = child(made.value(), ContainerConfig::default(), step(None));
    assert_eq!(unchanged.value().rootfs, made.value().rootfs);
    assert!(unchanged.value().history[2].empty_layer);
    assert_eq!(unchanged.value().layer_history().expect("a history").len(), 3);
}

#[test]
fn a_flat_image_has_one_step() {
    let below = child(&scratch(&Platform::new("linux", "amd64")), ContainerConfig::default(), step(Some(b"tar")));
    let step = BuildStep { author: String::new(), created_by: String::new(), ..step(Some(b"other")) };
    let made = flat(below.value(), ContainerConfig::default(), step);
    let value = made.value();
    assert_eq!((value.comment.as_str(), value.history.len()), ("first", 1));
    let history = r#""history":[{"created":"2001-09-09T01:46:40Z","comment":"first"}]"#;
    assert!(String::from_utf8_lossy(made.bytes()).contains(history));
    assert_eq!(value.rootfs.diff_ids, [DiffId::new(Digest::of(b"other"))]);
}

proptest::proptest! {
    /// Whatever is typed, and whatever an image's environment holds, the answer is a config or an error.
    #[test]
    fn nothing_panics(
        keyword in "(CMD|ENV|EXPOSE|LABEL|ONBUILD|STOPSIGNAL|USER|VOLUME|WORKDIR|HEALTHCHECK)",
        rest in r#"([ -~é\n\t]|[$\{\}:+?#%/*'"\\` =]){0,40}"#,
        value in "\\PC{0,20}",
    ) {
        let mut config = ContainerConfig { env: Some(vec![format!("a={value}")]), ..ContainerConfig::default() };
        for line in [rest.clone(), format!("{keyword} {rest}"), format!("# escape=`\nENV b=${{a{rest}")] {
            if let Ok(changes) = ConfigChange::parse_all(&[line]) {
                let _ = apply(&mut config, &changes);
            }
        }
    }
}
