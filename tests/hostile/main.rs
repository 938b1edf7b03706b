//! Archives and registries made to mislead: each is refused and leaves the store as it was, or means what it says.
//!
//! The rules are named in the modules' first lines; `IMGTOOL_SLOW_TESTS=1` runs the long forms.

#[path = "../support/mod.rs"]
mod support;

mod build;
mod damage;
mod documents;
mod edits;
mod layouts;
mod looking;
mod members;
mod packages;
mod registry;
mod serve;
mod stored;
mod text;
mod together;
mod unpacked;

use support::image::TestImage;
use support::session::Session;

/// Whether the long forms are wanted.
fn slow() -> bool {
    std::env::var_os("IMGTOOL_SLOW_TESTS").is_some_and(|value| value == "1")
}

/// A session whose store has one image, so that there is something to spoil.
fn session() -> Session {
    let session = Session::new();
    let image = TestImage::of("fx/before:1", "was there before");
    session.load(&support::tarball::pack(&support::producers::docker_save(&[image])));
    session
}
