//! Connections: accepted, limited, and handed to hyper.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connections::{Connections, Place};
use super::exchange;
use super::guard::Guard;
use super::listen::{Listener, Stream};
use super::peer::Peer;
use super::sendfile::{Outlet, Queue, Socket};
use super::server::Server;
use super::tls::{Tls, is_handshake};

/// How many connections are open at once, if the system gives as many descriptors. One that has asked nothing yet takes
/// 25 KiB.
const MAX_CONNECTIONS: usize = 4_096;
/// Descriptors that are left for everything else: the store's files, listeners, uploads.
const OTHER_FILES: usize = 200;
/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest head of a request, and the buffer of a connection, in bytes.
const BUFFER: usize = 64 << 10;
/// How long to wait after the system had no more descriptors.
const PAUSE: Duration = Duration::from_millis(50);
/// What is said to who speaks plain HTTP where TLS is spoken.
const PLAIN: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 63\r\n\
Connection: close\r\n\r\nThis is an HTTPS port: use https:// (a plain request was sent).\n";

/// Accepts connections from all listeners until `stop` says to end, then waits for those that are open, as long as the
/// settings say. Returns how many did not end.
pub(super) async fn accept_all(server: &Arc<Server>, listeners: Vec<Listener>, stop: &watch::Receiver<bool>) -> usize {
    let connections = Arc::new(Connections::new(most_connections()));
    let mut accepting = JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept(Arc::clone(server), listener, Arc::clone(&connections), stop.clone()));
    }
    while accepting.join_next().await.is_some() {}
    let _ = tokio::time::timeout(server.settings.grace, connections.ended()).await;
    connections.open()
}

/// As many as half of the descriptors: an answer may need a file.
fn most_connections() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    let descriptors = usize::try_from(limit).unwrap_or(usize::MAX);
    (descriptors.saturating_sub(OTHER_FILES) / 2).clamp(16, MAX_CONNECTIONS)
}

async fn accept(server: Arc<Server>, listener: Listener, all: Arc<Connections>, mut stop: watch::Receiver<bool>) {
    loop {
        let Some(accepted) = unless(listener.accept(), stop.wait_for(|stop| *stop)).await else { return };
        let Ok(stream) = accepted else {
            // There are no descriptors, or the client has gone already.
            all.end_longest();
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let Some(Some(slot)) = unless(all.room(), stop.wait_for(|stop| *stop)).await else { return };
        let (server, stop, place) = (Arc::clone(&server), stop.clone(), Place::new(Arc::clone(&all)));
        tokio::spawn(async move {
            match (stream, &server.tls) {
                (Stream::Tcp(stream, peer), Some(tls)) => {
                    let peer = Peer::encrypted(peer);
                    if let Some(stream) = handshake(&server, tls, stream, &place, &stop).await {
                        speak(&server, stream, None, peer, place, stop).await;
                    }
                }
                (Stream::Tcp(stream, peer), None) => speak_plain(&server, stream, Peer::plain(peer), place, stop).await,
                (Stream::Unix(stream), _) => speak_plain(&server, stream, Peer::unix(), place, stop).await,
            }
            drop(slot);
        });
    }
}

/// Begins to encrypt a connection. Who speaks plain HTTP is told so.
async fn handshake(
    server: &Server,
    tls: &Tls,
    mut stream: TcpStream,
    place: &Place,
    stop: &watch::Receiver<bool>,
) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    let mut stop = stop.clone();
    let shaking = async {
        let mut first = [0];
        stream.peek(&mut first).await.ok().filter(|got| *got > 0)?;
        if !is_handshake(first[0]) {
            if first[0].is_ascii_alphabetic() {
                let _ = stream.write_all(PLAIN).await;
                drain(&mut stream).await;
            }
            return None;
        }
        tls.acceptor().accept(stream).await.ok()
    };
    let shaking = tokio::time::timeout(server.settings.stall.min(HEAD_TIMEOUT), shaking);
    let ended = async {
        unless(place.asked_to_end(), stop.wait_for(|stop| *stop)).await;
    };
    unless(shaking, ended).await?.ok().flatten()
}

/// Reads what the client has sent already: a socket that is closed with bytes unread takes the answer back.
async fn drain(stream: &mut TcpStream) {
    use tokio::io::AsyncReadExt as _;
    let _ = stream.shutdown().await;
    let mut rest = [0; 4096];
    for _ in 0..16 {
        if !stream.read(&mut rest).await.is_ok_and(|got| got > 0) {
            return;
        }
    }
}

/// Answers the requests of a connection that is not encrypted: the kernel sends the files.
async fn speak_plain<S: Socket + Send + 'static>(
    server: &Arc<Server>,
    socket: S,
    peer: Peer,
    place: Place,
    stop: watch::Receiver<bool>,
) {
    let queue = Queue::default();
    speak(server, Outlet::new(socket, queue.clone()), Some(queue), peer, place, stop).await;
}

/// Answers the requests of one connection; with a queue if it sends the files of one.
async fn speak<S>(
    server: &Arc<Server>,
    stream: S,
    files: Option<Queue>,
    peer: Peer,
    place: Place,
    mut stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let _open = server.metrics.connect();
    let place = Arc::new(place);
    let guard = Guard::new(stream, server.settings.stall, place.large_heads());
    let head_has_begun = guard.in_head();
    let service = service_fn(|request| {
        let (server, peer, files) = (Arc::clone(server), peer.clone(), files.clone());
        let place = Arc::clone(&place);
        place.work();
        async move {
            let (answer, is_head, seen) = exchange::answer(server, peer, request).await;
            place.wait();
            Ok::<_, std::convert::Infallible>(seen.answered(answer.into_response(is_head, files)))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT.min(server.settings.stall))
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(guard), service);
    let mut connection = pin!(connection);
    let ended = async {
        unless(place.asked_to_end(), stop.wait_for(|stop| *stop)).await;
    };
    // How a connection ends is the client's affair.
    if unless(connection.as_mut(), ended).await.is_none() && !head_has_begun.load(Ordering::Relaxed) {
        // What is being answered is answered; a connection that waits for a request ends now.
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

/// What comes of `work`; nothing, if `stop` ends first.
pub(super) async fn unless<T>(work: impl Future<Output = T>, stop: impl Future) -> Option<T> {
    let (mut work, mut stop) = (pin!(work), pin!(stop));
    std::future::poll_fn(move |context| match (work.as_mut().poll(context), stop.as_mut().poll(context)) {
        (Poll::Ready(done), _) => Poll::Ready(Some(done)),
        (Poll::Pending, Poll::Ready(_)) => Poll::Ready(None),
        (Poll::Pending, Poll::Pending) => Poll::Pending,
    })
    .await
}
