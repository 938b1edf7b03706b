//! Examples of the commands that look into images.

use super::row::Row;

pub(super) const ROWS: &[Row] = &[(
    "ls",
    &[
        ("List the files of an image", "imgtool ls ubuntu:14.04 /etc"),
        ("All of them, with sizes and owners, of an archive that is not loaded", "imgtool ls -lR ./ubuntu.tar"),
        ("The largest programs first", "imgtool ls -lhS ubuntu:14.04:/usr/bin"),
        ("As it was with its lowest layer only", "imgtool ls --layer 1 ubuntu:14.04"),
        ("For a script", "imgtool ls --format json ubuntu:14.04 /bin"),
    ],
)];
