//! What all requests share.

use std::sync::Arc;

use super::answer::Answer;
use super::asked::Asked;
use super::error::ServeError;
use super::metrics::Metrics;
use super::notify::Events;
use super::refusal::Refusal;
use super::settings::Settings;
use super::shelf::Shelves;
use super::uploads::Uploads;
use crate::cancel::Token;
use crate::ops::Context;
use crate::store::Store;

/// What all requests share.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) settings: Settings,
    pub(super) context: Context,
    pub(super) shelves: Shelves,
    pub(super) uploads: Uploads,
    pub(super) metrics: Arc<Metrics>,
    pub(super) events: Events,
}

impl Server {
    pub(super) fn new(context: &Context, settings: Settings) -> Result<Self, ServeError> {
        let events = Events::start(context, &settings.notify, &settings.log)?;
        let shelves = Shelves::new(context.store.clone());
        Ok(Self {
            shelves,
            uploads: Uploads::default(),
            metrics: Arc::new(Metrics::new()),
            events,
            context: context.clone(),
            settings,
        })
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
