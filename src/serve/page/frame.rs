//! What all pages share: their frame, how they are sent, and how times and sizes are written.

use hyper::StatusCode;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use jiff::Timestamp;

use super::html::Html;
use crate::serve::answer::{Answer, Content};
use crate::ui::human;

/// No script runs, nothing is fetched from elsewhere, nothing is sent elsewhere, and no other page shows this one.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";
const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// A page: its title, where it is, and its content.
pub(super) fn page(status: StatusCode, title: &str, trail: &[(&str, &str)], content: impl FnOnce(&mut Html)) -> Answer {
    let mut html = Html::document();
    html.element("html", &[("lang", "en")], |html| {
        html.element("head", &[], |head| {
            head.leaf("meta", &[("charset", "utf-8")]);
            head.leaf("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
            head.leaf("meta", &[("name", "color-scheme"), ("content", "light dark")]);
            head.tag("title", title);
            head.leaf("link", &[("rel", "stylesheet"), ("href", "/ui/style.css")]);
            head.leaf("link", &[("rel", "icon"), ("type", "image/svg+xml"), ("href", "/ui/icon.svg")]);
        });
        html.element("body", &[], |body| {
            body.element("a", &[("class", "skip"), ("href", "#content")], |link| link.text("Skip to the content"));
            body.element("header", &[], |header| {
                header.element("nav", &[("aria-label", "Where you are")], |nav| {
                    nav.element("a", &[("class", "home"), ("href", "/")], |link| link.text("Registry"));
                    for (href, text) in trail {
                        nav.element("span", &[("class", "quiet"), ("aria-hidden", "true")], |span| span.text("/"));
                        nav.link(href, text);
                    }
                });
            });
            body.element("main", &[("id", "content")], content);
            body.element("footer", &[], |footer| {
                footer.text(concat!("imgtool ", env!("CARGO_PKG_VERSION")));
            });
        });
    });
    protected(Answer::new(status))
        .header(CONTENT_TYPE, "text/html; charset=utf-8")
        .header(CACHE_CONTROL, "no-store")
        .content(Content::Bytes(html.into_bytes().into()))
}

/// With the headers that keep a browser from doing anything but showing it.
pub(super) fn protected(answer: Answer) -> Answer {
    answer
        .header(CONTENT_SECURITY_POLICY, POLICY)
        .header(X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(X_FRAME_OPTIONS, "DENY")
        .header(REFERRER_POLICY, "same-origin")
        .header(OPENER, "same-origin")
        .header(RESOURCE, "same-origin")
}

/// A page that says only this, and how to go on.
pub(super) fn message(status: StatusCode, title: &str, text: &str) -> Answer {
    page(status, title, &[], |main| {
        main.tag("h1", title);
        main.tag("p", text);
        main.element("p", &[], |p| p.link("/", "All repositories"));
    })
}

/// Leads to another page.
pub(super) fn redirect(path: &str) -> Answer {
    protected(Answer::new(StatusCode::SEE_OTHER)).header(LOCATION, path)
}

/// The page for what is not there.
pub(super) fn not_found(text: &str) -> Answer {
    message(StatusCode::NOT_FOUND, "Not found", text)
}

/// A command that is selected as a whole by a click.
pub(super) fn command(html: &mut Html, text: &str) {
    html.element("code", &[("class", "command"), ("tabindex", "0")], |code| code.text(text));
}

/// How long ago something was made, and when exactly.
pub(super) fn age(html: &mut Html, created: Option<Timestamp>) {
    let Some(created) = created else { return html.tag("span", "unknown") };
    let written = created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    html.element("time", &[("datetime", &written), ("title", &written)], |time| {
        time.text(&human::ago(Timestamp::now(), created));
    });
}

pub(super) fn size(html: &mut Html, bytes: u64) {
    html.element("span", &[("class", "size"), ("title", &format!("{bytes} bytes"))], |span| {
        span.text(&human::size(bytes, 3));
    });
}

/// A digest, short for the eye and whole for who points at it.
pub(super) fn digest(html: &mut Html, digest: &str, href: Option<&str>) {
    let short = digest.split_once(':').map_or(digest, |(_, hex)| hex.get(..12).unwrap_or(hex));
    match href {
        Some(href) => {
            html.element("a", &[("href", href), ("title", digest), ("class", "mono digest")], |a| a.text(short));
        }
        None => html.element("span", &[("title", digest), ("class", "mono digest")], |span| span.text(short)),
    }
}
