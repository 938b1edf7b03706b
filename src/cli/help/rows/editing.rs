//! Examples of the commands that change images without a build.

use super::row::Row;

pub(super) const ROWS: &[Row] = &[
    (
        "append",
        &[
            ("Put a tar on top of an image", "imgtool append app:1 app:2 layer.tar.gz"),
            (
                "Put the content of a directory into an image that has nothing else",
                "imgtool append scratch tools:1 ./bin",
            ),
            (
                "Two layers, one from a pipe",
                "tar c -C src . | imgtool append docker://registry.test/base:1 app:1 ./etc -",
            ),
        ],
    ),
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
        "rebase",
        &[
            ("Put an image on a newer base, under the same name", "imgtool rebase app:1 --onto base:2"),
            ("On what the base that it names is now", "imgtool rebase app:1 app:2"),
            (
                "An image that does not tell what it was built on",
                "imgtool rebase app:1 app:2 --from debian:12 --onto debian:13",
            ),
            (
                "From and onto images in a registry",
                "imgtool rebase docker://registry.test/app:1 app:2 --onto docker://registry.test/base:2",
            ),
            ("Only tell what would become of it", "imgtool rebase --dry-run app:1 --onto ./base.tar"),
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
    (
        "strip",
        &[
            ("Remove a directory from all layers", "imgtool strip --remove var/cache/apt app:1 app:2"),
            ("Remove files of one kind wherever they are", "imgtool strip --remove '**/*.pyc' app:1 app:2"),
            ("Only list what would go", "imgtool strip --remove root --dry-run app:1"),
            (
                "All but one file of a directory",
                "imgtool strip --remove usr/share/doc --remove '!usr/share/doc/LICENSE' app:1 app:2",
            ),
        ],
    ),
];
