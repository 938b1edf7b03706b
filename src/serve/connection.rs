//! Connections: accepted, limited, and handed to hyper.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::exchange;
use super::listen::{Listener, Stream};
use super::sendfile::{Outlet, Queue, Socket};
use super::server::Server;

/// How many connections are open at once; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 10_000;
/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest head of a request, and the buffer of a connection, in bytes.
const BUFFER: usize = 64 << 10;
/// How long to wait after the system had no more descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections from all listeners until `stop` says to end, then waits for those that are open.
pub(super) async fn accept_all(server: &Arc<Server>, listeners: Vec<Listener>, stop: &watch::Receiver<bool>) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut accepting = JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept(Arc::clone(server), listener, Arc::clone(&slots), stop.clone()));
    }
    while accepting.join_next().await.is_some() {}
    // All slots are free again when the last connection has ended.
    let _ = slots.acquire_many(u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX)).await;
}

async fn accept(server: Arc<Server>, listener: Listener, slots: Arc<Semaphore>, mut stop: watch::Receiver<bool>) {
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let Some(accepted) = unless(listener.accept(), stop.wait_for(|stop| *stop)).await else { return };
        let Ok(stream) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let (server, stop) = (Arc::clone(&server), stop.clone());
        tokio::spawn(async move {
            match stream {
                Stream::Tcp(stream, peer) => speak_plain(server, stream, peer.to_string(), stop).await,
                Stream::Unix(stream) => speak_plain(server, stream, "unix".to_owned(), stop).await,
            }
            drop(slot);
        });
    }
}

/// Answers the requests of a connection that is not encrypted: the kernel sends the files.
async fn speak_plain<S: Socket + Send + 'static>(
    server: Arc<Server>,
    socket: S,
    peer: String,
    stop: watch::Receiver<bool>,
) {
    let queue = Queue::default();
    speak(server, Outlet::new(socket, queue.clone()), Some(queue), peer, stop).await;
}

/// Answers the requests of one connection; with a queue if it sends the files of one.
async fn speak<S>(server: Arc<Server>, stream: S, files: Option<Queue>, peer: String, mut stop: watch::Receiver<bool>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let _open = server.metrics.connect();
    let peer: Arc<str> = peer.into();
    let service = service_fn(move |request| {
        let (server, peer, files) = (Arc::clone(&server), Arc::clone(&peer), files.clone());
        async move {
            let (answer, is_head, seen) = exchange::answer(server, peer, request).await;
            Ok::<_, std::convert::Infallible>(seen.answered(answer.into_response(is_head, files)))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // How a connection ends is the client's affair.
    if unless(connection.as_mut(), stop.wait_for(|stop| *stop)).await.is_none() {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

/// What comes of `work`; nothing, if `stop` ends first.
async fn unless<T>(work: impl Future<Output = T>, stop: impl Future) -> Option<T> {
    let (mut work, mut stop) = (pin!(work), pin!(stop));
    std::future::poll_fn(move |context| match (work.as_mut().poll(context), stop.as_mut().poll(context)) {
        (Poll::Ready(done), _) => Poll::Ready(Some(done)),
        (Poll::Pending, Poll::Ready(_)) => Poll::Ready(None),
        (Poll::Pending, Poll::Pending) => Poll::Pending,
    })
    .await
}
