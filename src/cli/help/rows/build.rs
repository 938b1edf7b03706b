//! Building images.

use super::row::Row;

pub(super) const ROWS: &[Row] = &[
    (
        "build",
        &[
            ("Build the Dockerfile of this directory", "imgtool build -t app:1 ."),
            ("Another Dockerfile, and one of its stages", "imgtool build -f docker/Dockerfile --target test ."),
            ("With a variable of the Dockerfile", "imgtool build --build-arg VERSION=2 -t app:2 ."),
            ("Write an archive, or the files into a directory", "imgtool build -t app:1 -o type=oci,dest=app.tar ."),
            ("Look for what is probably wrong, and build nothing", "imgtool build --check ."),
        ],
    ),
    (
        "builder",
        &[
            ("Build, as with `imgtool build`", "imgtool builder build -t app:1 ."),
            ("Remove what builds remember", "imgtool builder prune -f"),
        ],
    ),
    (
        "builder prune",
        &[
            ("Remove what builds remember", "imgtool builder prune"),
            ("Only what was made more than a day ago", "imgtool builder prune -f --filter until=24h"),
        ],
    ),
];
