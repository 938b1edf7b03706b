//! `imgtool serve`: the distribution API, as its specification and its clients want it.

#[path = "../support/mod.rs"]
mod support;

mod access;
mod conformance;
mod files;
mod names;
mod notify;
mod page;
mod proxy;
mod seen;
mod store;
