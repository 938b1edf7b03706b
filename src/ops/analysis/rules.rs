//! What images carry without needing it, where it is, and how a Dockerfile keeps it out.

use super::steps::{Step, StepKind};

/// Something that images carry without needing it.
#[derive(Debug)]
pub struct Rule {
    /// What it is.
    pub what: &'static str,
    places: &'static [Place],
    fix: Fix,
}

/// Where it is.
#[derive(Debug)]
enum Place {
    /// In this directory of the image.
    At(&'static str),
    /// In a directory of that name, or names, anywhere.
    Anywhere(&'static str),
}

/// How it is kept out.
#[derive(Debug)]
enum Fix {
    /// By a command at the end of the same `RUN`.
    End(&'static str),
    /// By a flag of one of these commands.
    Flag(&'static [&'static str], &'static str),
    /// By a mount of that directory.
    Mount(&'static str),
    /// By a pattern in .dockerignore, or by this in a `RUN`.
    Ignore(&'static str, &'static str),
}

use Fix::{End, Flag, Ignore, Mount};
use Place::{Anywhere, At};

macro_rules! rules {
    ($($what:literal: [$($place:expr),* $(,)?] => $fix:expr;)*) => {
        &[$(Rule { what: $what, places: &[$($place),*], fix: $fix }),*]
    };
}

/// What is known. The first that fits counts.
pub(super) const RULES: &[Rule] = rules! {
    "package lists of apt": [At("/var/lib/apt/lists/")] => End("rm -rf /var/lib/apt/lists/*");
    "packages that apt keeps": [At("/var/cache/apt/")] => End("rm -rf /var/cache/apt/*");
    "cache of apk": [At("/var/cache/apk/"), At("/etc/apk/cache/")] => Flag(&["apk add", "apk upgrade"], "--no-cache");
    "cache of dnf and yum": [At("/var/cache/dnf/"), At("/var/cache/yum/"), At("/var/cache/libdnf5/")]
        => End("rm -rf /var/cache/dnf /var/cache/yum /var/cache/libdnf5");
    "cache of zypper": [At("/var/cache/zypp/")] => End("zypper clean --all");
    "cache of pacman": [At("/var/cache/pacman/pkg/")] => End("rm -rf /var/cache/pacman/pkg/*");
    "cache of pip": [Anywhere("/.cache/pip/")]
        => Flag(&["pip install", "pip3 install", "pip download", "pip3 download", "pip wheel"], "--no-cache-dir");
    "cache of uv": [Anywhere("/.cache/uv/")] => Flag(&["uv sync", "uv pip install"], "--no-cache");
    "cache of poetry": [Anywhere("/.cache/pypoetry/")] => Mount("/root/.cache/pypoetry");
    "packages that conda keeps": [At("/opt/conda/pkgs/"), Anywhere("/miniconda3/pkgs/")] => End("conda clean -afy");
    "cache of npm": [Anywhere("/.npm/_cacache/"), Anywhere("/.npm/_logs/")] => End("npm cache clean --force");
    "cache of yarn": [Anywhere("/.cache/yarn/")] => End("yarn cache clean");
    "store of pnpm": [Anywhere("/.local/share/pnpm/store/")] => Mount("/root/.local/share/pnpm/store");
    "caches in node_modules": [Anywhere("/node_modules/.cache/")]
        => Ignore("**/node_modules/.cache", "find / -xdev -path '*/node_modules/.cache' -prune -exec rm -rf {} +");
    "what go downloads": [Anywhere("/go/pkg/mod/cache/")] => Mount("/go/pkg/mod");
    "what go compiles": [Anywhere("/.cache/go-build/")] => Mount("/root/.cache/go-build");
    "what cargo downloads": [At("/usr/local/cargo/registry/"), Anywhere("/.cargo/registry/")]
        => Mount("/usr/local/cargo/registry");
    "what gradle downloads": [Anywhere("/.gradle/caches/")] => Mount("/root/.gradle");
    "what maven downloads": [Anywhere("/.m2/repository/")] => Mount("/root/.m2");
    "cache of composer": [Anywhere("/.composer/cache/"), Anywhere("/.cache/composer/")] => End("composer clear-cache");
    "what bundler downloads": [At("/usr/local/bundle/cache/")] => End("rm -rf /usr/local/bundle/cache");
    "repositories of git": [Anywhere("/.git/")] => Ignore("**/.git", "rm -rf .git");
    "compiled Python": [Anywhere("/__pycache__/")]
        => Ignore("**/__pycache__", "find / -xdev -name __pycache__ -prune -exec rm -rf {} +");
    "temporary files": [At("/tmp/"), At("/var/tmp/")] => End("rm -rf /tmp/* /var/tmp/*");
    "logs": [At("/var/log/")] => End("find /var/log -type f -delete");
    "documentation": [At("/usr/share/doc/"), At("/usr/share/man/"), At("/usr/share/info/")]
        => End("rm -rf /usr/share/doc /usr/share/man /usr/share/info");
};

/// Which rule is for the files of a directory, given with a slash at both ends.
pub(super) fn find(directory: &[u8]) -> Option<usize> {
    RULES.iter().position(|rule| rule.places.iter().any(|place| place.has(directory)))
}

impl Place {
    fn has(&self, directory: &[u8]) -> bool {
        match self {
            At(place) => directory.starts_with(place.as_bytes()),
            Anywhere(names) => directory.windows(names.len()).any(|part| part == names.as_bytes()),
        }
    }
}

/// Longer lines are not repeated.
const LONGEST: usize = 400;

impl Rule {
    /// What to write instead of the step that brought it.
    pub fn instead(&self, step: &Step) -> String {
        let short = step.line.chars().count() <= LONGEST;
        match (&self.fix, step.kind) {
            (Ignore(pattern, _), StepKind::Copy) => format!("a line {pattern} in .dockerignore"),
            (_, StepKind::Copy) => {
                let place = self.directory();
                format!("a line **{place} in .dockerignore, or a COPY of what is needed only")
            }
            (_, StepKind::Base) => "FROM a smaller variant of this base image (slim, minimal)".to_owned(),
            (Flag(commands, flag), StepKind::Run) if short => match with_flag(&step.line, commands, flag) {
                Some(line) => line,
                None => self.mounted(&step.line),
            },
            (Flag(commands, flag), _) => format!("{} {flag}", commands[0]),
            (End(command) | Ignore(_, command), StepKind::Run) if short => format!("{} && {command}", step.line),
            (End(command) | Ignore(_, command), _) => format!("… && {command} (in the same step)"),
            (Mount(_), StepKind::Run) if short => self.mounted(&step.line),
            (Mount(place), _) => format!("RUN --mount=type=cache,target={place} …"),
        }
    }

    fn directory(&self) -> &'static str {
        match self.places[0] {
            At(place) | Anywhere(place) => place.trim_end_matches('/'),
        }
    }

    fn mounted(&self, line: &str) -> String {
        let place = match self.fix {
            Mount(place) => place.to_owned(),
            _ => match self.places[0] {
                At(place) => place.trim_end_matches('/').to_owned(),
                Anywhere(place) => format!("/root{}", place.trim_end_matches('/')),
            },
        };
        let command = line.strip_prefix("RUN ").unwrap_or(line);
        format!("RUN --mount=type=cache,target={place} {command}")
    }
}

/// The line with a flag behind each of these commands that lacks it; none if it has none of them.
fn with_flag(line: &str, commands: &[&str], flag: &str) -> Option<String> {
    let mut changed = line.to_owned();
    for command in commands {
        changed = changed.replace(&format!("{command} "), &format!("{command} {flag} "));
    }
    (changed != line && !line.contains(flag)).then_some(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instead(directory: &str, history: &str) -> String {
        let rule = find(directory.as_bytes()).expect("a rule");
        RULES[rule].instead(&Step::read(history))
    }

    #[test]
    fn places_are_found() {
        let cases = [
            ("/var/lib/apt/lists/partial/", Some("package lists of apt")),
            ("/var/lib/apt/", None),
            ("/home/x/.cache/pip/http/", Some("cache of pip")),
            ("/app/.git/", Some("repositories of git")),
            ("/app/.github/", None),
            ("/tmp/", Some("temporary files")),
            ("/app/tmp/", None),
            ("/", None),
        ];
        for (directory, what) in cases {
            assert_eq!(find(directory.as_bytes()).map(|rule| RULES[rule].what), what, "{directory}");
        }
    }

    #[test]
    fn lines_are_given_that_keep_it_out() {
        let cases = [
            (
                "/var/lib/apt/lists/",
                "RUN /bin/sh -c apt-get update && apt-get install -y curl # buildkit",
                "RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*",
            ),
            ("/root/.cache/pip/x/", "/bin/sh -c pip install flask", "RUN pip install --no-cache-dir flask"),
            ("/root/.cache/pip/x/", "/bin/sh -c ./install", "RUN --mount=type=cache,target=/root/.cache/pip ./install"),
            ("/app/.git/", "COPY . /app # buildkit", "a line **/.git in .dockerignore"),
            (
                "/usr/share/doc/",
                "/bin/sh -c #(nop) ADD file:1 in / ",
                "FROM a smaller variant of this base image (slim, minimal)",
            ),
            ("/go/pkg/mod/cache/", "RUN /bin/sh -c go build", "RUN --mount=type=cache,target=/go/pkg/mod go build"),
            ("/tmp/", "", "… && rm -rf /tmp/* /var/tmp/* (in the same step)"),
        ];
        for (directory, history, expected) in cases {
            assert_eq!(instead(directory, history), expected, "{directory} {history}");
        }
    }
}
