//! Archives.

use super::row::Row;

pub(super) const ROWS: &[Row] = &[
    (
        "export",
        &[
            ("Write the files of an image as a tar archive", "imgtool export -o rootfs.tar ubuntu:14.04"),
            ("Print one file", "imgtool export ubuntu:14.04 | tar xO etc/os-release"),
            ("For another platform", "imgtool export --platform linux/arm64 app:1 > rootfs.tar"),
            ("Of an image in a registry, without storing it", "imgtool export -o rootfs.tar docker://ubuntu:24.04"),
        ],
    ),
    (
        "import",
        &[
            ("Create an image from a tar of a root file system", "imgtool import rootfs.tar base:1"),
            ("From a pipe, and set the command", "tar -C rootfs -c . | imgtool import -c 'CMD [\"/bin/sh\"]' - base:1"),
            ("From a web server", "imgtool import https://example.com/rootfs.tar.xz base:1"),
        ],
    ),
    (
        "load",
        &[
            ("From a file, compressed or not", "imgtool load -i images.tar.gz"),
            ("From a pipe", "ssh build-host docker save app:1 | imgtool load"),
            (
                "Load one of several images under another name",
                "imgtool load -i images.tar --only app:1 --tag app:1=app:stable",
            ),
            ("Rename all images for a private registry", "imgtool load -i images.tar --prefix registry.example/mirror"),
        ],
    ),
    (
        "save",
        &[
            ("Write an archive that every docker can load", "imgtool save -o ubuntu.tar ubuntu:14.04"),
            ("All tags of a repository, compressed", "imgtool save ubuntu | gzip > ubuntu.tar.gz"),
            ("Small, for a slow connection", "imgtool save --compress zstd:19 -o app.tar app:1"),
            ("Keep manifests and digests unchanged", "imgtool save --format oci -o app.tar app:1"),
            ("Convert an archive to another format", "imgtool save --format docker -o docker.tar ./oci.tar"),
        ],
    ),
];
