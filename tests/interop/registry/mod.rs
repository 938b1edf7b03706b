//! Registries: real ones on the loopback, and what others make of ours.

mod scripted;
