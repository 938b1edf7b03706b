//! One function a verb: options in, report out. Nothing is printed here.

mod ahead;
pub mod analysis;
pub mod append;
pub mod base;
pub mod build;
pub mod check_base;
pub mod checkout;
pub mod commit;
pub mod copy;
mod copy_error;
pub mod damage;
pub mod delete;
mod delete_error;
pub mod df;
pub mod diff;
pub mod edit;
pub mod export;
pub mod files;
mod files_error;
pub mod filter;
pub mod find;
pub mod glob;
pub mod history;
mod hold;
pub mod images;
pub mod import;
pub mod inspect;
pub mod installed;
mod intake;
mod listed;
pub mod load;
pub mod location;
pub mod login;
pub mod look;
pub mod manifest;
mod manifest_error;
pub mod naming;
pub mod near;
pub mod output;
pub mod packages;
pub mod pipe;
pub mod prune;
pub mod pull;
pub mod push;
pub mod rebase;
pub mod receiving;
pub mod records;
pub mod remake;
pub mod remove;
pub mod report;
pub mod save;
pub mod search;
pub mod sending;
pub mod several;
pub mod size;
pub mod source;
pub mod squash;
pub mod strip;
pub mod tag;
pub mod tags;
pub mod tar_layer;
pub mod unpack;
pub mod verify;
pub mod view;
pub mod view_tar;

mod error;
mod family;
mod remake_error;
mod remote;
#[cfg(test)]
mod sample;
mod search_error;

pub use delete_error::DeleteError;
pub use error::Error;
pub use files_error::{FilesError, FindError, RegexError};
pub use find::{FoundImage, ImagePlace};
pub use location::Location;
pub use remake_error::RemakeError;

use crate::layer::Limits;
use crate::oci::Platform;
use crate::registry::Registries;
use crate::store::Store;

/// What every verb works on.
#[derive(Debug, Clone)]
pub struct Context {
    /// The store.
    pub store: Store,
    /// The platform of this machine: the default among several platforms.
    pub host: Platform,
    /// The limits for reading archives.
    pub limits: Limits,
    /// The registries.
    pub registries: Registries,
}
