//! What the integration tests share: a hermetic session with the binary, images built in memory, archives in the
//! shape of every producer, and pictures of a folder to compare.
//!
//! Each test binary uses a part of it.
#![expect(dead_code, reason = "every test binary compiles this module and none uses all of it")]

pub(crate) mod chaos;
pub(crate) mod forward;
pub(crate) mod image;
pub(crate) mod layer;
pub(crate) mod memory;
pub(crate) mod oci;
pub(crate) mod packing;
pub(crate) mod picture;
pub(crate) mod producers;
pub(crate) mod registry;
pub(crate) mod server;
pub(crate) mod serving;
pub(crate) mod session;
pub(crate) mod signals;
pub(crate) mod tarball;
pub(crate) mod terminal;
pub(crate) mod tree;
pub(crate) mod tunnel;

use sha2::{Digest as _, Sha256};

/// Tells on stderr that a test, or a part of one, was skipped and why. The captured `eprintln!` would not be seen.
pub(crate) fn skip(why: &str) {
    use std::io::Write as _;
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    writeln!(std::io::stderr(), "skipped ({test}): {why}").expect("stderr is open");
}

/// A static program and a runtime, with which `RUN` can be tried.
pub(crate) fn run_tools() -> Option<(&'static str, &'static str)> {
    let is_there = |path: &&str| std::path::Path::new(path).is_file();
    let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(is_there);
    let runtime = ["/usr/bin/crun", "/usr/bin/runc", "/usr/sbin/runc"].into_iter().find(is_there);
    let tools = busybox.zip(runtime);
    if tools.is_none() {
        let is_required = std::env::var_os("IMGTOOL_REQUIRE_PEERS").is_some_and(|value| value == "1");
        assert!(!is_required, "IMGTOOL_REQUIRE_PEERS=1, but busybox-static, and crun or runc, are not installed");
        skip("RUN needs busybox-static, and crun or runc");
    }
    tools
}

/// Whether the long forms of tests are wanted.
pub(crate) fn slow() -> bool {
    std::env::var_os("IMGTOOL_SLOW_TESTS").is_some_and(|value| value == "1")
}

/// SHA-256 as 64 hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}

/// SHA-256 as `sha256:<64 hex digits>`.
pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(bytes))
}
