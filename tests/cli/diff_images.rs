//! `diff IMAGE IMAGE` with `--config`, `--packages` and `--summary`.

use std::fs;

use serde_json::Value;

use crate::support::session::Session;

/// Two images: `app:1`, and `app:2` on it.
fn session() -> Session {
    let session = Session::new();
    let put = |name: &str, text: &str| {
        let path = session.work().join("ctx").join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, text).expect("a file");
    };
    let record = |name: &str, version: &str| {
        format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n")
    };
    put("one/var/lib/dpkg/status", &(record("curl", "7.88") + &record("libc6", "2.36-9") + &record("wget", "1.21")));
    put("one/etc/a", "a");
    put("one/usr/share/doc/x", "0123456789");
    put("one/gone/b", "bb");
    put("two/var/lib/dpkg/status", &(record("libc6", "2.36-10") + &record("vim", "9") + &record("wget", "1.21")));
    put("two/etc/a", "ab");
    put("two/usr/bin/new", "12345");
    put("1", "FROM scratch\nCOPY one /\nENV A=1 B=2\nLABEL l=x\nCMD [\"old\"]\nEXPOSE 80\n");
    put("2", "FROM scratch\nCOPY one /\nCOPY two /\nENV A=1 B=3\nCMD [\"new\"]\nUSER 7\nEXPOSE 80 81\n");
    for number in ["1", "2"] {
        let name = format!("app:{number}");
        session.ok(&["build", "-q", "-t", &name, "-f", &format!("ctx/{number}"), "ctx"]);
    }
    session
}

#[test]
fn settings_packages_and_sums() {
    let session = session();
    let config = session.ok(&["diff", "--config", "app:1", "app:2"]);
    let expected = "+ USER 7\n- CMD [\"old\"]\n+ CMD [\"new\"]\n- ENV B=2\n+ ENV B=3\n- LABEL l=x\n+ EXPOSE 81/tcp\n";
    assert_eq!(config, expected);
    let packages = session.ok(&["diff", "--packages", "app:1", "app:2"]);
    assert_eq!(packages, "- deb curl 7.88\n~ deb libc6 2.36-9 -> 2.36-10\n+ deb vim 9\n");
    let summary = session.ok(&["diff", "--summary", "app:1", "app:2"]);
    let lines: Vec<&str> = summary.lines().collect();
    assert_eq!(lines[..2], ["/etc: 1 changed, +1B", "/usr: 1 added, +5B"]);
    assert!(lines[2].starts_with("/var: 1 changed, "), "{summary}");
    let back = session.ok(&["diff", "--summary", "app:2", "app:1"]);
    assert!(back.starts_with("/etc: 1 changed, -1B\n/usr: 1 deleted, -5B\n"), "{back}");
    session.ok(&["save", "-o", "two.tar", "app:2"]);
    assert_eq!(session.ok(&["diff", "--config", "--packages", "app:2", "./two.tar"]), "");
    let both = session.ok(&["diff", "--packages", "--config", "app:1", "./two.tar"]);
    assert_eq!(both, format!("{config}\n{packages}"));
}

#[test]
fn what_differs_inside_of_files() {
    let session = session();
    let text = session.ok(&["diff", "--content", "app:1", "app:2"]);
    let expected = "--- a/etc/a\n+++ b/etc/a\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+ab\n\\ No newline at end of file\n--- /dev/null\n+++ b/usr/bin/new\n@@ -0,0 +1 @@\n+12345\n\\ No newline at end of file\n--- a/var/lib/dpkg/status\n";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.contains("\n-Package: curl\n"), "{text}");
    // As `diff -u` itself prints it.
    for (name, image) in [("old", "app:1"), ("new", "app:2")] {
        session.write(name, session.run(&["cat", image, "/var/lib/dpkg/status"]).stdout);
    }
    let theirs = std::process::Command::new("diff").args(["-u", "old", "new"]).current_dir(session.work()).output();
    let theirs = String::from_utf8(theirs.expect("diff is everywhere").stdout).expect("text");
    let hunks = |text: &str| text.split_once("\n@@").map(|(_, hunks)| hunks.to_owned());
    let ours = text.split_once("--- a/var/lib/dpkg/status").expect("the last file").1;
    assert_eq!(hunks(ours), hunks(&theirs));
    session.write("ctx/two/etc/a", b"a\0b");
    session.ok(&["build", "-q", "-t", "app:2", "-f", "ctx/2", "ctx"]);
    let text = session.ok(&["diff", "--content", "app:1", "app:2"]);
    assert!(text.starts_with("Files a/etc/a and b/etc/a differ (1B -> 3B)\n"), "{text}");
}

#[test]
fn as_json_and_what_is_refused() {
    let session = session();
    let text = session.ok(&["diff", "--config", "--packages", "--summary", "--format", "json", "app:1", "app:2"]);
    let all: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(all["Config"][0], serde_json::json!({"Kind": "added", "Line": "USER 7"}));
    let libc = serde_json::json!({
        "Kind": "changed", "Type": "deb", "Name": "libc6", "Arch": "amd64", "Old": ["2.36-9"], "New": ["2.36-10"],
    });
    assert_eq!(all["Packages"][1], libc);
    let etc = serde_json::json!({"Path": "/etc", "Added": 0, "Changed": 1, "Deleted": 0, "Bytes": 1});
    assert_eq!(all["Summary"][0], etc);
    session.run(&["diff", "--config", "ctx"]).fails(1, &["compare two images"]);
}
