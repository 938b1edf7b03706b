//! How layers are compressed, as a flag says it.

use super::error::CliError;
use crate::image::outgoing::Recode;

/// `gzip`, `gzip:9`, `zstd`, `zstd:19`, `none`.
pub(super) fn parse_method(text: &str) -> Result<Recode, CliError> {
    let (method, level) = match text.split_once(':') {
        Some((method, level)) => (method, Some(level)),
        None => (text, None),
    };
    let wrong = || CliError::Plain(format!("invalid --compress {text:?}: expected none, gzip[:1-9] or zstd[:1-22]"));
    let level = level.map(|level| level.parse::<u32>().map_err(|_| wrong())).transpose()?;
    match (method, level) {
        ("none", None) => Ok(Recode::Unpack),
        ("gzip", level) if (1..=9).contains(&level.unwrap_or(6)) => Ok(Recode::Gzip(level.unwrap_or(6))),
        ("zstd", level) if (1..=22).contains(&level.unwrap_or(3)) => {
            Ok(Recode::Zstd(i32::try_from(level.unwrap_or(3)).map_err(|_| wrong())?))
        }
        _ => Err(wrong()),
    }
}

/// The same without `none`, for what goes to registries.
pub(super) fn parse_compression(text: &str) -> Result<Recode, CliError> {
    match parse_method(text) {
        Ok(recode) if recode != Recode::Unpack => Ok(recode),
        _ => Err(CliError::Plain(format!("invalid --compress {text:?}: expected gzip[:1-9] or zstd[:1-22]"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_and_levels() {
        let good = [
            ("gzip", Recode::Gzip(6)),
            ("gzip:9", Recode::Gzip(9)),
            ("zstd", Recode::Zstd(3)),
            ("zstd:19", Recode::Zstd(19)),
            ("none", Recode::Unpack),
        ];
        for (text, recode) in good {
            assert_eq!(parse_method(text).ok(), Some(recode), "{text}");
        }
        for text in ["", "xz", "gzip:0", "gzip:10", "gzip:", "zstd:23", "none:1", "gzip:-1"] {
            assert!(parse_method(text).is_err(), "{text}");
        }
    }
}
