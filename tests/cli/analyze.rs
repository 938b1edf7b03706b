//! `analyze`: what takes the space of an image, and dive's rules.

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::producers::docker_save;
use crate::support::session::Session;
use crate::support::tarball::pack;

/// 1000 bytes of lists, an application that is written twice, and a file that is deleted too late.
fn session() -> Session {
    let lower = [
        Item::file("var/lib/apt/lists/deb", vec![1; 1000]),
        Item::file("app/main", vec![2; 400]),
        Item::file("app/copy", vec![2; 400]),
        Item::file("opt/setup\u{1b}[31m", vec![3; 300]),
    ];
    let upper = [Item::file("app/main", vec![4; 200]), Item::whiteout(".wh.opt")];
    let image = TestImage::new(&["fx/a:1"])
        .raw_layer("RUN /bin/sh -c apt-get update # buildkit", layer(&lower))
        .raw_layer("/bin/sh -c make install\trm -r /opt", layer(&upper));
    let session = Session::new();
    session.load(&pack(&docker_save(&[image])));
    session
}

#[test]
fn what_could_go_is_said_with_the_line_to_write() {
    let session = session();
    let text = session.ok(&["analyze", "fx/a:1"]);
    for part in [
        "Size:         2.3kB in 2 layers, 1.6kB of it visible",
        "Efficiency:   82.61 %",
        "Wasted:       600B in 1 paths",
        "User wasted:  300.00 % of what is above the lowest layer",
        "Hidden:       700B that later layers deleted or wrote again",
        "Duplicates:   400B in files",
        "     1kB  package lists of apt in /var/lib/apt/lists (1 file, layer 1)\n          RUN apt-get update\n          \
         → RUN apt-get update && rm -rf /var/lib/apt/lists/*\n",
        "300B               1         /opt      1: RUN apt-get update   2: RUN make install rm -r /opt\n",
        "600B      2         /app/main\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert_eq!(
        session.ok(&["analyze", "./load.tar"]).lines().skip(1).collect::<Vec<_>>(),
        text.lines().skip(1).collect::<Vec<_>>()
    );
    assert!(!text.contains("DUPLICATES"));
    let text = session.ok(&["analyze", "--duplicates", "--top", "1", "fx/a:1"]);
    assert!(text.contains("400B         2         1         /app/copy\n"), "{text}");
}

#[test]
fn dives_rules() {
    let session = session();
    let answer = session.run(&["analyze", "--ci", "fx/a:1"]);
    answer.fails(1, &[]);
    let expected = "  Using default CI config\n  efficiency: 82.6087 %\n  wastedBytes: 600 bytes (600 B)\n  \
        userWastedPercent: 300.0000 %\nInefficient Files:\nCount  Wasted Space  File Path\n    2         600 B  /app/main\n\
        Results:\n  FAIL: highestUserWastedPercent: too many bytes wasted, relative to the user bytes added \
        (%-user-wasted-bytes=3 > threshold=0.1)\n  SKIP: highestWastedBytes: rule disabled\n  \
        FAIL: lowestEfficiency: image efficiency is too low (efficiency=0.8260869565217391 < threshold=0.9)\n\
        Result:FAIL [Total:3] [Passed:0] [Failed:2] [Warn:0] [Skipped:1]\n";
    assert_eq!(String::from_utf8_lossy(&answer.stdout), expected);
    session.write(".dive-ci", "rules:\n  lowestEfficiency: 0.8 # enough\n  highestUserWastedPercent: disabled\n");
    let text = session.ok(&["analyze", "--ci", "--highestWastedBytes", "1kB", "fx/a:1"]);
    assert!(text.starts_with("  Using CI config: .dive-ci\n"), "{text}");
    assert!(text.ends_with("Result:PASS [Total:3] [Passed:2] [Failed:0] [Warn:0] [Skipped:1]\n"), "{text}");
    session.run(&["analyze", "--ci", "--lowestEfficiency=0.99", "fx/a:1"]).fails(1, &[]);
    let answer = session.run(&["analyze", "--ci", "--lowestEfficiency=2", "fx/a:1"]);
    answer.fails(1, &[]);
    assert!(answer.text().contains("MISCONFIGURED: lowestEfficiency: lowestEfficiency config value is outside"));
    session.write("bad", "rules:\n  lowest: 1\n");
    session.run(&["analyze", "--ci", "--ci-config", "bad", "fx/a:1"]).fails(1, &["bad: line 2: unknown rule lowest"]);
    session.run(&["analyze", "--ci", "--ci-config", "none", "fx/a:1"]).fails(1, &["none: No such file"]);
}

#[test]
fn json_is_dives_export_and_more() {
    let session = session();
    let found: Value = serde_json::from_str(&session.ok(&["analyze", "--format", "json", "fx/a:1"])).expect("JSON");
    let image = json!({"sizeBytes": 2300, "inefficientBytes": 600, "efficiencyScore": 1900.0 / 2300.0,
        "fileReference": [{"count": 2, "sizeBytes": 600, "file": "/app/main"}]});
    assert_eq!(found["image"], image);
    assert_eq!(found["layer"][1]["command"], "make install\trm -r /opt");
    assert_eq!(found["layer"][1]["fileList"][0]["path"], ".wh.opt");
    assert_eq!(found["imgtool"]["hiddenBytes"], 700);
}
