//! Where a symbolic link leads inside a container, as far as there is something (pure but for the caller's look).

/// Links followed before they count as a ring.
const LINKS_MAX: usize = 255;

/// The path that `path` (absolute, clean) means when all links in it are followed inside the root; what is not there
/// stays as it is written. `read` tells where a link leads, if there is one. None: a ring.
pub(crate) fn follow(path: &str, read: &mut dyn FnMut(&str) -> Option<String>) -> Option<String> {
    let mut left: Vec<String> = parts(path).rev().map(str::to_owned).collect();
    let mut done: Vec<String> = Vec::new();
    let mut links = 0;
    while let Some(part) = left.pop() {
        match part.as_str() {
            "." => continue,
            ".." => {
                done.pop();
                continue;
            }
            _ => {}
        }
        done.push(part);
        let whole = format!("/{}", done.join("/"));
        if let Some(target) = read(&whole) {
            links += 1;
            if links > LINKS_MAX {
                return None;
            }
            done.pop();
            if target.starts_with('/') {
                done.clear();
            }
            left.extend(parts(&target).rev().map(str::to_owned));
        }
    }
    Some(format!("/{}", done.join("/")))
}

fn parts(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_inside() {
        let links = [
            ("/l", "d/f"),
            ("/abs", "/d"),
            ("/d/up", "../../../../etc/passwd"),
            ("/two", "abs/x"),
            ("/broken", "/nowhere/at/all"),
            ("/ring", "ring"),
        ];
        let mut read = |path: &str| {
            links
                .iter()
                .find(|(link, _)| *link == path)
                .map(|(_, to)| (*to).to_owned())
        };
        for (path, leads) in [
            ("/l", Some("/d/f")),
            ("/abs", Some("/d")),
            ("/abs/up", Some("/etc/passwd")),
            ("/two", Some("/d/x")),
            ("/broken", Some("/nowhere/at/all")),
            ("/plain", Some("/plain")),
            ("/", Some("/")),
            ("/ring", None),
        ] {
            assert_eq!(follow(path, &mut read).as_deref(), leads, "{path}");
        }
    }
}
