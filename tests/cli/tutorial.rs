//! The tutorial that everybody begins with, typed in a shell where `docker` is an alias of imgtool.

use std::path::Path;
use std::process::Command;

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::pack;

/// What is typed and what it prints; a pattern stands for an ID, and `…` for an age.
///
/// In place of `docker pull` stands `docker load`, and in place of `docker run … ; docker commit CONTAINER` are `docker
/// unpack` and `docker commit DIR`.
const SESSION: &str = r#"
$ docker load -i base.tar
Loaded image: fx/base:1
$ docker images
REPOSITORY   TAG       IMAGE ID       CREATED        SIZE
fx/base      1         [ID]   26 years ago   17B
$ docker tag fx/base:1 my/base
$ docker images my/base --format '{{.Repository}}:{{.Tag}} {{.Size}}'
my/base:latest 17B
$ docker history my/base
IMAGE          CREATED   CREATED BY                           SIZE      COMMENT
[ID]   N/A       /bin/sh -c echo                      11B       
<missing>      N/A       /bin/sh -c #(nop)  CMD ["/hello"]    0B        
<missing>      N/A       /bin/sh -c #(nop) ADD file:1 in /    6B        
$ docker inspect --format '{{.Os}}/{{.Architecture}} {{json .Config.Cmd}} {{len .RootFS.Layers}}' my/base
linux/amd64 ["/hello"] 2
$ docker save -o saved.tar my/base:latest
$ docker rmi my/base
Untagged: my/base:latest
$ docker load < saved.tar
Loaded image: my/base:latest
$ docker unpack my/base tree
$ echo welcome >tree/greeting
$ docker diff tree
A /greeting
$ docker commit -a Me -m 'a greeting' -c 'CMD ["cat", "/greeting"]' tree my/greeting:1
sha256:[ID]
$ docker history --format '{{.Comment}}|{{.Size}}' my/greeting:1
a greeting|8B
|11B
|0B
|6B
$ docker inspect -f '{{.Author}} {{.Config.Cmd}}' my/greeting:1
Me [cat /greeting]
$ docker export my/greeting:1 | tar xOf - greeting etc/motd
be welcome
welcome
$ docker export my/greeting:1 | docker import -m flat - my/flat:1
sha256:[ID]
$ docker images --format '{{.Repository}}:{{.Tag}} {{.Size}}' 'my/*' | sort
my/base:latest 17B
my/flat:1 25B
my/greeting:1 25B
$ docker tag my/flat:1 my/greeting:1
$ docker images --filter dangling=true --format '{{.Repository}} {{.Size}}'
<none> 25B
$ docker image prune -f | head -n 1
Deleted Images:
$ docker images -qf dangling=true
$ docker rmi my/greeting:1
Untagged: my/greeting:1
$ docker rmi my/flat:1 my/base fx/base:1 | grep -c Deleted
5
$ docker images -aq
$ docker system df --format '{{.Type}} {{.Size}}' | head -n 1
Images 0B
"#;

#[test]
fn the_tutorial_runs_through() {
    let session = Session::new();
    session.write("base.tar", pack(&producers::docker_save(&[TestImage::sample("fx/base:1")])));
    let typed: Vec<&str> = SESSION.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
    let mut script = "set -eu -o pipefail\nshopt -s expand_aliases\nalias docker=imgtool\n".to_owned();
    for line in typed {
        script.extend(["echo ", &quoted(&format!("$ {line}")), "\n", line, "\n"]);
    }
    let programs = Path::new(env!("CARGO_BIN_EXE_imgtool")).parent().expect("a folder").display().to_string();
    let output = Command::new("bash")
        .args(["--noprofile", "--norc", "-c", &script])
        .env_clear()
        .env("PATH", format!("{programs}:/usr/bin:/bin"))
        .env("IMGTOOL_ROOT", session.store())
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .env("TZ", "UTC")
        .current_dir(session.work())
        .output()
        .expect("bash starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{errors}");
    let printed = without_ids(&String::from_utf8_lossy(&output.stdout));
    assert_eq!(printed.trim_end(), SESSION.trim(), "{printed}");
}

fn quoted(line: &str) -> String {
    format!("'{}'", line.replace('\'', "'\\''"))
}

/// `[ID]` for each word of 12 or 64 hexadecimal digits.
fn without_ids(text: &str) -> String {
    let is_id = |word: &str| matches!(word.len(), 12 | 64) && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let part = |part: &str| {
        let word = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if is_id(word) { format!("[ID]{}", &part[word.len()..]) } else { part.to_owned() }
    };
    parts.map(part).collect()
}
