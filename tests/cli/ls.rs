//! `ls`: what is in directories of an image.

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::producers::docker_save;
use crate::support::session::Session;
use crate::support::tarball::pack;

fn session() -> Session {
    let lower = [
        Item::dir("etc"),
        Item::file("etc/passwd", "root:x:0:0::/root:/bin/sh\ndaemon:x:1:1::/:/bin/false\n"),
        Item::file("etc/group", "root:x:0:\ndaemon:x:1:\n"),
        Item::file("etc/.hidden", "h"),
        Item::file("etc/secret", "key"),
        Item::dir("usr"),
        Item::dir("usr/bin"),
        Item::file("usr/bin/su", "su").mode(0o4755),
        Item::symlink("bin", "usr/bin"),
        Item::symlink("loop", "loop"),
    ];
    let upper = [Item::whiteout("etc/.wh.secret"), Item::file("etc/zz", "0123456789")];
    let image = TestImage::new(&["fx/a:1"]).raw_layer("ADD", layer(&lower)).raw_layer("RUN rm", layer(&upper));
    let session = Session::new();
    session.load(&pack(&docker_save(&[image])));
    session
}

#[test]
fn directories_and_operands() {
    let session = session();
    for typed in [&["ls", "fx/a:1"][..], &["ls", "fx/a:1:"], &["ls", "fx/a:1:/"], &["ls", "./load.tar"]] {
        assert_eq!(session.ok(typed), "bin\netc\nloop\nusr\n", "{typed:?}");
    }
    assert_eq!(session.ok(&["ls", "fx/a:1", "/etc"]), "group\npasswd\nzz\n");
    assert_eq!(session.ok(&["ls", "-A", "fx/a:1", "etc"]), ".hidden\ngroup\npasswd\nzz\n");
    assert_eq!(session.ok(&["ls", "-a", "fx/a:1:/usr"]), ".\n..\nbin\n");
    assert_eq!(session.ok(&["ls", "fx/a:1", "/bin"]), "su\n", "a link to a directory is followed");
    assert_eq!(session.ok(&["ls", "-d", "fx/a:1", "/bin", "/bin/"]), "/bin\n/bin/\n");
    assert_eq!(session.ok(&["ls", "-F", "fx/a:1"]), "bin@\netc/\nloop@\nusr/\n");
    assert_eq!(session.ok(&["ls", "-r", "fx/a:1", "etc"]), "zz\npasswd\ngroup\n");
    assert_eq!(session.ok(&["ls", "-S", "fx/a:1", "etc"]), session.ok(&["ls", "--sort", "size", "fx/a:1", "etc"]));
    assert_eq!(session.ok(&["ls", "-S", "fx/a:1", "etc"]), "passwd\ngroup\nzz\n");
    assert_eq!(session.ok(&["ls", "-0", "fx/a:1", "etc"]), "group\0passwd\0zz\0");
    let all = session.ok(&["ls", "-R", "fx/a:1", "/etc/zz", "/usr"]);
    assert_eq!(all, "/etc/zz\n\n/usr:\nbin\n\n/usr/bin:\nsu\n");
}

#[test]
fn long_lines_have_the_names_of_the_image() {
    let session = session();
    let long = session.ok(&["ls", "-l", "fx/a:1:/usr/bin"]);
    assert!(long.starts_with("total 1\n-rwsr-xr-x 1 root root 2 ") && long.ends_with(" su\n"), "{long}");
    let long = session.ok(&["ls", "-ln", "fx/a:1", "/bin"]);
    assert!(long.starts_with("lrwxrwxrwx 1 0 0 7 ") && long.ends_with(" /bin -> usr/bin\n"), "{long}");
    let lines = session.ok(&["ls", "--format", "json", "fx/a:1", "/bin"]);
    let found: Value = serde_json::from_str(&lines).expect("JSON");
    let expected = json!({"Path": "/bin/su", "Type": "file", "Mode": "4755", "Uid": 0, "Gid": 0, "User": "root",
        "Group": "root", "Size": 2, "ModTime": found["ModTime"], "Links": 1, "Layer": 1});
    assert_eq!(found, expected);
}

#[test]
fn lower_layers_show_what_was_deleted() {
    let session = session();
    assert_eq!(session.ok(&["ls", "--layer", "1", "fx/a:1", "etc"]), "group\npasswd\nsecret\n");
    assert_eq!(session.ok(&["ls", "--layer", "2", "fx/a:1", "etc"]), "group\npasswd\nzz\n");
    for layer in ["0", "3", "abc", "ffffffff"] {
        let words = format!("fx/a:1 has no layer {layer}: imgtool layers fx/a:1 lists its 2 layers");
        session.run(&["ls", "--layer", layer, "fx/a:1"]).fails(1, &[&words]);
    }
}

#[test]
fn what_is_not_there_is_told() {
    let session = session();
    let answer = session.run(&["ls", "fx/a:1", "/nosuch", "/etc/zz", "/etc/zz/x", "/loop/x"]);
    assert_eq!((answer.code, answer.out().as_str()), (1, "/etc/zz\n"), "{}", answer.text());
    for words in [
        "error: /nosuch: No such file or directory",
        "error: /etc/zz/x: Not a directory",
        "error: /loop/x: Too many levels of symbolic links",
    ] {
        assert!(answer.stderr.contains(words), "{}", answer.text());
    }
    assert_eq!(session.ok(&["ls", "fx/a:1", "/loop"]), "/loop\n", "a link that leads nowhere is there itself");
}
