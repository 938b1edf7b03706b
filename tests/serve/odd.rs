//! Manifests that a client may push and that are no images: every other command says so in one line, or shows them, and
//! none breaks.

use serde_json::{Value, json};

use super::pushing::{INDEX, Image, MANIFEST, descriptor, status};
use crate::support::digest;
use crate::support::serving::Serving;
use crate::support::session::Session;

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// Pushes a manifest around these blobs.
fn push(serving: &Serving, tag: &str, config: (&str, &[u8]), layers: &[(&str, &[u8])]) -> String {
    let all = std::iter::once(&config).chain(layers);
    all.for_each(|(_, bytes)| drop(serving.put_blob("odd", bytes)));
    let layers: Vec<Value> = layers.iter().map(|(kind, bytes)| descriptor(kind, bytes)).collect();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(config.0, config.1),
        "layers": layers,
    });
    serving.put_manifest("odd", tag, MANIFEST, manifest.to_string().as_bytes())
}

/// A good image beside all that is odd.
fn odd_store() -> (Session, Serving) {
    let session = Session::new();
    let serving = Serving::start(&session, &["--gc-interval", "20ms", "--gc-grace", "0"]);
    let good = Image::of("good");
    good.push(&serving, "good", Some("1"));
    push(&serving, "no-json", (CONFIG, b"this is no JSON"), &[(LAYER, &good.layer)]);
    push(&serving, "fewer-layers", (CONFIG, &good.config), &[]);
    push(&serving, "more-layers", (CONFIG, &good.config), &[(LAYER, &good.layer), (LAYER, b"no tar")]);
    // Of another image: what has the config of the good one is that image for rmi and prune.
    push(&serving, "no-tar", (CONFIG, &Image::of("no tar").config), &[(LAYER, b"this is no tar")]);
    push(&serving, "unknown", ("x/unknown", b"what is this"), &[("x/layer", b"and this")]);
    push(&serving, "empty-config", (CONFIG, b""), &[]);
    let many: Vec<(&str, &[u8])> = (0..1000).map(|_| (LAYER, good.layer.as_slice())).collect();
    push(&serving, "thousand", (CONFIG, &good.config), &many);
    let empty = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).to_string();
    serving.put_manifest("odd", "empty-index", INDEX, empty.as_bytes());
    (session, serving)
}

const ODD: [&str; 8] =
    ["no-json", "fewer-layers", "more-layers", "no-tar", "unknown", "empty-config", "thousand", "empty-index"];

#[test]
fn no_command_breaks_from_what_is_no_image() {
    let (session, serving) = odd_store();
    let images = session.run(&["images", "--format", "{{.Repository}}:{{.Tag}}"]);
    assert!(images.code == 0 && images.out().contains("good:1"), "{}", images.text());
    let usage = session.run(&["system", "df"]);
    assert!(usage.code == 0, "{}", usage.text());
    for tag in ODD {
        let name = format!("odd:{tag}");
        for command in [
            vec!["history", &name],
            vec!["inspect", &name],
            vec!["save", "-o", "out.tar", &name],
            vec!["verify", &name],
            vec!["export", "-o", "out.tar", &name],
        ] {
            let answer = session.run(&command);
            assert!(matches!(answer.code, 0 | 1), "{command:?}: {}", answer.text());
            let said = answer.stderr.lines().count();
            assert!(answer.code == 0 || (1..=3).contains(&said) || command[0] == "verify", "{}", answer.text());
            let _ = std::fs::remove_file(session.work().join("out.tar"));
        }
    }
    assert_eq!(session.run(&["verify", "good:1"]).code, 0);
    // What the good one needs, and what the odd ones mention, is not garbage.
    session.ok(&["image", "prune", "-f"]);
    let list = serving.get("/v2/odd/tags/list").expect(200).json();
    assert_eq!(list["tags"].as_array().map(Vec::len), Some(ODD.len()));
    for tag in ODD {
        let manifest = serving.get(&format!("/v2/odd/manifests/{tag}")).expect(200).json();
        let blobs = manifest["layers"].as_array().cloned().unwrap_or_default();
        for blob in blobs.iter().take(3).chain(manifest.get("config")) {
            serving.get(&format!("/v2/odd/blobs/{}", blob["digest"].as_str().expect("a digest"))).expect(200);
        }
    }
    session.ok(&["save", "-o", "good.tar", "good:1"]);
}

#[test]
fn what_is_no_image_can_be_removed() {
    let (session, serving) = odd_store();
    for tag in ODD {
        session.ok(&["rmi", &format!("odd:{tag}")]);
        assert_eq!(status(&serving, "odd", tag), 404, "{tag}");
    }
    session.ok(&["image", "prune", "-f"]);
    session.ok(&["verify"]);
    assert_eq!(session.tags(), ["good:1"]);
}

#[test]
fn what_is_no_image_is_collected_when_it_has_no_tag() {
    let (session, serving) = odd_store();
    let config = digest(b"this is no JSON");
    let manifest = super::pushing::descriptor(CONFIG, b"this is no JSON");
    assert_eq!(manifest["digest"], json!(config));
    for tag in ODD {
        serving.ask("DELETE", &format!("/v2/odd/manifests/{tag}"), &[], b"").expect(202);
    }
    super::pushing::wait_until("all go", || session.index()["manifests"].as_array().is_some_and(|all| all.len() == 1));
    session.ok(&["verify"]);
}
