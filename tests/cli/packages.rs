//! `packages`: what is installed in an image.

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::producers::docker_save;
use crate::support::session::Session;
use crate::support::tarball::pack;

const STATUS: &str = "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9+deb12u4\n\n\
    Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n";
const MORE: &str =
    "\nPackage: curl\nStatus: install ok installed\nArchitecture: amd64\nInstalled-Size: 500\nVersion: 7.88.1-10\n";

fn image(top: &[Item]) -> Vec<u8> {
    let lower = [
        Item::file("usr/lib/os-release", "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian 12\"\n"),
        Item::symlink("etc/os-release", "../usr/lib/os-release"),
        Item::file("var/lib/dpkg/status", STATUS),
        Item::file("var/lib/dpkg/info/libc6:amd64.list", "/.\n"),
        Item::file("opt/a/node_modules/@x/y/package.json", r#"{"name":"@x/y","version":"1.0.0"}"#),
        Item::file("opt/a/node_modules/@x/y/esm/package.json", r#"{"name":"not-a-package","version":"0"}"#),
    ];
    let upper = [
        Item::file("var/lib/dpkg/status", format!("{STATUS}{MORE}")),
        Item::file("var/lib/dpkg/info/curl.list", "/.\n"),
        Item::file(
            "usr/lib/python3/dist-packages/six-1.16.0.dist-info/METADATA",
            "Name: six\nVersion: 1.16.0\n\nsix\n",
        ),
        Item::file("opt/b/node_modules/@x/y/package.json", r#"{"version":"1.0.0","name":"@x/y","license":"MIT"}"#),
    ];
    let image = TestImage::new(&["fx/a:1"]).raw_layer("ADD", layer(&lower)).raw_layer("RUN apt", layer(&upper));
    pack(&docker_save(&[if top.is_empty() { image } else { image.raw_layer("COPY", layer(top)) }]))
}

fn session() -> Session {
    let session = Session::new();
    session.load(&image(&[]));
    session
}

#[test]
fn a_table_says_which_layer_brought_a_package() {
    let session = session();
    let table = "\
NAME      VERSION          TYPE      ARCH      LAYER
curl      7.88.1-10        deb       amd64     2
libc6     2.36-9+deb12u4   deb       amd64     1
six       1.16.0           python              2
@x/y      1.0.0            npm                 1
";
    for typed in [&["packages", "fx/a:1"][..], &["packages", "./load.tar"]] {
        assert_eq!(session.ok(typed), table, "{typed:?}");
    }
    assert_eq!(session.ok(&["packages", "--format", "{{.Name}}", "fx/a:1", "c*", "s[hi]x"]), "curl\nsix\n");
    assert_eq!(session.ok(&["packages", "--format", "{{.Name}}", "-t", "pip,node", "fx/a:1"]), "six\n@x/y\n");
    let said = session.ok(&["packages", "--format", "{{.Name}} {{.Size}} {{.License}}", "fx/a:1", "c*", "@x/*"]);
    assert_eq!(said, "curl 512kB \n@x/y  MIT\n");
    let purls = session.ok(&["packages", "--format", "{{.Purl}}", "fx/a:1", "libc6", "@x/*"]);
    assert_eq!(purls, "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12\npkg:npm/%40x/y@1.0.0\n");
    let object: Value =
        serde_json::from_str(&session.ok(&["packages", "--format", "json", "fx/a:1", "@x/y"])).expect("JSON");
    let paths = ["/opt/a/node_modules/@x/y/package.json", "/opt/b/node_modules/@x/y/package.json"];
    let expected = json!({"Name": "@x/y", "Version": "1.0.0", "Type": "npm", "Arch": "", "Layer": 1,
        "Purl": "pkg:npm/%40x/y@1.0.0", "Paths": paths, "License": "MIT", "Size": null});
    assert_eq!(object, expected);
}

#[test]
fn bills_of_materials_are_the_same_each_time() {
    let session = session();
    for format in ["spdx", "cyclonedx"] {
        let bill = || {
            let mut command = session.command(&["packages", "--format", format, "fx/a:1"]);
            let output = command.env("SOURCE_DATE_EPOCH", "86400").output().expect("imgtool runs");
            String::from_utf8(output.stdout).expect("UTF-8")
        };
        let text = bill();
        assert_eq!(bill(), text, "{format}");
        assert!(text.contains("1970-01-02T00:00:00Z") && text.ends_with("}\n"), "{text}");
    }
}

#[test]
fn spdx_has_what_its_schema_requires() {
    let text = session().ok(&["packages", "--format", "spdx", "fx/a:1"]);
    let bill: Value = serde_json::from_str(&text).expect("JSON");
    let fixed = json!(["SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT", "fx/a:1"]);
    assert_eq!(json!([bill["spdxVersion"], bill["dataLicense"], bill["SPDXID"], bill["name"]]), fixed);
    let packages = bill["packages"].as_array().expect("packages");
    let names: Vec<&str> = packages.iter().map(|package| package["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["fx/a:1", "curl", "libc6", "six", "@x/y"]);
    assert!(packages.iter().all(|package| package["downloadLocation"] == "NOASSERTION"), "{text}");
    let contained = bill["relationships"]
        .as_array()
        .expect("relationships")
        .iter()
        .filter(|one| one["relationshipType"] == "CONTAINS");
    let ids: Vec<&Value> = packages[1..].iter().map(|package| &package["SPDXID"]).collect();
    assert_eq!(contained.map(|one| &one["relatedSpdxElement"]).collect::<Vec<_>>(), ids);
}

#[test]
fn cyclonedx_has_what_its_schema_requires() {
    let text = session().ok(&["packages", "--format", "cyclonedx", "fx/a:1"]);
    let bill: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(json!([bill["bomFormat"], bill["specVersion"], bill["version"]]), json!(["CycloneDX", "1.6", 1]));
    let serial = bill["serialNumber"].as_str().expect("a serial number").strip_prefix("urn:uuid:").expect("a UUID");
    assert_eq!(serial.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{serial}");
    assert_eq!(bill["metadata"]["component"]["type"], "container");
    let components = bill["components"].as_array().expect("components");
    let shown: Vec<Value> = components.iter().map(|one| json!([one["type"], one["group"], one["name"]])).collect();
    let library = |group: Value, name: &str| json!(["library", group, name]);
    let none = || Value::Null;
    let expected = [
        json!(["operating-system", null, "debian"]),
        library(none(), "curl"),
        library(none(), "libc6"),
        library(none(), "six"),
        library(json!("@x"), "y"),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn what_cannot_be_read_is_told() {
    let session = Session::new();
    let top = [
        Item::file("opt/a/node_modules/deep/package.json", "[".repeat(100_000)),
        Item::file("opt/a/node_modules/\x1b[31m/package.json", "{"),
    ];
    session.load(&image(&top));
    let answer = session.run(&["packages", "--format", "{{.Name}}", "fx/a:1"]);
    assert_eq!((answer.code, answer.out().as_str()), (0, "curl\nlibc6\nsix\n@x/y\n"), "{}", answer.text());
    let why = "is not read: it is not JSON of an npm package; its packages are missing";
    assert!(
        answer.stderr.contains(&format!("warning: /opt/a/node_modules/deep/package.json {why}")),
        "{}",
        answer.text()
    );
    assert!(answer.stderr.contains(r"/opt/a/node_modules/\x1b[31m/package.json is not read"), "{}", answer.text());
    session.run(&["packages", "--type", "docker", "fx/a:1"]).fails(125, &["docker", "the types are deb, apk, "]);
    session.run(&["packages", "fx/a:1", "[a"]).fails(1, &["syntax error in pattern"]);
    session.run(&["packages"]).fails(1, &["'imgtool packages' requires at least 1 argument"]);
}
