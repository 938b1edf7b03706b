//! Which images of an index are meant.

use crate::oci::{ANNOTATION_DOCKER_REFERENCE_TYPE, Descriptor, Platform};

/// Which images of an index are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// All.
    All,
    /// The one that suits a platform best, else the first.
    Suits(Platform),
    /// The one that suits a platform best. That there is none is an error.
    Fits(Platform),
    /// The one for exactly that platform. That there is none is an error.
    Is(Platform),
}

impl Choice {
    /// The descriptors to follow.
    pub fn of<'a>(&self, children: &'a [Descriptor]) -> Vec<&'a Descriptor> {
        let is_image = |child: &&Descriptor| child.annotation(ANNOTATION_DOCKER_REFERENCE_TYPE).is_none();
        let of_platform = |child: &'a Descriptor| Some((child, child.platform.as_ref()?));
        let known = || children.iter().filter(is_image).filter_map(of_platform);
        let best = match self {
            Self::All => return children.iter().collect(),
            Self::Suits(wanted) | Self::Fits(wanted) => {
                let ranked = known().filter_map(|(child, platform)| Some((wanted.rank(platform)?, child)));
                ranked.min_by_key(|(rank, _)| *rank).map(|(_, child)| child)
            }
            Self::Is(wanted) => {
                let exact = known().filter(|(_, platform)| wanted.matches(platform));
                exact.min_by_key(|(_, platform)| wanted.unasked_features(platform)).map(|(child, _)| child)
            }
        };
        if let Some(best) = best {
            return vec![best];
        }
        // What has no platform has to be looked into.
        let unknown: Vec<&Descriptor> =
            children.iter().filter(is_image).filter(|child| child.platform.is_none()).collect();
        match self {
            Self::Suits(_) if unknown.is_empty() => children.iter().find(is_image).into_iter().collect(),
            _ => unknown,
        }
    }
}
