//! `version`: ours and the engine's.

use corten_api::system::{ComponentVersion, SystemVersion};

use crate::config::context_name;
use crate::failure::{BAD_TEMPLATE, Failure};
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::format::Template;
use crate::release::{self, COMMIT, LANGUAGE};
use crate::verb::{Arguments, Invocation, Verb, block_on};
use crate::{output, schema};

const FLAGS: &[Flag] = &[Flag::new("format", Kind::Text, "Print by a template, or as json").short('f')];

pub(super) const VERB: Verb = Verb {
    names: &["version"],
    shortcut: Some("version"),
    usage: "[OPTIONS]",
    about: "Show the Corten version information",
    arguments: Arguments::None,
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: version,
};

fn version(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let template = match parsed.text("format").filter(|format| !format.is_empty()) {
        Some("json") => Some("{{json .}}"),
        format => format,
    };
    let template = template.map(|format| Template::named("version", format)).transpose();
    let template = template.map_err(|error| Failure::from(error).code(BAD_TEMPLATE))?;
    let client = invocation.client()?;
    let server = block_on(async { Ok(client.server_version_raw().await?) });
    let context = context_name(&invocation.globals);
    let api = client.version().unwrap_or("1.51").to_owned();
    match template {
        Some(template) => {
            let server = match &server {
                Ok(bytes) => with_spelled_date(String::from_utf8_lossy(bytes).trim()),
                Err(_) => "null".to_owned(),
            };
            let text = format!(
                "{{\"Client\":{},\"Server\":{server}}}",
                client_json(&invocation.program, &api, &context)
            );
            output::filled(template.fill_only(&text, &schema::VERSION))?;
        }
        None => {
            output::print(&client_text(&invocation.program, &api, &context))?;
            if let Ok(bytes) = &server {
                let version: SystemVersion = serde_json::from_slice(bytes)
                    .map_err(|error| Failure::new(format!("cannot read the daemon's version: {error}")))?;
                output::print(&server_text(&version))?;
            }
        }
    }
    server.map(drop)
}

/// The engine's answer with the date among the details of its first component in words, as Docker's client changes it;
/// the one beside them stays.
fn with_spelled_date(answer: &str) -> String {
    const KEY: &str = "\"BuildTime\":\"";
    let details = answer.find("\"Details\":{").unwrap_or(answer.len());
    let end = answer[details..].find('}').map_or(answer.len(), |end| details + end);
    let Some(start) = answer[details..end].find(KEY).map(|at| details + at + KEY.len()) else {
        return answer.to_owned();
    };
    let Some(length) = answer[start..end].find('"') else {
        return answer.to_owned();
    };
    let (before, date, after) = (
        &answer[..start],
        &answer[start..start + length],
        &answer[start + length..],
    );
    format!("{before}{}{after}", release::date(date))
}

fn client_json(program: &str, api: &str, context: &str) -> String {
    let (version, built) = (release::version(program), release::date(release::BUILT));
    let (os, arch) = ("linux", architecture());
    let context = crate::context::go_json(&context);
    format!(
        "{{\"Version\":\"{version}\",\"ApiVersion\":\"{api}\",\"DefaultAPIVersion\":\"1.51\",\"GitCommit\":\"{COMMIT}\",\
         \"GoVersion\":\"{LANGUAGE}\",\"Os\":\"{os}\",\"Arch\":\"{arch}\",\"BuildTime\":\"{built}\",\"Context\":{context}}}"
    )
}

fn client_text(program: &str, api: &str, context: &str) -> String {
    let mut text = "Client: Corten\n".to_owned();
    push(&mut text, 1, "Version", release::version(program));
    push(&mut text, 1, "API version", api);
    push(&mut text, 1, "Go version", LANGUAGE);
    push(&mut text, 1, "Git commit", COMMIT);
    push(&mut text, 1, "Built", &release::date(release::BUILT));
    push(&mut text, 1, "OS/Arch", &format!("linux/{}", architecture()));
    push(&mut text, 1, "Context", context);
    text
}

fn server_text(version: &SystemVersion) -> String {
    let mut text = format!("\nServer: {}", version.platform.name).trim_end().to_owned() + "\n";
    for component in &version.components {
        if component.name == "Engine" {
            engine_text(&mut text, component);
        } else {
            text.push_str(&format!(" {}:\n", component.name));
            push(&mut text, 2, "Version", &component.version);
            for (name, value) in &component.details {
                push(&mut text, 2, name, value);
            }
        }
    }
    text
}

fn engine_text(text: &mut String, engine: &ComponentVersion) {
    let detail = |name: &str| engine.details.get(name).cloned().unwrap_or_default();
    text.push_str(" Engine:\n");
    push(text, 2, "Version", &engine.version);
    push(
        text,
        2,
        "API version",
        &format!("{} (minimum version {})", detail("ApiVersion"), detail("MinAPIVersion")),
    );
    for (name, key) in [
        ("Go version", "GoVersion"),
        ("Git commit", "GitCommit"),
        ("Built", "BuildTime"),
    ] {
        let value = release::date(&detail(key));
        if !value.is_empty() {
            push(text, 2, name, &value);
        }
    }
    push(text, 2, "OS/Arch", &format!("{}/{}", detail("Os"), detail("Arch")));
    push(text, 2, "Experimental", &detail("Experimental"));
}

fn push(text: &mut String, indent: usize, name: &str, value: &str) {
    let head = format!("{:indent$}{name}:", "");
    text.push_str(&format!("{head:19} {value}\n"));
}

/// The processor as Docker names it.
pub(super) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_the_first_component_is_spelled() {
        let answer = r#"{"Components":[{"Details":{"Arch":"amd64","BuildTime":"2024-02-01T00:00:00Z"}}],"BuildTime":"2024-02-01T00:00:00Z"}"#;
        let spelled = r#"{"Components":[{"Details":{"Arch":"amd64","BuildTime":"Thu Feb  1 00:00:00 2024"}}],"BuildTime":"2024-02-01T00:00:00Z"}"#;
        assert_eq!(with_spelled_date(answer), spelled);
        for other in [
            "{}",
            r#"{"BuildTime":"2024-02-01T00:00:00Z"}"#,
            r#"{"Details":{"BuildTime":"#,
            "",
        ] {
            assert_eq!(with_spelled_date(other), other);
        }
    }
}
