//! Images of another platform: what a creation says about them (decided apart from asking the processor).

use corten_base::Platform;

/// Docker's warning where the image's programs are not this processor's, and nobody asked for them by name.
pub(crate) fn warning(mut image: Platform, asked: Option<&str>) -> Option<String> {
    if asked.is_some_and(|asked| !asked.is_empty()) {
        return None;
    }
    // The only variant there is goes without saying.
    if image.architecture == "arm64" && image.variant == "v8" {
        image.variant.clear();
    }
    warning_on(&image, &host())
}

fn warning_on(image: &Platform, host: &Platform) -> Option<String> {
    // An image that does not say what it is for may be for anybody; 64-bit ARM runs the 32-bit one's programs.
    let unknown = image.os.is_empty() || image.architecture.is_empty();
    let older = image.architecture == "arm" && host.architecture == "arm64";
    if unknown || older || image.runs_on(host) {
        return None;
    }
    Some(format!(
        "The requested image's platform ({image}) does not match the detected host platform ({host}) and no specific \
         platform was requested"
    ))
}

/// The host's platform with the level of its processor.
fn host() -> Platform {
    Platform {
        variant: level().to_owned(),
        ..Platform::host()
    }
}

/// The level of the x86-64 psABI that the processor has, as Go's names of platforms tell it; the first has none.
#[cfg(target_arch = "x86_64")]
fn level() -> &'static str {
    use std::arch::is_x86_feature_detected as has;
    let second = has!("sse4.2") && has!("ssse3") && has!("popcnt");
    let third = second && has!("avx2") && has!("bmi1") && has!("bmi2") && has!("fma") && has!("lzcnt") && has!("movbe");
    let fourth =
        third && has!("avx512f") && has!("avx512bw") && has!("avx512cd") && has!("avx512dq") && has!("avx512vl");
    match (second, third, fourth) {
        (_, _, true) => "v4",
        (_, true, _) => "v3",
        (true, _, _) => "v2",
        (false, false, false) => "",
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn level() -> &'static str {
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        let mut parts = text.split('/').map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        Platform {
            os: next(),
            architecture: next(),
            variant: next(),
        }
    }

    #[test]
    fn only_what_cannot_run_is_warned_of() {
        for (image, host, warned) in [
            ("linux/amd64", "linux/amd64/v4", false),
            ("linux/amd64/v3", "linux/amd64/v4", false),
            ("linux/amd64/v4", "linux/amd64/v2", true),
            ("linux/arm64", "linux/amd64/v4", true),
            ("windows/amd64", "linux/amd64", true),
            ("linux/arm/v7", "linux/arm64", false),
            ("", "linux/amd64", false),
        ] {
            let warning = warning_on(&platform(image), &platform(host));
            assert_eq!(warning.is_some(), warned, "{image} on {host}: {warning:?}");
        }
        let text = "The requested image's platform (linux/arm/v7) does not match the detected host platform \
                    (linux/amd64/v4) and no specific platform was requested";
        let warning = warning_on(&platform("linux/arm/v7"), &platform("linux/amd64/v4"));
        assert_eq!(warning.as_deref(), Some(text));
    }

    #[test]
    fn who_asks_for_it_by_name_is_not_warned() {
        let image = platform("linux/s390x");
        assert!(warning(image.clone(), Some("linux/s390x")).is_none());
        assert!(warning(image.clone(), None).is_some() && warning(image, Some("")).is_some());
    }
}
