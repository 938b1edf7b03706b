//! Images.

use super::row::Row;

pub(super) const ROWS: &[Row] = &[
    (
        "history",
        &[
            ("Show how an image was built", "imgtool history ubuntu:14.04"),
            ("Show the full commands", "imgtool history --no-trunc --format '{{.CreatedBy}}' ubuntu:14.04"),
            ("Of an archive, without loading it", "imgtool history ./ubuntu.tar"),
            ("Show exact sizes and times", "imgtool history --human=false ubuntu:14.04"),
            ("Of an image in a registry, without pulling it", "imgtool history docker://ubuntu:24.04"),
        ],
    ),
    (
        "image",
        &[
            ("List images", "imgtool image ls"),
            ("Remove images without a name", "imgtool image prune"),
            ("Show the details of an image", "imgtool image inspect ubuntu:14.04"),
        ],
    ),
    (
        "image prune",
        &[
            ("Remove dangling images, unreferenced blobs and leftovers of killed processes", "imgtool image prune"),
            ("Show what would be removed", "imgtool image prune --all --filter until=720h --dry-run"),
            ("Keep the three newest images of each repository", "imgtool image prune --force --keep 3"),
            (
                "Only in some repositories",
                "imgtool image prune --force --keep 1 --filter 'reference=registry.example/ci/*'",
            ),
        ],
    ),
    (
        "images",
        &[
            ("All images, newest first", "imgtool images"),
            ("Images of some repositories", "imgtool images 'registry.example/ci/*'"),
            ("Largest first", "imgtool images --sort size"),
            ("Output for scripts", "imgtool images --format '{{.Repository}}:{{.Tag}} {{.ID}}'"),
            ("Only the IDs of images with a label", "imgtool images -q --filter label=maintainer=ada"),
        ],
    ),
    (
        "inspect",
        &[
            ("Show all details", "imgtool inspect ubuntu:14.04"),
            ("Show one field", "imgtool inspect --format '{{json .Config.Env}}' ubuntu:14.04"),
            ("Of an image in an archive", "imgtool inspect -f '{{.Id}}' docker-archive:images.tar:app:1"),
            ("Of an image in a registry, without pulling it", "imgtool inspect docker://ubuntu:24.04"),
        ],
    ),
    (
        "rmi",
        &[
            ("Remove a name; the image goes with its last name", "imgtool rmi ubuntu:14.04"),
            ("Remove an image by ID with all its names", "imgtool rmi --force 6f88aa08c89e"),
            ("Show what would be removed", "imgtool rmi --dry-run app:1 app:2"),
        ],
    ),
    (
        "tag",
        &[
            ("Give an image another name", "imgtool tag ubuntu:14.04 base:stable"),
            ("Name it for a registry", "imgtool tag app registry.example/team/app:1.2"),
            ("Name an image by its ID", "imgtool tag 6f88aa08c89e app:found"),
        ],
    ),
    (
        "verify",
        &[
            ("Whether anything in the store is damaged", "imgtool verify"),
            ("Whether an archive came whole", "imgtool verify ./ubuntu.tar"),
            ("What is damaged, for a script", "imgtool verify --format json ubuntu:14.04"),
            ("Whether a registry has all of an image", "imgtool verify docker://localhost:5000/app:1"),
        ],
    ),
];
