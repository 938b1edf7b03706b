//! The images of these tests, made by docker's own builder and importer from files made here.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use crate::engine::Engine;

/// The names of the images that [`make`] leaves in the engine: several tags, two repositories, one without a build.
pub(crate) const TAGS: [&str; 6] = [
    "fx/built:1",
    "fx/built:2",
    "registry.example:5000/ns/built:v1",
    "fx/imported:latest",
    "fx/deep:30",
    "fx/bare:config-only-changes",
];

/// The images, each once, by one of its names.
pub(crate) const EACH: [&str; 4] = ["fx/built:1", "fx/imported:latest", "fx/deep:30", "fx/bare:config-only-changes"];

const BUILT: &str = r#"FROM scratch
LABEL who="a <b> & c" empty=""
ENV A=b PATH=/bin:/usr/bin
ADD tree /
EXPOSE 80/tcp 53/udp
COPY more /a/deep/folder/
HEALTHCHECK --interval=5m --timeout=3s CMD ["/bin/check", "<&>"]
WORKDIR /a
VOLUME ["/data"]
USER 1000:1000
STOPSIGNAL SIGINT
ENTRYPOINT ["/bin/hello"]
ONBUILD ADD . /src
COPY tree/etc/motd /a/deep/folder/
CMD ["--help"]
"#;

/// Builds and imports them all.
pub(crate) fn make(engine: &Engine) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    tree(&folder.path().join("tree"));
    write(folder.path(), "more", "more\n");
    build(engine, folder.path(), BUILT, "fx/built:1");
    engine.ok(&["tag", "fx/built:1", "fx/built:2"]);
    engine.ok(&["tag", "fx/built:1", "registry.example:5000/ns/built:v1"]);

    let tar = folder.path().join("rootfs.tar");
    crate::peer::ok(
        std::process::Command::new("tar").arg("-C").arg(folder.path().join("tree")).arg("-cf").arg(&tar).arg("."),
    );
    let changes = ["-c", "CMD [\"/bin/hello\"]", "-c", "ENV B=\"c d\"", "-m", "a message <&> ü"];
    let tar = tar.display().to_string();
    let args: Vec<&str> = ["import"].into_iter().chain(changes).chain([tar.as_str(), "fx/imported:latest"]).collect();
    engine.ok(&args);

    let mut deep = "FROM scratch\n".to_owned();
    for n in 0..30 {
        write(folder.path(), &format!("f{n}"), &format!("file {n}\n").repeat(n + 1));
        writeln!(deep, "COPY f{n} /files/").expect("it is a String");
    }
    build(engine, folder.path(), &deep, "fx/deep:30");
    build(engine, folder.path(), "FROM fx/imported\nLABEL only=metadata\nMAINTAINER some one <x@y>\n", TAGS[5]);
}

fn build(engine: &Engine, folder: &Path, dockerfile: &str, tag: &str) {
    write(folder, "Dockerfile", dockerfile);
    engine.ok(&["build", "-q", "-t", tag, &folder.display().to_string()]);
}

/// Files, a hard link, symlinks, modes: what sizes and layers depend on.
fn tree(root: &Path) {
    write(root, "bin/hello", "#!/bin/sh\necho hello\n");
    fs::set_permissions(root.join("bin/hello"), fs::Permissions::from_mode(0o4755)).expect("a file of ours");
    fs::hard_link(root.join("bin/hello"), root.join("bin/hello-too")).expect("a file of ours");
    symlink("hello", root.join("bin/hi")).expect("a folder of ours");
    symlink("/nowhere/at/all", root.join("dangling")).expect("a folder of ours");
    write(root, "etc/motd", "be welcome\n");
    write(root, "empty", "");
    write(root, "big", &"x".repeat(123_456));
    write(root, "ünï/cödé", "a name\n");
    fs::create_dir(root.join("nothing")).expect("a folder of ours");
}

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().expect("below its root")).expect("a folder of ours");
    fs::write(path, text).expect("a folder of ours");
}
