//! Pull-through: what the store does not have of one upstream registry is fetched when it is first asked for.
//!
//! ```text
//! exchange ─▶ manifests, blobs, lists ─┬▶ api        what is here already
//!                     │                └▶ upstream   what is known of the upstream: tags and when they were asked for,
//!                     │                              what is being fetched, what waits for its blobs
//!                     └▶ fetch   a blob on its way: one thread writes it, all who ask read it while it grows
//! ```
//!
//! The path `a/b` is the repository `a/b` of the upstream, and the store's name `HOST/a/b`; a path that names another
//! registry is the store's own, as without a proxy. What is fetched is a blob with a claim at once, and the tag becomes a
//! name of the store when the image is whole, for one platform at least.
//!
//! Invariant: no blob looks whole to a client before its digest is right: the last bytes are held back, and the
//! connection is cut if it is another blob.

pub(super) mod blobs;
mod fetch;
pub(super) mod lists;
pub(super) mod manifests;
mod refused;
pub(super) mod upstream;
