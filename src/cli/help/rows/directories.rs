//! Directories.

use super::row::Row;

pub(super) const ROWS: &[Row] = &[
    (
        "commit",
        &[
            ("Unpack an image, change files, and commit them as a layer", "imgtool unpack ubuntu:14.04 tree"),
            ("... then", "imgtool commit -m 'a greeting' tree greeting:1"),
            (
                "Set the command and the environment",
                "imgtool commit -c 'CMD [\"/bin/bash\"]' -c 'ENV LANG=C.UTF-8' tree greeting:2",
            ),
            ("Show what the layer would contain", "imgtool commit --dry-run tree"),
            ("Create a new image from any directory", "imgtool commit --from scratch build app:1"),
        ],
    ),
    (
        "container",
        &[
            ("Commit the changes in an unpacked image as a new layer", "imgtool container commit tree app:2"),
            ("Write the files of an image as a tar archive", "imgtool container export -o rootfs.tar app:1"),
        ],
    ),
    (
        "diff",
        &[
            ("What changed in a directory since it was unpacked", "imgtool diff tree"),
            ("What changed between two releases", "imgtool diff app:1 app:2"),
            ("Compare with an archive, as JSON", "imgtool diff --format json app:1 ./app-2.tar"),
            ("Exclude paths", "imgtool diff --exclude 'var/cache/*' tree"),
            ("Compare with what a registry has", "imgtool diff docker://localhost:5000/app:1 app:2"),
        ],
    ),
    (
        "unpack",
        &[
            ("Unpack the files of an image into a directory", "imgtool unpack ubuntu:14.04 tree"),
            ("Of an archive, without loading it", "imgtool unpack ./ubuntu.tar tree"),
            ("Create a bundle and run it with runc, without a daemon", "imgtool unpack --bundle ubuntu:14.04 box"),
            ("... then", "runc run -b box demo"),
        ],
    ),
];
