//! The program itself.

use super::row::Row;

pub(super) const ROWS: &[Row] = &[
    (
        "",
        &[
            ("Load an archive written by `docker save`", "imgtool load -i ubuntu.tar"),
            ("Look into an archive without loading it", "imgtool history ./ubuntu.tar"),
            (
                "Make scripts that call docker use imgtool (they do not see aliases)",
                "ln -s \"$(command -v imgtool)\" ~/.local/bin/docker",
            ),
            ("Show help for a command", "imgtool help save"),
        ],
    ),
    (
        "completion",
        &[
            ("For this bash session", "source <(imgtool completion bash)"),
            (
                "For all your bash sessions",
                "imgtool completion bash > ~/.local/share/bash-completion/completions/imgtool",
            ),
            ("For fish", "imgtool completion fish > ~/.config/fish/completions/imgtool.fish"),
        ],
    ),
    ("help", &[("Show help for a command", "imgtool help image ls"), ("List all commands", "imgtool help")]),
    (
        "info",
        &[
            ("Show the version and the location of the store", "imgtool info"),
            ("As JSON", "imgtool info --format json"),
        ],
    ),
    (
        "man",
        &[
            ("Install the manual pages for your user", "imgtool man ~/.local/share/man/man1"),
            ("... then", "man imgtool-commit"),
        ],
    ),
    (
        "system",
        &[
            ("Show how much space images use", "imgtool system df"),
            ("Show each image and its shared size", "imgtool system df --verbose"),
        ],
    ),
    (
        "system df",
        &[
            ("Show how much space images use", "imgtool system df"),
            ("Show each image and its shared size", "imgtool system df --verbose"),
            ("For a script", "imgtool system df --format '{{.Type}} {{.Size}}'"),
        ],
    ),
    (
        "system info",
        &[
            ("Show the version and the location of the store", "imgtool system info"),
            ("As JSON", "imgtool system info --format json"),
        ],
    ),
    (
        "system prune",
        &[
            ("Remove images without a name", "imgtool system prune"),
            ("Do not ask for confirmation", "imgtool system prune --force"),
        ],
    ),
    (
        "version",
        &[("Show the version", "imgtool version"), ("For a script", "imgtool version --format '{{.Client.Version}}'")],
    ),
];
