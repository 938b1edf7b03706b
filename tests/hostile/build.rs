//! Contexts and Dockerfiles made to harm: each ends with a clear error, or stays inside the context and the image.

mod archives;
mod limits;
mod secrets;
mod ways_out;

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::support::picture::Picture;
use crate::support::session::{Answer, Session};

/// What the victim's secret is.
const SECRET: &str = "the victim's secret words";
/// Far longer than anything here takes on a busy machine; without limits most of it would take hours.
const LONG: Duration = Duration::from_secs(300);

/// A session with a context in `ctx`, beside a folder that no build may read or write.
struct Trap {
    session: Session,
    victim: Picture,
    /// Whether the last build made an image, whose name is taken away before the next.
    is_built: Cell<bool>,
}

impl Trap {
    fn new() -> Self {
        let session = Session::new();
        session.write("victim/secret", SECRET);
        session.write("victim/dir/secret", SECRET);
        session.write("ctx/own", "own");
        let victim = Picture::of_folder(&session.work().join("victim"));
        Self { session, victim, is_built: Cell::new(false) }
    }

    fn ctx(&self) -> PathBuf {
        self.session.work().join("ctx")
    }

    fn victim(&self) -> PathBuf {
        self.session.work().join("victim")
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        self.session.write(&format!("ctx/{name}"), bytes);
    }

    /// Builds a Dockerfile with the context, which may fail; the victim must be as it was, and in no output.
    fn build(&self, dockerfile: impl AsRef<[u8]>) -> Answer {
        self.write("Dockerfile", dockerfile);
        self.run(b"", &["build", "-t", "fx/trap", "ctx"])
    }

    /// The same with any arguments.
    fn run(&self, stdin: &[u8], args: &[&str]) -> Answer {
        if self.is_built.take() {
            self.session.ok(&["rmi", "-f", "fx/trap"]);
        }
        let began = Instant::now();
        let answer = self.session.run_with(stdin, args);
        assert!(began.elapsed() < LONG, "{args:?} took {:?}", began.elapsed());
        assert!(answer.code < 2, "{}", answer.text());
        Picture::of_folder(&self.victim()).assert_is(&self.victim, "the victim");
        assert!(!answer.text().contains(SECRET), "{}", answer.text());
        self.is_built.set(answer.code == 0 && !args.contains(&"--check"));
        answer
    }

    /// A build that must be refused, with one error that has these words, and leave no image.
    fn refused(&self, dockerfile: impl AsRef<[u8]>, words: &str) {
        self.build(dockerfile).is_refused(&self.session, words);
    }

    /// The image that was built, as a tar; the victim's secret is not in it.
    fn image(&self) -> Vec<u8> {
        let exported = self.session.run(&["export", "fx/trap"]);
        assert_eq!(exported.code, 0, "{}", exported.stderr);
        assert!(!has(&exported.stdout, SECRET.as_bytes()), "the victim's secret is in the image");
        exported.stdout
    }

    /// What is in the image.
    fn picture(&self) -> Picture {
        let path = self.session.write("image.tar", self.image());
        Picture::of_tar(&path)
    }

    /// A build that must succeed, and what is in its image.
    fn built(&self, dockerfile: impl AsRef<[u8]>) -> Picture {
        let answer = self.build(dockerfile);
        assert_eq!(answer.code, 0, "{}", answer.stderr);
        self.picture()
    }
}

impl Answer {
    fn is_refused(&self, session: &Session, words: &str) {
        self.fails(1, &["error: ", words]);
        let errors = self.stderr.lines().filter(|line| line.starts_with("error: ")).count();
        assert_eq!(errors, 1, "one error, not a flood:\n{}", self.stderr);
        assert!(self.stderr.len() < 20_000, "an error of {} bytes", self.stderr.len());
        let left = session.tags();
        assert!(!left.iter().any(|tag| tag.starts_with("fx/trap")), "{left:?}");
        let scratch = session.store().join("imgtool/tmp");
        assert!(is_empty(&scratch), "something is left in {}", scratch.display());
    }
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
