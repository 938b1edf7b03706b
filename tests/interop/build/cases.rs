//! What is built by all builders.

/// A Dockerfile and its context.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) dockerfile: &'static str,
    /// `path = content`, `path 755 = content`, `path -> target`, `path/`
    pub(super) files: &'static [&'static str],
    pub(super) args: &'static [(&'static str, &'static str)],
    pub(super) target: Option<&'static str>,
}

const fn case(name: &'static str, dockerfile: &'static str, files: &'static [&'static str]) -> Case {
    Case { name, dockerfile, files, args: &[], target: None }
}

impl Case {
    const fn args(mut self, args: &'static [(&'static str, &'static str)]) -> Self {
        self.args = args;
        self
    }

    const fn target(mut self, target: &'static str) -> Self {
        self.target = Some(target);
        self
    }
}

/// Built with `BuildKit`, whose history is compared, too.
pub(super) const BUILDKIT: &[Case] = &[
    case("a file to a name", "FROM scratch\nCOPY a /b", &["a = 1"]),
    case("a file into a missing directory", "FROM scratch\nCOPY a /x/y/", &["a = 1"]),
    case("a file to a deep name", "FROM scratch\nCOPY a /x/y/z", &["a 600 = 1"]),
    case("a folder's content", "FROM scratch\nCOPY d /x", &["d/a = 1", "d/e/b 755 = 2", "d/l -> a"]),
    case("a folder with a slash", "FROM scratch\nCOPY d/ /x/", &["d/a = 1"]),
    case("all of the context", "FROM scratch\nCOPY . /", &["a = 1", "d/b = 2", ".hidden = 3", "e/"]),
    case("several sources", "FROM scratch\nCOPY a d /x/", &["a = 1", "d/b = 2"]),
    case("a wildcard", "FROM scratch\nCOPY *.txt /x/", &["a.txt = 1", "b.txt = 2", "c.md = 3"]),
    case("a wildcard for one", "FROM scratch\nCOPY a?c /x", &["abc = 1"]),
    case("a wildcard with folders", "FROM scratch\nCOPY d* /x/", &["d1/a = 1", "d2/b = 2"]),
    case("a wildcard for nothing", "FROM scratch\nCOPY *.none /x/", &["a = 1"]),
    case("classes and backslashes", "FROM scratch\nCOPY [ab] \\*x /x/", &["a = 1", "b = 2", "*x = 3"]),
    case("a missing source", "FROM scratch\nCOPY none /x", &[]),
    case("a source out of the context", "FROM scratch\nCOPY ../a /x", &["a = 1"]),
    case("a link as a source", "FROM scratch\nCOPY l /x", &["a = 1", "l -> a"]),
    case("a link to a folder as a source", "FROM scratch\nCOPY l /x", &["d/a = 1", "l -> d"]),
    case("a link that leads nowhere as a source", "FROM scratch\nCOPY l /x", &["l -> none"]),
    case("a link out of the context as a source", "FROM scratch\nCOPY l /x", &["l -> ../../../etc/hostname"]),
    case("a way through a link", "FROM scratch\nCOPY l/a /x", &["d/a = 1", "l -> d"]),
    case("links in a folder are kept", "FROM scratch\nCOPY d /x", &["d/l -> ../a", "d/m -> /etc/passwd", "a = 1"]),
    case("a file over a file", "FROM scratch\nCOPY a /x\nCOPY b /x", &["a = 1", "b 755 = 2"]),
    case("a file over a directory", "FROM scratch\nCOPY d /x/y\nCOPY a /x/y", &["d/z = 1", "a = 2"]),
    case("a folder over a file", "FROM scratch\nCOPY a /x\nCOPY d /x", &["d/z = 1", "a = 2"]),
    case(
        "a folder over a folder",
        "FROM scratch\nCOPY d /x\nCOPY e /x",
        &["d/a = 1", "d/s/b = 2", "e/a = 3", "e/s/c = 4"],
    ),
    case(
        "through a link of the image",
        "FROM scratch\nCOPY d /\nCOPY a /l/",
        &["d/real/x = 1", "d/l -> real", "a = 2"],
    ),
    case("through an absolute link", "FROM scratch\nCOPY d /\nCOPY a /l/n", &["d/real/x = 1", "d/l -> /real", "a = 2"]),
    case("through a link that leads out", "FROM scratch\nCOPY d /\nCOPY a /l/n", &["d/l -> ../../../tmp", "a = 2"]),
    case("over a link to a file", "FROM scratch\nCOPY d /\nCOPY a /l", &["d/real = 1", "d/l -> real", "a = 2"]),
    case(
        "a folder over a link to a folder",
        "FROM scratch\nCOPY d /\nCOPY e /l",
        &["d/real/x = 1", "d/l -> real", "e/y = 2"],
    ),
    case("owners by number", "FROM scratch\nCOPY --chown=7:8 d /x", &["d/a = 1", "d/s/b = 2"]),
    case("an owner without a group", "FROM scratch\nCOPY --chown=7 a /x", &["a = 1"]),
    case(
        "owners by name",
        "FROM scratch\nCOPY etc /etc\nCOPY --chown=ada:team a /x\nCOPY --chown=ada a /y",
        &["etc/passwd = root:x:0:0::/:\nada:x:11:12::/:\n", "etc/group = root:x:0:\nteam:x:13:\nada:x:14:\n", "a = 1"],
    ),
    case("an unknown owner", "FROM scratch\nCOPY --chown=nobody a /x", &["a = 1"]),
    case("permissions", "FROM scratch\nCOPY --chmod=711 d /x", &["d/a = 1", "d/s/b = 2"]),
    case("a working directory", "FROM scratch\nWORKDIR /w/x\nCOPY a .\nCOPY a b/\nWORKDIR y\nCOPY a ./c", &["a = 1"]),
    case("a working directory with variables", "FROM scratch\nENV D=/w\nWORKDIR $D/${D}\nCOPY a .", &["a = 1"]),
    case("a working directory of a user", "FROM scratch\nUSER 5:6\nWORKDIR /w", &[]),
    case(
        "stages",
        "FROM scratch AS one\nCOPY a /d/a\nFROM scratch\nCOPY --from=one /d /x\nCOPY --from=0 /d/a /y",
        &["a = 1"],
    ),
    case(
        "a stage from a stage",
        "FROM scratch AS one\nENV A=1\nCOPY a /a\nFROM one AS two\nENV B=$A\nCOPY a /b\nFROM scratch\nCOPY --from=two / /",
        &["a = 1"],
    ),
    case("a target", "FROM scratch AS one\nCOPY a /a\nFROM scratch AS two\nCOPY none /b", &["a = 1"]).target("one"),
    case(
        "a link of another stage",
        "FROM scratch AS one\nCOPY d /\nFROM scratch\nCOPY --from=one /l /x",
        &["d/r/a = 1", "d/l -> r"],
    ),
    case(
        "variables",
        "FROM scratch\nENV A=a B=\"b c\" C='$A' D=${A:-no} E=${N:-no} F=${A:+yes} G=${N:+yes} H=\\$A I=$A$B J=${A}x",
        &[],
    ),
    case("the old form of ENV", "FROM scratch\nENV A b c\nENV B=$A", &[]),
    case("ENV in one line", "FROM scratch\nENV A=1\nENV A=2 B=$A", &[]),
    case("ARG and ENV", "ARG V=1\nFROM scratch\nARG V\nARG W=$V\nENV V=$V W=$W\nLABEL v=$V", &[]),
    case("ARG that is given", "ARG V=1\nFROM scratch\nARG V\nARG W\nENV X=$V$W", &[]).args(&[("V", "2"), ("W", "3")]),
    case("ARG without a value", "FROM scratch\nARG W\nENV X=a${W}b", &[]),
    case("of ARG and ENV the last wins", "FROM scratch\nENV V=env\nARG V=arg\nLABEL v=$V\nENV V=new\nLABEL w=$V", &[])
        .args(&[("V", "given")]),
    case(
        "of ARG and ENV the last wins in programs",
        "FROM scratch\nCOPY busybox /bin/sh\nENV V=env\nARG V=arg\nARG N\nRUN echo $V > /x\nENV V=new\nRUN echo $V > /y",
        &[],
    ),
    case("ARG in FROM", "ARG B=scratch\nFROM $B\nCOPY a /a", &["a = 1"]),
    case("ARG in COPY", "FROM scratch\nARG F=a\nCOPY ${F} /x/$F", &["a = 1"]),
    case("labels", "FROM scratch\nLABEL a=b \"c d\"=\"e f\" g='h'\nLABEL a=z", &[]),
    case("a maintainer", "FROM scratch\nMAINTAINER Ada <ada@example.org>\nLABEL a=b", &[]),
    case("commands as lists", "FROM scratch\nENTRYPOINT [\"/a\", \"b c\"]\nCMD [\"d\"]", &[]),
    case("commands for a shell", "FROM scratch\nENTRYPOINT /a b\nCMD c \"d\"", &[]),
    case("ENTRYPOINT takes CMD away", "FROM scratch AS one\nCMD [\"a\"]\nFROM one\nENTRYPOINT [\"b\"]", &[]),
    case("a shell", "FROM scratch\nSHELL [\"/bin/bash\", \"-c\"]\nCMD a b", &[]),
    case("ports", "FROM scratch\nEXPOSE 80 443/tcp 53/udp 8000-8002", &[]),
    case("ports twice", "FROM scratch\nEXPOSE 80\nEXPOSE 81", &[]),
    case("a wrong port", "FROM scratch\nEXPOSE 80/none", &[]),
    case("volumes", "FROM scratch\nVOLUME /a /b\nVOLUME [\"/c d\"]", &[]),
    case("a signal", "FROM scratch\nSTOPSIGNAL SIGUSR1", &[]),
    case("a wrong signal", "FROM scratch\nSTOPSIGNAL NONE", &[]),
    case("a user", "FROM scratch\nARG U=ada\nUSER $U", &[]),
    case("health", "FROM scratch\nHEALTHCHECK --interval=5s --timeout=1m --retries=3 CMD [\"/a\"]", &[]),
    case("health for a shell", "FROM scratch\nHEALTHCHECK --start-period=1s CMD a b", &[]),
    case("no health", "FROM scratch\nHEALTHCHECK NONE", &[]),
    case("triggers", "FROM scratch\nONBUILD COPY a /a\nONBUILD ENV A=1", &[]),
    case(
        "triggers of a stage",
        "FROM scratch AS one\nONBUILD COPY a /a\nONBUILD ENV A=1\nFROM one\nCOPY a /b",
        &["a = 1"],
    ),
    case("a trigger in a trigger", "FROM scratch\nONBUILD ONBUILD COPY a /a", &[]),
    case("an unknown instruction", "FROM scratch\nRNU x", &[]),
    case("no FROM", "COPY a /a", &["a = 1"]),
    case("nothing", "", &[]),
    case("an unknown flag", "FROM scratch\nCOPY --none=1 a /a", &["a = 1"]),
    case("continuations and comments", "# one\nFROM scratch\n# two\nENV A=1 \\\n  # three\n  B=2 \\\n\n  C=3\n", &[]),
    case("another escape", "# escape=`\nFROM scratch\nENV A=1 `\n  B=`$A", &[]),
    case("CRLF", "FROM scratch\r\nENV A=1 \\\r\n  B=2\r\nCOPY a /a\r\n", &["a = 1"]),
    case("names with spaces", "FROM scratch\nCOPY [\"a b\", \"/x y/\"]", &["a b = 1"]),
    case("hard names", "FROM scratch\nCOPY . /x/", &["a'b\"c = 1", "d$e = 2", "f\\g = 3"]),
    case(
        "programs",
        "FROM scratch\nCOPY busybox /bin/sh\nRUN echo hi > /x && mkdir -p /d/e && chmod 700 /d && ln -s x /l",
        &[],
    ),
    case(
        "programs take files away",
        "FROM scratch\nCOPY busybox /bin/sh\nCOPY d /d\nRUN rm /d/a && rm -r /d/s && mkdir /d/s && echo n > /d/s/n && mv /d/b /c",
        &["d/a = 1", "d/b = 2", "d/s/o = 3"],
    ),
    case(
        "programs as lists",
        "FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"touch\", \"/a b\"]",
        &[],
    ),
    case(
        "programs as a user",
        "FROM scratch\nCOPY busybox /bin/sh\nRUN mkdir -m 777 /w\nUSER 7:8\nWORKDIR /w\nRUN echo a > f && echo $(pwd) > p",
        &[],
    ),
    case(
        "the environment of programs",
        "FROM scratch\nCOPY busybox /bin/sh\nARG A=1\nENV B=2\nRUN echo $A $B $HOME > /x",
        &[],
    ),
    case(
        "a shell of one's own",
        "FROM scratch\nCOPY busybox /bin/ash\nSHELL [\"/bin/ash\", \"-ec\"]\nRUN echo a > /x",
        &[],
    ),
    case("a program that fails", "FROM scratch\nCOPY busybox /bin/sh\nRUN exit 7", &[]),
    case("a program that is not there", "FROM scratch\nRUN [\"/none\"]", &[]),
    case(
        "hard links of programs",
        "FROM scratch\nCOPY busybox /bin/sh\nRUN echo a > /a && ln /a /b\nRUN echo b >> /b",
        &[],
    ),
    case(
        "programs and mounts",
        "FROM scratch\nCOPY busybox /bin/sh\nRUN --mount=type=tmpfs,target=/t --mount=type=bind,target=/b,source=d cp /b/a /t/a && cp /t/a /x",
        &["d/a = 1"],
    ),
    case(
        "programs and stages",
        "FROM scratch AS one\nCOPY busybox /bin/sh\nRUN echo 1 > /out\nFROM scratch\nCOPY --from=one /out /",
        &[],
    ),
    case("ADD of a file", "FROM scratch\nADD a /x/", &["a = 1"]),
    case("ADD of a tar", "FROM scratch\nADD x.tar /x/", &["p/a 600 = 1", "p/d/b = 2", "p/l -> a", "x.tar < p"]),
    case("ADD of a tar to a name", "FROM scratch\nADD x.tar /x", &["p/a = 1", "x.tar < p"]),
    case("ADD of a tar with gzip", "FROM scratch\nADD x.tar.gz /x/", &["p/a = 1", "x.tar.gz < p"]),
    case("ADD of a tar with bzip2", "FROM scratch\nADD x.tar.bz2 /x/", &["p/a = 1", "x.tar.bz2 < p"]),
    case("ADD of a tar with xz", "FROM scratch\nADD x.tar.xz /x/", &["p/a = 1", "x.tar.xz < p"]),
    case(
        "ADD of a tar over files",
        "FROM scratch\nCOPY q /x\nADD x.tar /x/",
        &["q/a = old", "q/d/c = 3", "p/a = 1", "p/d/b = 2", "x.tar < p"],
    ),
    case(
        "ADD of a tar through a link",
        "FROM scratch\nCOPY q /\nADD x.tar /l/",
        &["q/r/c = 3", "q/l -> r", "p/a = 1", "x.tar < p"],
    ),
    case("ADD of a tar with an owner", "FROM scratch\nADD --chown=7:8 x.tar /x/", &["p/a = 1", "x.tar < p"]),
    case(
        "ADD of tars and files",
        "FROM scratch\nADD x.tar y.tar f /x/",
        &["p/a = 1", "q/b = 2", "f = 3", "x.tar < p", "y.tar < q"],
    ),
    case("ADD of what is no tar", "FROM scratch\nADD x.tar /x/", &["x.tar = no tar"]),
    case("ADD of an empty file", "FROM scratch\nADD x.tar /x/", &["x.tar = "]),
    case("COPY of a tar", "FROM scratch\nCOPY x.tar /x/", &["p/a = 1", "x.tar < p"]),
    case("ADD of a folder with a tar", "FROM scratch\nADD d /x/", &["p/a = 1", "d/x.tar < p"]),
    case(
        "COPY of a folder into itself",
        "FROM scratch AS one\nCOPY d /d\nFROM one\nCOPY --from=one /d /d/e",
        &["d/a = 1"],
    ),
    case(
        "COPY of the root of a stage",
        "FROM scratch AS one\nCOPY d /d\nFROM scratch\nCOPY --from=one . /x",
        &["d/a = 1"],
    ),
    case("COPY with dots", "FROM scratch\nWORKDIR /a/b\nCOPY d/../f ../c/./g\nCOPY ./d/. .", &["d/a = 1", "f = 2"]),
    case("COPY of a file to a folder's name with a slash", "FROM scratch\nCOPY f /x/f/", &["f = 1"]),
    case("COPY over a file with a slash", "FROM scratch\nCOPY f /x\nCOPY g /x/", &["f = 1", "g = 2"]),
    case("COPY through a file", "FROM scratch\nCOPY f /x\nCOPY g /x/y", &["f = 1", "g = 2"]),
    case("COPY through a loop of links", "FROM scratch\nCOPY d /\nCOPY f /a/x", &["d/a -> b", "d/b -> a", "f = 1"]),
    case(
        "COPY through a link to a missing folder",
        "FROM scratch\nCOPY d /\nCOPY f /a/x",
        &["d/a -> none/deep", "f = 1"],
    ),
    case(
        "WORKDIR through a link",
        "FROM scratch\nCOPY d /\nWORKDIR /l/w\nCOPY f .",
        &["d/r/x = 1", "d/l -> r", "f = 2"],
    ),
    case("WORKDIR over a file", "FROM scratch\nCOPY f /x\nWORKDIR /x", &["f = 1"]),
    case("modes are kept", "FROM scratch\nCOPY d /x", &["d/a 4755 = 1", "d/b 1600 = 2", "d/c 000 = 3", "d/e 2711 = 4"]),
    case("VOLUME and files", "FROM scratch\nVOLUME /v\nCOPY f /v/f", &["f = 1"]),
    case("quotes in ENV", "FROM scratch\nENV A=\"a\\\"b\" B='c\"d' C=e\\ f D=\"\" E=''", &[]),
    case("quotes in LABEL", "FROM scratch\nLABEL a='b\\'\nLABEL c=\"d\\\ne\"", &[]),
    case("nested modifiers", "FROM scratch\nENV A=1\nENV B=${N:-${A}} C=${N:-${M:-x}y} D=${A:+${A}2}", &[]),
    case("a wrong modifier", "FROM scratch\nENV B=${A:?gone}", &[]),
    case("a variable that is not closed", "FROM scratch\nENV B=${A", &[]),
    case("CMD that is no list", "FROM scratch\nCMD [\"a\", 'b']", &[]),
    case("CMD with an empty list", "FROM scratch\nCMD []", &[]),
    case(
        "ENTRYPOINT and CMD of a stage",
        "FROM scratch AS one\nENTRYPOINT [\"a\"]\nCMD [\"b\"]\nFROM one\nCMD [\"c\"]",
        &[],
    ),
    case("a user in a stage", "FROM scratch AS one\nUSER 5\nWORKDIR /w\nFROM one\nCOPY f .\nWORKDIR v", &["f = 1"]),
    case(
        "programs write through links",
        "FROM scratch\nCOPY busybox /bin/sh\nCOPY d /\nRUN echo new > /l/x && rm /l && mkdir /l && echo 2 > /l/y",
        &["d/r/x = 1", "d/l -> r"],
    ),
    case(
        "programs change modes and owners",
        "FROM scratch\nCOPY busybox /bin/sh\nCOPY d /d\nRUN chmod 4711 /d/a && chown 7:8 /d/b && chmod 1777 /d",
        &["d/a = 1", "d/b = 2"],
    ),
    case(
        "programs replace a directory by a file",
        "FROM scratch\nCOPY busybox /bin/sh\nCOPY d /d\nRUN rm -r /d && echo f > /d",
        &["d/a = 1"],
    ),
    case(
        "programs replace a file by a directory",
        "FROM scratch\nCOPY busybox /bin/sh\nCOPY d /d\nRUN rm /d/a && mkdir /d/a && echo f > /d/a/b",
        &["d/a = 1"],
    ),
    case(
        "programs leave everything as it was",
        "FROM scratch\nCOPY busybox /bin/sh\nCOPY d /d\nRUN true\nCOPY f /f",
        &["d/a = 1", "f = 2"],
    ),
    case("a pipe of programs", "FROM scratch\nCOPY busybox /bin/sh\nRUN mkfifo /p && echo a | cat > /x", &[]),
    case("a stage that is not there", "FROM scratch\nCOPY --from=5 /a /b", &[]),
    case("a target that is not there", "FROM scratch", &[]).target("none"),
];

/// Built with the classic builder, which reads `.dockerignore`; its history has another form.
pub(super) const CLASSIC: &[Case] = &[
    case(
        "ignored files",
        "FROM scratch\nCOPY . /x",
        &[".dockerignore = *.log\nd/e\n!keep.log\n", "a.log = 1", "keep.log = 2", "d/e = 3", "d/f = 4"],
    ),
    case(
        "ignored folders with exceptions",
        "FROM scratch\nCOPY . /x",
        &[".dockerignore = d\n!d/s/k\n", "d/a = 1", "d/s/k = 2", "d/s/l = 3"],
    ),
    case(
        "ignored at any depth",
        "FROM scratch\nCOPY . /x",
        &[".dockerignore = **/tmp\n# comment\n\n*/b\n", "tmp/a = 1", "d/tmp/a = 2", "d/b = 3", "e/f/b = 4"],
    ),
    case(
        "everything is ignored but some",
        "FROM scratch\nCOPY . /x",
        &[".dockerignore = *\n!src\n!Dockerfile\n", "src/a = 1", "b = 2"],
    ),
    case("an ignored source", "FROM scratch\nCOPY a /x", &[".dockerignore = a\n", "a = 1"]),
    case(
        "the Dockerfile is ignored",
        "FROM scratch\nCOPY . /x",
        &[".dockerignore = Dockerfile\n.dockerignore\n", "a = 1"],
    ),
    case(
        "ignored with odd words",
        "FROM scratch\nCOPY . /x",
        &[".dockerignore = /a\n./b\nc/\n  d  \ne/../f\n", "a = 1", "b = 2", "c/x = 3", "d = 4", "f = 5", "g = 6"],
    ),
    case("a file to a name", "FROM scratch\nCOPY a /b", &["a 751 = 1"]),
    case("folders", "FROM scratch\nCOPY d /x\nCOPY d/ /y/\nCOPY d/s /z", &["d/a = 1", "d/s/b = 2", "d/l -> a"]),
    case("wildcards", "FROM scratch\nCOPY *.t d* /x/", &["a.t = 1", "b.t = 2", "d/c = 3"]),
    case("variables", "FROM scratch\nENV A=a B=\"b c\" C='$A' D=${A:-no} E=${N:-no} F=${A:+yes}\nLABEL l=$B", &[]),
    case("ARGs", "ARG V=1\nFROM scratch\nARG V\nARG W=3\nENV X=$V$W", &[]).args(&[("V", "2")]),
    case("triggers of a stage", "FROM scratch AS one\nONBUILD COPY a /a\nFROM one\nCOPY a /b", &["a = 1"]),
    case("owners", "FROM scratch\nCOPY --chown=7:8 d /x\nWORKDIR /w\nCOPY a .", &["d/a = 1", "a = 2"]),
    case("commands", "FROM scratch\nCMD a b\nENTRYPOINT [\"c\"]\nEXPOSE 80\nVOLUME /v\nUSER u\nSTOPSIGNAL 9", &[]),
    case("programs", "FROM scratch\nCOPY busybox /bin/sh\nRUN echo hi > /x && rm /bin/sh && mkdir /d", &[]),
    case("stages", "FROM scratch AS one\nCOPY d /d\nFROM scratch\nCOPY --from=one /d/s /x", &["d/s/b = 2"]),
    case("a missing source", "FROM scratch\nCOPY none /x", &[]),
    case("several sources to no directory", "FROM scratch\nCOPY a b /x", &["a = 1", "b = 2"]),
];
