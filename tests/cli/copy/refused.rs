//! What cannot be copied: one line, and nothing has changed.

use super::Places;

#[test]
fn one_clear_line_and_nothing_has_changed() {
    let places = Places::new();
    let session = &places.session;
    let there = format!("docker://{}", places.registry.name("team/app:1"));
    let wrong = format!("docker://{}@sha256:{}", places.registry.name("team/app"), "0".repeat(64));
    session.write("folder/file", "something");
    session.ok(&["copy", "team/app:1", "oci:good:v1"]);
    let before = session.picture();
    let good = session.read("good/index.json");
    let store = format!("oci:{}:x", session.store().display());
    let cases: &[(&[&str], &[&str])] = &[
        (&["team/app:1", "./x.tar"], &["./x.tar: say what is to be there", "oci-archive:./x.tar"]),
        (&["team/app:1", "oci-archive:"], &["oci-archive:: no path"]),
        (&["team/app:1", "oci-archive:x.tar:@1"], &["under a name, not at a place"]),
        (&["team/app:1", "team/app:1", "x:1"], &["2 images cannot all be x:1", "end it with /"]),
        (&["team/app:1", "team/app:1", "oci:good:x"], &["2 images cannot all be oci:good:x"]),
        (&["--all-tags", "team/app:1", "x"], &["team/app:1 is one image, not a repository"]),
        (&["--all-tags", "team/app", "x:1"], &["x:1 has a tag or a digest"]),
        (&["--all-tags", "team/app", "oci:good:v1"], &["oci:good:v1 has a tag or a digest"]),
        (&["--referrers", "team/app:1", &there], &["team/app:1 is not in a registry"]),
        (&["--referrers", &there, "x:1"], &["x:1 is not in a registry"]),
        (&["team/app:1", &store], &["is a store of images", "--root"]),
        (&["team/app:1", "oci:folder:x"], &["folder is not an OCI image layout"]),
        (&["team/app:1", "oci:no/such/folder:x"], &["no/such/folder"]),
        (&["team/app:1", "docker-archive:no/such/x.tar"], &["invalid output path", "mkdir -p no/such"]),
        (&["team/app:1", "docker-archive:folder"], &["cannot write to a directory"]),
        (&["team/app:1", "X:1"], &["must be lowercase"]),
        (&["team/app:1", "docker://a/b/X/"], &["must be lowercase"]),
        (&["team/app:1", "x@sha256:0000"], &["invalid"]),
        (&["team/app:1", &wrong], &["which is the digest of team/app:1"]),
        (&["docker:/x.io/a:1", "x:1"], &["docker:/x.io/a:1: ", "invalid reference format"]),
        (&["docker://a b", "x:1"], &["docker://a b: invalid reference format"]),
        (&["team/app:1", "docker://a b"], &["docker://a b: invalid reference format"]),
        (&["team/app:1", "dir:/x/y"], &["dir:/x/y: dir: is not known here", "oci:DIR"]),
        (&["team/app:1", "containers-storage:x"], &["containers-storage:x: containers-storage: is not known here"]),
        (&["docker-daemon:x:1", "x:1"], &["docker-daemon:x:1: docker-daemon: is not known here"]),
        (&["nothing:1", "oci:fresh:x"], &["No such image: nothing:1"]),
        (&["oci:lay:nothing", "x:1"], &["has no image nothing"]),
        (&["docker-archive:none.tar", "x:1"], &["none.tar"]),
        (&["--compress", "none", "team/app:1", "x:1"], &["expected gzip[:1-9] or zstd"]),
        (&["--jobs", "0", "team/app:1", "x:1"], &["--jobs"]),
    ];
    for (args, pieces) in cases {
        let answer = session.run(&[&["copy"][..], args].concat());
        assert_ne!(answer.code, 0, "{args:?}");
        let said = answer.text();
        for piece in *pieces {
            assert!(said.contains(piece), "{args:?}: not {piece:?} in {said}");
        }
        assert_eq!(session.picture(), before, "{args:?}");
    }
    assert_eq!(session.read("good/index.json"), good);
    for name in ["x.tar", "fresh", "no"] {
        assert!(!session.work().join(name).exists(), "{name}");
    }
    assert_eq!(places.registry.count("PUT", "/") + places.registry.count("POST", "/"), 0);
}

#[test]
fn two_arguments_at_least() {
    let places = Places::new();
    places.session.run(&["copy", "team/app:1"]).fails(1, &["requires at least 2 arguments"]);
    places.session.run(&["copy"]).fails(1, &["requires at least 2 arguments"]);
}
