//! `import`: the tar of a root file system becomes an image of one layer.
//!
//! The layer's bytes are kept as they came, so that the same tar always gives the same diff ID.

use std::io::Read;
use std::path::PathBuf;

use super::tar_layer::{self, Whiteouts};
use super::{Context, Error};
use crate::http::{Client, Settings, Url};
use crate::image::Progress;
use crate::image::edit::{self, BuildStep, ConfigChange};
use crate::oci::{ContainerConfig, Created, DiffId, Digest, ImageConfig, ImageId, Platform, Reference};
use crate::store::{Assembly, Quarantine, VerifiedLayer};

/// Where the tar is.
pub enum ImportInput {
    /// A file.
    Path(PathBuf),
    /// Something that is read once.
    Stream(Box<dyn Read + Send>),
    /// A file on a web server.
    Url(Url, Box<Settings>),
}

/// Options of `import`.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// The changes of the config.
    pub changes: Vec<ConfigChange>,
    /// The comment.
    pub comment: String,
    /// When it is made.
    pub created: Created,
    /// The platform; by default that of `config_from`, or of this machine.
    pub platform: Option<Platform>,
    /// The image whose config is kept.
    pub config_from: Option<String>,
    /// Its name.
    pub name: Option<Reference>,
}

/// An image that was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The digest of its config.
    pub id: ImageId,
    /// The digest of its manifest.
    pub digest: Digest,
    /// The diff ID of its layer.
    pub layer: DiffId,
}

/// Imports the tar of a root file system.
pub fn import(
    context: &Context,
    input: ImportInput,
    options: &ImportOptions,
    progress: &dyn Progress,
) -> Result<Imported, Error> {
    let name = options.name.clone().map(super::naming::checked).transpose()?;
    let (base, config) = configs(context, options)?;
    let quarantine = Quarantine::new(&context.store, context.limits.clone())?;
    let what = shown(&input);
    let layer = take(&quarantine, input, &what, progress)?;
    tar_layer::check(&quarantine, &layer, &what, Whiteouts::Refused)?;
    if let Some(target) = layer.missing_link_targets.first() {
        return Err(Error::DanglingLink { diff_id: layer.diff_id, target: target.to_string() });
    }
    let step = BuildStep {
        layer: Some(layer.diff_id),
        created: Some(options.created),
        comment: options.comment.clone(),
        ..BuildStep::default()
    };
    let config = edit::flat(&base, config, step);
    let layers = vec![layer.descriptor()];
    let descriptor =
        quarantine.assemble(Assembly { config: &config, layers, manifest: None, parent: None, platform: None })?;
    quarantine.publish_image(&descriptor, name.as_ref())?;
    Ok(Imported { id: ImageId::new(*config.digest()), digest: descriptor.digest, layer: layer.diff_id })
}

/// The config to start from, and the container config with the changes applied.
fn configs(context: &Context, options: &ImportOptions) -> Result<(ImageConfig, ContainerConfig), Error> {
    let mut base = match &options.config_from {
        None => edit::scratch(options.platform.as_ref().unwrap_or(&context.host)),
        Some(typed) => {
            let found = context.find(typed)?;
            found.image(None, &context.host)?.config.value().clone()
        }
    };
    if let (Some(_), Some(platform)) = (&options.config_from, &options.platform) {
        let ImageConfig { architecture, os, os_features, os_version, variant, .. } = edit::scratch(platform);
        base = ImageConfig { architecture, os, os_features, os_version, variant, ..base };
    }
    let mut config = base.config.take().unwrap_or_default();
    edit::apply(&mut config, &options.changes)?;
    Ok((base, config))
}

/// What the input is called in messages.
fn shown(input: &ImportInput) -> String {
    match input {
        ImportInput::Path(path) => path.display().to_string(),
        ImportInput::Stream(_) => "standard input".to_owned(),
        ImportInput::Url(url, _) => url.to_string(),
    }
}

fn take(
    quarantine: &Quarantine,
    input: ImportInput,
    what: &str,
    progress: &dyn Progress,
) -> Result<VerifiedLayer, Error> {
    match input {
        ImportInput::Stream(mut stream) => {
            tar_layer::keep_stream(quarantine, &mut *stream, what, "Importing", None, progress)
        }
        ImportInput::Url(url, settings) => {
            progress.message(&format!("Downloading from {url}"));
            let file = Client::new(&settings).get(&url)?;
            let size = file.size();
            tar_layer::keep_stream(quarantine, &mut file.into_body(), what, "Downloading", size, progress)
        }
        ImportInput::Path(path) => tar_layer::keep_file(quarantine, &path, "Importing", progress),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Silent;
    use crate::layer::{Limits, Meta, Mtime, TarWriter};
    use crate::oci::{Document, Platform};
    use crate::registry::Registries;
    use crate::store::Store;

    /// A tar of empty files.
    fn tar(names: &[&str]) -> Vec<u8> {
        let mut tar = TarWriter::new(Vec::new());
        for name in names {
            tar.file_header(name.as_bytes(), 0, 0o644, Mtime::default()).expect("memory");
        }
        tar.entry(&Meta::directory(b"etc", 0o755, Mtime::default())).expect("memory");
        tar.finish().expect("memory")
    }

    fn context() -> (tempfile::TempDir, Context) {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, host) = (Store::new(folder.path().join("store")), Platform::new("linux", "amd64"));
        (folder, Context { store, host, limits: Limits::default(), registries: Registries::default() })
    }

    fn options(changes: &[&str]) -> ImportOptions {
        let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
        ImportOptions {
            changes: ConfigChange::parse_all(&changes).expect("changes"),
            comment: "Imported from -".to_owned(),
            created: Created::from_unix_seconds(1).expect("1970"),
            platform: None,
            config_from: None,
            name: None,
        }
    }

    fn stream(bytes: &[u8]) -> ImportInput {
        ImportInput::Stream(Box::new(std::io::Cursor::new(bytes.to_vec())))
    }

    fn named(name: &str, options: ImportOptions) -> ImportOptions {
        ImportOptions { name: Some(name.parse().expect("a name")), ..options }
    }

    fn config(context: &Context, typed: &str) -> Document<ImageConfig> {
        context.find(typed).expect("an image").image(None, &context.host).expect("an image").config.clone()
    }

    #[test]
    fn a_tar_becomes_an_image() {
        let (folder, context) = context();
        let bytes = tar(&["a"]);
        let path = folder.path().join("x.tar");
        std::fs::write(&path, &bytes).expect("a file");
        let one = import(&context, ImportInput::Path(path), &named("x", options(&["CMD [\"a\"]"])), &Silent);
        let other = import(&context, stream(&bytes), &options(&["CMD [\"a\"]"]), &Silent);
        let one = one.expect("imported");
        assert_eq!(one, other.expect("imported"));
        let config = config(&context, "x:latest");
        assert_eq!(*config.digest(), *one.id.digest());
        let expected = format!(
            concat!(
                r#"{{"architecture":"amd64","comment":"Imported from -","config":{{"Hostname":"","Domainname":"","User":"","#,
                r#""AttachStdin":false,"AttachStdout":false,"AttachStderr":false,"Tty":false,"OpenStdin":false,"#,
                r#""StdinOnce":false,"Env":null,"Cmd":["a"],"Image":"","Volumes":null,"WorkingDir":"","Entrypoint":null,"#,
                r#""OnBuild":null,"Labels":null}},"created":"1970-01-01T00:00:01Z","history":[{{"created":"#,
                r#""1970-01-01T00:00:01Z","comment":"Imported from -"}}],"os":"linux","rootfs":{{"type":"layers","#,
                r#""diff_ids":["{}"]}}}}"#
            ),
            DiffId::new(Digest::of(&bytes))
        );
        assert_eq!(String::from_utf8_lossy(config.bytes()), expected);
    }

    #[test]
    fn no_bytes_are_no_image_and_an_empty_tar_is_one() {
        let (_folder, context) = context();
        let error = import(&context, stream(b""), &options(&[]), &Silent).expect_err("nothing");
        assert!(matches!(error, Error::Nothing { .. }), "{error}");
        assert!(import(&context, stream(&[0; 1024]), &options(&[]), &Silent).is_ok());
    }

    #[test]
    fn a_config_is_taken_over() {
        let (_folder, context) = context();
        let first = options(&["CMD [\"a\"]", "USER b", "ENV c=d"]);
        import(&context, stream(&tar(&["a"])), &named("base", first), &Silent).expect("imported");
        let arm = "linux/arm64".parse::<Platform>().expect("a platform");
        let second = ImportOptions {
            config_from: Some("base".to_owned()),
            platform: Some(arm),
            comment: "again".to_owned(),
            ..options(&["USER e", "ENV f=$c"])
        };
        import(&context, stream(&tar(&["b"])), &named("new", second), &Silent).expect("imported");
        let config = config(&context, "new");
        let run = config.value().config.as_ref().expect("a config");
        assert_eq!((run.user.as_str(), run.cmd.as_deref()), ("e", Some(&["a".to_owned()][..])));
        assert_eq!(run.env.as_deref(), Some(&["c=d".to_owned(), "f=d".to_owned()][..]));
        assert_eq!((config.value().architecture.as_str(), config.value().history.len()), ("arm64", 1));
        let missing = ImportOptions { config_from: Some("none".to_owned()), ..options(&[]) };
        assert!(matches!(import(&context, stream(b""), &missing, &Silent), Err(Error::NoSuchImage(_))));
    }

    #[test]
    fn what_is_no_root_file_system_is_refused() {
        let (folder, context) = context();
        let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let member = |name: &str| format!("{name}{digest}{}", if name.is_empty() { ".json" } else { "" });
        let (json, blob, layer) = (member(""), member("blobs/sha256/"), format!("{digest}/layer.tar"));
        let images = "standard input is an image archive, not a tar of a root file system: it contains ";
        let cases = [
            (tar(&["manifest.json", &json]), format!("{images}manifest.json")),
            (tar(&["manifest.json", "oci-layout", "index.json", &blob]), format!("{images}oci-layout")),
            (tar(&["repositories", &layer]), format!("{images}repositories")),
            (
                tar(&["etc/.wh.passwd"]),
                "standard input is an image layer, not a tar of a root file system: it contains the whiteout \
                 etc/.wh.passwd"
                    .to_owned(),
            ),
            (b"junk".to_vec(), "standard input".to_owned()),
        ];
        for (bytes, expected) in cases {
            let error = import(&context, stream(&bytes), &options(&[]), &Silent).expect_err(&expected);
            assert_eq!(error.to_string(), expected);
        }
        let path = folder.path().to_owned();
        assert!(matches!(import(&context, ImportInput::Path(path), &options(&[]), &Silent), Err(Error::Folder { .. })));
        assert!(context.store.catalog().expect("a catalog").entries().is_empty(), "nothing was kept");
    }

    #[test]
    fn such_names_at_the_root_are_fine() {
        let (_folder, context) = context();
        for names in [&["manifest.json", "index.json"][..], &["repositories", "oci-layout"], &["srv/index.json"]] {
            assert!(import(&context, stream(&tar(names)), &options(&[]), &Silent).is_ok(), "{names:?}");
        }
    }

    #[test]
    fn names_and_changes_are_checked_before_anything_is_read() {
        struct Never;
        impl Read for Never {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                panic!("was read");
            }
        }
        let (_folder, context) = context();
        let digest = "b@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for options in [named("sha256", options(&[])), named(digest, options(&[])), options(&["EXPOSE x"])] {
            assert!(import(&context, ImportInput::Stream(Box::new(Never)), &options, &Silent).is_err());
        }
    }
}
