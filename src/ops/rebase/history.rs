//! The history of an image on another base: the base's, then its own.

use crate::oci::{History, ImageConfig};
use crate::ops::Error;
use crate::ops::remake::padded;

/// How the step begins that says that an image was put on another base.
const REBASED: &str = "imgtool rebase ";

/// The steps of `base`, and then those of `image` that are not of its base `old`. There are as many that made a layer as
/// there are layers. Of earlier bases nothing is told any more.
pub(super) fn history(image: &ImageConfig, old: &ImageConfig, base: &ImageConfig) -> Result<Vec<History>, Error> {
    let mut history = padded(base)?;
    history.extend(own(image, old)?);
    Ok(history)
}

fn own(image: &ImageConfig, old: &ImageConfig) -> Result<Vec<History>, Error> {
    let padded = padded(image)?;
    let layers = image.rootfs.diff_ids.len() - old.rootfs.diff_ids.len();
    // A base without a history has left none in the image, unless a tool filled it up.
    let mut steps = match image.history.strip_prefix(&old.history[..]) {
        Some(rest) => rest.to_vec(),
        None => padded,
    };
    let is_exact = image.history.starts_with(&old.history);
    let made = steps.iter().filter(|step| !step.empty_layer).count();
    if made > layers {
        let mut left = made - layers;
        let end = steps.iter().position(|step| {
            left -= usize::from(!step.empty_layer);
            left == 0
        });
        steps.drain(..=end.expect("there are so many"));
        if !is_exact {
            steps.drain(..trailing(&steps, old));
        }
    }
    steps.extend(vec![History::default(); layers.saturating_sub(made)]);
    steps.retain(|step| !(step.empty_layer && step.created_by.starts_with(REBASED)));
    Ok(steps)
}

/// How many of the first steps are those with which the base ended, behind its last layer; they may have been made at
/// another time.
fn trailing(steps: &[History], old: &ImageConfig) -> usize {
    let last = old.history.iter().rposition(|step| !step.empty_layer).map_or(0, |last| last + 1);
    let same = |(one, other): &(&History, &History)| one.empty_layer && one.created_by == other.created_by;
    steps.iter().zip(&old.history[last..]).take_while(same).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::{DiffId, Rootfs};

    /// A config with as many layers, and these steps: those in brackets made no layer.
    fn config(layers: usize, steps: &str) -> ImageConfig {
        let step = |text: &str| {
            let name = text.trim_matches(['(', ')']).replace('_', " ");
            History { empty_layer: text.starts_with('('), created_by: name, ..History::default() }
        };
        let diff_id: DiffId = format!("sha256:{}", "0".repeat(64)).parse().expect("a digest");
        ImageConfig {
            rootfs: Rootfs::new(vec![diff_id; layers]),
            history: steps.split_whitespace().map(step).collect(),
            ..ImageConfig::default()
        }
    }

    fn steps(config: &ImageConfig, old: &ImageConfig, base: &ImageConfig) -> String {
        let history = history(config, old, base).expect("histories");
        let text = |step: &History| match (step.empty_layer, step.created_by.as_str()) {
            (false, "") => "-".to_owned(),
            (false, name) => name.to_owned(),
            (true, name) => format!("({name})"),
        };
        history.iter().map(text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_bases_steps_come_first_and_then_the_images_own() {
        let base = config(2, "n1 (nenv) n2 (ncmd)");
        for (image, old, expected) in [
            ((2, "o1 (ocmd) (env) a (cmd)"), (1, "o1 (ocmd)"), "(env) a (cmd)"),
            ((1, "o1 (ocmd) (env)"), (1, "o1 (ocmd)"), "(env)"),
            // The base was built again, with the same layers.
            ((2, "x1 (ocmd) (env) a"), (1, "o1 (ocmd)"), "(env) a"),
            ((3, "x1 (y) x2 (env) a"), (2, "o1 o2 (ocmd)"), "(env) a"),
            // Histories that say less than there are layers.
            ((3, ""), (1, "o1"), "- -"),
            ((3, "a"), (2, ""), "a"),
            ((3, "a"), (1, ""), "a -"),
            ((4, "o1 a"), (2, "o1"), "a -"),
            // One that was filled up by a tool.
            ((3, "- (x) - a"), (2, ""), "a"),
            ((1, "a (cmd)"), (0, ""), "a (cmd)"),
            // Earlier bases are not told any more.
            ((2, "o1 a (imgtool_rebase_--onto_o)"), (1, "o1"), "a"),
        ] {
            let [image, old] = [image, old].map(|(layers, steps)| config(layers, steps));
            assert_eq!(steps(&image, &old, &base), format!("n1 (nenv) n2 (ncmd) {expected}"), "{image:?}");
        }
        assert_eq!(steps(&config(2, "o a"), &config(1, "o"), &config(3, "n")), "n - - a");
    }

    #[test]
    fn a_history_of_too_many_layers_is_refused() {
        assert!(history(&config(1, "o a b"), &config(1, "o"), &config(1, "n")).is_err());
    }
}
