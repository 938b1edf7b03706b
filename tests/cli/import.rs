//! `import`: the tar of a root file system as an image.

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::packing::Packing;
use crate::support::producers::{docker_25, docker_legacy, docker_save, skopeo_layout};
use crate::support::server::{empty, ok, serve, serve_secretly};
use crate::support::session::{Answer, Session};
use crate::support::tarball::pack;
use crate::support::{digest, oci};

fn tar() -> Vec<u8> {
    layer(&[Item::dir("etc"), Item::file("etc/motd", "hello\n"), Item::file("bin", "x").mode(0o4755)])
}

/// Checks that it failed as expected and that the store stayed as it was, and gives the answer.
fn refused(session: &Session, stdin: &[u8], args: &[&str], pieces: &[&str]) -> Answer {
    let before = session.picture();
    let answer = session.run_with(stdin, args);
    answer.fails(1, pieces);
    assert_eq!(answer.out(), "", "{args:?}");
    let changes = crate::support::tree::changes(&before, &session.picture());
    assert!(changes.is_empty(), "{args:?} left traces: {changes:?}");
    answer
}

fn config_of(session: &Session, image: &str) -> Value {
    session.inspect(image)["Config"].clone()
}

#[test]
fn from_a_file_and_from_a_pipe() {
    let session = Session::new();
    session.write("rootfs.tar", tar());
    let id = session.ok(&["import", "rootfs.tar", "fx/i:1"]);
    assert!(id.starts_with("sha256:") && id.len() == 72, "{id}");
    let inspect = session.inspect("fx/i:1");
    assert_eq!(inspect["Id"], json!(id.trim()));
    assert_eq!(inspect["RootFS"]["Layers"], json!([digest(&tar())]), "the very bytes");
    assert_eq!((&inspect["Comment"], &inspect["Os"]), (&json!("Imported from -"), &json!("linux")));
    let history = session.history("fx/i:1");
    assert_eq!(history.len(), 1);
    assert_eq!((&history[0]["Comment"], &history[0]["CreatedBy"]), (&json!("Imported from -"), &json!("")));
    assert_eq!(history[0]["Size"], json!("7B"));
    let piped = session.run_with(&tar(), &["import", "-", "fx/i:2"]).ok();
    assert_eq!(session.inspect("fx/i:2")["RootFS"], inspect["RootFS"]);
    assert_eq!(session.tags(), ["fx/i:1", "fx/i:2"]);
    session.ok(&["export", "-o", "out.tar", piped.trim()]);
}

#[test]
fn without_a_name_and_with_a_default_tag() {
    let session = Session::new();
    let id = session.run_with(&tar(), &["import", "-"]).ok();
    assert_eq!(session.tags(), ["<none>:<none>"]);
    assert_eq!(session.ids(), [id.trim()]);
    session.run_with(&tar(), &["import", "-", "fx/i"]).ok();
    assert!(session.tags().contains(&"fx/i:latest".to_owned()));
    session.run_with(&tar(), &["import", "-m", "again", "-", "fx/i"]).ok();
    assert_eq!(session.inspect("fx/i")["Comment"], json!("again"), "the name has moved");
}

#[test]
fn in_any_compression() {
    let session = Session::new();
    for (n, packing) in Packing::ALL.into_iter().enumerate() {
        let name = format!("fx/i:{n}");
        session.write("rootfs.tar", packing.apply(&tar()));
        session.ok(&["import", "rootfs.tar", &name]);
        assert_eq!(session.inspect(&name)["RootFS"]["Layers"], json!([digest(&tar())]), "{packing:?}");
        session.run_with(&packing.apply(&tar()), &["import", "-", &name]).ok();
        session.ok(&["export", "-o", "out.tar", &name]);
    }
}

#[test]
fn the_same_input_is_the_same_image_where_time_is_given() {
    let session = Session::new();
    session.write("rootfs.tar", tar());
    let import = || {
        let mut command = session.command(&["import", "rootfs.tar"]);
        let output = command.env("SOURCE_DATE_EPOCH", "1000000000").output().expect("the binary runs");
        String::from_utf8(output.stdout).expect("an ID")
    };
    let (one, two) = (import(), import());
    assert!(one.starts_with("sha256:"), "{one}");
    assert_eq!(one, two);
    assert_eq!(session.inspect(one.trim())["Created"], json!("2001-09-09T01:46:40Z"));
}

#[test]
fn at_a_time_and_as_json() {
    let session = Session::new();
    session.write("rootfs.tar", tar());
    let import = |args: &[&str], epoch: Option<&str>| {
        let mut command = session.command(&[&["import", "--format", "json"], args, &["rootfs.tar", "fx/i"]].concat());
        epoch.map(|epoch| command.env("SOURCE_DATE_EPOCH", epoch));
        let output = command.output().expect("the binary runs");
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
    };
    let one = import(&["--timestamp", "1000000000"], Some("5"));
    let new = session.inspect("fx/i");
    assert_eq!(new["Created"], json!("2001-09-09T01:46:40Z"));
    assert_eq!((&one["ID"], &one["Names"]), (&new["Id"], &json!(["fx/i:latest"])));
    assert_eq!(one["Layers"], json!([digest(&tar())]));
    assert_eq!(session.ok(&["images", "--digests", "--format", "{{.Digest}}", "fx/i"]).trim(), one["Digest"]);
    assert_eq!(import(&["--timestamp", "2001-09-09T01:46:40Z"], None), one);
    assert_eq!(import(&[], Some("1000000000")), one);
    refused(&session, b"", &["import", "--timestamp", "soon", "rootfs.tar"], &["invalid --timestamp \"soon\""]);
}

#[test]
fn every_instruction() {
    let session = Session::new();
    session.write("rootfs.tar", tar());
    let changes = [
        "CMD [\"/bin/echo\", \"a b\"]",
        "ENTRYPOINT exec top -b",
        "ENV A=1 B='two words' C=\\$A",
        "ENV OLD the old form",
        "EXPOSE 80 53/udp",
        "HEALTHCHECK --interval=5s --retries=3 CMD true",
        "LABEL l1=v1 \"l 2\"=\"v 2\"",
        "ONBUILD RUN make",
        "STOPSIGNAL SIGUSR1",
        "USER ann:audio",
        "VOLUME /data /logs",
        "WORKDIR /w",
    ];
    let mut args = vec!["import"];
    for change in changes {
        args.extend(["--change", change]);
    }
    args.extend(["rootfs.tar", "fx/i:1"]);
    session.ok(&args);
    let config = config_of(&session, "fx/i:1");
    assert_eq!(config["Cmd"], json!(["/bin/echo", "a b"]));
    assert_eq!(config["Entrypoint"], json!(["/bin/sh", "-c", "exec top -b"]));
    assert_eq!(config["Env"], json!(["A=1", "B=two words", "C=$A", "OLD=the old form"]));
    assert_eq!(config["ExposedPorts"], json!({"53/udp": {}, "80/tcp": {}}));
    assert_eq!(
        config["Healthcheck"],
        json!({"Test": ["CMD-SHELL", "true"], "Interval": 5_000_000_000_u64, "Retries": 3})
    );
    assert_eq!(config["Labels"], json!({"l 2": "v 2", "l1": "v1"}));
    assert_eq!((&config["OnBuild"], &config["StopSignal"]), (&json!(["RUN make"]), &json!("SIGUSR1")));
    assert_eq!((&config["User"], &config["WorkingDir"]), (&json!("ann:audio"), &json!("/w")));
    assert_eq!(config["Volumes"], json!({"/data": {}, "/logs": {}}));
}

#[test]
fn instructions_that_cannot_be() {
    let session = Session::new();
    session.write("rootfs.tar", tar());
    for (change, words) in [
        ("FROM scratch", "FROM is not a valid change command"),
        ("RUN true", "RUN is not a valid change command"),
        ("COPY a b", "COPY is not a valid change command"),
        ("ADD a b", "ADD is not a valid change command"),
        ("SHELL [\"a\"]", "SHELL is not a valid change command"),
        ("MAINTAINER me", "MAINTAINER is not a valid change command"),
        ("NONSENSE x", "NONSENSE is not a valid change command"),
        ("ENV a", "ENV must have two arguments"),
        ("EXPOSE x", "invalid containerPort: x"),
        ("STOPSIGNAL NOPE", "invalid signal: NOPE"),
        ("LABEL", "LABEL requires at least one argument"),
        ("", "file with no instructions"),
    ] {
        refused(&session, b"", &["import", "-c", change, "rootfs.tar", "fx/i:1"], &[words]);
    }
}

#[test]
fn a_message_and_a_platform() {
    let session = Session::new();
    session.write("rootfs.tar", tar());
    session.ok(&["import", "-m", "made by hand", "--platform", "linux/arm64/v8", "rootfs.tar", "fx/i:1"]);
    let inspect = session.inspect("fx/i:1");
    assert_eq!(inspect["Comment"], json!("made by hand"));
    assert_eq!((&inspect["Architecture"], &inspect["Os"]), (&json!("arm64"), &json!("linux")));
    assert_eq!(session.history("fx/i:1")[0]["Comment"], json!("made by hand"));
    let mut command = session.command(&["import", "rootfs.tar", "fx/i:2"]);
    let status = command.env("DOCKER_DEFAULT_PLATFORM", "linux/s390x").stdout(std::process::Stdio::null()).status();
    assert!(status.expect("the binary runs").success());
    assert_eq!(session.inspect("fx/i:2")["Architecture"], json!("s390x"));
    refused(&session, b"", &["import", "--platform", "a/b/c/d", "rootfs.tar"], &["invalid platform"]);
}

#[test]
fn the_config_of_another_image() {
    let session = Session::new();
    let base = TestImage::sample("fx/base:1").with("config", json!({"Cmd": ["/hello"], "Env": ["A=1"], "User": "ann"}));
    session.load(&pack(&docker_save(&[base])));
    session.write("rootfs.tar", tar());
    session.ok(&["import", "--config-from", "fx/base:1", "-c", "ENV B=$A", "-c", "USER eve", "rootfs.tar", "fx/i:1"]);
    let config = config_of(&session, "fx/i:1");
    assert_eq!((&config["Cmd"], &config["User"]), (&json!(["/hello"]), &json!("eve")));
    assert_eq!(config["Env"], json!(["A=1", "B=1"]));
    assert_eq!(session.history("fx/i:1").len(), 1, "its layers and history are not taken over");
    refused(&session, b"", &["import", "--config-from", "fx/none", "rootfs.tar"], &["No such image: fx/none:latest"]);
}

#[test]
fn an_archive_of_images_is_for_load() {
    let image = [TestImage::sample("fx/a:1")];
    let layout = skopeo_layout(&image, &[Packing::Gzip]).members(oci::PLAIN_MARK);
    for (what, members) in [
        ("docker", docker_save(&image)),
        ("docker 25", docker_25(&image)),
        ("docker 1.9", docker_legacy(&image)),
        ("OCI", layout),
    ] {
        let session = Session::new();
        session.write("images.tar", pack(&members));
        let words = "images.tar is an image archive, not a tar of a root file system: it contains ";
        refused(
            &session,
            b"",
            &["import", "images.tar"],
            &[words, "hint: to load an archive of images: imgtool load -i images.tar"],
        );
        session.write("images.tar.gz", Packing::Gzip.apply(&pack(&members)));
        refused(
            &session,
            b"",
            &["import", "images.tar.gz"],
            &["hint: to load an archive of images: imgtool load -i images.tar.gz"],
        );
        let answer = refused(&session, &pack(&members), &["import", "-"], &["standard input is an image archive"]);
        assert!(
            answer.stderr.contains("hint: to load an archive of images: imgtool load"),
            "{what}: {}",
            answer.stderr
        );
    }
}

#[test]
fn what_is_no_root_file_system() {
    let session = Session::new();
    let cut = &tar()[..1100];
    let gzip = Packing::Gzip.apply(&tar());
    for (what, bytes, words) in [
        ("nothing", &b""[..], "is empty: expected a tar of a root file system"),
        ("nothing, packed", &Packing::Gzip.apply(b""), "is empty"),
        ("text", &b"hello world\n".repeat(100), "not a tar archive, but text that begins with \"hello world\""),
        ("a line", b"hello\n", "not a tar archive, but text"),
        ("half a tar", cut, "truncated: it ends at byte 1100 of at least 1536"),
        ("half a gzip", &gzip[..gzip.len() - 9], "truncated gzip data at byte"),
        ("a layer", &layer(&[Item::whiteout("etc/.wh.passwd")]), "is an image layer"),
        ("a dangling link", &layer(&[Item::hardlink("a", "b")]), "hard link to b"),
        ("a path that climbs", &layer(&[Item::file("../x", "x")]), "outside"),
    ] {
        session.write("in.tar", bytes);
        refused(&session, b"", &["import", "in.tar", "fx/i:1"], &["error: ", words]);
        refused(&session, bytes, &["import", "-", "fx/i:1"], &["error: standard input", words][1..]);
        assert_eq!(session.run(&["images", "-q"]).out(), "", "{what}");
    }
    // A tar without a file in it is one.
    session.run_with(&[0; 10_240], &["import", "-", "fx/empty:1"]).ok();
    // What follows the end of a tar is not read, whatever its length.
    session.run_with(&[&tar()[..], b"behind"].concat(), &["import", "-", "fx/behind:1"]).ok();
}

#[test]
fn what_is_not_there() {
    let session = Session::new();
    session.write("d/f", "x");
    session.write("rootfs.tar", tar());
    refused(&session, b"", &["import", "none.tar"], &["error: open none.tar: no such file or directory"]);
    refused(
        &session,
        b"",
        &["import", "d"],
        &["error: d is a directory", "hint: to make it an image: imgtool commit --from scratch d"],
    );
    refused(&session, b"", &["import", "rootfs.tar", "UPPER"], &["invalid reference format", "lowercase"]);
    let digested = format!("fx/i@{}", digest(b""));
    refused(&session, b"", &["import", "rootfs.tar", &digested], &["digest reference"]);
    let usage = "Usage:  imgtool import [OPTIONS] file|URL|- [REPOSITORY[:TAG]]";
    refused(&session, b"", &["import"], &["'imgtool import' requires at least 1 argument", usage]);
    refused(&session, b"", &["import", "a", "b", "c"], &["'imgtool import' requires at most 2 arguments", usage]);
}

#[test]
fn from_a_web_server() {
    let session = Session::new();
    let at = serve(|request| match request.split(' ').nth(1) {
        Some("/rootfs.tar?x=y") => ok(&tar()),
        Some("/rootfs.tar.zst") => ok(&Packing::Zstd.apply(&tar())),
        Some("/moved") => empty("302 Found", "Location: /rootfs.tar?x=y\r\n"),
        Some("/round") => empty("302 Found", "Location: /round\r\n"),
        Some("/cut") => {
            let whole = ok(&tar());
            whole[..whole.len() - 700].to_vec()
        }
        Some("/page") => ok(b"<!DOCTYPE html><html><head><title>Not a tar</title></head></html>"),
        _ => empty("404 Not Found", ""),
    });
    let url = |path: &str| format!("http://{at}{path}");
    for path in ["/rootfs.tar?x=y", "/rootfs.tar.zst", "/moved"] {
        session.ok(&["import", &url(path), "fx/i:1"]);
        let inspect = session.inspect("fx/i:1");
        assert_eq!(inspect["RootFS"]["Layers"], json!([digest(&tar())]));
        assert_eq!(inspect["Comment"], json!(format!("Imported from {}", url(path))));
    }
    for (path, words) in [
        ("/none", "the server answers 404 Not Found"),
        ("/round", "more than 10 redirects"),
        ("/cut", "the server closed the connection"),
        ("/page", "not a tar archive, but an HTML page"),
    ] {
        refused(&session, b"", &["import", &url(path), "fx/i:2"], &[&format!("error: {}", url(path)), words]);
    }
    refused(&session, b"", &["import", "http://127.0.0.1:1/x.tar"], &["http://127.0.0.1:1/x.tar: connection refused"]);
    refused(&session, b"", &["import", "http://"], &["http://"]);
}

#[test]
fn a_password_in_a_url_is_not_kept() {
    let session = Session::new();
    let at = serve(|request| {
        // Aladdin:open sesame
        if request.contains("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==") { ok(&tar()) } else { empty("401 Unauthorized", "") }
    });
    let answer =
        session.run(&["--progress", "plain", "import", &format!("http://Aladdin:open%20sesame@{at}/x"), "fx/i:1"]);
    assert_eq!(answer.code, 0, "{}", answer.text());
    assert!(!answer.text().contains("sesame"), "{}", answer.text());
    assert!(!session.inspect("fx/i:1").to_string().contains("sesame"));
    refused(&session, b"", &["import", &format!("http://{at}/x")], &["the server answers 401 Unauthorized"]);
    let answer = refused(&session, b"", &["import", &format!("http://a:secret@{at}/x")], &["401"]);
    assert!(!answer.stderr.contains("secret"), "{}", answer.stderr);
}

#[test]
fn from_a_secure_web_server() {
    let session = Session::new();
    let (at, certificate) = serve_secretly(tar());
    let url = format!("https://localhost:{}/rootfs.tar", at.port());
    session.write("ca.pem", certificate);
    session.write("other.pem", serve_secretly(tar()).1);
    refused(&session, b"", &["import", &url, "fx/i:1"], &["the server's certificate is not trusted"]);
    let trusting = |file: &str, url: &str| {
        let mut command = session.command(&["import", url, "fx/i:1"]);
        let output = command.env("SSL_CERT_FILE", session.work().join(file)).output().expect("the binary runs");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (is_done, stderr) = trusting("ca.pem", &url);
    assert!(is_done, "{stderr}");
    assert_eq!(session.inspect("fx/i:1")["RootFS"]["Layers"], json!([digest(&tar())]));
    // The same server by a name that is not in its certificate.
    let (_, stderr) = trusting("ca.pem", &format!("https://{at}/rootfs.tar"));
    assert!(stderr.contains("not trusted: for other hosts: localhost"), "{stderr}");
    let (_, stderr) = trusting("other.pem", &url);
    let read = "not trusted: self-signed (certificates were read from ";
    assert!(stderr.contains(read) && stderr.contains("other.pem"), "{stderr}");
}

#[test]
fn how_far_it_is() {
    let session = Session::new();
    let at = serve(|_| ok(&tar()));
    let answer = session.run(&["--progress", "plain", "import", &format!("http://{at}/x.tar")]);
    assert!(answer.stderr.contains(&format!("Downloading from http://{at}/x.tar")), "{}", answer.text());
    session.write("rootfs.tar", tar());
    let answer = session.run(&["--progress", "plain", "import", "rootfs.tar"]);
    assert!(answer.stderr.contains("Importing"), "{}", answer.text());
}
