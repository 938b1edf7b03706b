//! What all requests share.

use std::sync::{Arc, Mutex};

use super::access::Access;
use super::answer::Answer;
use super::asked::Asked;
use super::causes::with_causes;
use super::error::ServeError;
use super::metrics::Metrics;
use super::notify::Events;
use super::proxy::upstream::Upstream;
use super::refusal::Refusal;
use super::settings::Settings;
use super::shelf::Shelves;
use super::tls::Tls;
use super::uploads::Uploads;
use crate::cancel::Token;
use crate::ops::Context;
use crate::store::{Links, Store};

/// Where an authority of our own is kept, below the store.
const TLS_FOLDER: &str = "imgtool/tls";

/// What all requests share.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) settings: Settings,
    pub(super) context: Context,
    pub(super) shelves: Shelves,
    pub(super) uploads: Uploads,
    pub(super) metrics: Arc<Metrics>,
    pub(super) events: Events,
    pub(super) access: Access,
    /// If connections are encrypted.
    pub(super) tls: Option<Tls>,
    /// The registry whose images are fetched when they are asked for.
    pub(super) upstream: Option<Arc<Upstream>>,
    /// What is known of manifests, for those who delete.
    pub(super) links: Links,
    /// Held while a report is made: one at a time.
    pub(super) reports: Mutex<()>,
}

impl Server {
    pub(super) fn new(context: &Context, settings: Settings) -> Result<Self, ServeError> {
        let events = Events::start(context, &settings.notify, &settings.log)?;
        let upstream = settings.proxy.as_ref().map(|proxy| Arc::new(Upstream::new(proxy, &context.registries)));
        let shelves = Shelves::new(context.store.clone());
        let access = Access::open(&settings.access)?;
        let folder = context.store.root().join(TLS_FOLDER);
        let tls = settings.tls.as_ref().map(|tls| Tls::open(tls, folder)).transpose()?;
        let (uploads, metrics) = (Uploads::default(), Arc::new(Metrics::new()));
        let (links, context) = (Links::default(), context.clone());
        Ok(Self {
            settings,
            context,
            shelves,
            uploads,
            metrics,
            events,
            access,
            tls,
            upstream,
            links,
            reports: Mutex::default(),
        })
    }

    /// Reads again what has changed: the users, the certificate. What is wrong stays as it was.
    pub(super) fn reread(&self) {
        let log = &self.settings.log;
        match self.access.reread() {
            Some(Ok(())) => log.note("the users were read again"),
            Some(Err(error)) => log.error(&format!("the users stay as they were: {}", with_causes(&error))),
            None => {}
        }
        match self.tls.as_ref().and_then(Tls::reread) {
            Some(Ok(())) => log.note("the certificate was read again"),
            Some(Err(error)) => log.error(&format!("the certificate stays as it was: {}", with_causes(&error))),
            None => {}
        }
    }

    /// The store, for one request.
    pub(super) fn store(&self) -> Store {
        self.context.store.clone().of_job(Token::new())
    }
}

/// Calls `answer` on a thread that may block.
pub(super) async fn blocking(
    server: &Arc<Server>,
    asked: &Arc<Asked>,
    answer: impl FnOnce(&Server, &Asked) -> Result<Answer, Refusal> + Send + 'static,
) -> Result<Answer, Refusal> {
    let (server, asked) = (Arc::clone(server), Arc::clone(asked));
    let done = tokio::task::spawn_blocking(move || answer(&server, &asked)).await;
    done.unwrap_or_else(|panic| Err(Refusal::broken(&panic)))
}
