//! Registries: real ones on the loopback, filled by docker, skopeo and podman; and what others make of ours.

mod child;
mod login;
mod pushers;
mod scripted;
mod servers;
mod token;
mod works;
