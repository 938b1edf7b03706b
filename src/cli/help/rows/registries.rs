//! Registries.

use super::row::Row;

pub(super) const ROWS: &[Row] = &[
    (
        "catalog",
        &[
            ("List the repositories of a private registry", "imgtool catalog localhost:5000"),
            ("... as JSON", "imgtool catalog --format json localhost:5000"),
        ],
    ),
    (
        "copy",
        &[
            (
                "Copy an image from one registry to another",
                "imgtool copy docker://ubuntu:24.04 docker://localhost:5000/ubuntu:24.04",
            ),
            (
                "Give an image of a registry another tag there",
                "imgtool copy docker://ghcr.io/team/app:1.2 docker://ghcr.io/team/app:latest",
            ),
            (
                "Mirror a repository; again, to copy what is new",
                "imgtool copy --all --all-tags docker://ghcr.io/team/app docker://localhost:5000/app",
            ),
            (
                "Carry images into a network without internet",
                "imgtool copy docker://alpine:3 docker://busybox:1 oci-archive:images.tar",
            ),
            ("... and there", "imgtool copy --all-tags oci-archive:images.tar docker://registry.internal/"),
        ],
    ),
    (
        "delete",
        &[
            ("Delete a tag from a private registry", "imgtool delete localhost:5000/app:1"),
            ("Show which tags would go with a manifest", "imgtool delete --dry-run --manifest localhost:5000/app:1"),
            ("... then delete it, and all of them", "imgtool delete --manifest localhost:5000/app:1"),
        ],
    ),
    (
        "login",
        &[
            ("Log in to a registry; you are asked for the password", "imgtool login -u ada ghcr.io"),
            ("In a script, with an access token", "imgtool login -u ada --password-stdin ghcr.io < token"),
            ("To Docker Hub", "imgtool login"),
        ],
    ),
    (
        "logout",
        &[
            ("Forget the credentials for a registry", "imgtool logout ghcr.io"),
            ("Those for Docker Hub", "imgtool logout"),
        ],
    ),
    (
        "pull",
        &[
            ("Pull an image from Docker Hub", "imgtool pull ubuntu:24.04"),
            (
                "Pull images from a private registry, three layers at a time",
                "imgtool pull localhost:5000/app:1 localhost:5000/db:1",
            ),
            (
                "Pull exactly this image, whatever its tag leads to now",
                "imgtool pull ubuntu@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            ("Pull for another machine", "imgtool pull --platform linux/arm64 ubuntu:24.04"),
            ("Look at an image without pulling it", "imgtool history docker://ubuntu:24.04"),
        ],
    ),
    (
        "push",
        &[
            ("Name an image for a private registry, and push it", "imgtool tag app:1 localhost:5000/app:1"),
            ("... then", "imgtool push localhost:5000/app:1"),
            ("Push all tags of a repository, with zstd", "imgtool push --all-tags --compress zstd localhost:5000/app"),
        ],
    ),
    (
        "search",
        &[
            ("Search Docker Hub", "imgtool search ubuntu"),
            ("Only docker's own images", "imgtool search --filter is-official=true --no-trunc nginx"),
            ("Search another registry", "imgtool search quay.io/prometheus"),
            ("Names only, for a script", "imgtool search --limit 100 --format '{{.Name}}' postgres"),
        ],
    ),
    (
        "tags",
        &[
            ("List the tags of a repository", "imgtool tags ubuntu"),
            ("... in a private registry, as JSON", "imgtool tags --format json localhost:5000/team/app"),
        ],
    ),
    (
        "serve",
        &[
            ("Serve the store as a registry on this machine", "imgtool serve"),
            ("... to which nobody can push, with a log in JSON", "imgtool serve --read-only --log json"),
            ("For a network, with passwords", "imgtool serve --addr :5000 --htpasswd users --tls-self-signed HOST"),
            ("Behind nginx on the same machine", "imgtool serve --addr unix:/run/imgtool.sock"),
        ],
    ),
];
