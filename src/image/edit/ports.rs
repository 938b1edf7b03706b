//! `EXPOSE`'s ports: `[[ip:]host port:]port[-port][/protocol]`, of which only the last counts.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use super::ChangeError;

/// The ports that one word exposes, each as `80/tcp`.
pub(super) fn parse(word: &str) -> Result<impl Iterator<Item = String>, ChangeError> {
    let wrong = |fault, text: &str| ChangeError::Port { fault, text: text.to_owned() };
    let mut parts = word.rsplitn(3, ':');
    let (container, host, ip) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let (numbers, protocol) = container.split_once('/').unwrap_or((container, ""));
    if numbers.is_empty() {
        return Err(wrong("no port specified", &format!("{word}<empty>")));
    }
    let protocol = if protocol.is_empty() { "tcp".to_owned() } else { protocol.to_lowercase() };
    if !["tcp", "udp", "sctp"].contains(&protocol.as_str()) {
        return Err(wrong("invalid proto", &protocol));
    }
    let bare = ip.and_then(|ip| ip.strip_prefix('[')?.strip_suffix(']')).or(ip).filter(|ip| !ip.is_empty());
    if let Some(ip) = bare.filter(|ip| ip.parse::<IpAddr>().is_err()) {
        return Err(wrong("invalid IP address", ip));
    }
    let exposed = range(numbers).ok_or_else(|| wrong("invalid containerPort", numbers))?;
    if let Some(host) = host.filter(|host| !host.is_empty()) {
        let published = range(host).ok_or_else(|| wrong("invalid hostPort", host))?;
        if exposed.len() > 1 && exposed.len() != published.len() {
            let fault = "invalid ranges specified for container and host Ports";
            return Err(wrong(fault, &format!("{numbers} and {host}")));
        }
    }
    Ok(exposed.map(move |port| format!("{port}/{protocol}")))
}

/// `80` or `80-90`.
fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u16>().ok())?;
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(word: &str) -> Result<Vec<String>, String> {
        parse(word).map(Iterator::collect).map_err(|error| error.to_string())
    }

    #[test]
    fn ports_that_there_are() {
        let cases: [(&str, &[&str]); 11] = [
            ("80", &["80/tcp"]),
            ("080/", &["80/tcp"]),
            ("80/UDP", &["80/udp"]),
            ("8000-8002/sctp", &["8000/sctp", "8001/sctp", "8002/sctp"]),
            ("81:80", &["80/tcp"]),
            (":80", &["80/tcp"]),
            ("1-2:80", &["80/tcp"]),
            ("1-2:80-81", &["80/tcp", "81/tcp"]),
            ("127.0.0.1:81:80", &["80/tcp"]),
            ("127.0.0.1::80", &["80/tcp"]),
            ("[::1]:81:80", &["80/tcp"]),
        ];
        for (word, ports) in cases {
            assert_eq!(read(word).expect(word), ports, "{word}");
        }
        assert_eq!(read("0-65535").expect("all").len(), 65536);
    }

    #[test]
    fn ports_that_there_are_not() {
        let cases = [
            ("", "no port specified: <empty>"),
            ("/tcp", "no port specified: /tcp<empty>"),
            ("x", "invalid containerPort: x"),
            ("70000", "invalid containerPort: 70000"),
            ("3-1", "invalid containerPort: 3-1"),
            ("80-", "invalid containerPort: 80-"),
            ("1-2-3", "invalid containerPort: 1-2-3"),
            ("+80", "invalid containerPort: +80"),
            ("80/foo", "invalid proto: foo"),
            ("a:80", "invalid hostPort: a"),
            ("x:1:80", "invalid IP address: x"),
            ("[::1:1:80", "invalid IP address: [::1"),
            ("1-2:80-82", "invalid ranges specified for container and host Ports: 80-82 and 1-2"),
        ];
        for (word, error) in cases {
            assert_eq!(read(word), Err(error.to_owned()), "{word}");
        }
    }
}
