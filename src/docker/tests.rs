//! Templates with the output or error that `docker image inspect --format` of client 28.2 printed for this image.

use serde_json::{Value, json};

use super::*;

fn image() -> Value {
    json!({
        "Id": "sha256:f5205a8f",
        "RepoTags": ["foo/bar:1"],
        "RepoDigests": [],
        "Comment": "Imported from -",
        "Config": {
            "User": "",
            "ExposedPorts": {"80/tcp": {}},
            "Tty": false,
            "Env": ["P=1", "Q=<&>"],
            "Cmd": ["/a", "b c"],
            "Volumes": null,
            "Labels": {"z": "日本", "a": "b", "<x>": "1 & 2"},
        },
        "Os": "linux",
        "Size": 3,
        "GraphDriver": {"Data": {"UpperDir": "/u"}, "Name": "overlay2"},
    })
}

fn run(text: &str, value: &Value) -> Result<String, TemplateError> {
    inspect(&template(text)?, value)
}

fn check(cases: &[(&str, &str)]) {
    for &(template, expected) in cases {
        let printed = match run(template, &image()) {
            Ok(text) => text,
            Err(error) => error.to_string().replace("template parsing error: template: ", "! "),
        };
        assert_eq!(printed, expected, "for {template}");
    }
}

#[test]
fn values_print_as_in_go() {
    check(&[
        ("{{.Id}}", "sha256:f5205a8f"),
        (" ", " "),
        ("{{.Config.Labels}} {{.Config.Env}} {{.RepoTags}}", "map[<x>:1 & 2 a:b z:日本] [P=1 Q=<&>] [foo/bar:1]"),
        ("{{.Size}} {{.Config.Cmd}} {{.Config.ExposedPorts}}", "3 [/a b c] map[80/tcp:{}]"),
        ("{{.Config.Volumes}} {{.Config.Tty}}", "<no value> false"),
        ("{{.Config.Labels.a}} {{.Config.Labels.nope}} {{.GraphDriver.Data.Nope}}", "b <no value> <no value>"),
        ("{{(index .RepoTags 0)}} {{(.Config).User}}|", "foo/bar:1 |"),
        ("{{true}} {{false}} {{0x10}} {{1_000}} {{1.50}} {{1e3}}", "true false 16 1000 1.5 1000"),
        ("{{1.0}} {{1e100}} {{-3}} {{+3}} {{.5}} {{0b11}} {{0o17}} {{017}} {{'a'}}", "1 1e+100 -3 3 0.5 3 15 15 97"),
        (r#"{{"\x41\u00e9\n"}}{{`a\n`}}"#, "Aé\na\\n"),
        (
            "{{.Config}} {{.Id}}",
            "map[Cmd:[/a b c] Env:[P=1 Q=<&>] ExposedPorts:map[80/tcp:{}] Labels:map[<x>:1 & 2 a:b z:日本] \
             Tty:false User: Volumes:<nil>] sha256:f5205a8f",
        ),
    ]);
}

/// What client 28.2 printed of an image that has only `Env`.
#[test]
fn fields_that_nobody_set() {
    let bare = json!({
        "Id": "sha256:532f", "RepoTags": ["bare:1"], "RepoDigests": [], "Config": {"Env": ["A=b"]}, "Os": "linux",
        "RootFS": {"Type": "layers", "Layers": ["sha256:a9"]}, "Metadata": {"LastTagTime": "0001-01-01T00:00:00Z"},
    });
    for (template, expected) in [
        ("{{.Config}}", "{{ map[] [A=b] [] [] map[]  map[]  false} {<nil> [] []}}"),
        ("{{.RootFS}} {{printf \"%v\" .RootFS}}", "{layers [sha256:a9]} {layers [sha256:a9]}"),
        ("{{.Metadata}} {{.Metadata.LastTagTime}}", "{0001-01-01 00:00:00 +0000 UTC} 0001-01-01 00:00:00 +0000 UTC"),
        ("{{json .Metadata}}", "{\"LastTagTime\":\"0001-01-01T00:00:00Z\"}"),
        ("{{.Config.Labels}} {{json .Config.Labels}} {{html .Config.Labels}}", "map[] null map[]"),
        ("{{.Config.Labels.a}} {{.Config.Labels.a.b}}", "<no value> <no value>"),
        ("{{index .Config.Labels \"a\"}}|{{print .Config.Volumes}}|{{len .Config.Cmd}}", "|map[]|0"),
        ("{{.Author}}|{{.Parent}}|{{.Variant}}|{{.Container}}|{{.Config.ArgsEscaped}}", "||||false"),
        (
            "{{.Config.Healthcheck}} {{json .Config.Healthcheck}} {{.Descriptor}} {{json .Descriptor}}",
            "<nil> null <nil> null",
        ),
        ("{{with .Config.Healthcheck}}{{.Test}}{{else}}none{{end}}", "none"),
        ("{{if .Config.Labels}}y{{else}}n{{end}}{{range .Config.Entrypoint}}x{{else}}n{{end}}", "nn"),
        ("{{.ID}} {{.Config.Volumes}}", "sha256:532f map[]"),
        // These fail over docker's type: the second attempt is over the JSON, which has no types.
        ("{{.Id}}|{{.Author}}|{{.Config.Volumes}}", "sha256:532f||<no value>"),
        ("{{.Config.Hostname}}|{{.Config.Tty}}|{{index . \"Id\"}}", "|false|sha256:532f"),
        ("{{.Config.Healthcheck.Test}}", "! map has no entry for key \"Healthcheck\""),
        ("{{.Config.StopTimeout}}", "! map has no entry for key \"StopTimeout\""),
        ("{{.Id}}{{.Config.Labels.a}}", "! nil pointer evaluating interface {}.a"),
        ("{{.Id}}{{index .Config.Labels \"a\"}}", "! error calling index: index of untyped nil"),
        ("{{index .Config.Entrypoint 0}}", "! error calling index: index of untyped nil"),
        ("{{if .Nope}}{{end}}", "! map has no entry for key \"Nope\""),
        ("{{with .Nope}}{{end}}", "! map has no entry for key \"Nope\""),
        ("{{range .Nope}}{{end}}", "! map has no entry for key \"Nope\""),
    ] {
        let printed = run(template, &bare).unwrap_or_else(|error| {
            let error = error.to_string();
            format!("! {}", error.split_once(">: ").expect("the place is shown").1)
        });
        assert_eq!(printed, expected, "{template}");
    }
}

/// Whatever else a template names, and whichever of the two attempts succeeds.
#[test]
fn json_is_the_same_in_every_template() {
    for part in [
        ".Config",
        ".Config.Labels",
        ".Config.Volumes",
        ".Config.Env",
        ".Config.Healthcheck",
        ".Author",
        ".RootFS",
        ".",
    ] {
        let alone = run(&format!("{{{{json {part}}}}}"), &image()).expect("it fits");
        for beside in [".Id", ".Author", ".Config.Tty", ".Config.Hostname", ".Config.Labels", "with .Nope2}}{{end"] {
            let both = run(&format!("{{{{json {part}}}}}|{{{{{beside}}}}}"), &image());
            match both {
                Ok(both) => assert!(both.starts_with(&format!("{alone}|")), "{part} beside {beside}: {both}"),
                Err(error) => assert!(beside.contains("Nope"), "{error}"),
            }
        }
    }
}

#[test]
fn structs_print_as_in_go() {
    let image = json!({
        "Id": "x", "RootFS": {"Type": "layers", "Layers": ["a", "b"]}, "Size": 7,
        "Config": {"Healthcheck": {"Test": ["CMD", "x"], "Interval": 90_500_000_000_u64, "Timeout": 0}},
    });
    for (template, expected) in [
        ("{{.RootFS}}", "{layers [a b]}"),
        ("{{with .Config.Healthcheck}}{{.Interval}} {{.Timeout}}{{end}}", "1m30.5s 0s"),
        ("{{$h := .Config.Healthcheck}}{{$h.Interval}}", "1m30.5s"),
        ("{{.Config.Healthcheck}}", "{[CMD x] 1m30.5s 0s 0s 0s 0}"),
        ("{{printf \"%v\" .Config.Healthcheck}}", "&{[CMD x] 1m30.5s 0s 0s 0s 0}"),
        ("{{json .Config.Healthcheck.Interval}} {{.Size}}", "90500000000 7"),
        ("{{.Id}} {{.RootFS}} {{.Config.Healthcheck.Interval}}", "x map[Layers:[a b] Type:layers] 90500000000"),
    ] {
        assert_eq!(run(template, &image).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn control_is_as_in_go() {
    check(&[
        ("{{range $k,$v := .Config.Labels}}{{$k}}={{$v}};{{end}}", "<x>=1 & 2;a=b;z=日本;"),
        ("{{range $i,$v := .Config.Env}}{{$i}}={{println $v}}{{end}}", "0=P=1\n1=Q=<&>\n"),
        (
            "{{range .Config.Env}}{{.}}{{else}}none{{end}}{{range .Config.Volumes}}{{.}}{{else}}none{{end}}",
            "P=1Q=<&>none",
        ),
        ("{{with .Config.Cmd}}{{.}}{{end}} {{with $x := 5}}{{$x}}{{end}}", "[/a b c] 5"),
        ("{{- \"x\" -}}   y   {{- \"z\" }}", "xyz"),
        ("{{/* c */}}a{{- /* d */ -}} b", "ab"),
        ("{{define \"T\"}}<{{.}}>{{end}}{{template \"T\" .Id}}", "<sha256:f5205a8f>"),
        ("{{block \"B\" .Id}}[{{.}}]{{end}}", "[sha256:f5205a8f]"),
        ("{{define \"x\"}}{{end}}{{define \"x\"}}a{{end}}{{template \"x\"}}", "a"),
        ("{{$x := 1}}{{$x = 2}}{{$x}}", "2"),
        ("{{range .Config.Env}}{{break}}{{end}}ok", "ok"),
        ("{{range 3}}{{if eq . 1}}{{continue}}{{end}}{{.}}{{end}}", "02"),
        ("{{if and .Id (eq .Os \"linux\")}}L{{else if .Nope}}N{{end}}", "L"),
        (
            "{{if false}}{{else if eq .Os \"linux\"}}E{{end}}{{with .Config.User}}u{{else with .Os}}{{.}}{{end}}",
            "Elinux",
        ),
        ("{{if .Config.Labels.nope}}y{{else}}n{{end}}", "n"),
        ("{{1 | printf \"%d-%d\" 2}} {{.Config.Labels.a | printf \"%s-%s\" \"p\"}}", "2-1 p-b"),
        ("{{.Id | len | printf \"%d\"}} {{.Os | }}{{1|}}", "15 linux1"),
        ("{{$x := 0}}{{range .Config.Env}}{{$x = len .}}{{end}}{{$x}}", "5"),
    ]);
}

#[test]
fn functions_are_those_of_go_and_docker() {
    check(&[
        ("{{index .Config.Labels \"a\"}} {{index .Config.Env 0}} {{index .Config.Labels \"nope\"}}|", "b P=1 |"),
        ("{{len .Config.Env}} {{len .Config.Labels}}", "2 3"),
        (
            "{{eq 1 1}} {{ne \"a\" \"b\"}} {{lt 1 2}} {{and 1 0}} {{or 0 \"x\"}} {{not 1}} {{eq \"a\" \"b\" \"a\"}}",
            "true true true 0 x false true",
        ),
        ("{{or nil nil}} {{not nil}} {{eq nil nil}} {{eq .Config.Volumes nil}}", "<no value> true true true"),
        (
            r#"{{html "<a>&\"x"}} {{js "a\"b<"}} {{urlquery "a b&c/d"}}"#,
            r#"&lt;a&gt;&amp;&#34;x a\"b\u003C a+b%26c%2Fd"#,
        ),
        ("{{html nil}} {{html 1 nil \"a\"}} {{print nil}}", "&lt;no value&gt; 1&lt;no value&gt;a <nil>"),
        ("{{slice \"abcdef\" 1 3}} {{slice .Config.Env 0 1}}", "bc [P=1]"),
        ("{{print 1 2 \"a\" \"b\" 3}} {{println 1 \"a\"}}{{println}}", "1 2ab3 1 a\n\n"),
        ("{{upper .Os}} {{lower \"ABC\"}} {{title \"hello world\"}}", "LINUX abc Hello World"),
        ("{{pad \"\" 1 1}}|{{pad \"x\" 2 3}}|", "|  x   |"),
        ("{{truncate \"hello\" 3}} {{truncate \"a\" 9}}", "hel a"),
        (
            "{{split \"a,b\" \",\"}} {{join (split \"a,b\" \",\") \";\"}} {{join .Config.Env \";\"}}",
            "[a b] a;b P=1;Q=<&>",
        ),
        ("{{json \"<a>\"}} {{json 1.5}} {{json nil}} {{json .Config.Env}}", r#""<a>" 1.5 null ["P=1","Q=<&>"]"#),
        ("{{json .GraphDriver}}", r#"{"Data":{"UpperDir":"/u"},"Name":"overlay2"}"#),
    ]);
}

#[test]
fn printf_is_that_of_go() {
    check(&[
        (
            r#"{{printf "%q %5d|%-10s|%v|%x|%8.3f|%t|%c|%U|%e|%g|%#x|%+d|%05d|%s" "a\"b" 42 "hi" .Config.Env 255 3.14159 true 65 65 1234.5 1e21 255 5 -42 5}}"#,
            r#""a\"b"    42|hi        |[P=1 Q=<&>]|ff|   3.142|true|A|U+0041|1.234500e+03|1e+21|0xff|+5|-0042|%!s(int=5)"#,
        ),
        (r#"{{printf "%d %s %!" "a" 1 2}}"#, "%!d(string=a) %!s(int=1) %!!(int=2)"),
        (r#"{{printf "%v %v %v %v" nil true 1.0 1e6}}"#, "<nil> true 1 1e+06"),
        (r#"{{printf "%*d|%-*d|%.2s|%6.2f|%[2]d %[1]d" 5 42 4 7 "abc" 1.5}}"#, "   42|7   |ab|  1.50|42 5"),
        (
            r#"{{printf "%v %d" .Config.Labels .Config.Env}}"#,
            "map[<x>:1 & 2 a:b z:日本] [%!d(string=P=1) %!d(string=Q=<&>)]",
        ),
        (r#"{{printf "%q %x %X % x" .Config.Cmd "hi" "hi" "hi"}}"#, r#"["/a" "b c"] 6869 6869 68 69"#),
        (r#"{{printf "%5t|%010d|%#o" "a" "b" "c"}}"#, "%!t(string=    a)|%!d(string=000000000b)|%!o(string=c)"),
        (r#"{{printf "%d%%" 3}} {{printf "%z" 3}} {{printf "%"}}"#, "3% %!z(int=3) %!(NOVERB)"),
        (
            r#"{{printf "%d %d" 1}} {{printf "x" 1 "a"}} {{printf "%[5]d" 1}}"#,
            "1 %!d(MISSING) x%!(EXTRA int=1, string=a) %!d(BADINDEX)",
        ),
        (
            r#"{{printf "%5t|%-5t|%q|%q|%06.2f|%+.1e|%x|%X|%o|%b|%#o|% d|%5c|%3d|%-3d|" true false 65 "é☺\n" 3.14159 12345.678 "hello" "hello" 8 5 8 5 65 7 7}}"#,
            r#" true|false|'A'|"é☺\n"|003.14|+1.2e+04|68656c6c6f|68656C6C6F|10|101|010| 5|    A|  7|7  |"#,
        ),
    ]);
}

#[test]
fn templates_that_are_none() {
    check(&[
        ("{{.Id", "! :1: unclosed action"),
        ("{{end", "! :1: unclosed action"),
        ("{{.Id}", "! :1: bad character U+007D '}'"),
        ("{{}}", "! :1: missing value for command"),
        ("{{if}}x{{end}}", "! :1: missing value for if"),
        ("{{range}}{{end}}", "! :1: missing value for range"),
        ("{{if .Id}}x", "! :1: unexpected EOF"),
        ("{{define \"x\"}}", "! :1: unexpected EOF"),
        ("{{end}}", "! :1: unexpected {{end}}"),
        ("{{else}}", "! :1: unexpected {{else}}"),
        ("{{break}}", "! :1: {{break}} outside {{range}}"),
        ("{{$x}}", "! :1: undefined variable \"$x\""),
        ("{{\"abc}}", "! :1: unterminated quoted string"),
        ("{{`abc}}", "! :1: unterminated raw quoted string"),
        ("{{'a}}", "! :1: unterminated character constant"),
        ("{{(.Id}}", "! :1: unclosed left paren"),
        ("{{.Id)}}", "! :1: unexpected right paren"),
        ("{{@}}", "! :1: unexpected \"@\" in command"),
        ("{{| .Id}}", "! :1: unexpected \"|\" in command"),
        ("{{.Id:}}", "! :1: expected :="),
        ("{{nofn}}", "! :1: function \"nofn\" not defined"),
        ("{{.Id | nofn}}", "! :1: function \"nofn\" not defined"),
        ("{{1x}}", "! :1: bad number syntax: \"1x\""),
        ("{{.", "! :1: illegal number syntax: \".\""),
        ("{{99999999999999999999}}", "! :1: integer overflow: \"99999999999999999999\""),
        ("{{define}}", "! :1: unexpected \"}}\" in define clause"),
        ("{{if true}}{{define \"y\"}}{{end}}{{end}}", "! :1: unexpected <define> in command"),
        ("{{range $a,$b,$c := .Config.Env}}{{end}}", "! :1: too many declarations in range"),
        ("{{range $i, .x}}{{end}}", "! :1: range can only initialize variables"),
        ("{{1 | 2}}", "! :1: non executable command in pipeline stage 2"),
        ("{{\"a\".b}}", "! :1: unexpected . after term \"\\\"a\\\"\""),
        ("{{\"\\q\"}}", "! :1: invalid syntax"),
        ("{{/* }}", "! :1: unclosed comment"),
        ("{{/* */ }}", "! :1: comment ends before closing delimiter"),
        ("x\n{{if .Id", "! :2: unclosed action"),
        ("{{if\n :true}}", "! :2: expected := in action started at :1"),
    ]);
}

#[test]
fn templates_that_do_not_fit() {
    let cases = [
        ("{{.Nope}}", "1:2", "<.Nope>", "map has no entry for key \"Nope\""),
        ("{{.Config.Nope}}", "1:9", "<.Config.Nope>", "map has no entry for key \"Nope\""),
        ("a{{.A.B.C}}", "1:5", "<.A.B.C>", "map has no entry for key \"A\""),
        ("x\n{{.Id}}\n  {{.Nope}}", "3:4", "<.Nope>", "map has no entry for key \"Nope\""),
        ("{{json .Nope}}", "1:7", "<.Nope>", "map has no entry for key \"Nope\""),
        ("{{.Config.Labels.a.b}}", "1:9", "<.Config.Labels.a.b>", "can't evaluate field b in type interface {}"),
        ("{{$x := .Id}}{{$x.y}}", "1:17", "<$x.y>", "can't evaluate field y in type string"),
        ("{{with .Id}}{{.x}}{{end}}", "1:14", "<.x>", "can't evaluate field x in type string"),
        ("{{index .Config.Env 5}}", "1:2", "<index .Config.Env 5>", "error calling index: index out of range: 5"),
        (
            "{{index .Config.Labels 1}}",
            "1:2",
            "<index .Config.Labels 1>",
            "error calling index: value has type int; should be string",
        ),
        (
            "{{index .RepoTags \"a\"}}",
            "1:2",
            "<index .RepoTags \"a\">",
            "error calling index: cannot index slice/array with type string",
        ),
        ("{{index nil 1}}", "1:2", "<index nil 1>", "error calling index: index of untyped nil"),
        ("{{slice \"abc\" 5}}", "1:2", "<slice \"abc\" 5>", "error calling slice: index out of range: 5"),
        ("{{slice 3 1}}", "1:2", "<slice 3 1>", "error calling slice: can't slice item of type int"),
        ("{{len 3}}", "1:2", "<len 3>", "error calling len: len of type int"),
        ("{{eq 1 \"a\"}}", "1:2", "<eq 1 \"a\">", "error calling eq: incompatible types for comparison"),
        ("{{lt true false}}", "1:2", "<lt true false>", "error calling lt: invalid type for comparison"),
        ("{{gt true 1}}", "1:2", "<gt true 1>", "error calling gt: incompatible types for comparison"),
        ("{{.RepoTags | eq 1}}", "1:14", "<eq 1>", "error calling eq: incompatible types for comparison"),
        (
            "{{eq .RepoTags .RepoTags}}",
            "1:2",
            "<eq .RepoTags .RepoTags>",
            "error calling eq: non-comparable type [foo/bar:1]: []interface {}",
        ),
        ("{{call .Os}}", "1:2", "<call .Os>", "error calling call: non-function .Os of type string"),
        ("{{upper (len .Os)}}", "1:13", "<.Os>", "wrong type for value; expected string; got int"),
        ("{{false | truncate \"b\"}}", "1:19", "<\"b\">", "wrong type for value; expected int; got bool"),
        (
            "{{upper .Config.Volumes}}",
            "1:15",
            "<.Config.Volumes>",
            "wrong type for value; expected string; got interface {}",
        ),
        ("{{eq \"a\"}}", "1:2", "<eq \"a\">", "error calling eq: missing argument for comparison"),
        ("{{eq}}", "1:2", "<eq>", "wrong number of args for eq: want at least 1 got 0"),
        ("{{upper}}", "1:2", "<upper>", "wrong number of args for upper: want 1 got 0"),
        ("{{\"x\" | upper 1}}", "1:8", "<upper>", "wrong number of args for upper: want 1 got 2"),
        ("{{upper 1}}", "1:8", "<1>", "expected string; found 1"),
        ("{{1 | upper}}", "1:6", "<upper>", "wrong type for value; expected string; got int"),
        ("{{truncate \"a\" \"b\"}}", "1:15", "<\"b\">", "expected integer; found \"b\""),
        ("{{truncate nil 3}}", "1:11", "<nil>", "cannot assign nil to string"),
        ("{{template \"none\"}}", "1:11", "<{{template \"none\"}}>", "template \"none\" not defined"),
        ("{{template \"a\" \"b\" }}", "1:11", "<{{template \"a\" \"b\"}}>", "template \"a\" not defined"),
        ("{{\"a\" 1}}", "1:2", "<\"a\">", "can't give argument to non-function \"a\""),
        ("{{.Id 1}}", "1:2", "<.Id>", "Id is not a method but has arguments"),
        ("{{nil}}", "1:2", "<nil>", "nil is not a command"),
        ("{{range .Os}}{{.}}{{end}}", "1:8", "<.Os>", "range can't iterate over linux"),
    ];
    for (template, place, shown, message) in cases {
        check(&[(template, &format!("! :{place}: executing \"\" at {shown}: {message}"))]);
    }
}

#[test]
fn a_template_cannot_exhaust_the_stack() {
    let endless = "{{define \"T\"}}{{template \"T\" .}}{{end}}{{template \"T\" .}}";
    let error = run(endless, &image()).expect_err("no end");
    assert!(error.to_string().ends_with("exceeded maximum template depth (200)"), "{error}");

    for deep in [format!("{{{{{}", "(".repeat(100_000)), "{{if 1}}".repeat(100_000)] {
        let error = template(&deep).expect_err("too deep");
        assert!(error.to_string().ends_with("exceeded maximum nesting depth"), "{error}");
    }
}

proptest::proptest! {
    #[test]
    fn no_template_panics(text in "(\\{\\{|\\}\\}|-|[ .$\"'`|(),:=0-9]|if |range |end|else |with |define |printf |index |\\PC){0,30}") {
        let _ = run(&text, &image());
    }
}
