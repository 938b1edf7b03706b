//! Examples of the commands that look into images.

use super::row::Row;

pub(super) const ROWS: &[Row] = &[
    (
        "analyze",
        &[
            ("What takes the space of an image, and what to write instead", "imgtool analyze ubuntu:14.04"),
            ("The same of an archive that is not loaded, with all lists whole", "imgtool analyze --top 0 ./ubuntu.tar"),
            ("Files with the same content, too", "imgtool analyze --duplicates ubuntu:14.04"),
            ("Fail a pipeline by the rules of dive in .dive-ci", "imgtool analyze --ci ubuntu:14.04"),
            (
                "By rules of its own",
                "imgtool analyze --ci --lowestEfficiency 0.95 --highestWastedBytes 20MB ubuntu:14.04",
            ),
        ],
    ),
    (
        "check-base",
        &[
            ("Does an image stand on what its base is now?", "imgtool check-base app:1"),
            ("Ask the registry of the base, also if it is in the store", "imgtool check-base --remote app:1"),
            ("Compare with a golden image in an archive", "imgtool check-base app:1 ./golden.tar"),
            ("The same for a script", "imgtool check-base --format json app:1"),
        ],
    ),
    (
        "ls",
        &[
            ("List the files of an image", "imgtool ls ubuntu:14.04 /etc"),
            ("All of them, with sizes and owners, of an archive that is not loaded", "imgtool ls -lR ./ubuntu.tar"),
            ("The largest programs first", "imgtool ls -lhS ubuntu:14.04:/usr/bin"),
            ("As it was with its lowest layer only", "imgtool ls --layer 1 ubuntu:14.04"),
            ("What higher layers deleted, with the layers", "imgtool ls -l --deleted app:1"),
        ],
    ),
    (
        "cat",
        &[
            ("Print a file of an image", "imgtool cat ubuntu:14.04 /etc/os-release"),
            ("As it was before a higher layer changed or deleted it", "imgtool cat --layer 1 ubuntu:14.04 /etc/hosts"),
            ("Of an archive that is not loaded", "imgtool cat ./ubuntu.tar:/etc/passwd"),
        ],
    ),
    (
        "cp",
        &[
            ("Copy a file out of an image", "imgtool cp ubuntu:14.04:/etc/os-release ."),
            ("What is in a directory, into one that is there", "imgtool cp app:1:/usr/share/app/. assets"),
            ("A directory under a new name, of an archive that is not loaded", "imgtool cp ./app.tar:/etc conf"),
            ("As a tar", "imgtool cp app:1:/etc - | tar -tv"),
        ],
    ),
    (
        "find",
        &[
            ("Find programs that run as somebody else", "imgtool find ubuntu:14.04 -type f '(' -setuid -o -setgid ')'"),
            ("Files of more than 10 MB, with their sizes", "imgtool find app:1 -size +10M -printf '%s %p\\n'"),
            ("What everybody may write to", "imgtool find app:1 -world-writable ! -type d"),
            ("What the third layer brought", "imgtool find app:1 /usr -layer 3 -ls"),
            ("Names for xargs", "imgtool find app:1 /etc -name '*.conf' -print0"),
        ],
    ),
    (
        "grep",
        &[
            ("Lines with a word, in all files of a directory", "imgtool grep -rw root ubuntu:14.04 /etc"),
            ("Which files have a key", "imgtool grep -l 'BEGIN .*PRIVATE KEY' app:1"),
            ("As it was before a higher layer deleted it", "imgtool grep --layer 2 -i password app:1 /app/config"),
        ],
    ),
    (
        "layers",
        &[
            ("Show what each layer of an image holds", "imgtool layers app:1"),
            ("Which images of the store share them", "imgtool layers --format '{{.Number}} {{.Shared}}' app:1"),
            ("For a script", "imgtool layers --format json ./app.tar"),
        ],
    ),
    (
        "report",
        &[
            ("Write a page about an image to report.html", "imgtool report ubuntu:14.04"),
            ("About an archive that is not loaded", "imgtool report -o app.html ./app.tar"),
            ("About what changed from one image to another", "imgtool report -o changes.html app:1 app:2"),
        ],
    ),
    (
        "sum",
        &[
            ("Print the SHA-256 of a file", "imgtool sum ubuntu:14.04 /bin/sh"),
            ("Of all files, to compare an unpacked image with them", "imgtool sum ubuntu:14.04 > ubuntu.sha256"),
        ],
    ),
    (
        "tree",
        &[
            ("Show the directories of an image, two levels deep", "imgtool tree -d --depth 2 ubuntu:14.04"),
            ("What takes the space", "imgtool tree --du --depth 2 app:1 /usr"),
        ],
    ),
    (
        "which",
        &[
            ("Which layer brought a file, and which changed it", "imgtool which app:1 /etc/passwd"),
            ("What a link leads to", "imgtool which -L debian:12 /bin/sh"),
            ("For a script", "imgtool which --format json app:1 /etc/shadow"),
        ],
    ),
    (
        "packages",
        &[
            ("List what is installed in an image", "imgtool packages ubuntu:14.04"),
            ("Only some packages, of an archive that is not loaded", "imgtool packages ./ubuntu.tar 'lib*'"),
            ("Only what pip and npm installed", "imgtool packages --type python,npm app:1"),
            (
                "A bill of materials in SPDX 2.3, of an image in a registry",
                "imgtool packages --format spdx docker://ubuntu:24.04",
            ),
            (
                "In CycloneDX 1.6, the same bytes each time",
                "SOURCE_DATE_EPOCH=0 imgtool packages --format cyclonedx app:1",
            ),
        ],
    ),
];
