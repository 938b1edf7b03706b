//! Commands to learn from, for the help and the manual pages. A test parses each of them.

/// A command line, and what it is good for.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Example {
    /// What it does, as one would say it to somebody who asks.
    pub(in crate::cli) what: &'static str,
    /// What to type.
    pub(in crate::cli) line: &'static str,
}

/// The examples of a command, by its name with those above it, under any of its names.
pub(in crate::cli) fn of(path: &str) -> Vec<Example> {
    let words = path.split_once(' ').map_or("", |(_, words)| words);
    let name = match words.split_once(' ') {
        Some(("image", "ls" | "list")) => "images",
        Some(("image", "rm" | "remove")) => "rmi",
        Some(("image", name)) if name != "prune" => name,
        _ => words,
    };
    let row = EXAMPLES.iter().find(|(command, _)| *command == name);
    row.map_or_else(Vec::new, |(_, rows)| rows.iter().map(|(what, line)| Example { what, line }).collect())
}

type Row = (&'static str, &'static [(&'static str, &'static str)]);

const EXAMPLES: [Row; 31] = [
    (
        "",
        &[
            ("Take in an archive that `docker save` wrote, and see what came", "imgtool load -i ubuntu.tar"),
            ("Look into an archive without taking it in", "imgtool history ./ubuntu.tar"),
            ("Let scripts that were written for docker run", "alias docker=imgtool"),
            ("Read more about a command", "imgtool help save"),
        ],
    ),
    (
        "commit",
        &[
            ("Unpack an image, change a file, and make the change a layer", "imgtool unpack ubuntu:14.04 tree"),
            ("... then", "imgtool commit -m 'a greeting' tree greeting:1"),
            (
                "Say what the image runs",
                "imgtool commit -c 'CMD [\"/bin/bash\"]' -c 'ENV LANG=C.UTF-8' tree greeting:2",
            ),
            ("See what would go into the layer", "imgtool commit --dry-run tree"),
            ("Make any directory the first layer of a new image", "imgtool commit --from scratch build app:1"),
        ],
    ),
    (
        "completion",
        &[
            ("For this bash session", "source <(imgtool completion bash)"),
            (
                "For every bash session of yours",
                "imgtool completion bash > ~/.local/share/bash-completion/completions/imgtool",
            ),
            ("For fish", "imgtool completion fish > ~/.config/fish/completions/imgtool.fish"),
        ],
    ),
    (
        "diff",
        &[
            ("What changed in a directory since it was unpacked", "imgtool diff tree"),
            ("What one release changed over the other", "imgtool diff app:1 app:2"),
            (
                "The same for an archive, with what is different about each path",
                "imgtool diff --format json app:1 ./app-2.tar",
            ),
            ("Leave out what does not matter", "imgtool diff --exclude 'var/cache/*' tree"),
        ],
    ),
    (
        "export",
        &[
            ("An image's files as one tar", "imgtool export -o rootfs.tar ubuntu:14.04"),
            ("One file of it", "imgtool export ubuntu:14.04 | tar xO etc/os-release"),
            ("Of another platform", "imgtool export --platform linux/arm64 app:1 > rootfs.tar"),
        ],
    ),
    (
        "history",
        &[
            ("How an image was made", "imgtool history ubuntu:14.04"),
            ("The commands in full", "imgtool history --no-trunc --format '{{.CreatedBy}}' ubuntu:14.04"),
            ("Of an archive that is not loaded", "imgtool history ./ubuntu.tar"),
            ("Exact sizes and times", "imgtool history --human=false ubuntu:14.04"),
        ],
    ),
    (
        "image",
        &[
            ("List images", "imgtool image ls"),
            ("Delete what nobody names", "imgtool image prune"),
            ("See all that is known of an image", "imgtool image inspect ubuntu:14.04"),
        ],
    ),
    (
        "image prune",
        &[
            ("Delete images without a name, and blobs that no image needs", "imgtool image prune"),
            ("See what would be deleted", "imgtool image prune --all --filter until=720h --dry-run"),
            ("Keep the three newest images of each repository", "imgtool image prune --force --keep 3"),
            (
                "Only of one repository",
                "imgtool image prune --force --keep 1 --filter 'reference=registry.example/ci/*'",
            ),
        ],
    ),
    (
        "images",
        &[
            ("All images, the newest first", "imgtool images"),
            ("Those of a repository", "imgtool images 'registry.example/ci/*'"),
            ("The largest first", "imgtool images --sort size"),
            ("For a script", "imgtool images --format '{{.Repository}}:{{.Tag}} {{.ID}}'"),
            ("By label, and as bare IDs", "imgtool images -q --filter label=maintainer=ada"),
        ],
    ),
    (
        "import",
        &[
            ("Make an image of a root file system's tar", "imgtool import rootfs.tar base:1"),
            ("From a pipe, with a command", "tar -C rootfs -c . | imgtool import -c 'CMD [\"/bin/sh\"]' - base:1"),
            ("From a web server", "imgtool import https://example.com/rootfs.tar.xz base:1"),
        ],
    ),
    (
        "info",
        &[("What this program is and where its store is", "imgtool info"), ("As JSON", "imgtool info --format json")],
    ),
    (
        "inspect",
        &[
            ("All that is known of an image", "imgtool inspect ubuntu:14.04"),
            ("One thing", "imgtool inspect --format '{{json .Config.Env}}' ubuntu:14.04"),
            ("Of an image in an archive", "imgtool inspect -f '{{.Id}}' docker-archive:images.tar:app:1"),
        ],
    ),
    (
        "load",
        &[
            ("From a file, compressed or not", "imgtool load -i images.tar.gz"),
            ("From a pipe", "ssh build-host docker save app:1 | imgtool load"),
            (
                "One image of several, under another name",
                "imgtool load -i images.tar --only app:1 --tag app:1=app:stable",
            ),
            ("For a registry of your own", "imgtool load -i images.tar --prefix registry.example/mirror"),
        ],
    ),
    (
        "man",
        &[
            ("Install the manual pages for yourself", "imgtool man ~/.local/share/man/man1"),
            ("... then", "man imgtool-commit"),
        ],
    ),
    (
        "manifest",
        &[
            ("See the manifest of an image", "imgtool manifest inspect app:1"),
            ("Put two platforms under one name", "imgtool manifest create app:all app:amd64 app:arm64"),
        ],
    ),
    (
        "manifest annotate",
        &[
            (
                "Say for which platform an image is",
                "imgtool manifest annotate --os linux --arch arm64 --variant v8 app:all app:arm64",
            ),
            ("Correct one part of it", "imgtool manifest annotate --arch arm app:all app:armhf"),
        ],
    ),
    (
        "manifest create",
        &[
            ("Put two platforms under one name", "imgtool manifest create app:all app:amd64 app:arm64"),
            ("Add one more", "imgtool manifest create --amend app:all app:riscv64"),
        ],
    ),
    (
        "manifest inspect",
        &[
            ("The manifest, or the list of platforms", "imgtool manifest inspect app:1"),
            ("With descriptors and the exact bytes", "imgtool manifest inspect --verbose app:1"),
        ],
    ),
    (
        "manifest push",
        &[
            ("Make a list of platforms an image", "imgtool manifest push app:all"),
            ("... and forget the list", "imgtool manifest push --purge app:all"),
        ],
    ),
    (
        "manifest rm",
        &[
            ("Forget a list of platforms", "imgtool manifest rm app:all"),
            ("Several", "imgtool manifest rm app:all tool:all"),
        ],
    ),
    (
        "rmi",
        &[
            ("Take a name away, and with the last one the image", "imgtool rmi ubuntu:14.04"),
            ("By ID, with all its names", "imgtool rmi --force 6f88aa08c89e"),
            ("See what would go", "imgtool rmi --dry-run app:1 app:2"),
        ],
    ),
    (
        "save",
        &[
            ("An archive that every docker reads", "imgtool save -o ubuntu.tar ubuntu:14.04"),
            ("All tags of a repository, compressed", "imgtool save ubuntu | gzip > ubuntu.tar.gz"),
            ("Small, for a slow line", "imgtool save --compress zstd:19 -o app.tar app:1"),
            ("Manifests as they are stored, so that digests survive", "imgtool save --format oci -o app.tar app:1"),
            ("Turn one archive into another form", "imgtool save --format docker -o docker.tar ./oci.tar"),
        ],
    ),
    (
        "system",
        &[
            ("How much room images take", "imgtool system df"),
            ("For each image, and what it shares", "imgtool system df --verbose"),
        ],
    ),
    (
        "system df",
        &[
            ("How much room images take", "imgtool system df"),
            ("For each image, and what it shares", "imgtool system df --verbose"),
            ("For a script", "imgtool system df --format '{{.Type}} {{.Size}}'"),
        ],
    ),
    (
        "system info",
        &[
            ("What this program is and where its store is", "imgtool system info"),
            ("As JSON", "imgtool system info --format json"),
        ],
    ),
    (
        "system prune",
        &[
            ("Delete images without a name", "imgtool system prune"),
            ("Without a question", "imgtool system prune --force"),
        ],
    ),
    (
        "tag",
        &[
            ("Give an image a further name", "imgtool tag ubuntu:14.04 base:stable"),
            ("Name it for a registry", "imgtool tag app registry.example/team/app:1.2"),
            ("Name an image by its ID", "imgtool tag 6f88aa08c89e app:found"),
        ],
    ),
    (
        "unpack",
        &[
            ("An image's files as a directory", "imgtool unpack ubuntu:14.04 tree"),
            ("Of an archive that is not loaded", "imgtool unpack ./ubuntu.tar tree"),
            ("Run it, with no daemon", "imgtool unpack --bundle ubuntu:14.04 box"),
            ("... then", "runc run -b box demo"),
        ],
    ),
    (
        "verify",
        &[
            ("Whether anything in the store is damaged", "imgtool verify"),
            ("Whether an archive came whole", "imgtool verify ./ubuntu.tar"),
            ("What is damaged, for a script", "imgtool verify --format json ubuntu:14.04"),
        ],
    ),
    (
        "version",
        &[
            ("The version of this program", "imgtool version"),
            ("For a script", "imgtool version --format '{{.Client.Version}}'"),
        ],
    ),
    ("help", &[("Read about a command", "imgtool help image ls"), ("See all commands", "imgtool help")]),
];

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _, Parser as _};

    use super::*;
    use crate::cli::Cli;

    /// All commands that are to be seen, by their names.
    fn all(command: &Command, path: &str, found: &mut Vec<String>) {
        found.push(path.to_owned());
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            all(below, &format!("{path} {}", below.get_name()), found);
        }
    }

    /// The words of a shell's line; a pipe, a redirection or the next command ends them.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
        for letter in line.chars() {
            match (quote, letter) {
                (Some(open), letter) if open == letter => quote = None,
                (None, '\'' | '"') => {
                    quote = Some(letter);
                    word.get_or_insert_default();
                }
                (None, ' ') => words.extend(word.take()),
                (None, '|' | '>' | ')') => break,
                (_, letter) => word.get_or_insert_default().push(letter),
            }
        }
        words.extend(word);
        words
    }

    #[test]
    fn every_command_has_examples_that_parse() {
        let (mut paths, mut wrong) = (Vec::new(), Vec::new());
        all(&Cli::command(), "imgtool", &mut paths);
        assert!(paths.len() > 20, "{paths:?}");
        for path in paths {
            let examples = of(&path);
            if !(2..=5).contains(&examples.len()) {
                wrong.push(format!("{path} has {} examples", examples.len()));
            }
            for Example { what, line } in examples {
                let Some(at) = line.find("imgtool ") else { continue };
                let typed = words(&line[at..]);
                let typed = super::super::spelled_out(typed.into_iter().map(Into::into).collect());
                let is_help = typed.last().is_some_and(|word| word == "--help");
                match Cli::try_parse_from(&typed) {
                    Err(error) if !(is_help && error.kind() == clap::error::ErrorKind::DisplayHelp) => {
                        wrong.push(format!("{path}: {line}: {error}"));
                    }
                    _ => {}
                }
                assert!(!what.ends_with('.'), "{what}");
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn an_example_shows_its_own_command() {
        for (name, examples) in EXAMPLES.iter().filter(|(name, _)| !["", "help", "manifest", "image"].contains(name)) {
            let of_it = examples.iter().filter(|(_, line)| line.contains(&format!("imgtool {name}"))).count();
            assert!(of_it >= examples.len().div_ceil(2), "{name}");
        }
    }

    #[test]
    fn a_line_is_read_as_a_shell_reads_it() {
        assert_eq!(words("a 'b c' \"d\" e'f'g '' | h"), ["a", "b c", "d", "efg", ""]);
    }
}
