//! `login` and `logout`: what is asked, what is said, what is kept, and that no secret is anywhere else.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::server::{ok, serve};
use crate::support::session::{Answer, Session};
use crate::support::terminal::Screen;

/// `ada:hunter2` in base64.
const ADA: &str = "YWRhOmh1bnRlcjI=";

/// A server, and what it was asked.
struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn new(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Self {
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let notes = Arc::clone(&asked);
        let address = serve(move |request| {
            notes.lock().expect("no thread panicked").push(request.to_owned());
            answer(request)
        });
        Self { address, asked }
    }

    /// A registry that wants ada's password.
    fn basic() -> Self {
        Self::new(
            |request| if has(request, &format!("Basic {ADA}")) { ok(b"{}") } else { refused("Basic realm=\"r\"") },
        )
    }

    fn name(&self) -> String {
        self.address.to_string()
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no thread panicked").clone()
    }

    /// The `Authorization` of all requests that had one.
    fn authorizations(&self) -> Vec<String> {
        let line = |request: &String| request.lines().find_map(|line| authorization(line).map(str::to_owned));
        self.asked().iter().filter_map(line).collect()
    }
}

fn authorization(line: &str) -> Option<&str> {
    let (name, value) = line.split_once(':')?;
    name.eq_ignore_ascii_case("authorization").then(|| value.trim())
}

fn has(request: &str, wanted: &str) -> bool {
    request.lines().any(|line| authorization(line) == Some(wanted))
}

fn refused(challenge: &str) -> Vec<u8> {
    let body = r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#;
    format!(
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {challenge}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn config(session: &Session) -> PathBuf {
    session.work().join("../home/.docker/config.json")
}

fn kept(session: &Session) -> String {
    fs::read_to_string(config(session)).unwrap_or_default()
}

fn keep(session: &Session, json: &str) {
    let path = config(session);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(&path, json).expect("a writable home");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a file of ours");
}

/// Makes a credential helper; another process writes it, since what is open for writing cannot be run.
fn helper(session: &Session, name: &str, script: &str) {
    let path = session.work().join(format!("docker-credential-{name}"));
    let script = format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n");
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "printf %s \"$2\" > \"$1\" && chmod 755 \"$1\"", "sh"]).arg(path).arg(script);
    assert!(command.status().expect("a shell").success());
}

/// Runs imgtool where the helpers are found.
fn with_helpers(session: &Session, stdin: &str, args: &[&str]) -> Answer {
    session.write("stdin", stdin);
    let mut command = session.command(args);
    command.env("PATH", session.work()).env("IMGTOOL_HELPER_TIMEOUT", "2");
    let output =
        command.stdin(fs::File::open(session.work().join("stdin")).expect("a file")).output().expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Answer { code: output.status.code().expect("not killed"), stdout: output.stdout, stderr }
}

#[test]
fn in_and_out() {
    let (session, server) = (Session::new(), Server::basic());
    let name = server.name();
    let login = session.run_with(b"hunter2\n", &["login", "-u", "ada", "--password-stdin", &name]);
    assert_eq!((login.code, login.out().as_str()), (0, "Login Succeeded\n"), "{}", login.text());
    assert_eq!(
        login.stderr,
        format!(
            "\nWARNING! Your credentials are stored unencrypted in '{}'.\nConfigure a credential helper to remove this \
             warning. See\nhttps://docs.docker.com/go/credential-store/\n\n",
            config(&session).canonicalize().expect("it is there").display()
        )
    );
    assert_eq!(
        kept(&session),
        format!("{{\n\t\"auths\": {{\n\t\t\"{name}\": {{\n\t\t\t\"auth\": \"{ADA}\"\n\t\t}}\n\t}}\n}}")
    );
    let mode = |path: &std::path::Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&config(&session)), mode(config(&session).parent().expect("a folder"))), (0o600, 0o700));
    assert!(!session.store().exists(), "a login needs no store");

    // The same again changes nothing, and needs no warning.
    let again = session.run_with(b"hunter2\r\n", &["login", "-u", "ada", "-p", "-", &format!("http://{name}/v2/")]);
    assert_eq!(again.text(), "Login Succeeded\n");
    let existing = session.run(&["login", &name]);
    assert_eq!((existing.code, existing.out().as_str()), (0, "Login Succeeded\n"));
    assert!(
        existing.stderr.starts_with("Authenticating with existing credentials... [Username: ada]\n"),
        "{}",
        existing.stderr
    );
    assert!(existing.stderr.contains("run 'imgtool logout' followed by 'imgtool login'"), "{}", existing.stderr);

    let removed = format!("Removing login credentials for {name}\n");
    assert_eq!(session.run(&["logout", &format!("https://{name}/")]).text(), removed);
    assert_eq!(kept(&session), "{\n\t\"auths\": {}\n}");
    assert_eq!(session.run(&["logout", &name]).text(), removed, "nothing to forget is no failure");
    assert_eq!(session.run(&["logout"]).text(), "Removing login credentials for https://index.docker.io/v1/\n");
}

#[test]
fn a_password_that_the_registry_does_not_take_is_not_kept() {
    let (session, server) = (Session::new(), Server::basic());
    let name = server.name();
    let refusal = format!("error: login attempt to http://{name}/v2/ failed with status: 401 Unauthorized\n");
    let answer = session.run_with(b"hunter3", &["login", "-u", "ada", "--password-stdin", &name]);
    assert_eq!((answer.code, answer.stderr), (1, refusal));
    assert!(!config(&session).exists() && answer.stdout.is_empty());

    let before = format!("{{\"auths\": {{\"{name}\": {{\"auth\": \"YWRhOm9sZA==\"}}}}}}");
    keep(&session, &before);
    session.run(&["login", &name]).fails(
        1,
        &[
            "[Username: ada]",
            "Stored credentials invalid or expired",
            "cannot perform an interactive login from a non-TTY",
        ],
    );
    assert_eq!(kept(&session), before);

    // Nobody listens there.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let answer = session.run_with(b"x", &["login", "-u", "ada", "--password-stdin", &closed.to_string()]);
    answer.fails(1, &["connection refused"]);
}

#[test]
fn flags_in_dockers_words() {
    let (session, server) = (Session::new(), Server::basic());
    let cases: [(&[&str], &str, &str); 13] = [
        (&["--password-stdin"], "x", "error: the --password-stdin option requires --username to be set\n"),
        (&["-p", "-"], "x", "error: the --password-stdin option requires --username to be set\n"),
        (
            &["-u", "ada", "-p", "hunter2", "--password-stdin"],
            "x",
            "error: conflicting options: cannot specify both --password and --password-stdin\n",
        ),
        (&["-u", ""], "", "error: username is empty\n"),
        (&["-u", " ", "--password-stdin"], "x", "error: username is empty\n"),
        (&["-u", "a:b", "--password-stdin"], "x", "error: invalid username: it contains a colon\n"),
        (&["-u", "ada", "-p", ""], "", "error: password is empty\n"),
        (&["-u", "ada", "--password-stdin"], "", "error: password is empty\n"),
        (&["-u", "ada", "--password-stdin"], "\r\n", "error: password is empty\n"),
        (&["-u", "ada"], "hunter2\n", "error: cannot perform an interactive login from a non-TTY device\n"),
        (&[], "ada\nhunter2\n", "error: cannot perform an interactive login from a non-TTY device\n"),
        (&["-u", "ada", "-p", "hunter2", "foo bar"], "", "error: foo bar is not a registry: expected HOST[:PORT]\n"),
        (&["-u", "ada", "-p", "hunter2", "https://x:y@h"], "", "error: h is not a registry: expected HOST[:PORT]\n"),
    ];
    for (flags, stdin, expected) in cases {
        let answer = session.run_with(stdin.as_bytes(), &[&["login"], flags].concat());
        let warning = "WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n";
        assert_eq!((answer.code, answer.stderr.replace(warning, "").as_str()), (1, expected), "{flags:?}");
    }
    let answer = session.run(&["login", "-u", "ada", "-p", "hunter2", &server.name()]);
    assert!(answer.stderr.starts_with("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n"));
    assert_eq!(answer.ok(), "Login Succeeded\n");
    for command in ["login", "logout"] {
        session.run(&[command, "a", "b"]).fails(1, &["requires at most 1 argument"]);
    }
    let long = session.run_with(&vec![b'x'; 1 << 20], &["login", "-u", "ada", "--password-stdin"]);
    long.fails(1, &["the password on standard input has more than 65536 bytes"]);
    session.run_with(b"\xff", &["login", "-u", "ada", "--password-stdin"]).fails(1, &["is not UTF-8"]);
}

#[test]
fn where_the_config_is() {
    let (session, server) = (Session::new(), Server::basic());
    let name = server.name();
    let login = ["login", "-u", "ada", "-p", "hunter2", &name];
    let mut command = session.command(&login);
    assert!(command.env("DOCKER_CONFIG", session.work().join("variable")).output().expect("it runs").status.success());
    session.ok(&[&["--config", "flag"], &login[..]].concat());
    for folder in ["variable", "flag"] {
        assert!(String::from_utf8_lossy(&session.read(&format!("{folder}/config.json"))).contains(ADA), "{folder}");
    }
    assert!(!config(&session).exists());

    let mut command = session.command(&login);
    let output = command.env_remove("HOME").output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("cannot find docker's config.json: set HOME or DOCKER_CONFIG"), "{said}");

    let mut command = session.command(&["logout", &name]);
    command.env("DOCKER_AUTH_CONFIG", format!("{{\"auths\":{{\"{name}\":{{\"auth\":\"{ADA}\"}}}}}}"));
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said, format!("warning: $DOCKER_AUTH_CONFIG still has credentials for {name}, and is left as it is\n"));
}

#[test]
fn a_config_that_is_not_json_is_left_alone() {
    let (session, server) = (Session::new(), Server::basic());
    keep(&session, "{\"auths\": hunter2");
    for args in [&["login", "-u", "ada", "-p", "x"][..], &["login"], &["logout"]] {
        let answer = session.run(&[args, &[&server.name()]].concat());
        assert_eq!(answer.code, 1, "{}", answer.text());
        assert!(!answer.stderr.contains("hunter2"), "{}", answer.stderr);
        assert_eq!(kept(&session), "{\"auths\": hunter2");
    }
}

#[test]
fn what_is_said_of_a_config_that_others_can_read_or_that_is_a_link() {
    let (session, server) = (Session::new(), Server::basic());
    let name = server.name();
    keep(&session, &format!("{{\"auths\": {{\"{name}\": {{\"auth\": \"{ADA}\"}}}}}}"));
    fs::set_permissions(config(&session), fs::Permissions::from_mode(0o644)).expect("a file of ours");
    let told = session.run(&["tags", &format!("{name}/app")]);
    assert!(
        told.stderr.contains("config.json holds credentials and can be read by others: chmod 600 "),
        "{}",
        told.stderr
    );
    let login = session.run(&["login", &name]);
    assert!(login.stderr.contains("config.json could be read by others; now only you can read it"), "{}", login.stderr);
    assert_eq!(fs::metadata(config(&session)).expect("it is there").permissions().mode() & 0o777, 0o600);
    assert!(!session.run(&["login", &name]).stderr.contains("warning"));

    fs::rename(config(&session), session.work().join("dotfile")).expect("one file system");
    std::os::unix::fs::symlink(session.work().join("dotfile"), config(&session)).expect("a link");
    let login = session.run(&["login", "-u", "ada", "-p", "hunter2", &name]);
    assert!(login.stderr.contains("config.json is a symbolic link: the credentials are in "), "{}", login.stderr);
    assert!(config(&session).is_symlink());
}

#[test]
fn a_token_in_place_of_the_password() {
    let session = Session::new();
    let tokens = Server::new(|request| {
        let wanted = has(request, &format!("Basic {ADA}")) && request.contains("offline_token=true");
        if wanted { ok(br#"{"token":"access","refresh_token":"refresh"}"#) } else { refused("Basic realm=\"t\"") }
    });
    let realm = format!("Bearer realm=\"http://{}/token\",service=\"s\"", tokens.name());
    let server = Server::new(move |request| if has(request, "Bearer access") { ok(b"{}") } else { refused(&realm) });
    let login = session.run_with(b"hunter2", &["login", "-u", "ada", "--password-stdin", &server.name()]);
    assert_eq!(login.text(), "Login Succeeded\n", "no password is kept, so there is no warning");
    let kept: serde_json::Value = serde_json::from_str(&kept(&session)).expect("JSON");
    let expected = serde_json::json!({"auth": "YWRhOg==", "identitytoken": "refresh"});
    assert_eq!(kept["auths"][server.name()], expected);
    assert!(!server.authorizations().iter().any(|value| value.starts_with("Basic")), "{:?}", server.asked());

    let wrong = session.run_with(b"hunter3", &["login", "-u", "ada", "--password-stdin", &server.name()]);
    wrong.fails(1, &["failed with status: 401 Unauthorized"]);
}

/// R19, and with it R01.
#[test]
fn a_login_sends_nothing_to_another_server() {
    let session = Session::new();
    // It would give a token to anybody.
    let other = Server::new(|_| ok(br#"{"token":"access"}"#));
    let port = other.address.port();
    keep(&session, &format!("{{\"auths\": {{\"localhost:{port}\": {{\"auth\": \"eDp5\"}}}}}}"));
    let before = kept(&session);
    let realm = format!("Bearer realm=\"http://localhost:{port}/token\"");
    let server = Server::new(move |request| if has(request, "Bearer access") { ok(b"{}") } else { refused(&realm) });
    let login = session.run_with(b"hunter2", &["login", "-u", "ada", "--password-stdin", &server.name()]);
    login.fails(1, &["the credentials were not checked", "--token-server localhost"]);
    assert_eq!(kept(&session), before, "nothing is known of the password");
    for request in other.asked().iter().chain(&server.asked()) {
        for secret in [ADA, "eDp5", "ada", "hunter2"] {
            assert!(!request.contains(secret), "{request}");
        }
    }
    assert!(other.authorizations().is_empty());

    let trusted = ["--token-server", "localhost", "login", "-u", "ada", "--password-stdin", &server.name()];
    session.run_with(b"hunter2", &trusted).ok();
    assert_eq!(other.authorizations(), [format!("Basic {ADA}")]);
}

/// R20, R23.
#[test]
fn a_helper_keeps_the_password() {
    let (session, server) = (Session::new(), Server::basic());
    let name = server.name();
    keep(&session, "{\n\t\"credsStore\": \"good\"\n}");
    helper(
        &session,
        "good",
        r#"d=$(dirname "$0"); echo "$*" >> "$d/arguments"; tr '\0' ' ' < /proc/$PPID/cmdline >> "$d/arguments"; env >> "$d/arguments"
case $1 in
    store) cat > "$d/secret" ;;
    get) cat "$d/secret" 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;;
    erase) rm "$d/secret" ;;
esac"#,
    );
    let login = with_helpers(&session, "hunter2\n", &["login", "-u", "ada", "--password-stdin", &name]);
    assert_eq!(login.text(), "Login Succeeded\n", "a helper needs no warning");
    assert_eq!(
        kept(&session),
        format!("{{\n\t\"credsStore\": \"good\",\n\t\"auths\": {{\n\t\t\"{name}\": {{}}\n\t}}\n}}")
    );
    let secret = String::from_utf8(session.read("secret")).expect("UTF-8");
    assert_eq!(secret, format!(r#"{{"ServerURL":"{name}","Username":"ada","Secret":"hunter2"}}"#));
    with_helpers(&session, "", &["login", &name]).ok();
    assert_eq!(
        with_helpers(&session, "", &["logout", &name]).text(),
        format!("Removing login credentials for {name}\n")
    );
    assert!(!session.work().join("secret").exists());
    let arguments = String::from_utf8(session.read("arguments")).expect("UTF-8");
    assert!(arguments.contains("store\n") && arguments.contains("erase\n"), "{arguments}");
    assert!(!arguments.contains("hunter2") && !arguments.contains(ADA), "{arguments}");
}

/// R20.
#[test]
fn a_helper_that_does_not_work_is_told() {
    let (session, server) = (Session::new(), Server::basic());
    let name = server.name();
    keep(&session, r#"{"credsStore": "bad"}"#);
    let scripts = [
        (None, "it is not installed: no such program in PATH\nhint: docker's config.json names it"),
        (Some("echo hunter2; exit 1"), "docker-credential-bad: exit status 1\n"),
        (Some("echo the secret service is not there; exit 1"), "exit status 1: the secret service is not there\n"),
        (Some("sleep 3600"), "it has not answered for 2 seconds, and was ended\nhint: to wait longer"),
    ];
    for (script, expected) in scripts {
        if let Some(script) = script {
            helper(&session, "bad", script);
        }
        let started = Instant::now();
        let login = with_helpers(&session, "hunter2", &["login", "-u", "ada", "--password-stdin", &name]);
        assert!(started.elapsed() < Duration::from_secs(25));
        login.fails(1, &["docker-credential-bad: ", expected]);
        assert!(!login.stderr.contains("hunter2"), "{}", login.stderr);
        with_helpers(&session, "", &["login", &name]).fails(1, &["docker-credential-bad: ", expected]);
        with_helpers(&session, "", &["logout", &name]).fails(1, &["docker-credential-bad: ", expected]);
        assert_eq!(kept(&session), r#"{"credsStore": "bad"}"#);
    }

    // What everybody may have still comes.
    let tokens = Server::new(|_| ok(br#"{"token":"anybody"}"#));
    let realm = format!("Bearer realm=\"http://{}/token\"", tokens.name());
    let server = Server::new(move |request| {
        if has(request, "Bearer anybody") { ok(br#"{"name":"app","tags":["1"]}"#) } else { refused(&realm) }
    });
    helper(&session, "bad", "echo hunter2");
    let tags = with_helpers(&session, "", &["tags", &format!("{}/app", server.name())]);
    assert_eq!(
        tags.stderr,
        "warning: docker-credential-bad: it prints 8 bytes that are no credentials: expected a JSON object with Username \
         and Secret; going on without it\n"
    );
    assert_eq!(tags.ok(), "1\n");

    let mut command = session.command(&["logout"]);
    let output = command.env("IMGTOOL_HELPER_TIMEOUT", "soon").output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said, "error: invalid IMGTOOL_HELPER_TIMEOUT \"soon\": expected a number of seconds\n");
}

/// R21.
#[test]
fn credentials_are_for_their_server_only() {
    let (session, server) = (Session::new(), Server::basic());
    let name = server.name();
    let tags = || session.run(&["tags", &format!("{name}/team/app")]);
    for other in
        [format!("{name}.evil.net"), format!("{name}0"), "127.0.0.1".to_owned(), format!("https://{name}@evil.net")]
    {
        keep(&session, &format!("{{\"auths\": {{\"{other}\": {{\"auth\": \"{ADA}\"}}}}}}"));
        tags().fails(1, &["unauthorized", "imgtool login"]);
    }
    assert!(server.authorizations().is_empty(), "{:?}", server.asked());
    for own in [name.clone(), format!("https://{name}/v1/"), format!("http://{name}"), format!("{name}/team")] {
        keep(&session, &format!("{{\"auths\": {{\"{own}\": {{\"auth\": \"{ADA}\"}}}}}}"));
        tags();
        assert_eq!(server.authorizations().len(), 1, "{own}");
        server.asked.lock().expect("no thread panicked").clear();
    }
}

#[test]
fn the_shell_is_told_the_servers() {
    let session = Session::new();
    keep(
        &session,
        r#"{"auths": {"https://index.docker.io/v1/": {}, "ghcr.io": {}, "$(rm)": {}}, "credHelpers": {"gcr.io": "x"}}"#,
    );
    assert_eq!(session.ok(&["__complete", "logout", ""]), "\ndocker.io\ngcr.io\nghcr.io\n");
    assert_eq!(session.ok(&["__complete", "login", "-u", "ada", "gh"]), "\nghcr.io\n");
}

/// A login on a terminal.
fn on_terminal(session: &Session, screen: &Screen, args: &[&str]) -> Child {
    let mut command = session.command(args);
    command
        .env("TERM", "xterm")
        .env("NO_COLOR", "1")
        .stdin(screen.stream())
        .stdout(screen.stream())
        .stderr(screen.stream());
    command.spawn().expect("the binary starts")
}

/// Types when what was typed before is read, and no longer shown.
fn type_secretly(screen: &Screen, text: &str) {
    screen.wait_for("Password: ");
    let deadline = Instant::now() + Duration::from_secs(30);
    while screen.echoes() {
        assert!(Instant::now() < deadline, "the terminal shows what is typed");
        std::thread::sleep(Duration::from_millis(5));
    }
    screen.type_in(text);
}

#[test]
fn the_user_is_asked() {
    let (session, server) = (Session::new(), Server::basic());
    let name = server.name();
    let screen = Screen::open();
    let mut child = on_terminal(&session, &screen, &["login", &name]);
    screen.wait_for("Username: ");
    screen.type_in("ada\n");
    type_secretly(&screen, "hunter2\n");
    assert!(child.wait().expect("it ends").success());
    assert!(screen.echoes());
    let shown = screen.end();
    assert!(shown.starts_with("Username: ada\r\nPassword: \r\n\r\nWARNING! "), "{shown}");
    assert!(shown.ends_with("Login Succeeded\r\n") && !shown.contains("hunter2"), "{shown}");
    assert!(kept(&session).contains(ADA));

    // What is kept is refused, and its user is proposed.
    keep(&session, &format!("{{\"auths\": {{\"{name}\": {{\"auth\": \"YWRhOm9sZA==\"}}}}}}"));
    let screen = Screen::open();
    let mut child = on_terminal(&session, &screen, &["login", &name]);
    screen.wait_for("Username (ada): ");
    screen.type_in("\n");
    type_secretly(&screen, "hunter2\n");
    assert!(child.wait().expect("it ends").success());
    assert!(screen.end().contains("Stored credentials invalid or expired\r\n"));

    for (typed, expected) in
        [("\n", "error: password is required"), ("\x04", "error: password is required"), ("x\n", "401 Unauthorized")]
    {
        let screen = Screen::open();
        let mut child = on_terminal(&session, &screen, &["login", "-u", "ada", &name]);
        type_secretly(&screen, typed);
        assert_eq!(child.wait().expect("it ends").code(), Some(1));
        let shown = screen.end();
        assert!(shown.contains(expected), "{shown}");
    }
    let screen = Screen::open();
    let mut child = on_terminal(&session, &screen, &["login"]);
    screen.wait_for("head over to https://hub.docker.com/ to create one");
    screen.wait_for("Username: ");
    screen.type_in(" \n");
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
    assert!(screen.end().ends_with("error: username is required\r\n"));
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    let (session, server) = (Session::new(), Server::basic());
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let screen = Screen::open();
        let mut child = on_terminal(&session, &screen, &["login", "-u", "ada", &server.name()]);
        type_secretly(&screen, "hunt");
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process");
        kill_process(pid, signal).expect("a child of ours");
        assert_eq!(child.wait().expect("it ends").signal(), Some(signal.as_raw()));
        assert!(screen.echoes(), "{signal:?}");
        let shown = screen.end();
        assert_eq!(shown, "Password: \r\n");
    }
    assert!(server.asked().is_empty() && !config(&session).exists());
}

#[test]
fn a_signal_ends_a_helper_too() {
    let (session, server) = (Session::new(), Server::basic());
    keep(&session, r#"{"credsStore": "hangs"}"#);
    helper(&session, "hangs", "cat > /dev/null; echo $$ > \"$(dirname \"$0\")/pid\"; sleep 3600; true");
    let mut command = session.command(&["login", &server.name()]);
    let mut child = command.env("PATH", session.work()).stdin(Stdio::null()).spawn().expect("it starts");
    let pid = || fs::read_to_string(session.work().join("pid")).ok()?.trim().parse::<u32>().ok();
    let deadline = Instant::now() + Duration::from_secs(15);
    while pid().is_none() {
        assert!(Instant::now() < deadline, "the helper does not run");
        std::thread::sleep(Duration::from_millis(5));
    }
    let own = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process");
    kill_process(own, Signal::INT).expect("a child of ours");
    assert_eq!(child.wait().expect("it ends").signal(), Some(Signal::INT.as_raw()));
    let helper = pid().expect("it was there");
    assert!(!PathBuf::from(format!("/proc/{helper}")).exists(), "the helper still runs");
}
