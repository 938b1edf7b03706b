//! One store: what is pushed is an image of the store, and what was loaded can be pulled.

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::serving::Serving;
use crate::support::session::Session;
use crate::support::tarball::pack;

#[test]
fn what_was_loaded_is_pulled_and_what_is_pushed_is_an_image() {
    let (server, client) = (Session::new(), Session::new());
    server.load(&pack(&producers::docker_save(&[TestImage::of("demo:1", "a"), TestImage::of("ghcr.io/x/y:2", "b")])));
    let serving = Serving::start(&server, &[]);
    let list = serving.get("/v2/_catalog").expect(200).json();
    assert_eq!(list["repositories"], serde_json::json!(["demo", "ghcr.io/x/y"]));
    client.ok(&["pull", &format!("{}/demo:1", serving.host)]);
    client.ok(&["pull", &format!("{}/ghcr.io/x/y:2", serving.host)]);
    client.ok(&["tag", &format!("{}/demo:1", serving.host), &format!("{}/new/name:3", serving.host)]);
    client.ok(&["push", &format!("{}/new/name:3", serving.host)]);
    assert_eq!(server.inspect("new/name:3")["Id"], server.inspect("demo:1")["Id"]);
    assert_eq!(serving.get("/v2/new/name/tags/list").expect(200).json()["tags"], serde_json::json!(["3"]));
    server.ok(&["rmi", "demo:1"]);
    assert_eq!(serving.get("/v2/demo/manifests/1").expect(404).code(), "MANIFEST_UNKNOWN");
    server.ok(&["verify"]);
}

#[test]
fn the_end_is_asked_for_by_a_signal() {
    let session = Session::new();
    let serving = Serving::start(&session, &[]);
    let pid = rustix::process::Pid::from_raw(i32::try_from(serving.pid()).expect("a pid")).expect("a pid");
    serving.get("/v2/").expect(200);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it is there");
    // An idle connection does not keep it.
    while std::net::TcpStream::connect(&serving.host).is_ok() {}
}
