//! The completion scripts, driven by the shells themselves.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::pack;

/// A store with a few names, and a folder with a few files.
fn session() -> Session {
    let session = Session::new();
    let image =
        TestImage::of("ubuntu:14.04", "a").also_tagged("ubuntu:22.04").also_tagged("registry.example:5000/app:1");
    session.load(&pack(&producers::docker_save(&[image])));
    session.write("archive.tar", "");
    session.write("folder/x", "");
    session
}

/// Runs a script in a shell that finds imgtool on its PATH; none if the shell is not installed.
fn shell(session: &Session, program: &str, args: &[&str], script: &str) -> Option<String> {
    let tool = std::path::Path::new(env!("CARGO_BIN_EXE_imgtool")).parent().expect("a folder");
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", tool.display());
    let mut command = Command::new(program);
    command
        .args(args)
        .env_clear()
        .env("PATH", path)
        .env("HOME", session.work().join("../home"))
        .env("IMGTOOL_ROOT", session.store())
        .env("TERM", "xterm")
        .env("LC_ALL", "C.UTF-8")
        .current_dir(session.work())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Err(_) if std::env::var_os("IMGTOOL_REQUIRE_PEERS").is_none() => {
            let _ = writeln!(std::io::stderr(), "skipped: {program} is not installed");
            return None;
        }
        child => child.unwrap_or_else(|error| panic!("{program}: {error}")),
    };
    child.stdin.take().expect("it was asked for").write_all(script.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{program}: {script}");
    Some(String::from_utf8(output.stdout).expect("UTF-8"))
}

/// What is typed, as bash cuts it into words (between `_`), and what bash gets to complete the last of them.
const BASH: [(&str, &str); 14] = [
    ("imgtool_hist", "history"),
    ("imgtool_history_ub", "ubuntu:14.04 ubuntu:22.04"),
    ("imgtool_history_ubuntu_:", "14.04 22.04"),
    ("imgtool_history_ubuntu_:_1", "14.04"),
    ("imgtool_image_history_registry.example_:_50", "5000/app:1"),
    ("imgtool_history_registry.example_:_5000/app_:_", "1"),
    ("imgtool_commit_--from_=_ub", "ubuntu:14.04 ubuntu:22.04"),
    ("imgtool_commit_--from_=_ubuntu_:_2", "22.04"),
    ("imgtool_commit_--from_ub", "ubuntu:14.04 ubuntu:22.04"),
    ("imgtool_load_-i_ar", "archive.tar"),
    ("imgtool_load_--input_=_ar", "archive.tar"),
    ("imgtool_unpack_ubuntu_:_14.04_fo", "folder"),
    ("imgtool_save_./ar", "./archive.tar"),
    ("imgtool_save_--format_d", "docker docker-legacy"),
];

#[test]
fn bash() {
    let session = session();
    for (line, expected) in BASH {
        let words: Vec<String> = line.split('_').map(|word| format!("'{word}'")).collect();
        let script = format!(
            "source <(imgtool completion bash)\n\
             complete -p imgtool >/dev/null || exit 1\n\
             COMP_WORDS=({}) COMP_CWORD={}\n\
             _imgtool 2>/dev/null\n\
             printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
            words.join(" "),
            words.len() - 1,
        );
        let answer = shell(&session, "bash", &["--noprofile", "--norc"], &script).expect("bash is everywhere");
        assert_eq!(answer.split_whitespace().collect::<Vec<_>>().join(" "), expected, "{line}");
    }
}

#[test]
fn bash_without_colons_among_its_breaks() {
    let session = session();
    let script = "source <(imgtool completion bash)\nCOMP_WORDBREAKS=' '\n\
                  COMP_WORDS=(imgtool history ubuntu:1) COMP_CWORD=2\n_imgtool 2>/dev/null\necho \"${COMPREPLY[@]}\"\n";
    assert_eq!(shell(&session, "bash", &["--norc"], script).as_deref(), Some("ubuntu:14.04\n"));
}

#[test]
fn bash_at_the_keyboard() {
    let session = session();
    // Readline itself: a tab, and then the line is printed and not run.
    let script = "PS1=\nsource <(imgtool completion bash)\nset -o emacs\nbind '\"\\C-t\": \"\\C-aecho \\C-e\\n\"'\n";
    let typed = ["imgtool history ubuntu:1\t\x14", "imgtool history registry.ex\t\x14", "imgtool hist\tubuntu:2\t\x14"];
    let script = format!("{script}{}exit\n", typed.concat());
    let Some(answer) = shell_interactive(&session, &script) else { return };
    for line in
        ["imgtool history ubuntu:14.04", "imgtool history registry.example:5000/app:1", "imgtool history ubuntu:22.04"]
    {
        assert!(answer.lines().any(|shown| shown.trim() == line), "{line} is not in\n{answer}");
    }
}

#[test]
fn the_steps_of_the_readme() {
    let session = session();
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("README.md");
    let section = page.split("\n## ").find(|section| section.starts_with("Install\n")).expect("it says how to install");
    let steps: Vec<&str> = section.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
    let steps = steps.join("\n") + "\n";
    assert!(steps.lines().count() >= 5, "{section}");
    shell(&session, "bash", &["--norc", "-e"], &steps).expect("bash is everywhere");
    for (program, args, script, expected) in [
        ("bash", &["--norc"][..], "source ~/.bashrc; complete -p imgtool\n", "complete -F _imgtool imgtool\n"),
        ("zsh", &[], "source ~/.zshrc; print $_comps[imgtool]\n", "_imgtool\n"),
        ("fish", &[], "complete -C 'imgtool history ubuntu:2'\n", "ubuntu:22.04\n"),
        (
            "sh",
            &[],
            "command -v man >/dev/null || { echo imgtool-commit.1; exit; }\n\
             mkdir -p ~/.local/bin; PATH=~/.local/bin:$PATH; basename \"$(man -w imgtool-commit)\"\n",
            "imgtool-commit.1\n",
        ),
    ] {
        let Some(answer) = shell(&session, program, args, script) else { continue };
        assert_eq!(answer, expected, "{program}");
    }
}

/// An interactive bash on pipes: readline works there, too.
fn shell_interactive(session: &Session, script: &str) -> Option<String> {
    let tool = std::path::Path::new(env!("CARGO_BIN_EXE_imgtool")).parent().expect("a folder");
    let mut child = Command::new("bash")
        .args(["--noprofile", "--norc", "-i"])
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", tool.display()))
        .env("HOME", session.work())
        .env("IMGTOOL_ROOT", session.store())
        .env("TERM", "dumb")
        .current_dir(session.work())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take().expect("it was asked for").write_all(script.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn fish() {
    let session = session();
    for (line, expected) in [
        ("imgtool hist", "history"),
        ("imgtool history ub", "ubuntu:14.04 ubuntu:22.04"),
        ("imgtool history ubuntu:1", "ubuntu:14.04"),
        ("imgtool image history registry.example:5", "registry.example:5000/app:1"),
        ("imgtool commit --from=ubuntu:2", "--from=ubuntu:22.04"),
        ("imgtool load -i ar", "archive.tar"),
        ("imgtool unpack ubuntu:14.04 fo", "folder/"),
        ("imgtool save --format d", "docker docker-legacy"),
    ] {
        let script = format!("imgtool completion fish | source\ncomplete -C '{line}'\n");
        let Some(answer) = shell(&session, "fish", &["--no-config"], &script) else { return };
        let words: Vec<&str> = answer.lines().filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(words.join(" "), expected, "{line}");
    }
}

#[test]
fn zsh() {
    let session = session();
    for (line, expected) in [
        ("imgtool hist", "imgtool history "),
        ("imgtool history ubuntu:1", "imgtool history ubuntu:14.04 "),
        ("imgtool image history reg", "imgtool image history registry.example:5000/app:1 "),
        ("imgtool commit --from=ubuntu:2", "imgtool commit --from=ubuntu:22.04 "),
        ("imgtool load -i ar", "imgtool load -i archive.tar "),
        ("imgtool unpack ubuntu:14.04 fo", "imgtool unpack ubuntu:14.04 folder/"),
        ("imgtool save --comp", "imgtool save --compress "),
    ] {
        let Some(answer) = shell(&session, "zsh", &["-f"], &zsh_script(line)) else { return };
        assert_eq!(answer.trim_end_matches('\n'), expected, "{line}");
    }
}

/// A zsh on a terminal of its own, in which the line is typed with a tab behind it.
fn zsh_script(line: &str) -> String {
    format!(
        "zmodload zsh/zpty\n\
         zpty -b child zsh -f -i\n\
         send() {{ zpty -w child \"$1\" }}\n\
         send 'PS1= ; stty -echo; autoload -U compinit; compinit -D -u; eval \"$(imgtool completion zsh)\"'\n\
         send 'show() {{ print -r -- \"<<$BUFFER>>\"; BUFFER=; zle accept-line }}; zle -N show; bindkey \"^X\" show; print ready-$((1+1))'\n\
         zpty -r child seen '*ready-2*'\n\
         zpty -n -w child $'{line}\\t\\x18'\n\
         zpty -r child seen '*>>*'\n\
         zpty -d child\n\
         seen=${{seen##*<<}}\n\
         print -r -- \"${{seen%%>>*}}\"\n"
    )
}
