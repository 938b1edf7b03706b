//! The store as a registry: the OCI distribution API over HTTP, for docker and every other client.
//!
//! ```text
//! socket ─▶ listen ─▶ connection ─▶ exchange ─┬▶ access     who asks, and what they may
//!                     (hyper, TLS)            ├▶ route      what is asked: a repository, and what of it
//!                                             ├▶ api        the answer; on a thread that may block
//!                                             │   ├▶ shelf  what the store's names say, kept until they change
//!                                             │   ├▶ store  blobs, uploads, names
//!                                             │   ├▶ proxy  what is fetched from another registry when it is asked for
//!                                             │   └▶ notify others are told of it
//!                                             ├▶ beside     what is no part of the API: health, metrics, the page
//!                                             └▶ answer     sent to the client; seen tells the log and the metrics of it
//! ```
//!
//! This is the only asynchronous part of the program: whatever touches the store runs on threads that may block, with one
//! [`Token`](crate::cancel::Token) a request, and no thread and no lock waits for a client.
//!
//! The repository `demo` of the API is the store's name `demo`, which is `docker.io/library/demo` in full; a repository
//! whose first component is a registry's host is a name in that registry. Nothing is copied: what was loaded can be
//! pulled, and what was pushed is an image of the store.
//!
//! Who deletes does not see what a client is about to need: what a client uploaded, mounted or was told to be there has a
//! claim of its repository for a day, on the disk. A manifest that lost its tag stays for a time, so that who knows its
//! digest can still pull it; `collect` ends all of this while the server runs, by the rules of the store, which
//! `image prune` of another process keeps as well.
//!
//! Invariants: a repository shows only blobs that its own manifests need, or that were uploaded to it; a push that was
//! acknowledged is on the disk; all that comes from a client is limited.

mod access;
mod answer;
mod any_digest;
mod api;
mod asked;
mod beside;
mod causes;
mod collect;
mod connection;
mod connections;
mod error;
mod exchange;
mod framing;
mod guard;
mod incoming;
mod listen;
mod log;
mod manifest;
mod metrics;
mod names;
mod notify;
mod page;
mod peer;
mod prometheus;
mod proxy;
mod refusal;
mod repository;
mod route;
mod run;
mod seen;
mod sendfile;
mod server;
mod settings;
mod shelf;
mod tls;
mod uploads;
mod who;

pub use error::ServeError;
pub use log::{Level, Log, LogFormat};
pub use names::Names;
pub use notify::{Form, Webhook, WebhookError};
pub use run::{Control, Ended, Running, serve};
pub use settings::{AccessSettings, Address, Collection, ProxySettings, Right, Rule, Settings, Subject, TlsSettings};
pub use tls::TlsError;
