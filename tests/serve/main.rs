//! `imgtool serve`: the distribution API, as its specification and its clients want it.

#[path = "../support/mod.rs"]
mod support;

mod access;
mod collect;
mod conformance;
mod ends;
mod files;
mod killed;
mod names;
mod notify;
mod odd;
mod page;
mod proxy;
mod pushing;
mod seen;
mod store;
mod tls;
mod together;
