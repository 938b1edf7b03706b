use super::*;
use crate::image::Silent;
use crate::layer::EntryKind;
use crate::ops::sample::{Member, archive, context, directory, file, layer, link, with_kind};

fn analyze(stack: &[&[Member]]) -> (Analysis, serde_json::Value) {
    let folder = tempfile::tempdir().expect("a folder");
    let context = context(folder.path());
    let path = folder.path().join("a.tar");
    let layers: Vec<Vec<u8>> = stack.iter().map(|members| layer(members)).collect();
    archive(&path, &layers, <[u8]>::to_vec);
    let look = Look::open(&context, &path.display().to_string(), None, &Silent).expect("an image");
    let analysis = Analysis::of(&context, &look, 3).expect("an analysis");
    let export = analysis.export(&context, &look).expect("an export");
    (analysis, serde_json::to_value(export).expect("JSON"))
}

fn inefficient(analysis: &Analysis) -> Vec<(String, usize, u64)> {
    let text = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    analysis.figures.inefficient.iter().map(|one| (text(&one.path), one.count, one.size)).collect()
}

fn one(path: &str, count: usize, size: u64) -> (String, usize, u64) {
    (path.to_owned(), count, size)
}

/// Worked out by hand from dive's formulas.
#[test]
#[expect(clippy::float_cmp, reason = "the same division")]
fn figures_of_hand_computed_images() {
    let base: &[Member] = &[directory("d"), file("d/a", &[1; 10]), file("d/b", &[2; 30]), file("c", &[3; 60])];

    // A file that is written again counts whole, twice.
    let (analysis, _) = analyze(&[base, &[file("c", &[4; 40])]]);
    assert_eq!(inefficient(&analysis), [one("/c", 2, 100)]);
    assert_eq!(analysis.figures.efficiency, f64::from(10 + 30 + 40) / f64::from(10 + 30 + 100));
    assert_eq!((analysis.figures.size, analysis.figures.user_size, analysis.figures.wasted), (140, 40, 100));
    assert_eq!(analysis.figures.user_wasted(), 2.5);

    // A whiteout of a file counts 0, one of a directory all in it, and only the leaves of a layer count.
    let (analysis, _) = analyze(&[base, &[file(".wh.d", b""), file(".wh.c", b"")]]);
    assert_eq!(inefficient(&analysis), [one("/c", 2, 60)]);
    assert_eq!(analysis.figures.efficiency, f64::from(10 + 30 + 40) / f64::from(10 + 30 + 60 + 40));

    // A whiteout that hides nothing ends the count of its layer: `/z` is not seen, but its bytes are.
    let (analysis, _) = analyze(&[base, &[file("c", &[1; 60]), file(".wh.nothing", b""), file("z", &[1; 5])]]);
    assert_eq!(inefficient(&analysis), []);
    assert_eq!((analysis.figures.efficiency, analysis.figures.size), (1.0, 165));
    // Here it comes after `/c` by name.
    let (analysis, _) = analyze(&[base, &[file("c", &[1; 60]), file("d/.wh.nothing", b"")]]);
    assert_eq!(inefficient(&analysis), [one("/c", 2, 120)]);

    // Opaque whiteouts do not count; a directory that is only implied has no size when it is hidden.
    let (analysis, _) = analyze(&[&[file("d/a", &[1; 10])], &[file("d/.wh..wh..opq", b"")], &[file(".wh.d", b"")]]);
    assert_eq!(inefficient(&analysis), [one("/d", 2, 0)]);
    assert_eq!(analysis.figures.efficiency, 1.0);

    // One layer, and none of any size.
    let (analysis, _) = analyze(&[&[directory("d")]]);
    assert_eq!((analysis.figures.efficiency, analysis.figures.wasted), (1.0, 0));
    assert!(analysis.figures.user_wasted().is_nan());
}

#[test]
fn what_was_deleted_or_written_again_is_hidden() {
    let base: &[Member] = &[directory("d"), file("d/a", &[1; 10]), file("d/b", &[2; 30]), file("c", &[3; 60])];
    let second: &[Member] = &[file("d/e", &[5; 7]), file("c", &[4; 40])];
    let third: &[Member] = &[file(".wh.d", b""), file(".wh.never", b"")];
    let (analysis, _) = analyze(&[base, second, third]);
    let deleted = |written, files, size| Deleted { path: b"/d".to_vec(), written, deleted: 2, files, size };
    assert_eq!(analysis.deleted, [deleted(0, 2, 40), deleted(1, 1, 7)]);
    assert_eq!((analysis.hidden, analysis.visible), (40 + 7 + 60, 40));
    // An opaque directory hides what is below it only, and what its layer writes stays.
    let opaque: &[Member] = &[file("d/new", &[1; 3]), file("d/.wh..wh..opq", b"")];
    let (analysis, _) = analyze(&[base, opaque]);
    assert_eq!(analysis.deleted, [Deleted { path: b"/d".to_vec(), written: 0, deleted: 1, files: 2, size: 40 }]);
    assert_eq!((analysis.hidden, analysis.visible), (40, 63));
}

#[test]
fn known_waste_is_found_by_layer() {
    let base: &[Member] = &[file("var/lib/apt/lists/x", &[1; 100]), file("root/.cache/pip/y", &[2; 50])];
    let upper: &[Member] = &[file("var/lib/apt/lists/z", &[1; 9]), file("root/.cache/.wh.pip", b"")];
    let (analysis, export) = analyze(&[base, upper]);
    let found: Vec<_> = analysis
        .waste
        .iter()
        .map(|waste| (analysis.what(waste), waste.layer, waste.files, waste.size, waste.hidden))
        .collect();
    let lists = "package lists of apt";
    assert_eq!(found, [(lists, 0, 1, 100, 0), ("cache of pip", 0, 1, 50, 50), (lists, 1, 1, 9, 0)]);
    assert!(analysis.instead(&analysis.waste[1]).starts_with("delete it in the step that writes it"));
    assert_eq!(export["imgtool"]["waste"][0]["directory"], "/var/lib/apt/lists");
}

#[test]
fn waste_in_many_places_is_in_the_directory_that_has_them_all() {
    let cache = |name: &str| file(&format!("usr/lib/{name}/__pycache__/x.pyc"), &[1; 10]);
    let one: &[Member] = &[cache("a"), cache("ab/c"), file("usr/lib/other", b"x")];
    let two: &[Member] = &[cache("a"), file("srv/__pycache__/y.pyc", b"y")];
    let (analysis, _) = analyze(&[one, two]);
    let found: Vec<_> = analysis.waste.iter().map(|waste| (&waste.directory[..], waste.files)).collect();
    assert_eq!(found, [(&b"/usr/lib"[..], 2), (b"/", 2)]);
}

#[test]
fn the_same_content_is_found_across_layers_and_within() {
    let base: &[Member] = &[file("a", b"same"), file("b", b"same"), link("l", "a"), file("e", b""), file("f", b"")];
    let upper: &[Member] = &[file("a", b"same"), file("c", b"same size"), file("d", b"size same")];
    let (analysis, _) = analyze(&[base, upper]);
    let copies = vec![(b"/a".to_vec(), 0), (b"/a".to_vec(), 1), (b"/b".to_vec(), 0)];
    assert_eq!(analysis.duplicates, [Duplicate { size: 4, copies }]);
    assert_eq!(analysis.duplicates[0].wasted(), 8);
}

#[test]
fn the_largest_are_listed_where_they_are() {
    let base: &[Member] = &[
        file("usr/lib/big/one", &[1; 80]),
        file("usr/lib/big/two", &[2; 20]),
        file("usr/lib/small", &[3; 5]),
        file("etc/x", &[4; 10]),
        link("etc/y", "etc/x"),
    ];
    let (analysis, _) = analyze(&[base]);
    let list = |large: &[Large]| -> Vec<(String, u64)> {
        large.iter().map(|one| (String::from_utf8_lossy(&one.path).into_owned(), one.size)).collect()
    };
    let pair = |path: &str, size| (path.to_owned(), size);
    assert_eq!(
        list(&analysis.large_files),
        [pair("/usr/lib/big/one", 80), pair("/usr/lib/big/two", 20), pair("/etc/x", 10)]
    );
    assert_eq!(list(&analysis.large_directories), [pair("/usr/lib/big", 100), pair("/etc", 10)]);
}

#[test]
fn the_export_has_the_schema_of_dive() {
    let base: &[Member] =
        &[file("bin/su", b"su"), with_kind("bin/sh", EntryKind::Symlink { target: b"su".to_vec() }), directory("etc")];
    let (_, export) = analyze(&[base, &[file("bin/su", b"SU!")]]);
    let keys =
        |value: &serde_json::Value| -> Vec<String> { value.as_object().expect("an object").keys().cloned().collect() };
    assert_eq!(keys(&export), ["layer", "image", "imgtool"]);
    assert_eq!(keys(&export["layer"][0]), ["index", "id", "digestId", "sizeBytes", "command", "fileList"]);
    assert_eq!(keys(&export["image"]), ["sizeBytes", "inefficientBytes", "efficiencyScore", "fileReference"]);
    assert_eq!(export["image"]["fileReference"], serde_json::json!([{"count": 2, "sizeBytes": 5, "file": "/bin/su"}]));
    assert_eq!(export["layer"][0]["command"], "(missing)");
    let list = &export["layer"][0]["fileList"];
    let paths: Vec<_> = list.as_array().expect("a list").iter().map(|file| file["path"].as_str()).collect();
    // Those in a directory come before it; one without an entry has no path.
    assert_eq!(paths, [Some("bin/sh"), Some("bin/su"), Some(""), Some("etc")]);
    assert_eq!(
        list[0],
        serde_json::json!({"path": "bin/sh", "typeFlag": 50, "linkName": "su", "size": 0,
        "fileMode": 0o640 | 1 << 27, "uid": 0, "gid": 0, "isDir": false})
    );
    assert_eq!(list[3]["fileMode"], 0o640_u32 | 1 << 31);
}
