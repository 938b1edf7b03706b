//! `docker diff` of a container and `imgtool diff` of a tree, and the layers of `docker commit` and `imgtool commit`, after
//! the same changes.

use std::fmt::Write as _;

use crate::changes::{Case, Changed, base, coarse, has_shell, script};
use crate::container::layers;
use crate::engine::{Engine, engine};
use crate::entries::{Entries, Known, assert_same, of_tar};
use crate::support::session::Session;

const fn case(name: &'static str, before: &'static str, change: &'static str) -> Case<'static> {
    Case { name, before, change }
}

pub(crate) const CASES: &[Case<'static>] = &[
    case("add", "", "echo new >new; mkdir -p a/b/c; echo deep >a/b/c/deep; : >empty"),
    case(
        "add-kinds",
        "",
        "ln -s nowhere link; mkfifo fifo; mknod null c 1 3; mknod loop b 7 300; mkdir -m 1777 sticky",
    ),
    case("add-modes", "", "echo x >x; chmod 4755 x; echo y >y; chmod 0 y; mkdir -m 2710 d; chown 5:6 d x"),
    case("add-names", "", "echo 1 >'a b'; echo 2 >'new\nline'; echo 3 >ünï; echo 4 >-dash; echo 5 >'q\"q'"),
    case("add-links", "", "echo one >a; ln a b; mkdir d; ln a d/c"),
    case("add-old", "", "echo x >x; touch -d @5 x; mkdir d; echo y >d/y; touch -d @1111111111 d/y d; ln -s x l"),
    case("add-sparse", "", "truncate -s 3M holes; echo end >>holes"),
    case("content", "echo one >f; echo keep >g", "echo two >f"),
    case("append", "echo one >f", "echo two >>f"),
    case("truncate", "echo one >f", ": >f"),
    case("same-content", "echo one >f", "echo one >f"),
    case("touch", "echo one >f; mkdir d", "touch -d @5 f; touch -d @6 d"),
    case("chmod", "echo x >f; mkdir d; echo y >d/f", "chmod 600 f; chmod 700 d"),
    case("chown", "echo x >f; mkdir d; echo y >d/f; ln -s f l", "chown 7:8 f; chown 9 d; chown -h 3:4 l"),
    case("setuid", "echo x >f; chmod 755 f", "chmod 6755 f"),
    case("delete", "echo x >f; echo y >g; mkdir d; echo z >d/z; mkdir e", "rm -r f d e"),
    case("delete-all", "echo x >f; echo y >g", "rm f g"),
    case("delete-deep", "mkdir -p a/b/c; echo x >a/b/c/x; echo y >a/b/c/y", "rm a/b/c/x"),
    case("deep", "mkdir -p a/b/c; echo x >a/b/c/x; chmod 711 a; chown 1:2 a/b", "echo y >a/b/c/x"),
    case("dir-to-file", "mkdir d; echo x >d/x", "rm -r d; echo file >d"),
    case("file-to-dir", "echo x >f", "rm f; mkdir f; echo y >f/y"),
    case("file-to-link", "echo x >f", "rm f; ln -s elsewhere f"),
    case("link-to-file", "ln -s elsewhere f", "rm f; echo x >f"),
    case("link-to-dir", "mkdir t; ln -s t f", "rm f; mkdir f; echo x >f/x"),
    case("dir-to-link", "mkdir d t; echo x >d/x", "rm -r d; ln -s t d"),
    case("dir-to-fifo", "mkdir d; echo x >d/x", "rm -r d; mkfifo d"),
    case("retarget", "ln -s one l", "ln -sfn two l"),
    case("rename", "echo x >f; mkdir d; echo y >d/y", "mv f g; mv d e"),
    case("rename-over", "echo x >f; echo yy >g", "mv f g"),
    case("replace-link", "echo x >f; ln f g", "echo y >n; mv n f"),
    case("unlink-one", "echo x >f; ln f g", "rm g"),
    case("unlink-both", "echo x >f; ln f g", "rm f g"),
    case("devices", "mknod a c 1 3; mkfifo p", "rm a; mknod a c 1 5; rm p"),
    case("in-and-out", "mkdir d; echo x >d/x", "echo y >d/y; rm d/y"),
];

pub(crate) const ODD: &[Case<'static>] = &[
    case(
        "recreate",
        "mkdir d; echo old >d/old; echo both >d/both",
        "rm -r d; mkdir d; echo new >d/new; echo again >d/both",
    ),
    case("recreate-empty", "mkdir d; echo old >d/old; mkdir d/sub; echo deep >d/sub/deep", "rm -r d; mkdir d"),
    case(
        "recreate-deep",
        "mkdir -p a/b; echo x >a/b/x",
        "rm -r a/b; mkdir a/b; echo y >a/b/y; mkdir a/b/c; echo z >a/b/c/z",
    ),
    case("emptied", "mkdir d; echo x >d/x; echo y >d/y", "rm d/x d/y"),
    case("link-to-old", "echo x >f", "ln f g"),
    case("chmod-same", "echo x >f; chmod 644 f; mkdir d; chmod 755 d", "chmod 644 f; chmod 755 d"),
    case("through-a-pair", "echo x >f; ln f g", "echo y >>f"),
    case("chmod-a-pair", "echo x >f; ln f g", "chmod 600 g"),
    case("same-again", "echo x >f", "cp -p f g; mv g f"),
    case("there-and-back", "echo x >f", "mv f g; mv g f"),
    case("back-in-time", "echo x >f", "echo y >f; touch -d @1000000000 f"),
    case("only-time", "mkdir d", "touch d"),
    case("swap", "echo x >f; echo y >g", "mv f h; mv g f; mv h g"),
    case("swap-dirs", "mkdir d e; echo x >d/x; echo y >e/y", "mv d h; mv e d; mv h e"),
];

/// Where `docker diff` and `imgtool diff` differ on [`ODD`], which of them has the line, and why.
const LINES: &[(&str, &str)] = &[
    ("imgtool C /back-in-time", STAT),
    ("imgtool C /back-in-time/f", STAT),
    ("imgtool C /swap", STAT),
    ("imgtool C /swap/f", STAT),
    ("imgtool C /swap/g", STAT),
    ("imgtool C /chmod-a-pair/f", PAIR),
    ("imgtool C /through-a-pair/g", PAIR),
    ("imgtool C /link-to-old/f", "its new name needs it in the layer, and docker's layer has it too"),
];

const STAT: &str = "docker's diff looks at sizes and whole times only; its layer has the change, too";
const PAIR: &str =
    "docker's overlay parts the names of a file when one is written to; in a directory they stay one file";
const COPIED: &str = "docker's layer has what was opened for a change that came to nothing";

/// Where the layers differ on [`ODD`].
const ODD_LAYER: &[Known] = &[
    ("chmod-a-pair/f", "entry", PAIR),
    ("chmod-a-pair/g", "links", PAIR),
    ("through-a-pair/f", "links", PAIR),
    ("through-a-pair/g", "entry", PAIR),
    ("chmod-same", "entry", COPIED),
    ("chmod-same/d", "entry", COPIED),
    ("chmod-same/f", "entry", COPIED),
    ("same-again/f", "entry", COPIED),
    ("there-and-back/f", "entry", COPIED),
];

/// The lines that only one of both prints, behind its name.
fn lines_apart(changed: &Changed<'_>) -> Vec<String> {
    let (docker, ours) = changed.diffs();
    assert!(docker.len() > 20, "much changed: {docker:?}");
    let theirs = docker.iter().filter(|line| !ours.contains(line)).map(|line| format!("docker {line}"));
    let mine = ours.iter().filter(|line| !docker.contains(line)).map(|line| format!("imgtool {line}"));
    theirs.chain(mine).collect()
}

/// What says that nothing of a directory below is seen.
const OPAQUE: &str = "/.wh..wh..opq";

/// The layers that both made, imgtool's first. Where a directory replaced another, docker's is opaque; a layer may as well
/// name what is gone. Either is taken, as long as imgtool's marks are docker's too; [`flattened`] shows what they hide.
fn new_layers(changed: &Changed<'_>) -> (Entries, Entries) {
    let (docker, ours) = changed.archives();
    let [mut docker, mut ours] =
        [docker, ours].map(|archive| coarse(of_tar(layers(&archive).last().expect("a layer").as_slice())));
    for folder in ours.keys().filter_map(|path| path.strip_suffix(OPAQUE)) {
        assert!(docker.contains_key(&format!("{folder}{OPAQUE}")), "only imgtool says that {folder} is opaque");
    }
    let marked = |entries: &Entries| -> Vec<String> {
        entries.keys().filter_map(|path| path.strip_suffix(OPAQUE)).map(|folder| format!("{folder}/")).collect()
    };
    let both = marked(&ours);
    let named: Vec<String> = marked(&docker).into_iter().filter(|folder| !both.contains(folder)).collect();
    let is_named = |path: &str| path.contains("/.wh.") && named.iter().any(|folder| path.starts_with(folder.as_str()));
    docker.retain(|path, _| !is_named(path));
    ours.retain(|path, _| !is_named(path));
    // The mark alone counts: docker copies the directory's mode and no time to it.
    for (_, mark) in docker.iter_mut().chain(&mut ours).filter(|(path, _)| path.ends_with(OPAQUE)) {
        mark.clear();
    }
    (ours, docker)
}

/// What docker makes of both images: `docker export` of the one that imgtool committed, and of its own.
fn flattened(engine: &mut Engine, changed_archives: (Vec<u8>, Vec<u8>), session: &Session) -> (Entries, Entries) {
    let mut export = |archive: Vec<u8>| {
        engine.forget_all();
        engine.ok(&["load", "-q", "-i", &session.write("flat.tar", archive).display().to_string()]);
        coarse(of_tar(engine.exported("fx/new:1").as_slice()))
    };
    (export(changed_archives.1), export(changed_archives.0))
}

#[test]
fn plain_changes() {
    let Some(mut engine) = engine() else { return };
    if !has_shell() {
        return;
    }
    let changed = Changed::new(&engine, &base(CASES), &script(CASES.iter().map(|case| (case.name, case.change))));
    assert_eq!(lines_apart(&changed), [""; 0]);
    changed.commit(&[]);
    let (ours, docker) = new_layers(&changed);
    assert_same("layer", ("imgtool", &ours), ("docker", &docker), &[]);
    let (archives, session) = changed.done();
    let (ours, docker) = flattened(&mut engine, archives, &session);
    assert_same("flattened", ("imgtool", &ours), ("docker", &docker), &[]);
}

#[test]
fn odd_changes() {
    let Some(mut engine) = engine() else { return };
    if !has_shell() {
        return;
    }
    let changed = Changed::new(&engine, &base(ODD), &script(ODD.iter().map(|case| (case.name, case.change))));
    assert_eq!(
        sorted_lines(lines_apart(&changed)),
        sorted_lines(LINES.iter().map(|(line, _)| (*line).to_owned()).collect())
    );
    changed.commit(&[]);
    let (ours, docker) = new_layers(&changed);
    assert_same("layer", ("imgtool", &ours), ("docker", &docker), ODD_LAYER);
    let (archives, session) = changed.done();
    let (ours, docker) = flattened(&mut engine, archives, &session);
    let pairs: Vec<Known> = ["chmod-a-pair/f", "chmod-a-pair/g", "through-a-pair/f", "through-a-pair/g"]
        .map(|path| (path, "*", PAIR))
        .to_vec();
    assert_same("flattened", ("imgtool", &ours), ("docker", &docker), &pairs);
}

fn sorted_lines(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

/// Numbers that are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        // Knuth's MMIX generator; its high bits are the better ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }

    fn path(&mut self) -> String {
        let depth = 1 + self.below(3);
        (0..depth).map(|_| ["a", "b", "c", "d"][self.below(4)]).collect::<Vec<_>>().join("/")
    }

    /// A script of changes to a few names. A step that cannot be is none. No two files are as long, as docker's diff
    /// does not look into them; no file has two names, as docker's overlay parts them; no directory is renamed, as `mv`
    /// does it otherwise where overlayfs refuses.
    fn script(&mut self, steps: usize) -> String {
        let mut script = String::new();
        for n in 0..steps {
            let (path, other) = (self.path(), self.path());
            let step = match self.below(11) {
                0..=2 => format!("seq {n} {} >{path}", n * 2 + 10),
                3 => format!("echo {n} >>{path}"),
                4 => format!("mkdir -p {path}"),
                5 => format!("rm -rf {path}"),
                6 => format!("[ -d {path} ] || [ -d {other} ] || mv {path} {other}"),
                7 => format!("ln -sn {n} {path}"),
                8 => format!("chmod {} {path}", [700, 755, 644, 4711][self.below(4)]),
                9 => format!("chown -h {n}:1 {path}"),
                _ => format!("touch -d @{} {path}", 1_200_000_000 + n),
            };
            writeln!(script, "{step} || true").expect("it is a String");
        }
        script
    }
}

#[test]
fn random_changes() {
    let Some(mut engine) = engine() else { return };
    if !has_shell() {
        return;
    }
    let mut numbers = Numbers(42);
    let names = ["r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7"];
    let scripts: Vec<(String, String)> = names.iter().map(|_| (numbers.script(60), numbers.script(50))).collect();
    let cases: Vec<Case> =
        names.iter().zip(&scripts).map(|(name, (before, change))| Case { name, before, change }).collect();
    let image = base(&cases);
    let changed = Changed::new(&engine, &image, &script(cases.iter().map(|case| (case.name, case.change))));
    assert_eq!(lines_apart(&changed), [""; 0]);
    changed.commit(&[]);
    let (ours, mut docker) = new_layers(&changed);
    let was = coarse(of_tar(image.layers[1].as_slice()));
    // What was opened for a change that came to nothing, and the directories that lead there.
    docker.retain(|path, entry| ours.contains_key(path) || was.get(path) != Some(entry));
    assert_same("layer", ("imgtool", &ours), ("docker", &docker), &[]);
    let (archives, session) = changed.done();
    let (ours, docker) = flattened(&mut engine, archives, &session);
    assert_same("flattened", ("imgtool", &ours), ("docker", &docker), &[]);
}
