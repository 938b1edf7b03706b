//! Links, paths and nodes that lead out of the context, or of the image.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use super::{SECRET, Trap};
use crate::support::picture::Kind;

#[test]
fn links_out_of_the_context() {
    let trap = Trap::new();
    let ctx = trap.ctx();
    for (name, target) in
        [("rel", "../victim"), ("file", "../victim/secret"), ("up", ".."), ("far", "../../../../../..")]
    {
        symlink(target, ctx.join(name)).expect("a link");
    }
    symlink(trap.victim(), ctx.join("abs")).expect("a link");
    symlink("/", ctx.join("root")).expect("a link");
    symlink("turns", ctx.join("turns")).expect("a link");
    let absolute = trap.victim().display().to_string();
    let through = format!("root{absolute}/secret");
    let sources = [
        "rel",
        "rel/",
        "rel/secret",
        "rel/*",
        "rel/dir/secret",
        "file",
        "abs",
        "abs/secret",
        "abs/*",
        "up/victim",
        "up/v*",
        "far/etc/passwd",
        "turns",
        "turns/x",
        "root/../victim",
        "root/../../victim/secret",
        "*/secret",
        "*/../victim/secret",
        "../victim",
        "../victim/secret",
        "../victim/*",
        "/../victim/secret",
        "own/../../victim/secret",
        "../ctx/../victim",
        absolute.as_str(),
        through.as_str(),
    ];
    for source in sources {
        for instruction in ["COPY", "ADD"] {
            let answer = trap.build(format!("FROM scratch\n{instruction} {source} /out/\n"));
            if answer.code == 0 {
                trap.image();
            } else {
                answer.is_refused(&trap.session, "Dockerfile:2");
            }
        }
    }
    trap.refused("FROM scratch\nCOPY ../victim/secret /\n", "forbidden path outside the build context");
    // All of it: the links are copied as links.
    let picture = trap.built("FROM scratch\nCOPY . /\n");
    assert_eq!(picture.paths[&b"file"[..]].kind, Kind::Symlink(b"../victim/secret".to_vec()));
    assert!(!picture.paths.contains_key(&b"rel/secret"[..]));
}

#[test]
fn links_of_the_image_stay_in_it() {
    let trap = Trap::new();
    let victim = trap.victim().display().to_string();
    for target in [victim.as_str(), "../victim", "/../../../../victim", "../../../../../../../../victim"] {
        trap.write("tar", crate::support::tarball::pack(&[crate::support::tarball::Member::file("secret", "new")]));
        trap.write("links/x", "x");
        let _ = std::fs::remove_file(trap.ctx().join("links/esc"));
        symlink(target, trap.ctx().join("links/esc")).expect("a link");
        let place = target.trim_start_matches(['.', '/']);
        for step in [
            "COPY own /esc/secret",
            "COPY own /esc/",
            "COPY . /esc/",
            "ADD tar /esc/",
            "ADD tar /esc/dir/../",
            "WORKDIR /esc/dir",
            "COPY --chown=1:1 --chmod=777 own /esc/dir/secret",
            "ADD own /esc/../../../../../../victim/secret",
            "WORKDIR /esc\nCOPY own dir/",
            "COPY <<secret /esc/\nwords\nsecret",
        ] {
            let picture = trap.built(format!("FROM scratch\nCOPY links /\n{step}\n"));
            let is_inside = |path: &&Vec<u8>| path.starts_with(place.as_bytes()) || path.starts_with(b"victim");
            assert!(picture.paths.keys().any(|path| is_inside(&path)), "{target}: {step}: {:?}", picture.paths.keys());
            assert_eq!(picture.paths[&b"esc"[..]].kind, Kind::Symlink(target.as_bytes().to_vec()), "{step}");
        }
        // What is copied from the image comes from it.
        for source in ["/esc/secret", "/esc/", "/esc/*", "/../victim/secret", "../../victim"] {
            let dockerfile = format!("FROM scratch AS a\nCOPY links /\nFROM scratch\nCOPY --from=a {source} /got/\n");
            if trap.build(&dockerfile).code == 0 {
                trap.image();
            }
        }
    }
}

#[test]
fn circles_of_links_in_the_image() {
    let trap = Trap::new();
    for (name, target) in [("a", "b"), ("b", "a"), ("deep", "deep/deep/deep")] {
        trap.write("rings/x", "x");
        symlink(target, trap.ctx().join("rings").join(name)).expect("a link");
    }
    for step in ["COPY own /a/x", "WORKDIR /a/x", "ADD own /deep/", "COPY --chown=0 own /a/"] {
        trap.refused(format!("FROM scratch\nCOPY rings /\n{step}\n"), "too many levels of symbolic links");
    }
}

#[test]
fn nodes_and_bits_of_the_context() {
    let trap = Trap::new();
    trap.write("suid", "x");
    std::fs::set_permissions(trap.ctx().join("suid"), std::fs::Permissions::from_mode(0o6755)).expect("a mode");
    mknodat(CWD, trap.ctx().join("fifo"), FileType::Fifo, Mode::from_bits_retain(0o644), 0).expect("a pipe");
    let _socket = UnixListener::bind(trap.ctx().join("socket")).expect("a socket");
    // Devices need root; nobody may read them, as one of them never ends.
    let zero =
        mknodat(CWD, trap.ctx().join("zero"), FileType::CharacterDevice, Mode::from_bits_retain(0o666), makedev(1, 5));
    let picture = trap.built("FROM scratch\nCOPY . /\n");
    let kind = |name: &str| picture.paths.get(name.as_bytes()).map(|found| found.kind.clone());
    assert_eq!(kind("fifo"), Some(Kind::Fifo));
    assert_eq!(kind("socket"), None, "a socket cannot be in an image");
    assert_eq!(picture.paths[&b"suid"[..]].mode & 0o7777, 0o6755, "as docker keeps it");
    if zero.is_ok() {
        assert_eq!(kind("zero"), Some(Kind::Char(1, 5)));
    }
    trap.refused("FROM scratch\nCOPY socket /\n", "is a socket");
    trap.built("FROM scratch\nADD fifo /\n");
}

#[test]
fn contexts_that_are_tars_stay_inside() {
    use crate::support::layer::{Item, layer};
    let trap = Trap::new();
    let victim = trap.victim().join("secret").display().to_string();
    let dockerfile = Item::file("Dockerfile", "FROM scratch\nCOPY . /\n");
    let table = [
        (vec![Item::file("../victim/secret", "new")], false),
        (vec![Item::file("a/../../victim/secret", "new")], false),
        (vec![Item::hardlink("hard", &victim)], false),
        (vec![Item::hardlink("hard", "../victim/secret")], false),
        (vec![Item::symlink("esc", "../victim"), Item::hardlink("hard", "esc/secret")], false),
        (vec![Item::file(&victim, "inside")], true),
        (vec![Item::symlink("esc", "../victim"), Item::file("esc/secret", "new")], true),
        (vec![Item::symlink("abs", &victim), Item::new("zero", b'3').device(1, 5)], true),
    ];
    for (items, is_built) in table {
        let tar = layer(&[std::slice::from_ref(&dockerfile), &items].concat());
        let answer = trap.run(&tar, &["build", "-t", "fx/trap", "-"]);
        if answer.code == 0 {
            trap.image();
        } else {
            answer.is_refused(&trap.session, "standard input cannot be read as a build context");
        }
        assert!(answer.code == 0 || !is_built, "{items:?}: {}", answer.stderr);
    }
    // The Dockerfile, too, is what the tar has at its name.
    for items in [
        vec![Item::symlink("Dockerfile", &victim)],
        vec![Item::symlink("Dockerfile", "../victim/secret")],
        vec![Item::new("Dockerfile", b'3').device(1, 5)],
        vec![Item::dir("Dockerfile")],
    ] {
        let answer = trap.run(&layer(&items), &["build", "-t", "fx/trap", "-"]);
        answer.is_refused(&trap.session, "Dockerfile");
        assert!(!answer.stderr.contains(SECRET));
    }
}
