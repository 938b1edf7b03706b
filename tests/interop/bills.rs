//! Bills of materials by the judgement of their formats: `CycloneDX`'s strict JSON schema, as its library for Python brings
//! it along, and the rules of SPDX 2.3, as its tools for Python have them.
//!
//! `.ci/run` installs both for the Python that `IMGTOOL_BOM_PYTHON` names; without that it is `python3`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::peer::{ok, program, run, skip};
use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::producers::docker_save;
use crate::support::session::Session;
use crate::support::tarball::pack;

/// A Python with both libraries; says so if there is none.
fn python() -> Option<String> {
    let python = std::env::var("IMGTOOL_BOM_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let imports = "import cyclonedx.validation.json, jsonschema, spdx_tools.spdx.validation.document_validator";
    let is_here = program(&python, &["-c", imports]).output().is_ok_and(|output| output.status.success());
    if !is_here {
        skip("no Python with cyclonedx-python-lib[json-validation] and spdx-tools (IMGTOOL_BOM_PYTHON)");
    }
    is_here.then_some(python)
}

/// Packages of many types, with odd texts in all that they may say.
fn session() -> Session {
    const ODD: [&str; 4] = ["<b>&\"'", "\u{202e}x\u{1b}[31m", "a b/c@d?e#f", "\u{e4}\u{1f600}"];
    let deb = |name: &str, version: &str| {
        format!("Package: {name}\nStatus: install ok installed\nArchitecture: {name}\nVersion: {version}\n\n")
    };
    let mut status = deb("libc6", "1:2.36-9+deb12u4");
    let mut apk = "P:musl\nV:1.2-r4\nA:x86_64\nL:MIT\nI:7\n\n".to_owned();
    let mut items = vec![Item::file("etc/os-release", "ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"Debian \u{e4}\"\n")];
    for (at, odd) in ODD.iter().enumerate() {
        status += &deb(odd, odd);
        let _ = write!(apk, "P:{odd}\nV:{odd}\nA:{odd}\nL:{odd}\n\n");
        let npm = json!({"name": format!("@{odd}/{odd}"), "version": odd, "license": odd}).to_string();
        items.push(Item::file(format!("app/node_modules/{at}/package.json"), npm));
        let python = format!("Name: {odd}\nLicense: {odd}\n");
        items.push(Item::file(format!("usr/lib/{at}.dist-info/METADATA"), python));
    }
    items.push(Item::file("var/lib/dpkg/status", status));
    items.push(Item::file("lib/apk/db/installed", apk));
    let config = json!({"Labels": {"org.opencontainers.image.base.name": ODD[0]}});
    let image = TestImage::new(&["fx/a:1"]).raw_layer("ADD", layer(&items)).with("config", config);
    let empty = TestImage::of("fx/empty:1", "x");
    let session = Session::new();
    session.load(&pack(&docker_save(&[image, empty])));
    session
}

#[test]
fn bills_are_valid_and_wrong_ones_are_not() {
    let Some(python) = python() else { return };
    let session = session();
    let judge = format!("{}/tests/interop/bills.py", env!("CARGO_MANIFEST_DIR"));
    for format in ["cyclonedx", "spdx"] {
        let name = format!("{format}.json").replace("spdx.json", "bill.spdx.json");
        for image in ["fx/a:1", "fx/empty:1"] {
            let bill = session.ok(&["packages", "--format", format, image]);
            let path = session.write(&name, &bill);
            ok(program(&python, &[&judge, format]).arg(&path));
            // The judge does judge.
            let mut wrong: Value = serde_json::from_str(&bill).expect("JSON");
            if format == "spdx" {
                wrong["relationships"][0]["relatedSpdxElement"] = json!("SPDXRef-nowhere");
            } else {
                wrong["serialNumber"] = json!("x");
            }
            let path = session.write(&name, wrong.to_string());
            assert!(!run(program(&python, &[&judge, format]).arg(&path)).status.success(), "{wrong}");
        }
    }
}
