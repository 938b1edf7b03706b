use serde_json::{Value, json};

use super::completes::Completes;
use super::error::CliError;
use super::made;
use super::session::{self, Session};
use super::usage::Arity;
use crate::ops;
use crate::ops::ImagePlace;
use crate::ops::check_base::{BaseCheck, BaseState, CheckBaseOptions, check_base};
use crate::ui::OutputError;

/// The exit code where the base is another one now.
const OUTDATED: u8 = 1;
/// The exit code where that cannot be known.
const UNKNOWN: u8 = 2;

/// Show whether the base of an image is outdated
///
/// The base is what the annotations or the labels of IMAGE name (org.opencontainers.image.base.name and .digest), or what
/// it was built or committed on in this store, or the image in the store that has its lowest layers, or BASE. Its name is
/// looked up in the store, or else in its registry. A registry on this machine or at an address is asked only if IMAGE is
/// of it, or BASE is typed.
///
/// The exit code is 0 if IMAGE stands on the base as it is now, 1 if the base is outdated, and 2 if that cannot be known.
#[derive(Debug, clap::Args)]
#[command(override_usage = "check-base [OPTIONS] IMAGE [BASE]")]
pub(super) struct Args {
    /// Ask the registry what the name of the base leads to, also if the store has that name
    #[arg(long)]
    remote: bool,
    /// Print the result as JSON
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    format: Option<String>,
    /// Check the image for the given platform: os[/arch[/variant]]
    #[arg(long, value_name = "PLATFORM", add = Completes::PLATFORM)]
    platform: Option<String>,
    /// The image, and the base that it is to stand on
    #[arg(value_name = "IMAGE", add = Completes::Each(&[Completes::Images, Completes::Images]))]
    operands: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::Between(1, 2), &self.operands)?;
        match self.check(session) {
            Ok(false) => Ok(()),
            Ok(true) => Err(CliError::AlreadyReported { code: OUTDATED }),
            Err(error @ CliError::Output(OutputError::Closed)) => Err(error),
            Err(error) if session.context.store.job().is_cancelled() => Err(error),
            Err(error) => {
                // Not the code of an error, which means that the base is outdated.
                session.tell(error).report(&session.ui);
                Err(CliError::AlreadyReported { code: UNKNOWN })
            }
        }
    }

    /// Prints what was found, and says whether the base is outdated.
    fn check(&self, session: &Session) -> Result<bool, CliError> {
        let base = self.operands.get(1);
        if let (true, Some(base)) = (self.remote, base) {
            return Err(CliError::Plain(format!("--remote and a BASE: docker://{base} is asked of its registry")));
        }
        let platform = Session::platform(self.platform.as_ref())?;
        let options = CheckBaseOptions { platform, base: base.cloned(), remote: self.remote };
        let found = check_base(&session.context, &self.operands[0], &options).map_err(hinted)?;
        if self.format.is_some() {
            session.ui.line(&session::json_line(&object(&found)))?;
        } else {
            session.ui.data(&text(&found))?;
        }
        if found.is_outdated {
            session.ui.note(&format!("hint: to put its own layers on it: {}", self.remedy(&found)));
        }
        Ok(found.is_outdated)
    }

    /// The command that puts the image on the base as it is now.
    fn remedy(&self, found: &BaseCheck) -> String {
        let onto = match (self.operands.get(1), found.place) {
            (Some(typed), _) => typed.clone(),
            (None, ImagePlace::Registry) => format!("docker://{}", found.base),
            (None, _) => found.base.clone(),
        };
        let words = [self.operands[0].as_str(), "--onto", &onto].map(made::quoted);
        let from = if found.built_on.layers.is_none() { " --from OLDBASE" } else { "" };
        format!("imgtool rebase {}{from}", words.join(" "))
    }
}

/// With the way out, where the image does not tell its base.
fn hinted(error: ops::Error) -> CliError {
    match &error {
        ops::Error::Remake(problem) if problem.is_about_base() => CliError::from(error)
            .with_hint("imgtool check-base IMAGE BASE compares with a base that is named".to_owned()),
        _ => error.into(),
    }
}

fn text(found: &BaseCheck) -> String {
    let place = match found.place {
        ImagePlace::Store => "in the store",
        ImagePlace::File => "in the archive",
        ImagePlace::Registry => "in the registry",
    };
    let of_base = found.own_layers().map(|own| found.layers - own);
    let layers = match (of_base, found.own_layers()) {
        (Some(of_base), Some(own)) => format!("{of_base} of the base, {own} own"),
        _ => format!("{}, of which the lowest {} are of the base now", found.layers, found.shared),
    };
    let rows = [
        ("Image:", found.image.clone()),
        ("Base:", format!("{}, {}", found.base, found.by.words())),
        ("Built on:", state(&found.built_on)),
        ("Now:", format!("{}, {place}", state(&found.now))),
        ("Layers:", layers),
        ("Status:", status(found)),
    ];
    rows.iter().fold(String::new(), |text, (what, said)| format!("{text}{what:<10} {said}\n"))
}

/// A base at one time, as far as it is known.
fn state(state: &BaseState) -> String {
    let BaseState { digest, id, created, layers } = state;
    let known = digest.map(|digest| digest.to_string()).or_else(|| id.map(|id| id.to_string()));
    let made = created.map(|created| format!("created {created}"));
    let layers = layers.map(|layers| format!("{layers} layer{}", if layers == 1 { "" } else { "s" }));
    let parts: Vec<String> = [known, layers, made].into_iter().flatten().collect();
    if parts.is_empty() { "not known".to_owned() } else { parts.join(", ") }
}

fn status(found: &BaseCheck) -> String {
    let BaseCheck { built_on, now, shared, is_outdated, .. } = found;
    let all = now.layers.unwrap_or_default();
    let new = all - shared;
    let old = built_on.layers.map(|before| before - before.min(*shared));
    match (new, old) {
        _ if !is_outdated => "up to date".to_owned(),
        (0, None | Some(0)) => "outdated: the layers are the same, but not the settings".to_owned(),
        (0, Some(old)) => format!("outdated: {old} of its layers are gone"),
        (_, Some(old)) => format!("outdated: {new} of {all} layers are new, in place of {old}"),
        (_, None) if *shared == 0 => {
            format!("outdated, or built on something else: it has none of the {all} layers")
        }
        (_, None) => format!("outdated: {new} of {all} layers are new"),
    }
}

fn object(found: &BaseCheck) -> Value {
    let place = match found.place {
        ImagePlace::Store => "store",
        ImagePlace::File => "file",
        ImagePlace::Registry => "registry",
    };
    json!({
        "Image": found.image,
        "Base": found.base,
        "FoundBy": found.by.word(),
        "BuiltOn": state_object(&found.built_on),
        "Now": state_object(&found.now),
        "Place": place,
        "Layers": found.layers,
        "OwnLayers": found.own_layers(),
        "SharedLayers": found.shared,
        "Outdated": found.is_outdated,
    })
}

fn state_object(state: &BaseState) -> Value {
    let BaseState { digest, id, created, layers } = state;
    json!({"Digest": digest, "ID": id, "Created": created, "Layers": layers})
}
