//! The examples, by the names of their commands.

/// A command, and for each of its examples what it does and what to type.
type Row = (&'static str, &'static [(&'static str, &'static str)]);

pub(super) const EXAMPLES: &[Row] = &[
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
        "build",
        &[
            ("Build the Dockerfile of this directory", "imgtool build -t app:1 ."),
            ("Another Dockerfile, and one of its stages", "imgtool build -f docker/Dockerfile --target test ."),
            ("With a variable of the Dockerfile", "imgtool build --build-arg VERSION=2 -t app:2 ."),
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
    (
        "catalog",
        &[
            ("List the repositories of a private registry", "imgtool catalog localhost:5000"),
            ("... as JSON", "imgtool catalog --format json localhost:5000"),
        ],
    ),
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
    (
        "container",
        &[
            ("Commit the changes in an unpacked image as a new layer", "imgtool container commit tree app:2"),
            ("Write the files of an image as a tar archive", "imgtool container export -o rootfs.tar app:1"),
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
        "export",
        &[
            ("Write the files of an image as a tar archive", "imgtool export -o rootfs.tar ubuntu:14.04"),
            ("Print one file", "imgtool export ubuntu:14.04 | tar xO etc/os-release"),
            ("For another platform", "imgtool export --platform linux/arm64 app:1 > rootfs.tar"),
            ("Of an image in a registry, without storing it", "imgtool export -o rootfs.tar docker://ubuntu:24.04"),
        ],
    ),
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
        "import",
        &[
            ("Create an image from a tar of a root file system", "imgtool import rootfs.tar base:1"),
            ("From a pipe, and set the command", "tar -C rootfs -c . | imgtool import -c 'CMD [\"/bin/sh\"]' - base:1"),
            ("From a web server", "imgtool import https://example.com/rootfs.tar.xz base:1"),
        ],
    ),
    (
        "info",
        &[
            ("Show the version and the location of the store", "imgtool info"),
            ("As JSON", "imgtool info --format json"),
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
        "man",
        &[
            ("Install the manual pages for your user", "imgtool man ~/.local/share/man/man1"),
            ("... then", "man imgtool-commit"),
        ],
    ),
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
        "rmi",
        &[
            ("Remove a name; the image goes with its last name", "imgtool rmi ubuntu:14.04"),
            ("Remove an image by ID with all its names", "imgtool rmi --force 6f88aa08c89e"),
            ("Show what would be removed", "imgtool rmi --dry-run app:1 app:2"),
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
        "serve",
        &[
            ("Serve the store as a registry on this machine", "imgtool serve"),
            ("... to which nobody can push, with a log in JSON", "imgtool serve --read-only --log json"),
            ("For a network, with passwords", "imgtool serve --addr :5000 --htpasswd users --tls-self-signed HOST"),
            ("Behind nginx on the same machine", "imgtool serve --addr unix:/run/imgtool.sock"),
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
        "tag",
        &[
            ("Give an image another name", "imgtool tag ubuntu:14.04 base:stable"),
            ("Name it for a registry", "imgtool tag app registry.example/team/app:1.2"),
            ("Name an image by its ID", "imgtool tag 6f88aa08c89e app:found"),
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
        "unpack",
        &[
            ("Unpack the files of an image into a directory", "imgtool unpack ubuntu:14.04 tree"),
            ("Of an archive, without loading it", "imgtool unpack ./ubuntu.tar tree"),
            ("Create a bundle and run it with runc, without a daemon", "imgtool unpack --bundle ubuntu:14.04 box"),
            ("... then", "runc run -b box demo"),
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
    (
        "version",
        &[("Show the version", "imgtool version"), ("For a script", "imgtool version --format '{{.Client.Version}}'")],
    ),
    ("help", &[("Show help for a command", "imgtool help image ls"), ("List all commands", "imgtool help")]),
];
