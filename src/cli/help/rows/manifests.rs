//! Manifest lists.

use super::row::Row;

pub(super) const ROWS: &[Row] = &[
    (
        "manifest",
        &[
            ("Show the manifest of an image", "imgtool manifest inspect app:1"),
            ("Combine two platforms under one name", "imgtool manifest create app:all app:amd64 app:arm64"),
        ],
    ),
    (
        "manifest annotate",
        &[
            (
                "Set the platform of an image",
                "imgtool manifest annotate --os linux --arch arm64 --variant v8 app:all app:arm64",
            ),
            ("Correct only the architecture", "imgtool manifest annotate --arch arm app:all app:armhf"),
        ],
    ),
    (
        "manifest create",
        &[
            ("Combine two platforms under one name", "imgtool manifest create app:all app:amd64 app:arm64"),
            ("Add another platform", "imgtool manifest create --amend app:all app:riscv64"),
        ],
    ),
    (
        "manifest inspect",
        &[
            ("Show a manifest or a manifest list", "imgtool manifest inspect app:1"),
            ("With descriptors and the raw bytes", "imgtool manifest inspect --verbose app:1"),
            ("Of an image in a registry", "imgtool manifest inspect docker://ubuntu:24.04"),
        ],
    ),
    (
        "manifest push",
        &[
            ("Push a manifest list", "imgtool manifest push app:all"),
            ("... and remove the local list", "imgtool manifest push --purge app:all"),
        ],
    ),
    (
        "manifest rm",
        &[
            ("Remove a manifest list", "imgtool manifest rm app:all"),
            ("Remove several", "imgtool manifest rm app:all tool:all"),
        ],
    ),
];
