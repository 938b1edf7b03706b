//! Behind nginx, which speaks TLS and asks for the password, as tutorials have it.

use super::{Registry, archive};
use crate::engine::engine;
use crate::peer;
use crate::registry::servers::{PASSWORD, USER, nginx_before};
use crate::support::image::TestImage;

#[test]
fn skopeo_pushes_and_pulls_through_nginx() {
    let registry = Registry::new();
    let Some((_nginx, host)) = nginx_before(&registry.serving.host) else { return };
    if !peer::installed("skopeo") {
        return;
    }
    let from = format!("docker-archive:{}", archive(&registry.session.work(), &TestImage::of("a:1", "a")));
    let name = format!("docker://{host}/team/app:1");
    let user = format!("{USER}:{PASSWORD}");
    let refused = peer::run(&mut peer::skopeo(&["copy", "--dest-tls-verify=false", &from, &name]));
    assert!(!refused.status.success());
    peer::ok(&mut peer::skopeo(&["copy", "--dest-tls-verify=false", "--dest-creds", &user, &from, &name]));
    let shown = peer::ok(&mut peer::skopeo(&["inspect", "--tls-verify=false", "--creds", &user, &name]));
    assert!(shown.contains(&registry.digest("team/app", "1")), "{shown}");
}

#[test]
fn docker_logs_in_pushes_and_pulls_through_nginx() {
    let registry = Registry::new();
    let Some((_nginx, host)) = nginx_before(&registry.serving.host) else { return };
    let Some(docker) = engine() else { return };
    let from = archive(&registry.session.work(), &TestImage::of("a:1", "a"));
    docker.ok(&["load", "-q", "-i", &from]);
    let name = format!("{host}/team/app:1");
    docker.ok(&["tag", "a:1", &name]);
    assert!(!peer::run(&mut docker.docker(&["push", "-q", &name])).status.success());
    docker.ok(&["login", "-u", USER, "-p", PASSWORD, &host]);
    docker.ok(&["push", "-q", &name]);
    let id = docker.ok(&["image", "inspect", "-f", "{{.Id}}", &name]);
    assert_eq!(id.trim(), registry.id("team/app", "1"));
    docker.ok(&["rmi", &name, "a:1"]);
    docker.ok(&["pull", "-q", &name]);
    docker.ok(&["logout", &host]);
    docker.ok(&["rmi", &name]);
    assert!(!peer::run(&mut docker.docker(&["pull", "-q", &name])).status.success());
}
