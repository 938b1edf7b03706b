//! A store and directories for tests.

use std::path::PathBuf;

use super::{CommitOptions, commit};
use crate::image::Silent;
use crate::layer::Limits;
use crate::oci::{Created, Platform};
use crate::ops::checkout::{Compare, diff};
use crate::ops::{Context, unpack};
use crate::registry::Registries;
use crate::store::Store;

pub(super) struct Bench {
    folder: tempfile::TempDir,
    pub(super) context: Context,
}

impl Bench {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::new(folder.path().join("store"));
        let context =
            Context { store, host: Platform::host(), limits: Limits::default(), registries: Registries::default() };
        Self { folder, context }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn commit(&self, name: &str, squash: bool) -> String {
        let options = CommitOptions {
            compare: Compare { squash, ..Compare::default() },
            author: String::new(),
            message: String::new(),
            changes: Vec::new(),
            created: Created::go_zero(),
            latest: None,
            name: None,
        };
        commit(&self.context, &self.path(name), &options, &Silent).expect("a commit").id.to_string()
    }

    pub(super) fn unpack(&self, id: &str, name: &str) {
        let options = unpack::UnpackImageOptions { devices: true, ..unpack::UnpackImageOptions::default() };
        unpack::unpack(&self.context, id, &self.path(name), &options, &Silent).expect("an image that was committed");
    }

    pub(super) fn is_unchanged(&self, name: &str) -> bool {
        diff(&self.context, &self.path(name), &Compare::default()).expect("a diff").changes.is_empty()
    }

    /// How two images differ.
    pub(super) fn compared(&self, old: &str, new: &str) -> Vec<String> {
        let changes = crate::ops::diff::images(&self.context, old, new, None, &Silent).expect("two images");
        changes.iter().map(|change| format!("{:?} {} {:?}", change.kind, change.path, change.aspects)).collect()
    }
}
