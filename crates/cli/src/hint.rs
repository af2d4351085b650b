//! What a user can do about an engine's refusal (pure). The refusals are recognised by their texts, which are
//! a contract of the API.

/// Advice on a failure's text, in English.
pub(crate) fn advice(program: &str, text: &str) -> Option<String> {
    // The last line that the engine said: commands on several objects fail with several.
    let text = text
        .lines()
        .rev()
        .find(|line| line.contains("Error response from daemon: "))
        .unwrap_or(text);
    let says = |words: &str| text.contains(words);
    let quoted = |before: &str| between(text, before);
    if says("is already in use by container") {
        let name = quoted("name \"/")?;
        return Some(format!(
            "free the name with `{program} rm {name}` or `{program} rename {name} NEW_NAME`, or choose another --name"
        ));
    }
    if says("this container publishes it twice") {
        return Some("publish each port of the host once: two -p options of this command ask for the same".to_owned());
    }
    if says("port is already allocated") || says("address already in use") {
        let advice =
            "find out what listens there with `ss -ltnp`, or publish another port: -p HOST_PORT:CONTAINER_PORT";
        return Some(advice.to_owned());
    }
    if text.contains("Error response from daemon: ") && text.to_lowercase().contains("no space left on device") {
        return Some(format!(
            "see what takes the space with `{program} system df`, free some with `{program} system prune`"
        ));
    }
    if says("page not found") {
        let advice = "this call is Corten's own, the engine that answers is another one";
        return Some(advice.to_owned());
    }
    if says("pull access denied") {
        return Some(format!(
            "log in with `{program} login` if the repository is private, and check the spelling of the name"
        ));
    }
    if says("container is running: stop the container") || says("You cannot remove a running container") {
        let name = quoted("cannot remove container \"/").or_else(|| quoted("cannot remove container \""))?;
        return Some(format!(
            "stop it first with `{program} stop {name}`, or remove it by force: `{program} rm -f {name}`"
        ));
    }
    missing(program, text)
        .or_else(|| not_ready(program, text))
        .or_else(|| command(program, text))
        .or_else(|| misread(program, text))
}

/// The container's program was not found.
fn command(program: &str, text: &str) -> Option<String> {
    let (_, rest) = text.split_once("exec: \"")?;
    let (word, reason) = rest.split_once('"')?;
    if !reason.contains("executable file not found") && !reason.contains("no such file or directory") {
        return None;
    }
    if word.starts_with('-') {
        return Some(format!(
            "options of `{program} run` come before the image; what follows the image is the container's command"
        ));
    }
    Some(format!(
        "the image has no program {word}: check the spelling, or look around in it with `{program} run --rm -it IMAGE sh`"
    ))
}

/// What was given is not what it was taken for.
fn misread(program: &str, text: &str) -> Option<String> {
    if text.contains("Invalid container name (") {
        return Some(
            "a name has at least two characters: a letter or digit, then letters, digits, `_`, `.` and `-`".to_owned(),
        );
    }
    if text.contains("pulling from a registry is not implemented yet") {
        return Some(format!(
            "images come from archives: `{program} load -i FILE.tar` for what `save` wrote, `{program} import FILE.tar NAME` for a directory tree"
        ));
    }
    text.ends_with("Error response from daemon: unexpected EOF")
        .then(|| "what was sent is no tar archive, or it is cut off".to_owned())
}

/// The hint of a container that does not run, with the name that was typed instead of the id in the text.
pub(crate) fn start(program: &str, text: &str, typed: &str) -> Option<String> {
    let begins = text.starts_with("Error response from daemon: ");
    (begins && text.ends_with(" is not running")).then(|| format!("start it with `{program} start {typed}`"))
}

fn missing(program: &str, text: &str) -> Option<String> {
    if text.contains("No such image: ") {
        return Some(format!(
            "list the images with `{program} images`, or bring it in an archive: `{program} load -i FILE.tar`"
        ));
    }
    if text.contains("context not found: ") {
        return Some(format!("list the contexts with `{program} context ls`"));
    }
    if text.contains("No such container: ") {
        return Some(format!("list all containers with `{program} ps -a`"));
    }
    if let Some(name) = text
        .strip_suffix(" not found")
        .and_then(|rest| rest.rsplit_once("network "))
    {
        let name = name.1;
        return Some(format!(
            "list the networks with `{program} network ls`, or make it with `{program} network create {name}`"
        ));
    }
    text.contains(": no such volume")
        .then(|| format!("list the volumes with `{program} volume ls`"))
}

fn not_ready(program: &str, text: &str) -> Option<String> {
    let container = |ending: &str| {
        let (_, name) = text.strip_suffix(ending)?.rsplit_once("ontainer ")?;
        Some(shortened(name.trim_matches('/')).to_owned()).filter(|name| !name.contains(' '))
    };
    if let Some(name) = container(" is not running") {
        return Some(format!("start it with `{program} start {name}`"));
    }
    if text.contains("is paused") {
        let name = between(text, "ontainer ").filter(|word| *word != "is")?;
        let name = shortened(name);
        return Some(format!("unpause it first with `{program} unpause {name}`"));
    }
    let used = text.contains("volume is in use") || text.contains("is using its referenced image");
    used.then(|| format!("see the containers with `{program} ps -a`, remove those that use it"))
}

/// An id as people use it.
fn shortened(name: &str) -> &str {
    let is_id = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    name.get(..12).filter(|_| is_id).unwrap_or(name)
}

/// The word behind `before`, up to a quote, a blank or the end.
fn between<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split(['"', ' ', '\n']).next().filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_typed_name_counts() {
        let text = "Error response from daemon: container 0123 is not running";
        assert_eq!(
            start("corten", text, "web").as_deref(),
            Some("start it with `corten start web`")
        );
        assert_eq!(start("corten", "Error response from daemon: no", "web"), None);
    }

    #[test]
    fn advice_names_the_object() {
        for (refusal, advised) in [
            (
                "corten: Error response from daemon: Conflict. The container name \"/web\" is already in use by container \"0123\". You have to remove (or rename) that container to be able to reuse that name.\n\nRun 'corten run --help' for more information",
                Some("`corten rename web NEW_NAME`"),
            ),
            (
                "Error response from daemon: driver failed programming external connectivity: Bind for 0.0.0.0:80 failed: port is already allocated",
                Some("ss -ltnp"),
            ),
            (
                "Error response from daemon: No such image: busybox:x",
                Some("`corten load -i FILE.tar`"),
            ),
            (
                "Failed to initialize: unable to resolve docker endpoint: context \"x\": context not found: open /m.json: no such file or directory",
                Some("`corten context ls`"),
            ),
            (
                "Error response from daemon: No such container: web",
                Some("`corten ps -a`"),
            ),
            (
                "Error response from daemon: network back not found",
                Some("`corten network create back`"),
            ),
            (
                "Error response from daemon: get data: no such volume",
                Some("`corten volume ls`"),
            ),
            (
                "Error response from daemon: container 0123 is not running",
                Some("`corten start 0123`"),
            ),
            (
                "Error response from daemon: write /x: no space left on device",
                Some("`corten system prune`"),
            ),
            (
                "Error response from daemon: cannot remove container \"web\": container is running: stop the container before removing or force remove",
                Some("`corten rm -f web`"),
            ),
            ("Error response from daemon: page not found", Some("Corten's own")),
            (
                "Error response from daemon: create /x: No space left on device (os error 28)",
                Some("`corten system prune`"),
            ),
            ("write /dev/stdout: no space left on device", None),
            (
                "corten: Error response from daemon: failed to set up container networking: driver failed programming external connectivity on endpoint x (0): Bind for 0.0.0.0:80 failed: port is already allocated (this container publishes it twice)",
                Some("publish each port of the host once"),
            ),
            (
                "corten: Error response from daemon: unable to start container process: exec: \"-it\": executable file not found in $PATH\n\nRun 'corten run --help' for more information",
                Some("come before the image"),
            ),
            (
                "corten: Error response from daemon: unable to start container process: exec: \"nosuch\": executable file not found in $PATH",
                Some("no program nosuch"),
            ),
            (
                "Error response from daemon: unable to start container process: exec: \"sh\": permission denied",
                None,
            ),
            (
                "Error response from daemon: Invalid container name (w), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
                Some("at least two characters"),
            ),
            (
                "Error response from daemon: Get \"https://registry-1.docker.io/v2/\": pulling from a registry is not implemented yet",
                Some("`corten load -i FILE.tar`"),
            ),
            ("Error response from daemon: unexpected EOF", Some("no tar archive")),
            (
                "Error response from daemon: container 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef is not running",
                Some("`corten start 0123456789ab`"),
            ),
            ("Error response from daemon: something else", None),
            ("unknown flag: --x", None),
        ] {
            let advice = advice("corten", refusal);
            match advised {
                Some(part) => assert!(
                    advice.clone().unwrap_or_default().contains(part),
                    "{refusal}: {advice:?}"
                ),
                None => assert_eq!(advice, None, "{refusal}"),
            }
        }
    }
}
