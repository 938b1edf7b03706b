//! `/metrics`: what the server counts, in the text format of Prometheus
//! ([exposition format 0.0.4](https://prometheus.io/docs/instrumenting/exposition_formats/)).
//!
//! Labels have few values, all of them ours: no name of a repository, user or client is one, so that nobody can make
//! the list grow.

use std::fmt::Write as _;

use hyper::StatusCode;
use hyper::header::CONTENT_TYPE;
use jiff::Timestamp;

use super::answer::{Answer, Content};
use super::metrics::{BOUNDS, Counted};
use super::notify::Counts;
use super::refusal::Refusal;
use super::server::Server;

/// `GET /metrics`
pub(super) fn get(server: &Server) -> Result<Answer, Refusal> {
    let metrics = &server.metrics;
    let usage = metrics.usage(&server.store())?;
    let shelf = server.shelves.now()?;
    let tags: usize = shelf.repositories.values().map(|repository| repository.tags.len()).sum();
    let mut page = Page::default();
    requests(&mut page, &metrics.counted());
    let gauges: [(&str, &str, u64); 7] = [
        ("imgtool_http_requests_in_flight", "Requests that are being answered.", metrics.in_flight()),
        ("imgtool_http_connections", "Connections that are open.", metrics.connections()),
        ("imgtool_uploads", "Uploads of blobs that are not finished.", usage.uploads),
        ("imgtool_store_bytes", "Size of all blobs of the store.", usage.bytes),
        ("imgtool_store_blobs", "Number of blobs of the store.", usage.blobs),
        ("imgtool_repositories", "Number of repositories.", shelf.repositories.len() as u64),
        ("imgtool_tags", "Number of tags of all repositories.", tags as u64),
    ];
    for (name, help, value) in gauges {
        page.family(name, "gauge", help);
        page.sample(name, &[], value);
    }
    let dropped = "imgtool_log_lines_dropped_total";
    page.family(dropped, "counter", "Lines of the log that nobody read in time.");
    page.sample(dropped, &[], server.settings.log.dropped());
    events(&mut page, server);
    upstream(&mut page, server);
    page.family("imgtool_build_info", "gauge", "The version of imgtool.");
    page.sample("imgtool_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    process(&mut page, metrics.started);
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    Ok(Answer::new(StatusCode::OK).header(CONTENT_TYPE, kind).content(Content::Bytes(page.0.into())))
}

fn requests(page: &mut Page, counted: &Counted) {
    let name = "imgtool_http_requests_total";
    page.family(name, "counter", "Requests that were answered; code 499 if the client went away before that.");
    for ((route, method, code), count) in &counted.by_code {
        page.sample(name, &[("route", route), ("method", method), ("code", &code.to_string())], *count);
    }
    let name = "imgtool_http_received_bytes_total";
    page.family(name, "counter", "Bytes of the bodies of requests.");
    for (route, times) in &counted.by_route {
        page.sample(name, &[("route", route)], times.received);
    }
    let name = "imgtool_http_sent_bytes_total";
    page.family(name, "counter", "Bytes of the bodies of answers.");
    for (route, times) in &counted.by_route {
        page.sample(name, &[("route", route)], times.sent);
    }
    let name = "imgtool_http_request_duration_seconds";
    page.family(name, "histogram", "Time from the head of a request to the last byte of its answer.");
    for (route, times) in &counted.by_route {
        let mut below = 0;
        for (bound, count) in BOUNDS.iter().zip(times.buckets) {
            below += count;
            page.sample(&format!("{name}_bucket"), &[("route", route), ("le", &bound.to_string())], below);
        }
        page.sample(&format!("{name}_bucket"), &[("route", route), ("le", "+Inf")], times.count);
        page.sample(&format!("{name}_sum"), &[("route", route)], times.seconds);
        page.sample(&format!("{name}_count"), &[("route", route)], times.count);
    }
}

/// The events of the endpoints of webhooks, whose names are in the settings of the server.
fn events(page: &mut Page, server: &Server) {
    type Family = (&'static str, &'static str, &'static str, fn(&Counts) -> u64);
    let counts = server.events.counts();
    if counts.is_empty() {
        return;
    }
    let families: [Family; 4] = [
        ("imgtool_events_waiting", "gauge", "Events that are still to be delivered.", |counts| counts.waiting),
        ("imgtool_events_delivered_total", "counter", "Events that were delivered.", |counts| counts.delivered),
        ("imgtool_events_dropped_total", "counter", "Events for which there was no room.", |counts| counts.dropped),
        ("imgtool_events_failures_total", "counter", "Attempts to deliver an event that failed.", |counts| {
            counts.failures
        }),
    ];
    for (name, kind, help, value) in families {
        page.family(name, kind, help);
        for counts in &counts {
            page.sample(name, &[("endpoint", &counts.endpoint)], value(counts));
        }
    }
}

/// What is asked of the registry whose images are fetched.
fn upstream(page: &mut Page, server: &Server) {
    let Some(upstream) = &server.upstream else { return };
    let (requests, stale) = upstream.counts();
    let families = [
        (
            "imgtool_proxy_upstream_requests_total",
            "Manifests, blobs and lists that the upstream was asked for.",
            requests,
        ),
        ("imgtool_proxy_stale_total", "Answers that may be out of date, as the upstream could not be asked.", stale),
    ];
    for (name, help, value) in families {
        page.family(name, "counter", help);
        page.sample(name, &[], value);
    }
}

/// What every process tells under the names that Prometheus' own libraries use.
fn process(page: &mut Page, started: Timestamp) {
    let name = "process_start_time_seconds";
    page.family(name, "gauge", "When the process was started, in seconds since 1970.");
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 have 41 bits")]
    page.sample(name, &[], started.as_millisecond() as f64 / 1000.0);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
    if let Some(resident) = resident.map(|kib: u64| kib * 1024) {
        let name = "process_resident_memory_bytes";
        page.family(name, "gauge", "Memory of the process that is not swapped out.");
        page.sample(name, &[], resident);
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        let name = "process_open_fds";
        page.family(name, "gauge", "Files and sockets that are open.");
        page.sample(name, &[], files.count() as u64);
    }
}

/// The text that Prometheus reads.
#[derive(Debug, Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(name);
        for (n, (label, text)) in labels.iter().enumerate() {
            let _ = write!(self.0, "{}{label}=\"{text}\"", if n == 0 { '{' } else { ',' });
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}
