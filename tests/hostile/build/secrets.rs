//! Secrets of a build are in nothing that it leaves or says, whatever the Dockerfile does to get them there.

use std::fs;

use super::{Trap, has};

/// A secret as it is given, and no part of anything else.
const TOKEN: &str = "tok3n-of-the-build";

/// Fails if the token is in a file of the store or of its archive, also if it is compressed there.
fn assert_is_nowhere(trap: &Trap, what: &str) {
    let saved = trap.session.work().join("saved.tar");
    trap.session.run(&["save", "-o", "saved.tar", "fx/trap"]);
    for entry in walkdir::WalkDir::new(trap.session.store()).into_iter().chain(walkdir::WalkDir::new(saved)) {
        let Ok(entry) = entry else { continue };
        if !entry.file_type().is_file() {
            continue;
        }
        let bytes = fs::read(entry.path()).expect("a file of the store");
        let mut plain = Vec::new();
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let _ = std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(&*bytes), &mut plain);
        } else if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            plain = zstd::decode_all(&*bytes).unwrap_or_default();
        }
        let is_there = [&bytes, &plain].iter().any(|bytes| has(bytes, TOKEN.as_bytes()));
        assert!(!is_there, "{what}: the secret is in {}", entry.path().display());
    }
}

#[test]
fn secrets_leave_no_trace() {
    let Some((busybox, runtime)) = crate::support::run_tools() else { return };
    let trap = Trap::new();
    fs::copy(busybox, trap.ctx().join("busybox")).expect("a copy");
    trap.session.write("token", TOKEN);
    let base = "FROM scratch\nCOPY --chmod=755 busybox /bin/busybox\nCOPY --chmod=755 busybox /bin/sh\n";
    let mount = "RUN --mount=type=secret,id=t";
    let steps = [
        format!("{mount} busybox test -s /run/secrets/t"),
        format!("{mount},env=TOKEN test -n \"$TOKEN\" && export COPY=\"$TOKEN\""),
        format!("{mount},target=/etc/token,mode=0444 busybox test -s /etc/token"),
        format!("{mount},target=/own/deep/token busybox test -s /own/deep/token; exit 7"),
        format!("ARG TOKEN=default\n{mount},env=TOKEN test -n \"$TOKEN\"\nLABEL token=$TOKEN\nENV KEPT=$TOKEN"),
        format!("{mount} --network=none busybox ln /run/secrets/t /kept || exit 0"),
        format!("{mount},target=/t/u --mount=type=tmpfs,target=/v busybox cp /t/u /v/w && busybox test -s /v/w"),
    ];
    for step in &steps {
        trap.write("Dockerfile", format!("{base}{step}\n"));
        let args = ["build", "-t", "fx/trap", "--runtime", runtime, "--secret", "id=t,src=token", "ctx"];
        for flags in [&[][..], &["--progress", "json"]] {
            let answer = trap.run(b"", &[&args[..7], flags, &args[7..]].concat());
            assert!(!answer.text().contains(TOKEN), "{step}: {}", answer.text());
            assert!(answer.code == 0 || step.contains("exit 7"), "{step}: {}", answer.stderr);
        }
        assert_is_nowhere(&trap, step);
    }
    // A secret that is asked for and not given.
    trap.refused(format!("{base}{mount},required true\n"), "secret t");
}

#[test]
fn mounts_do_not_lead_out() {
    let Some((busybox, runtime)) = crate::support::run_tools() else { return };
    let trap = Trap::new();
    fs::copy(busybox, trap.ctx().join("busybox")).expect("a copy");
    trap.write("links/x", "x");
    let victim = trap.victim().display().to_string();
    for (name, target) in [("abs", victim.as_str()), ("rel", "../victim"), ("up", "../../..")] {
        std::os::unix::fs::symlink(target, trap.ctx().join("links").join(name)).expect("a link");
    }
    let bind = "RUN --mount=type=bind,target=/v";
    for step in [
        format!("{bind},source=../victim busybox cat /v/secret"),
        format!("{bind},source=/../../victim busybox cat /v/secret"),
        format!("{bind},source=links/abs busybox cat /v/secret"),
        format!("{bind},source=links/rel,rw busybox touch /v/secret"),
        format!("{bind},source={victim} busybox cat /v/secret"),
        format!("{bind},source=links,rw busybox cat /v/abs/secret"),
        format!("{bind},source=links,rw busybox touch /v/rel/secret"),
        format!("{bind},from=base,source=/links/abs busybox cat /v/secret"),
        format!("{bind},from=base,source=/links/up/victim busybox cat /v/secret"),
        "RUN --mount=type=cache,target=/links/abs busybox cat /links/abs/secret".to_owned(),
        "RUN --mount=type=cache,target=/c,id=../../../victim busybox cat /c/secret".to_owned(),
        "RUN --mount=type=tmpfs,target=/links/rel/deep busybox cat /links/rel/secret".to_owned(),
        format!("RUN --mount=type=bind,source=own,target={victim}/secret,rw busybox cat {victim}/dir/secret"),
        format!("RUN busybox cat {victim}/secret"),
        "RUN cd /links/up && busybox cat victim/secret /links/rel/secret".to_owned(),
    ] {
        let copies = "COPY --chmod=755 busybox /bin/busybox\nCOPY --chmod=755 busybox /bin/sh\nCOPY links /links\n";
        trap.write("Dockerfile", format!("FROM scratch AS base\n{copies}FROM base\n{step}\n"));
        let answer = trap.run(b"", &["build", "-t", "fx/trap", "--runtime", runtime, "ctx"]);
        let is_harmless = step.contains("touch") && answer.code == 0;
        assert!(answer.code == 1 || is_harmless, "{step}: {}", answer.text());
    }
}
