//! Registries: real ones on the loopback, filled by docker, skopeo and podman; and what others make of ours.

mod child;
mod copy;
mod login;
mod manifest;
mod pulls;
mod push;
mod pushers;
mod reading;
mod resume;
mod scripted;
mod search;
pub(crate) mod servers;
mod token;
mod works;
