//! `report`: a page in one file.

use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::producers::docker_save;
use crate::support::session::Session;
use crate::support::tarball::pack;

#[test]
fn a_page_is_written_whole_or_to_a_pipe() {
    let session = Session::new();
    let evil = "</script><img src=x onerror=alert(1)>".replace('/', "\u{2044}");
    let items = [Item::file("etc/motd", "hello"), Item::file(&evil, "x")];
    let image = TestImage::new(&["fx/a:1"]).raw_layer("ADD </script>", layer(&items));
    session.load(&pack(&docker_save(&[image])));
    let answer = session.run(&["report", "fx/a:1"]);
    assert_eq!((answer.code, &*answer.stderr), (0, "wrote report.html\n"));
    let page = session.read("report.html");
    assert_eq!(
        session.ok(&["report", "-o", "-", "./load.tar"]).len() - "./load.tar".len(),
        page.len() - "fx/a:1".len()
    );
    let text = String::from_utf8(page).expect("UTF-8");
    assert!(text.starts_with("<!DOCTYPE html>") && text.ends_with("</html>\n"));
    assert_eq!((text.matches("</script>").count(), text.matches("<img").count()), (2, 0));
    assert!(text.contains(r"ADD \u003c/script\u003e") && text.contains("default-src 'none'"));
    // What was there stays if there is nothing to write.
    session.run(&["report", "fx/none:1"]).fails(1, &["fx/none:1"]);
    assert_eq!(session.read("report.html"), text.as_bytes());
    session.run(&["report", "a", "b", "c"]).fails(1, &["one image, or two, not 3"]);
    session.run(&["report", "-o", "none/x.html", "fx/a:1"]).fails(1, &["none/x.html"]);
}

#[test]
fn the_base_of_an_image_is_named_if_the_store_has_it() {
    let session = Session::new();
    let base = layer(&[Item::file("etc/motd", "hello")]);
    let own = layer(&[Item::file("srv/app", "app")]);
    session.load(&pack(&docker_save(&[TestImage::new(&["fx/base:1"]).raw_layer("ADD base", base.clone())])));
    let image = TestImage::new(&["fx/app:1"]).raw_layer("ADD base", base).raw_layer("COPY app", own);
    session.load(&pack(&docker_save(&[image])));
    let known = |image: &str| {
        session.ok(&["report", image]);
        let page = String::from_utf8(session.read("report.html")).expect("UTF-8");
        let (_, rest) = page.split_once("\"known_base\":").expect("what is known of the base");
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<serde_json::Value>();
        values.next().expect("a value").expect("JSON")
    };
    let found = known("fx/app:1");
    assert_eq!(
        (&found["name"], &found["by"], &found["layers"]),
        (&"fx/base:1".into(), &"by its layers".into(), &1.into())
    );
    assert_eq!(found["now"]["same"], true);
    assert!(known("fx/base:1").is_null());
    session.ok(&["rebase", "fx/app:1", "fx/app:2", "--from", "fx/base:1", "--onto", "fx/base:1"]);
    session.ok(&["edit", "--env", "A=B", "fx/base:1"]);
    assert_eq!(known("fx/app:2")["now"]["same"], false, "the name leads to another image now");
}
