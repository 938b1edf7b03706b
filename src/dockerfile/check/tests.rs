use std::fmt::Write as _;

use super::super::{Patterns, parse};
use super::*;

fn input(image: &dyn Fn(&str) -> Option<BaseImage>) -> CheckInput<'_> {
    CheckInput { build_args: &[], platform: "linux/amd64", ignore: None, image, options: None }
}

/// Images that say nothing; those of far away are not at hand.
fn plain(name: &str) -> Option<BaseImage> {
    (name != "far").then(BaseImage::default)
}

fn checked(text: &str, input: &CheckInput<'_>) -> Checked {
    let file = parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
    check(&file, input).expect("options")
}

/// What is found, one line each: the line, the rule, the message.
fn found(text: &str) -> String {
    listed(&checked(text, &input(&plain)))
}

fn listed(checked: &Checked) -> String {
    let mut lines = String::new();
    for Finding { rule, lines: at, message } in &checked.findings {
        let _ = writeln!(lines, "{} {}: {message}", at.start(), rule.name());
    }
    lines
}

#[test]
fn dockerfiles_without_a_fault() {
    let texts = [
        "FROM scratch\nCOPY a /a\n",
        "from scratch as base\ncopy a /a\n",
        "# syntax=x\nARG TAG=1\nFROM alpine:$TAG AS one\nFROM one\nWORKDIR /a\nWORKDIR b\nCMD [\"x\"]\n",
        "FROM alpine\nSHELL [\"/bin/bash\", \"-c\"]\nCMD a\nENTRYPOINT b\n",
        "FROM alpine AS a\nARG x\nENV PATH=$PATH:/y z=${none:-$x}\nFROM a\nWORKDIR /w/$z$x\n",
        "FROM --platform=$BUILDPLATFORM alpine\nARG TARGETARCH KEY_FILE\nENV A=$TARGETARCH\nEXPOSE 80 1-2/udp\n",
        "FROM --platform=linux/arm64 alpine AS build-arm64\n",
        "FROM alpine\nENV a=1 b=2\nLABEL \"a b\"=c\nRUN echo $none\nHEALTHCHECK CMD x $none\n",
        "# a word\nARG TAG\n# something\nFROM alpine\n",
    ];
    for text in texts {
        assert_eq!(found(text), "", "{text}");
    }
}

#[test]
fn names_and_casing() {
    let text =
        "FROM scratch AS Base\nFROM scratch as base\nfrom scratch AS scratch\nRun x\nCOPY a \\\n\n /a\nMAINTAINER me\n";
    insta::assert_snapshot!(found(text), @"
    1 StageNameCasing: Stage name 'Base' should be lowercase
    2 FromAsCasing: 'as' and 'FROM' keywords' casing do not match
    2 DuplicateStageName: Duplicate stage name \"base\", stage names should be unique
    3 FromAsCasing: 'AS' and 'from' keywords' casing do not match
    3 ReservedStageName: Stage name should not use the same name as reserved stage \"scratch\"
    3 ConsistentInstructionCasing: Command 'from' should match the case of the command majority (uppercase)
    4 ConsistentInstructionCasing: Command 'Run' should match the case of the command majority (uppercase)
    7 NoEmptyContinuation: Empty continuation line
    8 MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label
    ");
    let lower = "FROM scratch\ncopy a /a\ncopy b /b\n";
    insta::assert_snapshot!(found(lower), @"1 ConsistentInstructionCasing: Command 'FROM' should match the case of the command majority (lowercase)");
}

#[test]
fn what_from_makes_of_arguments() {
    let text = "ARG VERSION\nARG IMAGE=alpine\nFROM busybox:$VERSION\nFROM ${IMAGE}:${VERSON:-1}\nFROM $IMAG\n\
                FROM --platform=$TARGETPLATFORM alpine\nFROM --platform=linux/arm64 alpine AS a\nFROM ./base.tar\n";
    insta::assert_snapshot!(found(text), @"
    3 InvalidDefaultArgInFrom: Default value for ARG busybox:$VERSION results in empty or invalid base image name
    5 InvalidDefaultArgInFrom: Default value for ARG $IMAG results in empty or invalid base image name
    5 UndefinedArgInFrom: FROM argument 'IMAG' is not declared (did you mean IMAGE?)
    6 RedundantTargetPlatform: Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior
    7 FromPlatformFlagConstDisallowed: FROM --platform flag should not use constant value \"linux/arm64\"
    ");
}

#[test]
fn instructions_of_a_stage() {
    let text = "FROM alpine AS a\nWORKDIR app\nCMD a\ncmd b\nENTRYPOINT c\nHEALTHCHECK CMD x\nHEALTHCHECK NONE\n\
                ENV a b\nLABEL c d e\nARG API_KEY token_file\nENV Secret=1 AUTHOR=me\nEXPOSE 80/TCP 1:2 [::1]:3:4\n";
    insta::assert_snapshot!(found(text), @"
    2 WorkdirRelativePath: Relative workdir \"app\" can have unexpected results if the base image changes
    3 JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals
    3 MultipleInstructionsDisallowed: Multiple cmd instructions should not be used in the same stage because only the last one will be used
    4 ConsistentInstructionCasing: Command 'cmd' should match the case of the command majority (uppercase)
    4 JSONArgsRecommended: JSON arguments recommended for cmd to prevent unintended behavior related to OS signals
    5 JSONArgsRecommended: JSON arguments recommended for ENTRYPOINT to prevent unintended behavior related to OS signals
    6 MultipleInstructionsDisallowed: Multiple HEALTHCHECK instructions should not be used in the same stage because only the last one will be used
    8 LegacyKeyValueFormat: \"ENV key=value\" should be used instead of legacy \"ENV key value\" format
    9 LegacyKeyValueFormat: \"LABEL key=value\" should be used instead of legacy \"LABEL key value\" format
    10 SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ARG \"API_KEY\")
    11 SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ENV \"Secret\")
    12 ExposeProtoCasing: Defined protocol '80/TCP' in EXPOSE instruction should be lowercase
    12 ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, found '1:2'
    12 ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, found '[::1]:3:4'
    ");
}

#[test]
fn variables_come_from_arguments_stages_and_images() {
    let text = "ARG GLOBAL=1\nFROM java AS a\nENV X=$JAVA_HOME Y=$GLOBAL\nARG GLOBAL\nENV Z=$GLOBAL\nFROM a\nUSER $X$ZZ$other\n";
    let java = |name: &str| {
        (name == "java").then(|| BaseImage {
            environment: vec!["JAVA_HOME=/j".to_owned()],
            has_shell: true,
            platform: None,
        })
    };
    insta::assert_snapshot!(listed(&checked(text, &input(&java))), @"
    3 UndefinedVar: Usage of undefined variable '$GLOBAL'
    7 UndefinedVar: Usage of undefined variable '$ZZ' (did you mean $Z?)
    7 UndefinedVar: Usage of undefined variable '$other'
    ");
    let given = [("foo".to_owned(), "1".to_owned())];
    let text = "FROM far\nENV A=$FAR_HOME B=$PTH C=$far\nARG foo\nENV D=$foo\nENV E=$fo\n";
    let far = CheckInput { build_args: &given, ..input(&plain) };
    insta::assert_snapshot!(listed(&checked(text, &far)), @"
    2 UndefinedVar: Usage of undefined variable '$PTH' (did you mean $PATH?)
    2 UndefinedVar: Usage of undefined variable '$far'
    5 UndefinedVar: Usage of undefined variable '$fo' (did you mean $foo?)
    ");
}

#[test]
fn sources_that_are_ignored() {
    let text = "FROM scratch\nCOPY ./a//b *.log /x/\nADD https://host/a.log /a.log\nADD a /y\nCOPY --from=0 a /z\n";
    let patterns = Patterns::parse(b"a\n*.log\n").expect("patterns");
    insta::assert_snapshot!(listed(&checked(text, &CheckInput { ignore: Some(&patterns), ..input(&plain) })), @r#"
    2 CopyIgnoredFile: Attempting to Copy file "a/b" that is excluded by .dockerignore
    2 CopyIgnoredFile: Attempting to Copy file "*.log" that is excluded by .dockerignore
    4 CopyIgnoredFile: Attempting to Add file "a" that is excluded by .dockerignore
    "#);
    let patterns = Patterns::parse(b"a\n!a/b\n").expect("patterns");
    assert_eq!(listed(&checked(text, &CheckInput { ignore: Some(&patterns), ..input(&plain) })), "");
}

#[test]
fn options_choose_rules() {
    let text = "\n# stage one\nFROM scratch AS base\n# versions\nARG A B\nCMD a\nMAINTAINER me\n";
    let with = |options| listed(&checked(text, &CheckInput { options: Some(options), ..input(&plain) }));
    assert_eq!(with("skip=all;error=true"), "");
    insta::assert_snapshot!(with("skip=JSONArgsRecommended, MaintainerDeprecated ;error=false;experimental=all"), @"
    3 InvalidDefinitionDescription: Comment for FROM should follow the format: `# base <description>`
    5 InvalidDefinitionDescription: Comment for ARG should follow the format: `# <arg_key> <description>`
    ");
    let refuse = |options| {
        let file = parse(text.as_bytes()).expect("a Dockerfile");
        check(&file, &CheckInput { options: Some(options), ..input(&plain) }).expect_err(options).to_string()
    };
    assert_eq!(refuse("skip"), "invalid check option \"skip\"");
    assert_eq!(refuse("skip=all;warn=1"), "invalid check option \"warn\"");
    assert_eq!(
        refuse("error=maybe"),
        "failed to parse check option \"error=maybe\": \"maybe\" is neither true nor false"
    );
}

#[test]
fn it_is_printed_as_docker_prints_it() {
    let text = "# check=error=true\nFROM alpine\nCMD echo a \\\n  b\nMAINTAINER me\n";
    let found = checked(text, &input(&plain));
    let rule = "-".repeat(20);
    let expected = format!(
        "Check complete, 2 warnings have been found!

WARNING: JSONArgsRecommended - https://docs.docker.com/go/dockerfile/rule/json-args-recommended/
JSON arguments recommended for CMD to prevent unintended behavior related to OS signals
Dockerfile:3
{rule}
   2 |     FROM alpine
   3 | >>> CMD echo a \\
   4 | >>>   b
   5 |     MAINTAINER me
{rule}

WARNING: MaintainerDeprecated - https://docs.docker.com/go/dockerfile/rule/maintainer-deprecated/
Maintainer instruction is deprecated in favor of using label
Dockerfile:5
{rule}
   3 |     CMD echo a \\
   4 |       b
   5 | >>> MAINTAINER me
   6 |     \n{rule}
"
    );
    assert_eq!(found.text("Dockerfile", text), expected);
    assert_eq!(
        found.violation().as_deref(),
        Some("lint violation found for rules: JSONArgsRecommended, MaintainerDeprecated")
    );
    assert_eq!(found.findings[1].to_string().split(": ").next(), Some("MaintainerDeprecated"));
    assert!(found.findings[1].to_string().ends_with("using label (line 5)"));
    let clean = checked("FROM scratch\nCOPY a /\n", &input(&plain));
    assert_eq!(clean.text("Dockerfile", ""), "Check complete, no warnings found.\n");
}

#[test]
fn what_stops_a_build_is_told_after_what_was_found_before() {
    let found = checked("FROM scratch\nMAINTAINER me\nUSER ${x?gone}\n", &input(&plain));
    assert_eq!(found.findings.len(), 1);
    let problem = found.problem.expect("no value").to_string();
    assert_eq!(problem, "dockerfile parse error on line 3: failed to process \"${x?gone}\": x: gone");
}

#[test]
fn ten_thousand_stages_are_checked_at_once() {
    let mut text = String::from("FROM scratch AS s0\n");
    for number in 1..10_000 {
        let _ = writeln!(text, "FROM s{} AS s{number}\nARG a{number}=$b\nENV e{number}=1", number - 1);
    }
    let found = checked(&text, &input(&plain));
    assert_eq!(found.findings.len(), 1000, "no more are kept");
    assert!(found.text("Dockerfile", &text).contains("1000 warnings have been found!"));
}

#[test]
fn values_do_not_grow_without_end() {
    let doubled = format!("FROM scratch\nENV a=xxxxxxxxxx\n{}", "ENV a=$a$a\n".repeat(40));
    let problem = checked(&doubled, &input(&plain)).problem.expect("too long").to_string();
    assert!(problem.ends_with("it becomes longer than 1048576 bytes"), "{problem}");
    let mut many = format!("FROM scratch\nENV a={}\n", "x".repeat(1 << 20));
    for number in 0..100 {
        let _ = writeln!(many, "ENV b{number}=$a");
    }
    let problem = checked(&many, &input(&plain)).problem.expect("too much").to_string();
    assert!(problem.ends_with("the variables of all stages together are longer than 67108864 bytes"), "{problem}");
}

#[test]
fn an_image_for_another_platform() {
    let arm = |name: &str| {
        let platform = Some(if name == "arm" { "linux/arm64" } else { "linux/amd64" }.parse().expect("a platform"));
        Some(BaseImage { platform, ..BaseImage::default() })
    };
    let text = "FROM amd\nFROM arm\nFROM --platform=$BUILDPLATFORM arm\n";
    let found = listed(&checked(text, &input(&arm)));
    let line = "Base image arm was pulled with platform \"linux/arm64\", expected \"linux/amd64\" for current build";
    assert_eq!(found, format!("2 InvalidBaseImagePlatform: {line}\n"));
}
