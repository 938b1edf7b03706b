//! Docker's image commands without Docker: the library behind the `imgtool` binary, and the map of its code.
//!
//! # Bird's eye view
//!
//! An image is a config (JSON) and a stack of layers (tars, each a changeset over those below). Tools write images in a
//! dozen forms; `imgtool` reads each of them, keeps images in a store that is itself an OCI image layout, and writes
//! archives that every reader takes.
//!
//! ```text
//!   archive, layout, stdin,
//!   registry ───────────────▶ image::ImageSource ─▶ image::Named ──▶ ops::load ──▶ store::Quarantine ─▶ store
//!                                                     │              ops::pull
//!                                                     │               │
//!                                                     │               └─ every blob is copied, hashed and indexed
//!                                                     ▼                  in one pass, and nothing is visible before
//!   history, inspect ◀── ops::find ◀── image::Image ──┴──▶ ops::save ──▶ image::outgoing ─┬▶ archive::write ──▶ a tar
//!                                                          ops::push                      └▶ registry
//! ```
//!
//! # Code map
//!
//! Imports go strictly down this list; modules of one level do not import each other. Within a module, files do not
//! import each other in a circle, and a verb of [`ops`] imports no other verb, only what verbs share
//! (`tests/architecture` holds this, and lists the few places that still do).
//!
//! | level | module | what it knows |
//! |---|---|---|
//! | 0 | [`cancel`] | jobs, and ending one in the middle without leaving anything behind |
//! | 0 | [`http`] | the network: requests, TLS, proxies, limits, retries, ranges |
//! | 0 | [`go`] | what of Go's standard library docker's output shows: JSON, `text/template`, `fmt`, `time` |
//! | 0 | [`packages`] | what package managers write down of what they installed, as values |
//! | 1 | [`docker`] | what docker makes of Go's templates: its functions, and the types of what it prints |
//! | 1 | [`oci`] | the specification's nouns as values: digests, references, manifests, configs |
//! | 2 | [`layer`] | what is inside a layer: compression, tar entries, whiteouts, the layer index; the merged view of several |
//! | 2 | [`dockerfile`] | the language of Dockerfiles: instructions, words and variables, ignore patterns, lint rules |
//! | 3 | [`image`] | an image wherever its bytes are; blobs, the one place that moves them, the one reader of layer contents, checks |
//! | 4 | [`layout`] | the OCI image layout in a folder |
//! | 4 | [`rootfs`] | a root file system on disk: unpacked, remembered, compared |
//! | 5 | [`store`] | the layout that processes share: locks, quarantine, names, garbage |
//! | 5 | [`archive`] | tarballs: docker's of all times, OCI's, and both in one |
//! | 5 | [`registry`] | the distribution API: endpoints, credentials, tokens, manifests, blobs, tags, searches |
//! | 5 | [`runtime`] | running a program in a root file system, through an OCI runtime |
//! | 6 | [`ops`] | one function a verb |
//! | 6 | [`ui`] | the only writer to standard output and standard error |
//! | 7 | [`serve`] | the store as a registry: the distribution API over HTTP; the only asynchronous part |
//! | 8 | [`cli`] | flags and words, one file a command |
//!
//! # Where things go
//!
//! | to … | there is one way |
//! |---|---|
//! | read the images of a place | [`ops::source`]: [`ops::Context::inventory`] lists them; what is at the place is an [`image::ImageSource`] |
//! | read an image of a registry | [`registry::Remote`], an [`image::ImageSource`] that fetches what is asked for |
//! | ask a registry anything else | [`registry::Registries`], in [`ops::Context`]: no request is made beside it |
//! | find the image that a user typed | [`ops::find`]: [`ops::Context::find`] |
//! | look into an image | [`ops::look::Look`]: its merged view, its layers' entries, the contents of files |
//! | follow a path inside an image | `follow` of [`layer::overlay::Overlay`] |
//! | tell what an image is built on | [`ops::base`]: what it says itself, else what its layers tell |
//! | make an image of others | [`ops::remake`]: their layers as they are, another config |
//! | write an image | [`image::outgoing::prepare`]: its documents and layers, in order, each in the form that the target takes |
//! | send an image to a registry | [`ops::sending`]: a plan of what goes out, and a sender for one repository |
//! | put blobs into the store | [`store::Quarantine`]: `keep_layer`, `keep_verified`, `receive_layer` and `receive_blob` for what arrives |
//! | publish an image | [`store::Quarantine::assemble`], then [`store::Quarantine::publish_image`] |
//!
//! - A new command is a function in [`ops`], a file in [`cli`] with its flags, and a line in `cli::Command`.
//! - A new archive format is a module beside [`archive::oci_archive`] that turns an [`archive::TarIndex`] into
//!   [`image::Named`] images, and a line in the index's `inventory`.
//! - [`registry`] stands beside [`archive`], on [`http`]: `pull` takes images from it as from every [`image::ImageSource`],
//!   `push` sends it the parts of [`image::outgoing`]; what arrives in parts waits in the store's `partial/`.
//! - A new kind of package is a [`packages::Kind`], a parser of bytes beside the others of [`packages`], and a line in
//!   `ops::installed` that says which files it reads.
//! - A new request of the registry API is a variant of `serve::route` and a function in `serve::api`.
//! - A new page for people is a variant of `serve::page::Page` and a file beside it, which writes HTML through
//!   `serve::page::html` alone.
//! - A new instruction of Dockerfiles is a variant of `dockerfile::Instruction`; what it does to a config is in
//!   [`image::edit`], what it does to files in `ops::build`.
//!
//! # What must never happen
//!
//! - A name leads to a blob that was not verified, or is not on the disk yet.
//! - Content of a layer is passed on that was not verified while it was read ([`image::contents`]).
//! - What a client of [`serve`] was told to be there is deleted before its push can end: whoever deletes spares what has a
//!   lease of a job or a claim of a repository ([`store`]).
//! - A manifest is collected that has a tag, is listed by an index that stays, or is about a manifest that stays.
//! - An archive of which any part is wrong changes the store.
//! - Bytes that were read are written in another form under the same name: configs, manifests and layers are kept as
//!   they came, and only documents that we make are serialised.
//! - An archive is extracted, or a path of an archive is looked up in the file system.
//! - A number from outside (a size, a count, a depth) decides how much memory is taken.
//! - A layer or an archive is held in memory, or on the disk twice; but a layer that `save` compresses waits in a file
//!   without a name until its digest is known.
//! - Something half-done outlives a job that was cancelled ([`cancel`]).
//! - The library prints, exits, reads the environment or asks what time it is: [`cli`] and [`ui`] do. [`serve`] reads the clock, and how long
//!   something takes is measured there, in [`http`] and in [`registry`] too.
//! - A program is run, but for docker's credential helpers ([`registry::credentials`]) and what `RUN` asks for
//!   ([`runtime`]).
//! - Text from an image or a request becomes markup of a page (`serve::page::html` escapes all of it).
//! - Credentials reach an error, a log or another server than the one that they are for ([`registry`]).

pub mod cancel;
pub mod go;
pub mod http;
pub mod packages;

pub mod docker;
pub mod oci;

pub mod dockerfile;
pub mod layer;

pub mod image;

pub mod layout;

pub mod rootfs;

pub mod archive;
pub mod registry;
pub mod runtime;
pub mod store;

pub mod ops;
pub mod ui;

pub mod serve;

pub mod cli;
