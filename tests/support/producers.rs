//! One image, or several, in the archive that each tool would write of them.
//!
//! Every function gives the members in the order in which its tool writes them; [`super::tarball::pack`] makes the file.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::image::{TestImage, canonical};
use super::oci::{DOCKER_MARK, Layout, NAME, PLAIN_MARK, REF_NAME};
use super::packing::Packing;
use super::tarball::Member;
use super::{digest, hex};

/// docker up to 1.9: a folder a layer with its own JSON, `repositories`, and no manifest.json.
pub(crate) fn docker_legacy(images: &[TestImage]) -> Vec<Member> {
    let mut members = Vec::new();
    for image in images {
        let ids = v1_ids(image);
        let history = image.config["history"].as_array().expect("a list by construction");
        let steps: Vec<&Value> = history.iter().filter(|entry| entry["empty_layer"] != json!(true)).collect();
        for (index, layer) in image.layers.iter().enumerate() {
            let mut document = json!({
                "id": ids[index],
                "created": steps[index]["created"],
                "container_config": {"Cmd": [steps[index]["created_by"]]},
                "architecture": "amd64",
                "os": "linux",
            });
            if index > 0 {
                document["parent"] = json!(ids[index - 1]);
            }
            if index + 1 == image.layers.len() {
                document["config"] = image.config["config"].clone();
            }
            members.extend(v1_folder(&ids[index], &document));
            members.push(Member::file(format!("{}/layer.tar", ids[index]), layer.clone()));
        }
    }
    members.push(Member::file("repositories", repositories(images, top_v1_id).to_string()));
    members
}

/// docker 1.10 to 24: v1 folders, `<hex>.json`, manifest.json; a layer that comes again is a symlink.
pub(crate) fn docker_save(images: &[TestImage]) -> Vec<Member> {
    let mut members = Vec::new();
    let mut manifest = Vec::new();
    let mut written: Vec<(String, String)> = Vec::new();
    for image in images {
        members.push(Member::file(format!("{}.json", image.hex()), image.config_bytes()));
        let mut paths = Vec::new();
        for ((id, layer), diff_id) in v1_ids(image).iter().zip(&image.layers).zip(image.diff_ids()) {
            let path = format!("{id}/layer.tar");
            paths.push(path.clone());
            if members.iter().any(|member: &Member| member.name == path) {
                continue;
            }
            members.extend(v1_folder(id, &json!({"id": id})));
            members.push(match written.iter().find(|(known, _)| *known == diff_id) {
                Some((_, first)) => Member::symlink(&path, format!("../{first}")),
                None => Member::file(&path, layer.clone()),
            });
            written.push((diff_id, path));
        }
        manifest
            .push(json!({"Config": format!("{}.json", image.hex()), "RepoTags": tags_or_null(image), "Layers": paths}));
    }
    members.push(Member::file("manifest.json", Value::from(manifest).to_string()));
    members.push(Member::file("repositories", repositories(images, top_v1_id).to_string()));
    members
}

/// docker 25 and later, classic store: an OCI layout with manifest.json, `LayerSources`, and v1 documents among the blobs.
pub(crate) fn docker_25(images: &[TestImage]) -> Vec<Member> {
    let mut layout = Layout::default();
    let mut manifest = Vec::new();
    for image in images {
        let descriptor = layout.put_image(image, &[Packing::None]);
        for id in v1_ids(image) {
            layout.put_json("", &json!({"id": id, "os": "linux"}));
        }
        name_as_docker(&mut layout, image, &descriptor);
        let sources: Map<String, Value> = image
            .diff_ids()
            .into_iter()
            .zip(&image.layers)
            .map(|(id, layer)| {
                let media_type = "application/vnd.oci.image.layer.v1.tar";
                (id.clone(), json!({"mediaType": media_type, "size": layer.len(), "digest": id}))
            })
            .collect();
        let layers: Vec<String> = image.layers.iter().map(|layer| blob_path(layer)).collect();
        manifest.push(json!({
            "Config": blob_path(&image.config_bytes()),
            "RepoTags": tags_or_null(image),
            "Layers": layers,
            "LayerSources": sources,
        }));
    }
    let mut members = layout.members(DOCKER_MARK);
    members.push(Member::file("manifest.json", Value::from(manifest).to_string()));
    let top_layer = |image: &TestImage| image.layers.last().map(|layer| hex(layer)).unwrap_or_default();
    members.push(Member::file("repositories", repositories(images, top_layer).to_string()));
    members
}

/// docker's containerd store: compressed blobs, a nested index with an attestation and a platform whose blobs are absent.
pub(crate) fn docker_containerd(image: &TestImage) -> Vec<Member> {
    let mut layout = Layout::default();
    let mut here = layout.put_image(image, &[Packing::Gzip]);
    here["platform"] = image.platform();
    let mut elsewhere =
        Layout::default().put_image(&image.clone().with("architecture", json!("arm64")), &[Packing::Gzip]);
    elsewhere["platform"] = json!({"architecture": "arm64", "os": "linux"});
    let proof = layout.put("application/vnd.in-toto+json", b"{\"_type\":\"https://in-toto.io/Statement/v0.1\"}");
    let proof_config = layout.put_json(super::oci::CONFIG, &json!({"architecture": "unknown", "os": "unknown"}));
    let mut attestation =
        layout.put_json(super::oci::MANIFEST, &json!({"schemaVersion": 2, "config": proof_config, "layers": [proof]}));
    attestation["platform"] = json!({"architecture": "unknown", "os": "unknown"});
    attestation["annotations"] = json!({
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": here["digest"],
    });
    let nested = layout.put_json(
        super::oci::INDEX,
        &json!({"schemaVersion": 2, "mediaType": super::oci::INDEX, "manifests": [here, elsewhere, attestation]}),
    );
    name_as_docker(&mut layout, image, &nested);
    let mut members = layout.members(PLAIN_MARK);
    members.push(manifest_json(&[entry_of_blobs(image, Packing::Gzip)]));
    members.sort_by(|a, b| a.name.cmp(&b.name));
    members
}

/// buildkit `type=docker`: as containerd writes it, one plain manifest. Without `manifest.json` it is `type=oci`.
pub(crate) fn buildkit(image: &TestImage, manifest: bool) -> Vec<Member> {
    let mut layout = Layout::default();
    let descriptor = layout.put_image(image, &[Packing::Gzip]);
    for tag in &image.tags {
        let short = tag.rsplit_once(':').map_or("latest", |(_, tag)| tag);
        let created = [("org.opencontainers.image.created", "2024-01-02T03:04:05Z")];
        layout.name(&descriptor, &[(NAME, &canonical(tag)), (REF_NAME, short), created[0]]);
    }
    let mut members = layout.members(PLAIN_MARK);
    if manifest {
        members.push(manifest_json(&[entry_of_blobs(image, Packing::Gzip)]));
    }
    members
}

/// podman and skopeo `docker-archive`: `<diffid>.tar`, symlinks from v1 folders, full names.
pub(crate) fn podman(images: &[TestImage]) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut manifest = Vec::new();
    for image in images {
        let files: Vec<String> = image.layers.iter().map(|layer| format!("{}.tar", hex(layer))).collect();
        for (file, layer) in files.iter().zip(&image.layers) {
            if seen.insert(file.clone()) {
                members.push(Member::file(file, layer.clone()));
            }
        }
        members.push(Member::file(format!("{}.json", image.hex()), image.config_bytes()));
        for (id, file) in v1_ids(image).iter().zip(&files) {
            if seen.insert(id.clone()) {
                members.push(Member::symlink(format!("{id}/layer.tar"), format!("../{file}")));
                members.extend(v1_folder(id, &json!({"id": id})).into_iter().skip(1));
            }
        }
        let tags: Vec<String> = image.tags.iter().map(|tag| canonical(tag)).collect();
        manifest.push(json!({"Config": format!("{}.json", image.hex()), "RepoTags": tags, "Layers": files}));
    }
    members.push(manifest_json(&manifest));
    members.push(Member::file("repositories", repositories(images, top_v1_id).to_string()));
    members
}

/// crane, kaniko and ko: the configuration is `sha256:<hex>`, layers are `<hex>.tar.gz`, manifest.json comes last.
pub(crate) fn crane(images: &[TestImage]) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::new();
    let mut manifest = Vec::new();
    for image in images {
        members.push(Member::file(image.id(), image.config_bytes()));
        let layers = gzip_files(image, "");
        for layer in &layers {
            if !members.iter().any(|member| member.name == layer.name) {
                members.push(layer.clone());
            }
        }
        let paths: Vec<&str> = layers.iter().map(|layer| layer.name.as_str()).collect();
        manifest.push(json!({"Config": image.id(), "RepoTags": image.tags, "Layers": paths}));
    }
    members.push(manifest_json(&manifest));
    members
}

/// jib: lower-case keys, `config.json`.
pub(crate) fn jib(image: &TestImage) -> Vec<Member> {
    let mut members = gzip_files(image, "");
    let layers: Vec<&String> = members.iter().map(|member| &member.name).collect();
    let manifest = manifest_json(&[json!({"config": "config.json", "repoTags": image.tags, "layers": layers})]);
    dedup(&mut members);
    members.push(Member::file("config.json", image.config_bytes()));
    members.push(manifest);
    members
}

/// nix `buildLayeredImage` (with v1 documents and `repositories`) or `streamLayeredImage` (without).
pub(crate) fn nix(image: &TestImage, stream: bool) -> Vec<Member> {
    let mut members = Vec::new();
    let ids = v1_ids(image);
    for (id, layer) in ids.iter().zip(&image.layers) {
        if !stream {
            members.extend(v1_folder(id, &json!({"id": id})));
        }
        members.push(Member::file(format!("{id}/layer.tar"), layer.clone()));
    }
    let paths: Vec<String> = ids.iter().map(|id| format!("{id}/layer.tar")).collect();
    members.push(Member::file(format!("{}.json", image.hex()), image.config_bytes()));
    members.push(manifest_json(&[
        json!({"Config": format!("{}.json", image.hex()), "RepoTags": image.tags, "Layers": paths}),
    ]));
    if !stream {
        members.push(Member::file("repositories", repositories(std::slice::from_ref(image), top_v1_id).to_string()));
    }
    members
}

/// bazel's `rules_oci`: blob paths for a docker archive, and no `oci-layout`.
pub(crate) fn rules_oci(image: &TestImage) -> Vec<Member> {
    let mut members = vec![Member::file(blob_path(&image.config_bytes()), image.config_bytes())];
    let mut layers = gzip_files(image, "blobs/sha256/");
    let paths: Vec<String> = layers.iter().map(|layer| layer.name.clone()).collect();
    dedup(&mut layers);
    members.extend(layers);
    members.push(manifest_json(&[
        json!({"Config": blob_path(&image.config_bytes()), "RepoTags": image.tags, "Layers": paths}),
    ]));
    members
}

/// `regctl image export`: both names in full, `LayerSources` by the digest of the compressed layer.
pub(crate) fn regctl(image: &TestImage) -> Vec<Member> {
    let mut layout = Layout::default();
    let descriptor = layout.put_image(image, &[Packing::Gzip]);
    for tag in &image.tags {
        layout.name(&descriptor, &[(NAME, &canonical(tag)), (REF_NAME, &canonical(tag))]);
    }
    let mut entry = entry_of_blobs(image, Packing::Gzip);
    entry["RepoTags"] = image.tags.iter().map(|tag| canonical(tag)).collect();
    for layer in &image.layers {
        let bytes = Packing::Gzip.apply(layer);
        entry["LayerSources"][digest(&bytes)] =
            super::oci::descriptor("application/vnd.oci.image.layer.v1.tar+gzip", &bytes);
    }
    let mut members = layout.members(PLAIN_MARK);
    members.push(manifest_json(&[entry]));
    members
}

/// An OCI archive or layout as skopeo and podman name it: the full name in `ref.name`.
pub(crate) fn skopeo_layout(images: &[TestImage], packings: &[Packing]) -> Layout {
    let mut layout = Layout::default();
    for image in images {
        let descriptor = layout.put_image(image, packings);
        for tag in &image.tags {
            layout.name(&descriptor, &[(REF_NAME, &canonical(tag))]);
        }
        if image.tags.is_empty() {
            layout.name(&descriptor, &[]);
        }
    }
    layout
}

/// An OCI layout as umoci names it: only the tag in `ref.name`.
pub(crate) fn umoci_layout(image: &TestImage) -> Layout {
    let mut layout = Layout::default();
    let descriptor = layout.put_image(image, &[Packing::Gzip]);
    for tag in &image.tags {
        layout.name(&descriptor, &[(REF_NAME, tag.rsplit_once(':').map_or("latest", |(_, tag)| tag))]);
    }
    layout
}

/// An OCI archive of an image that has no tag, but a name with its manifest's digest, as one has that was pulled so; and
/// that name.
pub(crate) fn known_by_digest(image: &TestImage, repository: &str) -> (Vec<Member>, String) {
    let mut layout = Layout::default();
    let descriptor = layout.put_image(image, &[Packing::Gzip]);
    let name = format!("{repository}@{}", descriptor["digest"].as_str().expect("a digest"));
    layout.name(&descriptor, &[(NAME, &name)]);
    (layout.members(PLAIN_MARK), name)
}

/// The archive without the members of these layers: what a sender leaves out that knows the receiver has them.
pub(crate) fn without_layers(members: Vec<Member>, layers: &[Vec<u8>]) -> Vec<Member> {
    members.into_iter().filter(|member| !layers.contains(&member.data)).collect()
}

fn name_as_docker(layout: &mut Layout, image: &TestImage, descriptor: &Value) {
    for tag in &image.tags {
        let short = tag.rsplit_once(':').map_or("latest", |(_, tag)| tag);
        layout.name(descriptor, &[(NAME, &canonical(tag)), (REF_NAME, short)]);
    }
    if image.tags.is_empty() {
        layout.name(descriptor, &[]);
    }
}

fn entry_of_blobs(image: &TestImage, packing: Packing) -> Value {
    let layers: Vec<String> = image.layers.iter().map(|layer| blob_path(&packing.apply(layer))).collect();
    json!({"Config": blob_path(&image.config_bytes()), "RepoTags": tags_or_null(image), "Layers": layers})
}

pub(crate) fn manifest_json(entries: &[Value]) -> Member {
    Member::file("manifest.json", Value::from(entries).to_string())
}

fn gzip_files(image: &TestImage, folder: &str) -> Vec<Member> {
    let gzip = |layer: &Vec<u8>| Packing::Gzip.apply(layer);
    image.layers.iter().map(gzip).map(|bytes| Member::file(format!("{folder}{}.tar.gz", hex(&bytes)), bytes)).collect()
}

fn dedup(members: &mut Vec<Member>) {
    let mut seen = BTreeSet::new();
    members.retain(|member| seen.insert(member.name.clone()));
}

fn blob_path(bytes: &[u8]) -> String {
    format!("blobs/sha256/{}", hex(bytes))
}

fn v1_folder(id: &str, document: &Value) -> Vec<Member> {
    vec![
        Member::dir(format!("{id}/")),
        Member::file(format!("{id}/VERSION"), "1.0"),
        Member::file(format!("{id}/json"), document.to_string()),
    ]
}

/// An ID a layer, as docker's v1 IDs: of the chain, and for the top one of the configuration too.
fn v1_ids(image: &TestImage) -> Vec<String> {
    let mut ids: Vec<String> = image.chain_ids().iter().map(|chain| hex(format!("v1 {chain}").as_bytes())).collect();
    if let Some(top) = ids.last_mut() {
        *top = hex(format!("{top} {}", image.id()).as_bytes());
    }
    ids
}

fn top_v1_id(image: &TestImage) -> String {
    v1_ids(image).pop().unwrap_or_default()
}

fn repositories(images: &[TestImage], id: impl Fn(&TestImage) -> String) -> Value {
    let mut all = json!({});
    for image in images {
        for tag in &image.tags {
            let (name, short) = tag.rsplit_once(':').expect("test images have full tags");
            all[name][short] = json!(id(image));
        }
    }
    all
}

fn tags_or_null(image: &TestImage) -> Value {
    if image.tags.is_empty() { Value::Null } else { json!(image.tags) }
}
