//! The registries of vendors, each with a push that goes well, one whose connection breaks, one whose token ends, and one
//! that is killed; and the pull of what came of it.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::resume::killed;
use super::{digest_of, large, size_of, stored, stored_plain};
use crate::support::image::TestImage;
use crate::support::oci::{Layout, PLAIN_MARK, REF_NAME};
use crate::support::packing::Packing;
use crate::support::registry::Setup;
use crate::support::registry::reply::Reply;
use crate::support::registry::tls::Authority;
use crate::support::registry::vendors::{Access, Profile, VENDORS, Vendor};
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};

/// Large enough to be cut, and to be sent in several chunks.
const SIZE: usize = 6 << 20;

/// An image, made once for all vendors.
struct Sample {
    image: TestImage,
    /// An archive with its layers compressed.
    packed: Vec<u8>,
    /// The digest of the manifest in there.
    digest: String,
    /// How many bytes its blobs have.
    size: u64,
}

impl Sample {
    fn new(seed: u64) -> Self {
        let image = large(seed, SIZE).layer("small", &[Member::file("small", b"a few bytes".to_vec())]);
        let mut layout = Layout::default();
        let manifest = layout.put_image(&image, &[Packing::Gzip]);
        layout.name(&manifest, &[(REF_NAME, "sample:1")]);
        let digest = manifest["digest"].as_str().expect("a digest").to_owned();
        Self { packed: pack(&layout.members(PLAIN_MARK)), digest, size: size_of(&image), image }
    }

    /// Has it in the store under a name.
    fn store(&self, session: &Session, name: &str) {
        session.load(&self.packed);
        session.ok(&["tag", "sample:1", name]);
    }
}

fn named(name: &str) -> Profile {
    *VENDORS.iter().find(|profile| profile.name == name).expect("a vendor")
}

/// A vendor, and a session of a user who is logged in there.
fn started(profile: Profile) -> (Vendor, Session) {
    let (vendor, session) = (Vendor::start(profile), Session::new());
    vendor.log_in(&session);
    vendor.registry.forget();
    (vendor, session)
}

/// Calls a function for each vendor, all at a time; fails with the names of those with which it fails.
fn each(check: impl Fn(Profile) + Sync) {
    let check = &check;
    let failed: Vec<&str> = std::thread::scope(|scope| {
        let all = VENDORS.map(|profile| (profile.name, scope.spawn(move || check(profile))));
        all.into_iter().filter_map(|(name, thread)| thread.join().is_err().then_some(name)).collect()
    });
    assert!(failed.is_empty(), "{failed:?}");
}

/// What docker says of a push that went well.
fn says(text: &str, vendor: &Vendor, Sample { image, digest, .. }: &Sample) {
    let name = vendor.profile.name;
    let content = vendor.registry.content();
    let size = content.repositories["team/app"].manifests[digest].bytes.len();
    let refers = format!("The push refers to repository [{}]", vendor.registry.name("team/app"));
    let last = format!("1: digest: {digest} size: {size}");
    assert_eq!(text.lines().next(), Some(refers.as_str()), "{name}: {text}");
    assert_eq!(text.lines().last(), Some(last.as_str()), "{name}: {text}");
    for id in image.diff_ids() {
        let line = format!("{}: Pushed", &id["sha256:".len()..][..12]);
        assert!(text.lines().any(|said| said == line), "{name}: {line:?}: {text}");
    }
}

/// The image is there, whole and the same, and comes back with a pull; what is elsewhere is asked without credentials.
fn comes_back(vendor: &Vendor, image: &TestImage, digest: Option<&str>) {
    let (name, profile) = (vendor.registry.name("team/app:1"), vendor.profile.name);
    if let Some(digest) = digest {
        assert_eq!(digest_of(&vendor.registry, "team/app:1").as_deref(), Some(digest), "{profile}");
    }
    vendor.behave();
    vendor.store();
    let session = Session::new();
    vendor.log_in(&session);
    session.ok(&["pull", "-q", &name]);
    let found = session.inspect(&name);
    assert_eq!(found["Id"], image.id().as_str(), "{profile}");
    assert_eq!(found["RootFS"]["Layers"], json!(image.diff_ids()), "{profile}");
    session.ok(&["verify", &name]);
    if let Some(storage) = &vendor.storage {
        assert!(storage.count("GET", "/blobs/") >= image.layers.len(), "{profile}: {:#?}", storage.log());
        storage.never_asked_with_credentials();
    }
}

/// No more was sent than the blobs, but for what gets lost where a connection breaks.
fn sends_once(vendor: &Vendor, sample: &Sample) {
    let (came, size) = (vendor.registry.received(), sample.size);
    let (name, log) = (vendor.profile.name, vendor.registry.log());
    assert!(came * 100 <= size * 105, "{name}: {came} bytes for {size}: {log:#?}");
}

#[test]
fn whole() {
    let sample = Sample::new(40);
    each(|profile| {
        let (vendor, session) = started(profile);
        sample.store(&session, &vendor.registry.name("team/app:1"));
        let text = session.ok(&["push", &vendor.registry.name("team/app:1")]);
        says(&text, &vendor, &sample);
        sends_once(&vendor, &sample);
        comes_back(&vendor, &sample.image, Some(&sample.digest));
        // Once more: nothing is sent. Into another repository: nothing, where it mounts.
        vendor.registry.forget();
        session.ok(&["push", "-q", &vendor.registry.name("team/app:1")]);
        assert_eq!(vendor.registry.received(), 0, "{}: {:#?}", profile.name, vendor.registry.log());
        session.ok(&["tag", &vendor.registry.name("team/app:1"), &vendor.registry.name("team/other:1")]);
        session.ok(&["push", "-q", &vendor.registry.name("team/other:1")]);
        assert_eq!(digest_of(&vendor.registry, "team/other:1"), Some(sample.digest.clone()), "{}", profile.name);
        let mounts = vendor.registry.content().uploads.manners.mounts;
        assert_eq!(vendor.registry.received() == 0, mounts, "{}: {:#?}", profile.name, vendor.registry.log());
    });
}

#[test]
fn compressed_on_the_way() {
    let sample = Sample::new(41);
    each(|profile| {
        let (vendor, session) = started(profile);
        let name = vendor.registry.name("team/app:1");
        stored_plain(&session, &name, &sample.image);
        session.ok(&["push", "-q", &name]);
        comes_back(&vendor, &sample.image, None);
    });
}

#[test]
fn cut() {
    let sample = Sample::new(42);
    each(|profile| {
        let (vendor, session) = started(profile);
        sample.store(&session, &vendor.registry.name("team/app:1"));
        // The first request with many bytes breaks, and the third.
        let seen = AtomicUsize::new(0);
        vendor.registry.cut(move |request| {
            let is_one = request.length() > 1 << 20 && [0, 2].contains(&seen.fetch_add(1, Ordering::Relaxed));
            is_one.then_some(request.length() / 4)
        });
        let text = session.ok(&["push", &vendor.registry.name("team/app:1")]);
        says(&text, &vendor, &sample);
        if vendor.registry.content().uploads.manners.keeps {
            sends_once(&vendor, &sample);
        }
        // What each does not take was tried, and something else after it.
        let refusal = match profile.name {
            "GitHub" => Some(" 416"),
            "Amazon ECR" => Some(" 400"),
            "Google" => Some(" 405"),
            _ => None,
        };
        let was_met =
            |status| vendor.registry.log().iter().any(|line| line.contains("/upload") && line.ends_with(status));
        assert!(refusal.is_none_or(was_met), "{}: {:#?}", profile.name, vendor.registry.log());
        comes_back(&vendor, &sample.image, Some(&sample.digest));
    });
}

#[test]
fn with_a_token_that_ends_in_the_middle() {
    let sample = Sample::new(43);
    each(|profile| {
        let (vendor, session) = started(profile);
        let name = vendor.registry.name("team/app:1");
        sample.store(&session, &name);
        if vendor.expires_soon() {
            // One at a time: each upload would end the token of the others, again and again.
            let text = session.ok(&["push", "--jobs", "1", &name]);
            says(&text, &vendor, &sample);
            let refused = vendor.registry.log().iter().any(|line| line.ends_with(" 401") && line.contains("/upload"));
            assert!(refused, "{}: {:#?}", profile.name, vendor.registry.log());
        } else {
            // A password that has expired is no longer one: the user has to get another.
            assert_eq!(profile.access, Access::Basic);
            let message = "Your authorization token has expired. Reauthenticate and try again.";
            vendor.also(move |request, reply| {
                let is_one = request.method == "PUT" && request.path.contains("/uploads/");
                if is_one { Reply::error(403, "DENIED", message) } else { reply }
            });
            let answer = session.run(&["push", &name]);
            answer.fails(1, &[message, &format!("imgtool login {}", vendor.registry.host())]);
            vendor.behave();
            vendor.registry.forget();
            session.ok(&["push", "-q", &name]);
        }
        sends_once(&vendor, &sample);
        comes_back(&vendor, &sample.image, Some(&sample.digest));
    });
}

#[test]
fn killed_in_the_middle() {
    let sample = Sample::new(44);
    each(|profile| {
        let (vendor, session) = started(profile);
        let name = vendor.registry.name("team/app:1");
        sample.store(&session, &name);
        killed(&session, &vendor.registry, &["push", "-q", "--jobs", "1", &name], 5 << 20);
        session.ok(&["push", "-q", &name]);
        if vendor.registry.content().uploads.manners.keeps {
            sends_once(&vendor, &sample);
        }
        comes_back(&vendor, &sample.image, Some(&sample.digest));
    });
}

#[test]
fn a_tag_that_may_not_be_changed() {
    let (vendor, session) = started(named("Amazon ECR"));
    let name = vendor.registry.name("team/app:1");
    stored(&session, &name, &TestImage::sample("x"));
    let message = "The image tag '1' already exists in the 'team/app' repository and cannot be overwritten because the \
                   repository is immutable.";
    // As docker shows it in moby/buildkit#3776.
    vendor.also(move |request, reply| {
        let is_one = request.method == "PUT" && request.is_for_manifest();
        if is_one { Reply::error(400, "TAG_INVALID", message) } else { reply }
    });
    let answer = session.run(&["push", &name]);
    answer.fails(1, &[&format!("tag invalid: {message}")]);
    one_error(&answer.stderr);
}

#[test]
fn a_project_or_repository_that_is_not_there() {
    let (vendor, session) = started(named("Harbor"));
    let name = vendor.registry.name("ghost/app:1");
    stored(&session, &name, &TestImage::sample("x"));
    let answer = session.run(&["push", &name]);
    answer.fails(1, &["project ghost not found"]);
    one_error(&answer.stderr);

    let (vendor, session) = started(named("Amazon ECR"));
    let name = vendor.registry.name("team/app:1");
    stored(&session, &name, &TestImage::sample("x"));
    let message = "The repository with name 'team/app' does not exist in the registry with id '123456789012'";
    vendor.also(move |request, reply| {
        let is_one = request.path.contains("/blobs/");
        if is_one { Reply::error(404, "NAME_UNKNOWN", message) } else { reply }
    });
    let answer = session.run(&["push", &name]);
    answer.fails(1, &[&format!("name unknown: {message}")]);
    one_error(&answer.stderr);
}

#[test]
fn rights_that_do_not_suffice() {
    let (vendor, session) = started(named("Quay"));
    let name = vendor.registry.name("team/app:1");
    stored(&session, &name, &TestImage::sample("x"));
    let message = "access to the requested resource is not authorized";
    let realm = vendor.registry.url("/v2/auth");
    vendor.also(move |request, reply| {
        let writes = request.method == "POST" && request.path.contains("/blobs/uploads/");
        let challenge = format!("Bearer realm=\"{realm}\",service=\"quay.io\",scope=\"repository:team/app:pull,push\"");
        if writes { Reply::error(401, "UNAUTHORIZED", message).with("WWW-Authenticate", challenge) } else { reply }
    });
    let answer = session.run(&["push", &name]);
    answer.fails(1, &[&format!("unauthorized: {message}"), "the credentials for", "do not allow this"]);
    one_error(&answer.stderr);
    assert!(vendor.registry.log().len() < 40, "{:#?}", vendor.registry.log());
}

#[test]
fn a_manifest_of_a_kind_that_is_not_taken() {
    let (vendor, session) = started(named("Quay"));
    let name = vendor.registry.name("team/app:1");
    stored(&session, &name, &TestImage::sample("x"));
    for (status, code) in [(415, "MANIFEST_INVALID"), (406, "UNSUPPORTED")] {
        vendor.also(move |request, reply| {
            let is_one = request.method == "PUT" && request.is_for_manifest();
            if is_one { Reply::error(status, code, "manifest schema version not supported") } else { reply }
        });
        let answer = session.run(&["push", &name]);
        answer.fails(1, &["manifest schema version not supported"]);
        one_error(&answer.stderr);
    }
}

#[test]
fn behind_a_proxy_that_does_not_say_that_it_speaks_tls() {
    let authority = Authority::new();
    let tls = Some(authority.certify(&["127.0.0.1"]).server());
    let vendor = Vendor::start_with(named("Artifactory"), Setup { tls, ..Setup::default() });
    let session = Session::new();
    let ca = session.write("ca.crt", authority.pem()).display().to_string();
    vendor.log_in_with(&session, &["--tls-ca", &ca]);
    let name = vendor.registry.name("team/app:1");
    stored(&session, &name, &TestImage::sample("x"));
    vendor.registry.content().uploads.manners.origin = format!("http://{}", vendor.registry.host());
    let answer = session.run(&["--tls-ca", &ca, "push", &name]);
    answer.fails(1, &["wants the upload at http://127.0.0.1", "X-Forwarded-Proto: https"]);
    one_error(&answer.stderr);
    assert_eq!(vendor.registry.received(), 0);
}

/// One line says what is wrong.
fn one_error(text: &str) {
    assert_eq!(text.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{text}");
}
