//! More of everything than a real Dockerfile has, and text that a terminal would obey.

use super::Trap;

/// Stages made from a sentence with `{i}`, the number of the stage, and `{b}`, that of the one before.
fn stages(count: usize, first: &str, further: &str) -> String {
    let mut text = first.to_owned();
    for at in 1..count {
        text.push_str(&further.replace("{i}", &at.to_string()).replace("{b}", &(at - 1).to_string()));
    }
    text
}

#[test]
fn circles_of_stages() {
    let trap = Trap::new();
    for text in [
        "FROM scratch AS a\nCOPY --from=b /x /\nFROM scratch AS b\nCOPY --from=a /x /\n",
        "FROM scratch AS a\nCOPY --from=c /x /\nFROM a AS b\nFROM b AS c\nLABEL x=y\n",
        "FROM scratch AS a\nRUN --mount=type=bind,from=b,target=/b true\nFROM a AS b\nLABEL x=y\n",
        "FROM scratch\nCOPY --from=0 /x /\n",
        &format!(
            "FROM scratch AS s0\nCOPY --from=s4999 /x /\n{}",
            stages(5000, "", "FROM scratch AS s{i}\nCOPY --from=s{b} /x /\n")
        ),
    ] {
        trap.refused(text, "circular dependency detected");
    }
}

#[test]
fn escapes_in_names_do_not_reach_the_terminal() {
    let trap = Trap::new();
    let rude = "\u{1b}[31m\u{7}\u{202e}\u{9b}x";
    trap.write(rude, "x");
    for text in [
        format!("FROM scratch AS {rude}\nCOPY own /\n"),
        format!("FROM scratch\nCOPY {rude} /{rude}/\nLABEL a={rude}\n"),
        format!("FROM scratch\nCOPY {rude}/none /\n"),
        format!("FROM {rude}\n"),
        format!("{rude}\n"),
        format!("FROM scratch\n{rude} x\n"),
        format!("FROM scratch\nCOPY --from={rude} / /\n"),
        format!("FROM scratch\nCOPY --chown={rude} own /\n"),
        format!("FROM scratch\nCOPY --{rude} own /\n"),
        format!("FROM scratch\nENV a=${{{rude}}}\n"),
        format!("FROM scratch\nENV a=${{b:?{rude}}}\n"),
        format!("FROM scratch\nSTOPSIGNAL {rude}\n"),
        format!("FROM scratch\nEXPOSE {rude}\n"),
        format!("FROM --platform={rude} scratch\n"),
        format!("# escape={rude}\nFROM scratch\n"),
        format!("# check=skip={rude}\nFROM scratch\n"),
        format!("ARG {rude}\nFROM scratch\nCOPY <<{rude} /\n{rude}\n"),
        format!("FROM scratch AS Base{rude}\nMAINTAINER {rude}\nCOPY own /\nARG PASSWORD_{rude}\n"),
    ] {
        let answer = trap.build(&text);
        let checked = trap.run(b"", &["build", "--check", "ctx"]);
        for said in [&answer.stderr, &checked.stderr, &checked.out(), &answer.out()] {
            let bad: Vec<char> = said.chars().filter(|c| is_rude(*c)).collect();
            assert!(bad.is_empty(), "{bad:?} of {text:?} came through in {said:?}");
        }
    }
}

fn is_rude(letter: char) -> bool {
    (letter.is_control() && letter != '\n') || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
