//! Registries made to mislead, each behaviour by its number in the list of those that a client has to bear: what is
//! wrong is refused in one line that says where, nothing of it is in the store, no memory is filled, and credentials
//! are heard by nobody but those that they are for.

mod blobs;
mod documents;
mod elsewhere;
mod login;
mod loops;
mod realms;
mod trust;
mod uploads;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::session;
use crate::support::image::TestImage;
use crate::support::memory;
use crate::support::registry::auth::{Auth, Issuer, user};
use crate::support::registry::content::Pushed;
use crate::support::registry::records::{basic, spellings};
use crate::support::registry::{Registry, Setup};
use crate::support::session::{Answer, Session};
use crate::support::tree;

const USER: &str = "ada";
const PASSWORD: &str = "Enchantress-of-Numbers";

/// What nobody may hear but those that it is for: the password, and what all tokens begin with.
const SECRETS: [&str; 3] = [PASSWORD, "bearer-token-", "refresh-token-"];

/// How long a command may take, whatever a server does.
const PATIENCE: Duration = Duration::from_secs(20);
/// How much memory a command takes at most, in KiB, if nothing else is said.
const MEMORY: u64 = 64 << 10;

/// A session with an image in its store, and a registry with another one.
struct World {
    session: Session,
    registry: Registry,
    image: TestImage,
    pushed: Pushed,
    /// What is set for commands.
    environment: BTreeMap<String, String>,
    /// Flags of every command.
    flags: Vec<String>,
    /// How much memory a command may take, in KiB.
    memory: u64,
}

/// The image's name in its registry.
const NAME: &str = "team/app:1";

impl World {
    fn new() -> Self {
        Self::with(Setup::default())
    }

    fn with(setup: Setup) -> Self {
        let (session, registry) = (session(), Registry::with(setup));
        let image = TestImage::sample("fx/a:1");
        let pushed = registry.push(NAME, &image);
        let flags = vec!["--stall-timeout".to_owned(), "1".to_owned()];
        Self { session, registry, image, pushed, environment: BTreeMap::new(), flags, memory: MEMORY }
    }

    /// A registry that wants a password, and a user who is logged in to it.
    fn with_password() -> Self {
        let world = Self::with(Setup { auth: Auth::Basic(user(USER, PASSWORD)), ..Setup::default() });
        world.log_in(&world.registry.host());
        world
    }

    /// A registry that wants tokens of an issuer of its own, and a user who is logged in to it.
    fn with_tokens() -> Self {
        let issuer = Issuer::new(user(USER, PASSWORD));
        let world = Self::with(Setup { auth: Auth::Bearer(issuer.into()), ..Setup::default() });
        world.log_in(&world.registry.host());
        world
    }

    /// Has credentials for a host, as docker keeps them.
    fn log_in(&self, host: &str) {
        let auth = basic(USER, PASSWORD);
        let auth = auth.strip_prefix("Basic ").expect("it begins so");
        self.configure(&serde_json::json!({"auths": {host: {"auth": auth}}}));
    }

    /// Writes docker's `config.json`.
    fn configure(&self, config: &serde_json::Value) {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = self.session.home().join(".docker");
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("config.json"), config.to_string()).expect("a file");
        fs::set_permissions(folder.join("config.json"), fs::Permissions::from_mode(0o600)).expect("a file of ours");
    }

    /// The host as it stands in names.
    fn host(&self) -> String {
        self.registry.host()
    }

    /// What the image is called.
    fn name(&self) -> String {
        self.registry.name(NAME)
    }

    /// The commands that fetch an image with all that it has.
    fn fetches(name: &str) -> Vec<Vec<String>> {
        vec![words(&["pull", name]), words(&["save", "-o", "out.tar", &format!("docker://{name}")])]
    }

    fn command(&self, words: &[String]) -> Command {
        let (verb, rest) = words.split_first().expect("a command");
        let mut command = self.session.command(&[verb]);
        command.args(&self.flags).args(rest).envs(&self.environment);
        command
    }

    /// Runs a command, which must end in time and in little memory, and say no secret.
    fn run(&self, words: &[String]) -> Answer {
        let mut command = self.command(words);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let stdout = read_all(child.stdout.take().expect("it was asked for"));
        let stderr = read_all(child.stderr.take().expect("it was asked for"));
        let peak = memory::peak(&mut child, PATIENCE);
        let status = child.wait().expect("a child of ours");
        let (stdout, stderr) = (stdout.join().expect("no panic"), stderr.join().expect("no panic"));
        let stderr = String::from_utf8_lossy(&stderr).into_owned();
        let code = status.code().unwrap_or_else(|| panic!("{words:?} does not end, or died: {status}\n{stderr}"));
        let answer = Answer { code, stdout, stderr };
        assert!(peak < self.memory, "{words:?} took {peak} KiB\n{}", answer.text());
        assert!(!answer.stderr.contains("panicked at"), "{words:?}: {}", answer.stderr);
        for secret in SECRETS {
            let said = spellings(secret).iter().any(|spelling| answer.text().contains(spelling));
            assert!(!said, "{words:?} says {secret}:\n{}", answer.text());
        }
        answer
    }

    /// What fetches the image is refused, for a reason that has these pieces, and nothing is left of it.
    fn refuses(&self, pieces: &[&str]) {
        for words in Self::fetches(&self.name()) {
            self.refuses_command(&words, pieces);
        }
    }

    /// The same for one command.
    fn refuses_command(&self, words: &[String], pieces: &[&str]) -> Answer {
        let before = self.picture();
        let answer = self.run(words);
        answer.fails(1, pieces);
        let lines: Vec<&str> = answer.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(lines.len(), 1, "one line says what is wrong:\n{}", answer.stderr);
        let says_done = ["Digest:", "Status:"].iter().any(|word| answer.out().contains(word));
        assert!(!says_done, "{words:?} says that it is done:\n{}", answer.text());
        let traces = tree::changes(&before, &self.picture());
        assert!(traces.is_empty(), "{words:?} left traces: {traces:#?}\n{}", answer.stderr);
        assert!(!self.session.work().join("out.tar").exists(), "{words:?} left a file");
        answer
    }

    /// The image comes, whatever is strange, and is the one that was pushed.
    fn fetches_well(&self) {
        self.fetches_well_as(&self.name());
    }

    /// The same under another name.
    fn fetches_well_as(&self, name: &str) {
        for words in Self::fetches(name) {
            self.succeeds(&words, name);
        }
    }

    /// One command fetches the image, which then is taken away again.
    fn succeeds(&self, words: &[String], name: &str) {
        let before = self.picture();
        let answer = self.run(words);
        assert_eq!(answer.code, 0, "{words:?} failed:\n{}", answer.text());
        if words[0] == "pull" {
            assert_eq!(self.session.inspect(name)["Id"], self.image.id().as_str(), "{words:?}");
            self.session.ok(&["rmi", name]);
        } else {
            let other = Session::new();
            other.load(&self.session.read("out.tar"));
            assert_eq!(other.ids(), [self.image.id()], "{words:?}");
            fs::remove_file(self.session.work().join("out.tar")).expect("it was written");
        }
        let traces = tree::changes(&before, &self.picture());
        assert!(traces.is_empty(), "{words:?} left something: {traces:#?}");
    }

    /// The store without what waits there for the next attempt.
    fn picture(&self) -> BTreeMap<String, String> {
        let mut picture = self.session.picture();
        picture.retain(|path, _| !path.starts_with("imgtool/partial/"));
        picture
    }
}

fn read_all(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut all = Vec::new();
        pipe.read_to_end(&mut all).expect("it can be read");
        all
    })
}

/// Checks each case with each of the commands that fetch, all at a time: nothing is done there but to wait. Gets the case,
/// and makes of an image's name the command.
fn side_by_side<T: Copy + Send + Sync>(cases: &[T], check: impl Fn(T, &dyn Fn(&World) -> Vec<String>) + Sync) {
    thread::scope(|scope| {
        let check = &check;
        let each = cases.iter().flat_map(|case| (0..World::fetches("x").len()).map(move |verb| (*case, verb)));
        let all: Vec<_> = each
            .map(|(case, verb)| {
                scope.spawn(move || check(case, &|world| World::fetches(&world.name()).swap_remove(verb)))
            })
            .collect();
        let ended: Vec<_> = all.into_iter().map(thread::ScopedJoinHandle::join).collect();
        assert!(ended.iter().all(Result::is_ok), "a case failed");
    });
}

/// The words of a command.
fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
