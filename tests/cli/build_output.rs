//! `build -o`, `--push`, `--cache-from` and `--cache-to`: where an image and what was built go.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::registry::Registry;
use crate::support::session::{Answer, Session};

/// A session with a Dockerfile of two stages in the folder `ctx`.
fn session() -> Session {
    let session = Session::new();
    let context = session.work().join("ctx");
    fs::create_dir_all(context.join("d")).expect("folders");
    let lines = [
        "FROM scratch AS other",
        "COPY other /other",
        "FROM scratch AS made",
        "COPY --from=other /other /from-other",
        "COPY d /d",
        "LABEL a=b",
    ];
    fs::write(context.join("Dockerfile"), lines.join("\n")).expect("a file");
    for (name, text) in [("other", "other"), ("d/one", "1"), ("d/two", "2")] {
        fs::write(context.join(name), text).expect("a file");
    }
    session
}

fn run(session: &Session, args: &[&str]) -> Answer {
    let answer = session.run(args);
    assert_eq!(answer.code, 0, "{args:?}: {}", answer.stderr);
    answer
}

/// Builds the folder with these flags.
fn build(session: &Session, flags: &[&str]) -> Answer {
    run(session, &[&["build"], flags, &["ctx"]].concat())
}

fn cached(answer: &Answer) -> usize {
    answer.stderr.lines().filter(|line| line.ends_with(" CACHED")).count()
}

/// The names of a tar's members.
fn names(tar: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().expect("a tar");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("a member").path().expect("a path").display().to_string()).collect();
    names.sort();
    names
}

const FILES: [&str; 4] = ["d/", "d/one", "d/two", "from-other"];

#[test]
fn archives_are_written_and_the_store_has_no_image() {
    let session = session();
    for (output, place) in [
        ("type=docker,dest=docker.tar", "docker-archive:docker.tar"),
        ("type=oci,dest=oci.tar", "oci-archive:oci.tar"),
        ("type=oci,dest=layout,tar=false", "oci:layout"),
        ("type=oci,dest=zstd.tar,compression=zstd", "oci-archive:zstd.tar"),
    ] {
        build(&session, &["-t", "app:1", "-o", output]);
        let exported = run(&session, &["export", place]);
        assert_eq!(names(&exported.stdout), FILES, "{output}");
        let labels = run(&session, &["inspect", "-f", "{{.Config.Labels}} {{.RepoTags}}", place]).stdout;
        assert_eq!(String::from_utf8_lossy(&labels).trim(), "map[a:b] [app:1]", "{output}");
    }
    assert_eq!(run(&session, &["images", "-aq"]).stdout, b"");
    build(&session, &["-t", "app:1", "--load", "-o", "type=oci,dest=oci.tar"]);
    assert_ne!(run(&session, &["images", "-q", "app:1"]).stdout, b"");
    // Nothing of the builds that left no image stays after both caches are pruned.
    run(&session, &["rmi", "app:1"]);
    run(&session, &["builder", "prune", "-f"]);
    run(&session, &["image", "prune", "-f"]);
    let blobs = session.store().join("blobs/sha256");
    assert_eq!(fs::read_dir(blobs).map_or(0, Iterator::count), 0);
}

#[test]
fn files_go_to_a_directory_or_a_tar() {
    let session = session();
    let tar = build(&session, &["-o", "-"]);
    assert_eq!(names(&tar.stdout), FILES);
    build(&session, &["-o", "type=tar,dest=files.tar"]);
    assert_eq!(names(&fs::read(session.work().join("files.tar")).expect("a tar")), FILES);
    let out = session.work().join("out");
    fs::create_dir_all(out.join("d")).expect("folders");
    for (name, text) in [("d/one", "old"), ("d/mine", "mine"), ("kept", "kept")] {
        fs::write(out.join(name), text).expect("a file");
    }
    fs::create_dir(session.work().join("outside")).expect("a folder");
    symlink("../outside", out.join("from-other")).expect("a link");
    build(&session, &["-o", "out"]);
    let read = |name: &str| fs::read_to_string(out.join(name)).expect(name);
    let all = ["d/one", "d/two", "d/mine", "kept", "from-other"].map(read);
    assert_eq!(all, ["1", "2", "mine", "kept", "other"]);
    assert!(!out.join("from-other").is_symlink());
    assert_eq!(fs::read_dir(&out).expect("a folder").count(), 3, "nothing of imgtool's own is left");
    assert_eq!(run(&session, &["images", "-aq"]).stdout, b"");
    fs::remove_file(out.join("from-other")).expect("a file");
    fs::create_dir_all(out.join("from-other/below")).expect("folders");
    session.run(&["build", "-o", "out", "ctx"]).fails(1, &["cannot overwrite directory", "from-other"]);
    assert!(out.join("from-other/below").exists());
}

#[test]
fn outputs_that_cannot_be_are_refused_before_anything_is_built() {
    let session = session();
    for (flags, pieces) in [
        (vec!["-o", "type=oci"], vec!["dest is required"]),
        (vec!["-o", "type=ami,dest=x"], vec!["ami", "types are"]),
        (vec!["-o", "type=oci,dest=none/x.tar"], vec!["no such file or directory"]),
        (vec!["--push"], vec!["tag is needed when pushing to registry"]),
        (vec!["--cache-to", "type=gha"], vec!["gha", "not supported"]),
    ] {
        session.run(&[&["build"], &*flags, &["ctx"]].concat()).fails(1, &pieces);
    }
    assert!(!session.store().join("imgtool/build").exists());
}

#[test]
fn a_cache_goes_to_another_machine_in_an_archive_or_a_layout() {
    let session = session();
    let first = build(&session, &["-t", "app:1", "--cache-to", "type=local,dest=max,mode=max"]);
    assert_eq!(cached(&first), 0);
    build(&session, &["--cache-to", "type=local,dest=min", "-o", "type=cacheonly"]);
    build(&session, &["--cache-to", "./cache.tar", "-o", "type=cacheonly"]);
    build(&session, &["--cache-to", "type=inline", "-o", "type=oci,dest=inline.tar"]);
    let id = |session: &Session| run(session, &["inspect", "-f", "{{.Id}} {{.RepoDigests}}", "app:1"]).stdout;
    let expected = id(&session);
    for (from, hits) in
        [("type=local,src=max", 3), ("type=local,src=min", 2), ("./cache.tar", 2), ("oci-archive:inline.tar", 2)]
    {
        let store = session.work().join(format!("store-{}", from.replace(['/', ':'], "-")));
        let root = store.display().to_string();
        let answer =
            run(&session, &["--root", &root, "build", "-t", "app:1", "--cache-from", from, "--progress=plain", "ctx"]);
        assert_eq!(cached(&answer), hits, "{from}: {}", answer.stderr);
        let other = run(&session, &["--root", &root, "inspect", "-f", "{{.Id}} {{.RepoDigests}}", "app:1"]).stdout;
        assert_eq!(other, expected, "{from}");
    }
    // A cache that is not there makes a build slower, and no more.
    let answer = build(&session, &["--no-cache", "--cache-from", "type=local,src=none"]);
    assert_eq!(cached(&answer), 0);
    let root = session.work().join("new").display().to_string();
    let answer = run(&session, &["--root", &root, "build", "--cache-from", "type=local,src=none", "ctx"]);
    assert!(answer.stderr.contains("the build cache of oci:none:latest is not used"), "{}", answer.stderr);
    let answer = run(&session, &["--root", &root, "build", "--cache-from", "docker-archive:../no.tar", "ctx"]);
    assert!(answer.stderr.contains("is not used"), "{}", answer.stderr);
}

#[test]
fn an_image_on_one_with_an_inline_cache_does_not_carry_that_cache() {
    let session = session();
    build(&session, &["-t", "base", "--build-arg", "BUILDKIT_INLINE_CACHE=1"]);
    fs::write(session.work().join("ctx/Dockerfile"), "FROM base\nLABEL c=d").expect("a file");
    build(&session, &["-t", "derived"]);
    let config = |name: &str| {
        let archive = format!("{name}.tar");
        run(&session, &["save", "--format=oci", "-o", &archive, name]);
        String::from_utf8_lossy(&fs::read(session.work().join(&archive)).expect("an archive")).into_owned()
    };
    assert!(config("base").contains("imgtool.build.cache"));
    assert!(!config("derived").contains("imgtool.build.cache"));
}

#[test]
fn only_some_stages_are_made_anew() {
    let session = session();
    build(&session, &["-t", "app"]);
    assert_eq!(cached(&build(&session, &["-t", "app"])), 3);
    assert_eq!(cached(&build(&session, &["-t", "app", "--no-cache-filter", "OTHER"])), 2);
    assert_eq!(cached(&build(&session, &["-t", "app", "--no-cache-filter", "made,other"])), 0);
}

#[test]
fn the_build_cache_is_measured() {
    let session = session();
    let row = |session: &Session| {
        let text = run(session, &["system", "df"]).stdout;
        let text = String::from_utf8_lossy(&text).into_owned();
        text.lines()
            .find(|line| line.starts_with("Build Cache"))
            .expect("a row")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    build(&session, &["-t", "app"]);
    // The layer of the stage that is not in the image.
    assert!(row(&session).starts_with("Build Cache 1 0 "), "{}", row(&session));
    run(&session, &["buildx", "prune", "-f"]);
    assert_eq!(row(&session), "Build Cache 0 0 0B 0B");
    let twice = ["builder", "prune", "-f", "--filter", "until=1h", "--filter", "until=2h"];
    session.run(&twice).fails(1, &["more than one until filter specified"]);
}

#[test]
fn images_and_caches_go_to_registries() {
    let (session, registry) = (session(), Registry::start());
    let (name, cache) = (registry.name("team/app:1"), registry.name("team/cache:1"));
    let to = format!("type=registry,ref={cache},mode=max");
    build(&session, &["--push", "-t", &name, "--cache-to", &to]);
    let labels = run(&session, &["inspect", "-f", "{{.Config.Labels}}", &format!("docker://{name}")]).stdout;
    assert_eq!(String::from_utf8_lossy(&labels).trim(), "map[a:b]");
    let root = session.work().join("other").display().to_string();
    let from = format!("type=registry,ref={cache}");
    let answer = run(
        &session,
        &[
            "--root",
            &root,
            "build",
            "-t",
            &name,
            "-o",
            "type=registry",
            "--cache-from",
            &from,
            "--progress=plain",
            "ctx",
        ],
    );
    assert_eq!(cached(&answer), 3, "{}", answer.stderr);
    let id = |root: &str| run(&session, &["--root", root, "images", "-q", "--no-trunc", &name]).stdout;
    assert_eq!(id(&session.store().display().to_string()), id(&root));
    let none = format!("type=registry,ref={}", registry.name("team/none:1"));
    let other = session.work().join("third").display().to_string();
    let answer = run(&session, &["--root", &other, "build", "--cache-from", &none, "ctx"]);
    assert!(answer.stderr.contains("is not used"), "{}", answer.stderr);
}
