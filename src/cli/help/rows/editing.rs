//! Examples of the commands that change images without a build.

use super::row::Row;

pub(super) const ROWS: &[Row] = &[
    (
        "edit",
        &[
            ("Set a variable, and remove another one", "imgtool edit --env MODE=production --env DEBUG- app:1"),
            (
                "Run something else, under another name",
                "imgtool edit --entrypoint '[\"/bin/app\"]' --cmd - app:1 app:2",
            ),
            ("Expose port 8080 instead of 80", "imgtool edit --expose 80- --expose 8080 app:1"),
            (
                "Remove a label and a volume of an archive",
                "imgtool edit --label vendor- --volume /data- ./app.tar app:2",
            ),
            ("The same bytes each time, without a history", "imgtool edit --history-strip --created 0 app:1 app:2"),
        ],
    ),
    (
        "squash",
        &[
            ("Make one layer of all", "imgtool squash app:1 app:flat"),
            ("Keep the two lowest layers, and make one of the others", "imgtool squash --from 3 app:1 app:2"),
            ("The same for an image in a registry", "imgtool squash docker://registry.test/app:1 app:flat"),
        ],
    ),
];
