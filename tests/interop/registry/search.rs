//! `search` prints what docker prints, of the same server.

use serde_json::{Value, json};

use crate::engine;
use crate::peer;
use crate::support::registry::Registry;
use crate::support::registry::reply::Reply;
use crate::support::session::Session;

/// Results as servers send them: long and short, with line ends, wide letters, nothing but a name.
fn found() -> Vec<Value> {
    let long =
        "an app\nwith several lines\r\nand a very long description that goes on and on, for more than 45 columns";
    let wide = "日本語日本語日本語日本語日本語日本語日本語日本語日本語";
    vec![
        json!({"name": "team/app", "description": long, "star_count": 3, "is_official": false, "is_automated": false}),
        json!({"name": "app", "description": "an <official> app", "star_count": 10, "is_official": true}),
        json!({"name": "old/app", "description": "", "star_count": 3, "is_automated": true}),
        json!({"name": "app/wide", "description": wide, "star_count": 12345}),
        json!({"name": "app/日本語", "description": format!("ü{wide}"), "star_count": 0}),
        json!({"name": "app/45", "description": "x".repeat(45)}),
        json!({"name": "app/46", "description": "x".repeat(46)}),
        json!({"name": "app/bare"}),
    ]
}

#[test]
fn a_search_prints_what_docker_prints() {
    let Some(engine) = engine::engine() else { return };
    let (session, registry) = (Session::new(), Registry::start());
    registry.content().found = found();
    // Docker asks first whether there is a search.
    registry.script(|request, honest| if request.path == "/v1/_ping" { Reply::new(200, "true") } else { honest });
    let term = registry.name("app");
    let all: [&[&str]; 24] = [
        &[&term],
        &["--no-trunc", &term],
        &["--limit", "3", &term],
        &["--limit", "0", &term],
        &["--limit=-7", &term],
        &["--limit", "101", &term],
        &["--limit", "x", &term],
        &["-f", "stars=3", &term],
        &["-f", "stars=3", "-f", "stars=4", "-f", "stars=1", &term],
        &["-f", "stars=x", &term],
        &["--filter", "is-official=true", &term],
        &["-f", "is-official=false", "-f", "stars=4", &term],
        &["-f", "is-official=maybe", &term],
        &["-f", "is-automated=true", &term],
        &["-f", "nosuch=1", &term],
        &["-f", "nosuch", &term],
        &["--format", "json", &term],
        &["--format", "json", "--no-trunc", &term],
        &["--format", "{{json .}}", &term],
        &["--format", "{{.Name}}|{{.Description}}|{{.StarCount}}|{{.IsOfficial}}|{{json .IsOfficial}}", &term],
        &["--format", "table {{.Name}}\\t{{.IsOfficial}}", &term],
        &["--format", "raw", &term],
        &["--format", "{{.IsAutomated}}", &term],
        &["-f", "stars=99999", &term],
    ];
    for args in all {
        let args = [&["search"], args].concat();
        let (docker, ours) = (peer::run(&mut engine.docker(&args)), session.run(&args));
        let out = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(out(&docker.stdout), ours.out(), "{args:?}");
        assert_eq!(docker.status.code(), Some(ours.code), "{args:?}");
        assert_eq!(words(&out(&docker.stderr)), words(&ours.stderr), "{args:?}");
    }
}

/// What is said: docker's engine has a preface for it, and began it with a capital until version 25; hints are ours.
fn words(said: &str) -> String {
    let lines = said.lines().filter(|line| !line.starts_with("hint: "));
    let lines: Vec<String> = lines
        .map(|line| {
            let line =
                line.strip_prefix("Error response from daemon: ").or(line.strip_prefix("error: ")).unwrap_or(line);
            line.replace("docker", "imgtool")
                .replacen("Invalid filter", "invalid filter", 1)
                .replacen("Limit ", "limit ", 1)
        })
        .collect();
    lines.join("\n")
}
