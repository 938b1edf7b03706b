//! `docker import` and `imgtool import`: the same image from the same tar, or the same refusal.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::Stdio;

use serde_json::{Map, Value, json};

use crate::engine::{Engine, engine};
use crate::export::rich;
use crate::peer;
use crate::rich::{Node, layer};
use crate::support::digest;
use crate::support::packing::Packing;
use crate::support::session::Session;
use crate::support::tarball::{Member, member, pack, unpack};

/// Lists of `--change`, each list one import. What differs from docker 20.10 is in [`NEWER`].
const CHANGES: &[&[&str]] = &[
    &["CMD [\"a\",\"b c\"]"],
    &["CMD a 'b c' \"d\" $e"],
    &["CMD []"],
    &["CMD"],
    &["CMD [\"a\""],
    &["CMD [1]"],
    &["cmd [ \"spaces\" ,\t\"and tabs\" ] "],
    &["ENTRYPOINT [\"/e\"]"],
    &["ENTRYPOINT exec top -b"],
    &["ENTRYPOINT []"],
    &["CMD [\"c\"]", "ENTRYPOINT [\"e\"]"],
    &["ENTRYPOINT [\"e\"]", "CMD [\"c\"]"],
    &["ENV A=b"],
    &["ENV A=b C=d E=\"f g\" H='i j' K=l\\ m"],
    &["ENV A b c  d"],
    &["ENV A=\"quoted \\\" quote\" B='$A' C=\\$D"],
    &["ENV A=1", "ENV B=$A C=${A}x D=${nope:-default} E=${A:+set}"],
    &["ENV A=", "ENV A=2 A=3"],
    &["ENV A"],
    &["ENV"],
    &["ENV =x"],
    &["ENV ünï=cödé <&>=<&>"],
    &["EXPOSE 80"],
    &["EXPOSE 80/tcp 53/udp 9/sctp 8000-8003"],
    &["EXPOSE 7000-7002/udp 80"],
    &["EXPOSE 127.0.0.1:80:8080"],
    &["EXPOSE 80/icmp"],
    &["EXPOSE x"],
    &["EXPOSE 65536"],
    &["EXPOSE 3-1"],
    &["EXPOSE"],
    &["LABEL a=b \"c d\"=\"e f\" g='h'"],
    &["LABEL a b c"],
    &["LABEL multi=\"one \\", "two\" next=three"],
    &["LABEL a=1 \\", "# a comment", "b=2"],
    &["LABEL a=1", "LABEL a=2 b=\"\""],
    &["LABEL a"],
    &["VOLUME [\"/a\", \"/b c\"]"],
    &["VOLUME /a /b"],
    &["VOLUME [\"\"]"],
    &["VOLUME"],
    &["USER 1000:1000"],
    &["USER name:group"],
    &["USER"],
    &["USER a b"],
    &["WORKDIR /a/../b//c/"],
    &["WORKDIR rel"],
    &["WORKDIR /a", "WORKDIR b", "WORKDIR ../c"],
    &["ENV D=/x", "WORKDIR $D/y"],
    &["WORKDIR"],
    &["ONBUILD RUN make all"],
    &["ONBUILD ADD . /src", "ONBUILD  copy  a   b"],
    &["ONBUILD ONBUILD RUN x"],
    &["ONBUILD FROM x"],
    &["ONBUILD MAINTAINER x"],
    &["ONBUILD"],
    &["HEALTHCHECK NONE"],
    &["HEALTHCHECK NONE x"],
    &["HEALTHCHECK CMD true && false"],
    &["HEALTHCHECK --interval=1m30s --timeout=500ms --start-period=1h --retries=7 CMD [\"/check\", \"x\"]"],
    &["HEALTHCHECK --interval=0s --retries=0 CMD x"],
    &["HEALTHCHECK --interval=1us CMD x"],
    &["HEALTHCHECK --interval=x CMD x"],
    &["HEALTHCHECK --retries=-1 CMD x"],
    &["HEALTHCHECK --nope=1 CMD x"],
    &["HEALTHCHECK CMD"],
    &["HEALTHCHECK"],
    &["HEALTHCHECK RUN x"],
    &["STOPSIGNAL SIGTERM"],
    &["RUN x"],
    &["FROM x"],
    &["ADD a b"],
    &["COPY a b"],
    &["ARG a=b"],
    &["SHELL [\"/bin/sh\"]"],
    &["MAINTAINER me"],
    &["NOPE x"],
    &["Env a=b", "Run x"],
    &[""],
    &["   "],
    &["# only a comment"],
    &["  CMD [\"indented\"]  "],
    &["CMD a \\", "b", "USER u"],
    &["CMD a\nUSER b\n"],
    &["# escape=`", "LABEL p=a` b"],
    &["CMD [\"a\"]", "CMD b", "ENTRYPOINT x", "ENV P=q", "EXPOSE 1", "VOLUME /v", "USER u", "WORKDIR /w", "LABEL l=m"],
];

/// The lists that imgtool takes otherwise than docker 20.10, and why.
const DIFFERS: &[(&str, &str)] = &[
    ("HEALTHCHECK --interval=0s --retries=0 CMD x", "since docker 23 zero means: as the base image has it"),
    ("HEALTHCHECK --retries=-1 CMD x", "refused by both, in the words of docker 23, where zero is allowed"),
    ("HEALTHCHECK --interval=x CMD x", "refused by both; imgtool says what would be right"),
    ("STOPSIGNAL SIGTERM", "allowed since docker 23"),
];

/// What an import gave: the configuration's `config`, or what was said against it, in lower case: 20.10 writes instructions
/// small and some sentences with a capital, newer engines and imgtool write instructions as they were typed.
type Outcome = Result<Value, String>;

/// `config` without what says nothing: engines before 25 write all fields, newer ones and imgtool only those that are set.
fn said(config: &Value) -> Value {
    let empty = |value: &Value| {
        matches!(value, Value::Null | Value::Bool(false))
            || value == &json!("")
            || value == &json!([])
            || value == &json!({})
    };
    let fields = config.as_object().cloned().unwrap_or_default();
    Value::Object(fields.into_iter().filter(|(_, value)| !empty(value)).collect::<Map<_, _>>())
}

fn import_args<'a>(changes: &[&'a str], tar: &'a str) -> Vec<&'a str> {
    ["import"].into_iter().chain(changes.iter().flat_map(|change| ["-c", change])).chain([tar, "fx/i:1"]).collect()
}

fn by_docker(engine: &Engine, changes: &[&str], tar: &str) -> Outcome {
    let output = peer::run(&mut engine.docker(&import_args(changes, tar)));
    if output.status.success() {
        let config = engine.ok(&["image", "inspect", "-f", "{{json .Config}}", "fx/i:1"]);
        return Ok(said(&serde_json::from_str(&config).expect("JSON")));
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(said.strip_prefix("Error response from daemon: ").unwrap_or(&said).to_lowercase())
}

fn by_imgtool(session: &Session, changes: &[&str], tar: &str) -> Outcome {
    let answer = session.run(&import_args(changes, tar));
    match answer.code {
        0 => Ok(said(&session.inspect("fx/i:1")["Config"])),
        _ => Err(answer.stderr.trim().strip_prefix("error: ").expect("an error says so").to_lowercase()),
    }
}

#[test]
fn changes_mean_the_same() {
    let Some(engine) = engine() else { return };
    let session = Session::new();
    let tar = session.write("empty.tar", pack(&[])).display().to_string();
    let mut wrong = Vec::new();
    for changes in CHANGES {
        let (docker, ours) = (by_docker(&engine, changes, &tar), by_imgtool(&session, changes, &tar));
        let known = DIFFERS.iter().any(|(list, _)| changes == &[*list]);
        if (docker == ours) == known {
            wrong.push(format!("{changes:?}\n  docker:  {docker:?}\n  imgtool: {ours:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// What docker 20.10 writes into a configuration although it says nothing, and docker 29 does not.
const SAYS_NOTHING: [&str; 16] = [
    "\"Hostname\":\"\",",
    "\"Domainname\":\"\",",
    "\"User\":\"\",",
    "\"AttachStdin\":false,",
    "\"AttachStdout\":false,",
    "\"AttachStderr\":false,",
    "\"Tty\":false,",
    "\"OpenStdin\":false,",
    "\"StdinOnce\":false,",
    "\"Env\":null,",
    "\"Cmd\":null,",
    "\"Image\":\"\",",
    "\"Volumes\":null,",
    "\"WorkingDir\":\"\",",
    "\"Entrypoint\":null,",
    "\"OnBuild\":null,",
];

/// The configuration of the only image of an archive, its bytes as text, with `T` for its time, without what only
/// docker before 29 writes.
fn document(archive: &[u8]) -> String {
    let members = unpack(archive);
    let manifest: Value = serde_json::from_slice(member(&members, "manifest.json")).expect("JSON");
    let bytes = member(&members, manifest[0]["Config"].as_str().expect("a path"));
    let text = String::from_utf8(bytes.to_vec()).expect("JSON is UTF-8");
    let config: Value = serde_json::from_str(&text).expect("JSON");
    let text = text.replace(config["created"].as_str().expect("a time"), "T");
    let text = cut(&cut(&text, "\"container_config\":{", "\"created\""), "\"docker_version\":", "\"history\"");
    let text = SAYS_NOTHING.iter().fold(text, |text, piece| text.replace(piece, ""));
    text.replace(",\"Labels\":null}", "}").replace("\"Labels\":null}", "}")
}

/// Without the text from `first` up to `next`.
fn cut(text: &str, first: &str, next: &str) -> String {
    match text.split_once(first) {
        Some((head, tail)) => head.to_owned() + &tail[tail.find(next).expect("it follows")..],
        None => text.to_owned(),
    }
}

#[test]
fn documents_and_histories_are_the_same() {
    let Some(engine) = engine() else { return };
    let session = Session::new();
    let tar = session.write("rich.tar", &rich("fx/rich:1").layers[0]).display().to_string();
    for args in [
        &[][..],
        &["-m", "a <message> & ü \u{2028} \"quoted\" \\ \t"],
        &["-m", ""],
        &["-c", "CMD [\"/x\"]", "-c", "ENV A=<b>", "-c", "LABEL z=1 a=2"],
        &["-c", "HEALTHCHECK --interval=5s CMD x", "-c", "EXPOSE 9 80/udp", "-c", "VOLUME /v /a", "-c", "USER u"],
        &["-c", "WORKDIR /w", "-c", "ENTRYPOINT a", "-c", "ONBUILD RUN x <y>"],
    ] {
        let args: Vec<&str> = ["import"].iter().chain(args).copied().chain([tar.as_str(), "fx/i:1"]).collect();
        engine.ok(&args);
        session.ok(&args);
        let docker = document(&engine.bytes(&["save", "fx/i:1"]));
        session.ok(&["save", "-o", "saved.tar", "fx/i:1"]);
        assert_eq!(document(&session.read("saved.tar")), docker, "{args:?}");
        let rows = ["history", "--no-trunc", "--format", "{{.CreatedBy}}|{{.Size}}|{{.Comment}}", "fx/i:1"];
        assert_eq!(session.ok(&rows), engine.ok(&rows), "{args:?}");
    }
}

#[test]
fn every_compression_and_a_pipe() {
    let Some(engine) = engine() else { return };
    let session = Session::new();
    let tar = rich("fx/rich:1").layers.remove(1);
    for packing in Packing::ALL {
        let packed = packing.apply(&tar);
        let path = session.write("packed", &packed).display().to_string();
        let facts = "{{json .RootFS.Layers}} {{.Comment}} {{.Size}}";
        session.ok(&["import", &path, "fx/i:1"]);
        let ours = session.ok(&["image", "inspect", "-f", facts, "fx/i:1"]);
        assert!(ours.starts_with(&format!("[\"{}\"]", digest(&tar))), "{packing:?}: {ours}");
        session.run_with(&packed, &["import", "-", "fx/i:1"]).ok();
        assert_eq!(session.ok(&["image", "inspect", "-f", facts, "fx/i:1"]), ours, "{packing:?}");
        if packing == Packing::Zstd {
            continue; // docker 20.10 does not read it
        }
        engine.ok(&["import", &path, "fx/i:1"]);
        assert_eq!(engine.ok(&["image", "inspect", "-f", facts, "fx/i:1"]), ours, "{packing:?}");
        piped(&engine, &packed);
        assert_eq!(engine.ok(&["image", "inspect", "-f", facts, "fx/i:1"]), ours, "{packing:?}");
    }
}

/// `docker import -` with bytes from a pipe.
fn piped(engine: &Engine, bytes: &[u8]) {
    let mut child =
        engine.docker(&["import", "-", "fx/i:1"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("docker");
    child.stdin.take().expect("it was asked for").write_all(bytes).expect("docker reads all of it");
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn odd_inputs() {
    let Some(engine) = engine() else { return };
    let session = Session::new();
    for (what, bytes) in [
        ("the end of a tar", vec![0; 1024]),
        ("a tar and bytes behind it", [pack(&[Member::file("a", "b")]), b"behind".to_vec()].concat()),
        ("a tar with a root", layer(&[Node::dir("./").mode(0o711), Node::file("./a", "a")])),
        ("a tar without its end", layer(&[Node::file("a", "a")])[..1024 + 1024].to_vec()),
        ("no tar", b"junk\n".repeat(300)),
        ("half a file", pack(&[Member::file("a", "b".repeat(2000))])[..1000].to_vec()),
    ] {
        let path = session.write("odd", bytes).display().to_string();
        let docker = peer::run(&mut engine.docker(&["import", &path, "fx/i:1"]));
        let ours = session.run(&["import", &path, "fx/i:1"]);
        assert_eq!(
            Some(ours.code),
            docker.status.code(),
            "{what}: {}{}",
            ours.stderr,
            String::from_utf8_lossy(&docker.stderr)
        );
        if ours.code == 0 {
            let layers = ["image", "inspect", "-f", "{{json .RootFS.Layers}}", "fx/i:1"];
            assert_eq!(session.ok(&layers), engine.ok(&layers), "{what}");
        }
    }
    // Docker makes an image of a file without a byte, which is what a download that failed leaves.
    session.write("odd", "");
    let empty = session.run(&["import", "odd", "fx/i:1"]);
    assert_eq!(empty.code, 1);
    assert!(empty.stderr.contains("is empty"), "{}", empty.stderr);
}

/// Serves one file to whoever asks, as often as asked, for as long as the tests run.
fn serve(bytes: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut lines = BufReader::new(stream.try_clone().expect("a connection")).lines();
            while lines.next().is_some_and(|line| !line.expect("text").is_empty()) {}
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
            // Whoever asked may have gone.
            drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&bytes)));
        }
    });
    format!("http://{address}")
}

#[test]
fn from_a_web_server() {
    let Some(engine) = engine() else { return };
    let session = Session::new();
    let tar = rich("fx/rich:1").layers.remove(0);
    let url = format!("{}/root.tar.gz?a=b", serve(Packing::Gzip.apply(&tar)));
    let id = engine.ok(&["import", &url, "fx/i:1"]);
    assert!(id.contains("sha256:"), "{id}");
    assert!(session.ok(&["import", &url, "fx/i:1"]).starts_with("sha256:"));
    let facts = ["image", "inspect", "-f", "{{json .RootFS.Layers}} {{.Comment}}", "fx/i:1"];
    let ours = session.ok(&facts);
    assert_eq!(ours, format!("[\"{}\"] Imported from {url}\n", digest(&tar)));
    assert_eq!(ours, engine.ok(&facts));
}
