//! Many pushes at once.

use std::process::Stdio;

use super::{Registry, archive};
use crate::engine;
use crate::support::image::TestImage;
use crate::support::tarball::Member;

#[test]
fn docker_pushes_twenty_images_at_once() {
    let Some(mut engine) = engine::engine() else { return };
    let registry = Registry::new();
    // All have a layer in common; each is pushed into a repository of its own, and every second also into one for all.
    let images: Vec<TestImage> = (0..20)
        .map(|at| {
            TestImage::of("a:1", "common")
                .layer("large", &[Member::file("large", vec![at; 200_000])])
                .layer("small", &[Member::file("small", format!("number {at}"))])
        })
        .collect();
    let mut names = Vec::new();
    for (at, image) in images.iter().enumerate() {
        engine.ok(&["load", "-q", "-i", &archive(&registry.session.work(), image)]);
        let repository = if at % 2 == 0 { "all".to_owned() } else { format!("team/app{at}") };
        engine.ok(&["tag", &image.id(), &registry.name(&format!("{repository}:{at}"))]);
        names.push((repository, at.to_string()));
    }
    let pushes: Vec<_> = names
        .iter()
        .map(|(repository, tag)| {
            let name = registry.name(&format!("{repository}:{tag}"));
            let mut push = engine.docker(&["push", &name]);
            push.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("docker starts")
        })
        .collect();
    for (push, (repository, tag)) in pushes.into_iter().zip(&names) {
        let output = push.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{repository}: {said}");
        assert!(said.contains(&registry.digest(repository, tag)), "{repository}: {said}");
    }
    for (image, (repository, tag)) in images.iter().zip(&names) {
        assert_eq!(registry.session.inspect(&format!("{repository}:{tag}"))["Id"], image.id().as_str());
    }
    engine.forget_all();
    for (repository, tag) in &names {
        engine.ok(&["pull", "-q", &registry.name(&format!("{repository}:{tag}"))]);
    }
    engine.forget_all();
    registry.session.ok(&["verify"]);
    registry.session.ok(&["image", "prune", "-f"]);
    registry.session.ok(&["verify"]);
}
