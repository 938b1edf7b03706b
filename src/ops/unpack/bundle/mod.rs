//! An OCI bundle: an image's file system, and how a runtime starts it
//! ([runtime-spec, bundle](https://github.com/opencontainers/runtime-spec/blob/v1.1.0/bundle.md)).

mod spec;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use super::tree::{UnpackImageOptions, UnpackReport, unpack};
use crate::cancel::Undo;
use crate::image::Progress;
use crate::ops::checkout::open;
use crate::ops::{Context, Error};
use crate::rootfs::ordinary_user;
use crate::runtime::find_user;

/// Unpacks an image to `target`/rootfs, and writes `target`/config.json, with which `runc run -b` and `crun run -b` start
/// what the image's config says.
pub fn bundle(
    context: &Context,
    typed: &str,
    target: &Path,
    options: &UnpackImageOptions,
    progress: &dyn Progress,
) -> Result<UnpackReport, Error> {
    let failed = |source| Error::Io { what: target.display().to_string(), source };
    let found = context.find_for(typed, options.platform.as_ref())?;
    let image = found.image(options.platform.as_ref(), &context.host)?;
    let was_there = target.is_dir();
    if was_there && fs::read_dir(target).map_err(failed)?.next().is_some() {
        return Err(crate::rootfs::Error::NotEmpty { path: target.to_owned() }.into());
    }
    let _undo = Undo::begin(context.store.job()).map_err(failed)?;
    if !was_there {
        fs::create_dir(target).map_err(failed)?;
    }
    let write = || {
        let rootfs = target.join("rootfs");
        let report = unpack(context, typed, &rootfs, options, progress)?;
        let config = image.config.value();
        let typed = config.config.as_ref().map(|config| config.user.as_str()).unwrap_or_default();
        let process_user = find_user(&open(&rootfs)?, typed)?;
        let text = spec::spec(config, &process_user, ordinary_user());
        let mut file = File::create_new(target.join("config.json")).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        Ok(report)
    };
    let report = write();
    if report.is_err() {
        let _ = fs::remove_dir_all(target.join("rootfs"));
        if !was_there {
            let _ = fs::remove_dir(target);
        }
    }
    report
}
