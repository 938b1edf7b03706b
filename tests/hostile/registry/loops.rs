//! What never ends, or comes back again and again: R09, R10, R31, R37, R38.

use std::sync::Arc;
use std::time::Duration;

use super::{PASSWORD, USER, World, side_by_side, words};
use crate::support::registry::Setup;
use crate::support::registry::auth::{Auth, Issuer, user};
use crate::support::registry::reply::Reply;

#[test]
fn r09_a_registry_that_always_refuses_is_asked_three_times() {
    for world in [World::with_password(), World::with_tokens()] {
        world.registry.script(|request, reply| {
            // Whatever it is asked with, it says what it says to somebody without credentials.
            let challenge = if request.header("authorization").is_some_and(|value| value.starts_with("Bearer")) {
                format!(
                    "Bearer realm=\"http://{}/token\",service=\"registry.test\",error=\"invalid_token\"",
                    request.to
                )
            } else {
                "Basic realm=\"x\"".to_owned()
            };
            if reply.status < 400 && request.path.starts_with("/v2/team") {
                Reply::error(401, "UNAUTHORIZED", "never").with("WWW-Authenticate", challenge)
            } else {
                reply
            }
        });
        for words in World::fetches(&world.name()) {
            world.registry.forget();
            world.refuses_command(&words, &[&world.host()]);
            // A pull asks for the head first.
            for method in ["HEAD", "GET"] {
                assert!(world.registry.count(method, "/manifests/") <= 3, "{:?}", world.registry.log());
            }
            assert!(world.registry.count("GET", "/token") <= 3, "{:?}", world.registry.log());
        }
    }
}

#[test]
fn r09_a_token_server_that_always_refuses_is_not_asked_for_ever() {
    let world = World::with_tokens();
    world.registry.script(|request, reply| match request.path.as_str() {
        "/token" => Reply::error(401, "UNAUTHORIZED", "never").with("WWW-Authenticate", "Basic realm=\"x\""),
        _ => reply,
    });
    for words in World::fetches(&world.name()) {
        world.registry.forget();
        world.refuses_command(&words, &[&world.host()]);
        assert!(world.registry.count("GET", "/token") <= 3, "{:?}", world.registry.log());
    }
}

#[test]
fn r10_redirects_are_followed_ten_times() {
    for part in ["/manifests/", "/blobs/", "/token"] {
        for grows in [false, true] {
            let world = World::with_tokens();
            world.registry.script(move |request, reply| {
                if !request.path.contains(part) || reply.status == 401 {
                    return reply;
                }
                let more = if grows { format!("{}x", request.query) } else { String::new() };
                Reply::redirect(&format!("{}?{more}", request.path))
            });
            for words in World::fetches(&world.name()) {
                world.registry.forget();
                world.refuses_command(&words, &["redirects"]);
                let (heads, gets) = (world.registry.count("HEAD", part), world.registry.count("GET", part));
                // One that a 401 made necessary, and ten more for each of two layers and the configuration.
                assert!(heads <= 12 && gets <= 36, "{part}: {heads} + {gets}");
            }
        }
    }
}

#[test]
fn r31_storms_end() {
    for (status, header) in [(429, "1000000000"), (503, "1000000000"), (429, "Tue, 31 Dec 2999 23:59:59 GMT")] {
        for part in ["/manifests/", "/blobs/"] {
            let world = World::new();
            world.registry.script(move |request, reply| {
                if request.path.contains(part) {
                    let refusal = Reply::error(status, "TOOMANYREQUESTS", "you have reached your limit");
                    let refusal = refusal.with("Retry-After", header).with("Date", "Fri, 27 Nov 2026 08:00:00 GMT");
                    refusal.with("RateLimit-Limit", "100;w=21600")
                } else {
                    reply
                }
            });
            for words in World::fetches(&world.name()) {
                world.registry.forget();
                let answer = world.refuses_command(&words, &[&world.host()]);
                let asked = world.registry.count("GET", part) + world.registry.count("HEAD", part);
                assert!(asked <= 4, "nobody waits for 30 years: {asked}\n{}", answer.text());
                if status == 429 && part == "/manifests/" {
                    assert!(answer.stderr.contains("100;w=21600"), "the limit is told:\n{}", answer.text());
                }
            }
        }
    }
}

#[test]
fn r31_storms_without_a_time_end_too() {
    let cases = [(500, None), (429, Some("-1")), (503, Some("junk")), (429, Some("0"))];
    side_by_side(&cases, |(status, header), command| {
        let world = World::new();
        world.registry.script(move |request, reply| {
            if !request.is_for_manifest() {
                return reply;
            }
            let refusal = Reply::error(status, "UNKNOWN", "no");
            header.map_or(refusal.clone(), |header| refusal.with("Retry-After", header))
        });
        world.refuses_command(&command(&world), &[&world.host()]);
        let (heads, gets) = (world.registry.count("HEAD", "/"), world.registry.count("GET", "/manifests/"));
        assert!(heads <= 5 && gets <= 5, "{heads} + {gets}");
    });
}

#[test]
fn r31_storms_that_pass_are_waited_for() {
    let world = World::new();
    world.registry.script(|request, reply| match request.number {
        0 => Reply::error(503, "UNAVAILABLE", "in a moment"),
        1 => Reply::error(429, "TOOMANYREQUESTS", "in a second").with("Retry-After", "1"),
        _ => reply,
    });
    world.fetches_well();
}

#[test]
fn r37_answers_that_are_no_tokens() {
    let long = |bytes: usize| format!("{{\"token\":\"{}\"}}", "x".repeat(bytes));
    for body in [
        long(10 << 20),
        format!("{}{}", " ".repeat(10 << 20), long(1)),
        "<html>no</html>".to_owned(),
        String::new(),
        "{}".to_owned(),
        "[]".to_owned(),
        "{\"token\":7}".to_owned(),
        "{\"token\":null}".to_owned(),
        "{\"token\":\"\"}".to_owned(),
        "{\"token\":\"a\\r\\nX-Evil: b\"}".to_owned(),
        "{\"token\":\"a\\u0000b\"}".to_owned(),
        format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)),
    ] {
        let world = World::with_tokens();
        let said: String = body.chars().take(30).collect();
        world.registry.script(
            move |request, reply| {
                if request.path == "/token" { reply.saying(body.as_bytes()) } else { reply }
            },
        );
        for words in World::fetches(&world.name()) {
            world.refuses_command(&words, &["127.0.0.1"]);
        }
        let split = world.registry.records().iter().any(|record| record.request.header("x-evil").is_some());
        assert!(!split, "{said}: a token became a header");
    }
}

#[test]
fn r37_a_token_answer_without_end() {
    let world = World::with_tokens();
    world.registry.script(|request, reply| if request.path == "/token" { reply.endless() } else { reply });
    world.refuses(&["127.0.0.1"]);
}

#[test]
fn r38_tokens_of_any_life() {
    for life in ["-1", "0", "1", "999999999999999999999", "1e300", "\"300\"", "null", "-9223372036854775808", "{}"] {
        let world = World::with_tokens();
        world.registry.script(move |request, reply| {
            let body = String::from_utf8_lossy(&reply.body).into_owned();
            if request.path != "/token" || reply.status != 200 {
                return reply;
            }
            let body = body.replace("\"expires_in\":300", &format!("\"expires_in\":{life}"));
            assert!(body.contains(life), "the answer has no life: {body}");
            reply.saying(body)
        });
        world.fetches_well();
        let asked = world.registry.count("GET", "/token");
        assert!(asked <= 12, "{life}: {asked} tokens for two images");
    }
}

#[test]
fn r38_tokens_that_do_not_say_how_long() {
    let issuer = Issuer { states_lifetime: false, ..Issuer::new(user(USER, PASSWORD)) };
    let world = World::with(Setup { auth: Auth::Bearer(issuer.into()), ..Setup::default() });
    world.log_in(&world.host());
    world.fetches_well();
    assert_eq!(world.registry.count("GET", "/token"), 2, "one for each command: {:?}", world.registry.log());
}

#[test]
fn tokens_that_end_while_they_are_used_are_replaced() {
    for states_lifetime in [true, false] {
        let issuer = Issuer { lifetime: Duration::from_secs(1), states_lifetime, ..Issuer::new(user(USER, PASSWORD)) };
        let issuer = Arc::new(issuer);
        let mut world = World::with(Setup { auth: Auth::Bearer(Arc::clone(&issuer)), ..Setup::default() });
        world.flags = words(&["--stall-timeout", "5"]);
        world.log_in(&world.host());
        // So slow that no token that was good for the manifest is good for what follows.
        world.registry.script(|request, reply| {
            let is_slow = request.is_for_manifest() && request.method == "GET" && reply.status == 200;
            if is_slow { reply.delayed(Duration::from_millis(1200)) } else { reply }
        });
        world.fetches_well();
        assert!(issuer.tokens().len() >= 4, "{:?}", issuer.tokens());
    }
}
