//! Docker's commands that are not here: what to do instead.

/// What to do instead of the command that was typed, if it is one of docker's. `group` is what it was typed behind.
pub(super) fn instead(group: &str, word: &str) -> Option<&'static str> {
    let word = match group {
        "" => word,
        "image" if ["build", "pull", "push"].contains(&word) => word,
        "system" if word == "prune" => return Some(SYSTEM_PRUNE),
        _ => return None,
    };
    INSTEAD.iter().find(|(words, _)| words.split(' ').any(|known| known == word)).map(|(_, advice)| *advice)
}

const SYSTEM_PRUNE: &str = "there are only images to remove here: imgtool image prune";

const INSTEAD: [(&str, &str); 8] = [
    (
        "pull",
        "not here yet; until then: skopeo copy docker://IMAGE docker-archive:FILE:IMAGE, then imgtool load -i FILE",
    ),
    (
        "push",
        "not here yet; until then: imgtool save --format oci -o FILE IMAGE, then skopeo copy oci-archive:FILE \
         docker://IMAGE",
    ),
    ("login logout search", "not here yet: it comes with pull and push; until then: skopeo login, skopeo search"),
    (
        "run create start exec attach container ps",
        "imgtool runs no containers: imgtool unpack IMAGE DIR makes a directory that chroot, bwrap, systemd-nspawn or \
         runc runs",
    ),
    (
        "build buildx builder bake compose",
        "imgtool builds nothing from a Dockerfile: buildah and kaniko do without a daemon, imgtool load takes what they \
         write; for small changes: imgtool unpack, then imgtool commit",
    ),
    ("cp", "imgtool has no containers: imgtool unpack IMAGE DIR, or imgtool export IMAGE | tar x PATH, gets files out"),
    (
        "kill logs pause port rename restart rm stats stop top unpause update wait events",
        "imgtool has no containers, only images: imgtool --help lists what there is",
    ),
    (
        "config context network node plugin secret service stack swarm trust volume",
        "imgtool has images only, and no daemon: imgtool --help lists what there is",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_of_dockers_has_an_answer() {
        for word in ["pull", "push", "login", "run", "ps", "build", "exec", "volume", "swarm", "cp"] {
            assert!(instead("", word).is_some(), "{word}");
        }
        assert!(instead("image", "pull").is_some());
        assert!(instead("system", "prune").is_some());
        assert_eq!(instead("image", "ps"), None);
        assert_eq!(instead("", "nosuch"), None);
    }
}
