//! imgtool among its peers: docker's engine, podman, skopeo, umoci and buildah read what it writes and the reverse.
//!
//! Images are made on the spot, there is no network. A peer that is not installed skips its tests with one line on stderr;
//! `IMGTOOL_REQUIRE_PEERS=1` makes that a failure. docker's engine and podman need root.

#[path = "../support/mod.rs"]
mod support;

mod analyze;
mod bills;
mod browser;
mod build;
mod bundle;
mod changes;
mod commit;
mod container;
mod cp;
mod diff;
mod docker;
mod engine;
mod entries;
mod export;
mod images;
mod import;
mod layouts;
mod packages;
mod peer;
mod podman;
mod podman_trees;
mod registry;
mod remade;
mod report;
mod rich;
mod same_words;
mod serve;
mod umoci;
mod words;
mod writers;
