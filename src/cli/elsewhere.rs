//! Docker's commands that are not here: what to do instead.

/// What to do instead of the command that was typed, if it is one of docker's. `group` is the command that it was typed
/// behind.
pub(super) fn instead(group: &str, word: &str) -> Option<&'static str> {
    let word = match group {
        "" => word,
        "container" if ["ls", "list"].contains(&word) => "ps",
        "container" if ["inspect", "prune"].contains(&word) => "rm",
        "container" if OF_CONTAINERS.iter().any(|advice| advice.is_about(word)) => word,
        "system" if word == "prune" => return Some(SYSTEM_PRUNE),
        _ => return None,
    };
    OF_CONTAINERS.iter().chain(OTHERS).find(|advice| advice.is_about(word)).map(|advice| advice.text)
}

/// What to do instead of some commands.
struct Advice {
    words: &'static [&'static str],
    text: &'static str,
}

impl Advice {
    fn is_about(&self, word: &str) -> bool {
        self.words.contains(&word)
    }
}

const SYSTEM_PRUNE: &str = "imgtool stores only images. To remove unused ones: imgtool image prune";

/// Commands that need a container; docker has them behind `container` too.
const OF_CONTAINERS: [Advice; 2] = [
    Advice {
        words: &["run", "create", "start", "exec", "attach", "ps"],
        text: "imgtool cannot run containers. Unpack the image with imgtool unpack IMAGE DIR, then use runc or chroot",
    },
    Advice {
        words: &[
            "kill", "logs", "pause", "port", "rename", "restart", "rm", "stats", "stop", "top", "unpause", "update",
            "wait",
        ],
        text: "imgtool has no containers, only images. imgtool --help lists the commands",
    },
];

const OTHERS: &[Advice] = &[
    Advice {
        words: &["head", "tail", "less", "more"],
        text: "imgtool cat IMAGE PATH prints a file: pipe it to head, tail or less",
    },
    Advice {
        words: &["stat", "ll", "dir"],
        text: "imgtool ls -ld --full-time IMAGE PATH shows what is known of a file",
    },
    Advice { words: &["du"], text: "imgtool tree --du IMAGE shows sizes, imgtool analyze IMAGE the largest ones" },
    Advice {
        words: &["dive"],
        text: "imgtool analyze IMAGE has dive's figures, imgtool report IMAGE a page to look at",
    },
    Advice { words: &["sha256sum", "md5sum"], text: "imgtool sum IMAGE PATH prints the SHA-256 of files" },
    Advice { words: &["egrep", "fgrep"], text: "imgtool grep -E and imgtool grep -F are these" },
    Advice {
        words: &["bake"],
        text: "imgtool has one builder, without a daemon: imgtool build. What builds remember is removed by imgtool \
               builder prune",
    },
    Advice {
        words: &[
            "compose", "config", "context", "events", "network", "node", "plugin", "secret", "service", "stack",
            "swarm", "trust", "volume",
        ],
        text: "imgtool handles images only, without a daemon. imgtool --help lists the commands",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_of_dockers_has_an_answer() {
        for word in ["run", "ps", "bake", "exec", "volume", "swarm", "compose"] {
            assert!(instead("", word).is_some(), "{word}");
        }
        for word in ["run", "ls", "list", "ps", "exec", "rm", "prune", "inspect", "logs"] {
            assert!(instead("container", word).is_some(), "container {word}");
        }
        assert!(instead("system", "prune").is_some());
        for (group, word) in [("image", "ps"), ("", "nosuch"), ("container", "pull"), ("container", "nosuch")] {
            assert_eq!(instead(group, word), None, "{group} {word}");
        }
    }

    #[test]
    fn no_advice_is_false() {
        assert!(!instead("", "compose").is_some_and(|text| text.contains("build")));
    }
}
