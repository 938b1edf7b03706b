//! Bounds: memory that does not grow with the image, and no second copy on disk.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::image::TestImage;
use crate::support::memory;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};

/// 64 MiB, whatever the archive's size.
const LIMIT_KIB: u64 = 64 << 10;

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// How big the image is; `IMGTOOL_BIG_MIB=2048` for the real thing.
fn mebibytes() -> usize {
    std::env::var("IMGTOOL_BIG_MIB").ok().and_then(|n| n.parse().ok()).unwrap_or(160)
}

fn peak_of(mut command: Command, stdin: Option<Vec<u8>>) -> u64 {
    let piped = if stdin.is_some() { Stdio::piped() } else { Stdio::null() };
    let mut child = command.stdin(piped).stdout(Stdio::null()).spawn().expect("the binary starts");
    let pipe = child.stdin.take();
    let writer = std::thread::spawn(move || {
        if let (Some(mut pipe), Some(bytes)) = (pipe, stdin) {
            pipe.write_all(&bytes).expect("all of it is read");
        }
    });
    let peak = memory::peak(&mut child, PATIENCE);
    writer.join().expect("the writer does not panic");
    assert!(child.wait().expect("a child of ours").success());
    assert!(peak > 0, "the process was seen");
    peak
}

#[test]
fn load_and_save_in_bounded_memory_with_one_copy() {
    let mebibytes = mebibytes();
    let image = (0..2_u8).fold(TestImage::new(&["fx/big:1"]), |image, n| {
        // Not compressible at once, and cheap to make.
        let bytes: Vec<u8> = (0..mebibytes << 17)
            .flat_map(|i| (i.wrapping_mul(2_654_435_761) ^ usize::from(n)).to_le_bytes()[..4].to_vec())
            .collect();
        image.layer("big", &[Member::file("big", bytes)])
    });
    let archive = pack(&producers::docker_save(&[image]));
    let session = Session::new();
    session.write("big.tar", &archive);
    let check = |what: &str, peak: u64| assert!(peak <= LIMIT_KIB, "{what} took {peak} KiB");
    check("load from a file", peak_of(session.command(&["load", "-i", "big.tar"]), None));
    let stored: usize = walkdir::WalkDir::new(session.store())
        .into_iter()
        .map(|entry| entry.expect("a readable store").metadata().expect("a file").len())
        .map(|bytes| usize::try_from(bytes).expect("small enough"))
        .sum();
    assert!(stored < archive.len() + (1 << 20), "{stored} bytes in the store for an archive of {}", archive.len());
    check("save to a file", peak_of(session.command(&["save", "-o", "out.tar", "fx/big:1"]), None));
    check("save to stdout", peak_of(session.command(&["save", "fx/big:1"]), None));
    let piped = Session::new();
    check("load from a pipe", peak_of(piped.command(&["load"]), Some(archive)));
    assert_eq!(piped.tags(), ["fx/big:1"]);
}
