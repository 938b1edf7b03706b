//! What an image stands on, as far as the store knows it.

use serde_json::{Value, json};

use super::words::text;
use crate::oci::{Created, Reference};
use crate::ops::Context;
use crate::ops::base::{self, FoundBy};
use crate::ops::look::Look;
use crate::ops::remake::Origin;

/// The base of an image in the store. A page for somebody who may not see the other images of the store must not have it.
#[derive(Debug, Clone)]
pub struct KnownBase {
    shown: String,
    by: FoundBy,
    layers: usize,
    created: Option<Created>,
    now: Option<BaseNow>,
}

/// What the name of a base leads to now.
#[derive(Debug, Clone, Copy)]
struct BaseNow {
    is_same: bool,
    created: Option<Created>,
}

impl KnownBase {
    /// The base that the image names, that it was built or committed on, or that its layers tell, if the store has it. No
    /// registry is asked.
    pub fn find(context: &Context, look: &Look) -> Option<Self> {
        let image = Origin { found: look.found.clone(), image: look.image.clone() };
        let base = base::find(context, &image, None, false).ok()?;
        // The name that the image gave may lead to another image now, and the base have none.
        let said = base::claim(&image).ok().flatten().and_then(|claim| claim.moving_name());
        let own = || base.name.as_ref().filter(|name| name.tag().is_some()).map(Reference::without_digest);
        let name = said.or_else(own);
        let now = name.and_then(|name| base::in_store(context, &name.canonical(), image.platform().as_ref()).ok());
        let now = now.map(|now| {
            let config = now.image.config.value();
            BaseNow { is_same: *config == base.config, created: config.created }
        });
        let (layers, created) = (base.layers(), base.config.created);
        Some(Self { shown: base.shown, by: base.by, layers, created, now })
    }

    pub(super) fn data(&self) -> Value {
        let seconds = |created: Option<Created>| created.map(|created| created.timestamp().as_second());
        json!({
            "name": text(&self.shown),
            "by": self.by.words(),
            "layers": self.layers,
            "made": seconds(self.created),
            "now": self.now.map(|now| json!({"same": now.is_same, "made": seconds(now.created)})),
        })
    }
}
