//! Images of real registries are read where they are: what is seen is what skopeo copies from there.

use serde_json::{Value, json};

use super::pulls::{imgtool, log_in};
use super::pushers::{archive, raw, skopeo, skopeo_push};
use super::servers::{Kind, Server};
use crate::peer;
use crate::support::digest;
use crate::support::image::TestImage;
use crate::support::session::Session;

#[test]
fn images_are_read_where_they_are() {
    if !peer::installed("skopeo") {
        return;
    }
    let image = TestImage::sample("fx/a:1");
    for kind in Kind::ALL {
        let Some(server) = Server::start(kind) else { return };
        let session = Session::new();
        let archive = archive(&session.work(), &image);
        skopeo_push(&server, &archive, "team/app:1", &["--format", "oci", "--dest-compress-format", "zstd"]);
        log_in(&session, &server, &server.host);
        let ok = |args: &[&str]| imgtool(&session, &server, args).ok();
        let (name, place) = (server.name("team/app:1"), format!("docker://{}", server.name("team/app:1")));
        assert_eq!(ok(&["tags", &server.name("team/app")]), "1\n", "{kind:?}");
        assert_eq!(ok(&["catalog", &server.host]), "team/app\n", "{kind:?}");
        let manifest: Value = serde_json::from_slice(&raw(&server, "team/app:1")).expect("a manifest");
        let newest = ok(&["history", "-q", "--no-trunc", &place]).lines().next().map(ToOwned::to_owned);
        assert_eq!(newest.as_deref(), manifest["config"]["digest"].as_str(), "{kind:?}");
        let inspected: Value = serde_json::from_str(&ok(&["inspect", &place])).expect("JSON");
        let known = format!("{}@{}", server.name("team/app"), digest(&raw(&server, "team/app:1")));
        assert_eq!(inspected[0]["RepoDigests"], json!([known]), "{kind:?}");
        assert_eq!(ok(&["verify", &place]), format!("{name}: OK\n"), "{kind:?}");

        // What skopeo makes of it, loaded and written anew, are the same bytes.
        let copied = format!("oci-archive:{}:{name}", session.work().join("copied.tar").display());
        skopeo("copy", &server.flags("src-"), &[&place, &copied]);
        let other = Session::new();
        other.ok(&["load", "-q", "-i", &session.work().join("copied.tar").display().to_string()]);
        for verb in [&["export"][..], &["save"], &["save", "--format", "oci"]] {
            let ours = imgtool(&session, &server, &[verb, &[&place]].concat());
            let theirs = other.run(&[verb, &[&name]].concat());
            assert!(
                ours.code == 0 && ours.stdout == theirs.stdout,
                "{kind:?} {verb:?} {} {}",
                ours.stderr,
                theirs.stderr
            );
        }
        let none = imgtool(&session, &server, &["tags", &server.name("no/such")]);
        none.fails(1, &[&server.name("no/such"), "name unknown"]);
    }
}
