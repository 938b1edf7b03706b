//! `build --check`: docker's rules for Dockerfiles, with what the context and the store know.

use super::context::OpenedContext;
use super::error::{BuildError, Why};
use super::options::BuildOptions;
use crate::dockerfile::check::{BaseImage, CheckInput, Checked};
use crate::dockerfile::{check, parse};
use crate::ops::{Context, Location};

/// The `--build-arg` that chooses rules in place of `# check=`.
const OPTIONS: &str = "BUILDKIT_DOCKERFILE_CHECK";

/// Checks the Dockerfile of a context. One that cannot be read is an error.
pub fn lint(context: &Context, opened: &OpenedContext, options: &BuildOptions) -> Result<Checked, BuildError> {
    let (name, bytes) = (&opened.dockerfile.name, &opened.dockerfile.text);
    let text = String::from_utf8_lossy(bytes);
    let file = parse(bytes).map_err(|error| match error.lines.clone() {
        Some(lines) => BuildError::at(name, &text, &lines, error),
        None => BuildError::plain(name, error),
    })?;
    let build_args: Vec<(String, String)> = options.build_args.clone().into_iter().collect();
    let platform = options.platform.as_ref().unwrap_or(&context.host).to_string();
    let image = |typed: &str| base(context, options, typed);
    let input = CheckInput {
        build_args: &build_args,
        platform: &platform,
        ignore: Some(opened.context.ignore.patterns()).filter(|patterns| !patterns.is_empty()),
        image: &image,
        options: options.build_args.get(OPTIONS).map(String::as_str),
    };
    check::check(&file, &input).map_err(|error| BuildError::plain(name, Why::Refused(error.to_string())))
}

/// What the store knows of an image; nothing is fetched.
fn base(context: &Context, options: &BuildOptions, typed: &str) -> Option<BaseImage> {
    let Location::Store(_) = Location::parse(typed, std::path::Path::exists) else { return None };
    let found = context.find_for(typed, options.platform.as_ref()).ok()?;
    let image = found.image(options.platform.as_ref(), &context.host).ok()?;
    let config = image.config.value().config.clone().unwrap_or_default();
    let has_shell = config.shell.is_some_and(|shell| !shell.is_empty());
    let platform = Some(image.platform());
    Some(BaseImage { environment: config.env.unwrap_or_default(), has_shell, platform })
}
