//! Matches platforms as containerd's platforms package does.

use super::Platform;

impl Platform {
    /// Whether `offered` is the requested platform, as with containerd's `platforms.OnlyStrict`. No variant means the
    /// default one; the version counts for Windows only, if requested.
    pub fn matches(&self, offered: &Self) -> bool {
        let (asked, offered) = (self.normalized(), offered.normalized());
        asked.os == offered.os
            && asked.architecture == offered.architecture
            && asked.variant == offered.variant
            && (asked.os != "windows" || same_build(asked.os_version.as_deref(), offered.os_version.as_deref()))
    }

    /// How many operating system features `offered` requires that were not requested: fewer is better.
    pub fn unasked_features(&self, offered: &Self) -> usize {
        offered.os_features.iter().filter(|feature| !self.os_features.contains(feature)).count()
    }

    /// How well `offered` serves a request for this platform: the lowest rank is an exact match, `None` is
    /// incompatible. CPUs run programs for their predecessors, as with containerd's `platforms.Only`.
    pub fn rank(&self, offered: &Self) -> Option<(usize, usize)> {
        let asked = self.normalized();
        let runs = compatible(&asked.architecture, asked.variant.as_deref().unwrap_or_default());
        let at = runs.into_iter().position(|(architecture, variant)| {
            Self { architecture: architecture.to_owned(), variant: Some(variant), ..asked.clone() }.matches(offered)
        })?;
        Some((at, self.unasked_features(offered)))
    }
}

/// The architectures and variants that a CPU can run, best first, its own included. An empty variant is the default
/// one.
fn compatible<'a>(architecture: &'a str, variant: &str) -> Vec<(&'a str, String)> {
    let mut list = vec![(architecture, variant.to_owned())];
    let (major, minor) = version_of(variant);
    match architecture {
        "amd64" => {
            list.extend((1..major).rev().map(|version| ("amd64", format!("v{version}"))));
            list.push(("386", String::new()));
        }
        "arm" => list.extend((5..major).rev().map(|version| ("arm", format!("v{version}")))),
        "arm64" => {
            list.extend(older_arm64(major.max(8), minor).into_iter().map(|variant| ("arm64", variant)));
            list.extend((5..=8).rev().map(|version| ("arm", format!("v{version}"))));
        }
        _ => {}
    }
    list
}

/// The variants of arm64 before version `major.minor`, newest first. Version 9.x runs what 8.(x+5) runs.
fn older_arm64(major: u32, minor: u32) -> Vec<String> {
    let shown = |major: u32, minor: u32| match minor {
        0 => format!("v{major}"),
        _ => format!("v{major}.{minor}"),
    };
    let nines = (0..minor).rev().filter(|_| major == 9).map(|minor| shown(9, minor));
    let eights = if major == 9 { minor + 6 } else { minor };
    nines.chain((0..eights).rev().map(|minor| shown(8, minor))).collect()
}

/// The numbers of a variant such as `v9.2`; zeros for anything else.
fn version_of(variant: &str) -> (u32, u32) {
    let digit = |text: &str| text.parse().ok().filter(|number: &u32| text.len() == 1 && *number <= 9);
    let text = variant.strip_prefix('v').unwrap_or_default();
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    digit(major).zip(digit(minor)).unwrap_or_default()
}

/// Whether two Windows versions have the same build, their first three numbers. A missing version matches any.
fn same_build(asked: Option<&str>, offered: Option<&str>) -> bool {
    let build = |version: &str| version.split('.').take(3).map(str::to_owned).collect::<Vec<_>>();
    match (asked.filter(|text| !text.is_empty()), offered.filter(|text| !text.is_empty())) {
        (Some(asked), Some(offered)) => build(offered).starts_with(&build(asked)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Platform {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn who_asks_for_no_variant_gets_the_default_one() {
        for (asked, offered, expected) in [
            ("linux/arm64", "linux/arm64/v8", true),
            ("linux/arm64/v8", "linux/arm64", true),
            ("linux/arm", "linux/arm/v7", true),
            ("linux/arm", "linux/arm/v6", false),
            ("linux/amd64", "linux/amd64/v1", true),
            ("linux/amd64", "linux/amd64/v2", false),
            ("linux/amd64", "linux/386", false),
            ("linux/amd64", "windows/amd64", false),
            ("linux/arm/v7", "linux/arm/v6", false),
            ("linux/arm/v6", "linux/armel", true),
            ("linux/arm/v7", "linux/armhf", true),
            ("linux/x86_64/v3", "linux/amd64/v3", true),
            ("windows(10)/amd64", "windows/amd64", true),
            ("windows/amd64", "windows(10.0.17763.1)/amd64", true),
            ("windows(10.0.17763)/amd64", "windows(10.0.17763.1879)/amd64", true),
            ("windows(10.0.17763)/amd64", "windows(10.0.20348.1)/amd64", false),
            ("windows(10)/amd64", "windows(11)/amd64", false),
            ("linux(5)/amd64", "linux(6)/amd64", true),
        ] {
            assert_eq!(read(asked).matches(&read(offered)), expected, "{asked} {offered}");
        }
    }

    #[test]
    fn processors_run_their_predecessors_programs() {
        for (asked, best_first) in [
            ("linux/amd64", &["linux/amd64", "linux/386"][..]),
            ("linux/amd64/v3", &["linux/amd64/v3", "linux/amd64/v2", "linux/amd64", "linux/386"]),
            ("linux/386", &["linux/386"]),
            ("linux/arm", &["linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]),
            ("linux/arm/v8", &["linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]),
            ("linux/arm/v6", &["linux/arm/v6", "linux/arm/v5"]),
            ("linux/arm64", &["linux/arm64", "linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]),
            ("linux/arm64/v8.2", &["linux/arm64/v8.2", "linux/arm64/v8.1", "linux/arm64", "linux/arm/v8"]),
            ("linux/arm64/v9.1", &["linux/arm64/v9.1", "linux/arm64/v9", "linux/arm64/v8.6", "linux/arm64/v8.5"]),
            ("linux/arm64/v9", &["linux/arm64/v9", "linux/arm64/v8.5", "linux/arm64/v8.1", "linux/arm64/v8"]),
            ("linux/s390x", &["linux/s390x"]),
            ("windows(10+win32k)/amd64", &["windows(10)/amd64", "windows(10+new)/amd64"]),
        ] {
            let ranks: Vec<_> = best_first.iter().map(|offered| read(asked).rank(&read(offered))).collect();
            assert!(ranks.iter().all(Option::is_some) && ranks.is_sorted(), "{asked}: {ranks:?}");
        }
        for (asked, offered) in [
            ("linux/386", "linux/amd64"),
            ("linux/amd64", "linux/amd64/v2"),
            ("linux/arm/v6", "linux/arm/v7"),
            ("linux/arm64", "linux/arm64/v9"),
            ("linux/amd64", "darwin/amd64"),
            ("linux/amd64/v4294967295", "linux/amd64/v2"),
        ] {
            assert_eq!(read(asked).rank(&read(offered)), None, "{asked} {offered}");
        }
    }
}
