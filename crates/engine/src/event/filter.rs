//! Docker's filters for events (pure): values of one name are alternatives, names must all match.

use corten_api::Filters;
use corten_api::event::EventMessage;

use crate::volume::label_matches;

/// Whether an event is wanted.
#[must_use]
pub fn matches(filters: &Filters, message: &EventMessage) -> bool {
    let any = |name: &str, test: &dyn Fn(&str) -> bool| !filters.contains(name) || filters.get(name).any(test);
    let kind = message.kind.as_str();
    let actor = &message.actor;
    let named = |name: &str, value: &str| {
        kind == name
            && (actor.id == value
                || actor.attributes.get("name").is_some_and(|own| own == value)
                || (value.len() >= 2 && actor.id.starts_with(value)))
    };
    any("event", &|value| {
        message.action == value || message.action.split(": ").next() == Some(value)
    }) && any("type", &|value| kind == value)
        && any("scope", &|value| message.scope == value)
        && filters
            .get("label")
            .all(|value| label_matches(&actor.attributes, value))
        && any("image", &|value| {
            named("image", value) || (kind == "container" && image_matches(actor.attributes.get("image"), value))
        })
        && [
            "container",
            "volume",
            "network",
            "daemon",
            "plugin",
            "service",
            "node",
            "secret",
            "config",
        ]
        .iter()
        .all(|name| any(name, &|value| named(name, value)))
}

/// A container's image, with or without its tag.
fn image_matches(image: Option<&String>, value: &str) -> bool {
    image.is_some_and(|image| image == value || image.split(':').next() == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use corten_api::event::EventActor;

    #[test]
    fn table() {
        let attributes = [("name", "web"), ("image", "nginx:1"), ("tier", "front")];
        let attributes = attributes
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let message = EventMessage {
            kind: "container".to_owned(),
            action: "exec_create: sh".to_owned(),
            actor: EventActor {
                id: "abcdef".to_owned(),
                attributes,
            },
            scope: "local".to_owned(),
            ..EventMessage::default()
        };
        let table = [
            (&[][..], true),
            (&[("type", "container")][..], true),
            (&[("type", "image")][..], false),
            (&[("type", "image"), ("type", "container")][..], true),
            (&[("event", "exec_create")][..], true),
            (&[("event", "start")][..], false),
            (&[("container", "web")][..], true),
            (&[("container", "abc")][..], true),
            (&[("container", "db")][..], false),
            (&[("image", "nginx")][..], true),
            (&[("image", "redis")][..], false),
            (&[("label", "tier=front")][..], true),
            (&[("label", "tier"), ("label", "x")][..], false),
            (&[("volume", "v")][..], false),
        ];
        for (pairs, expected) in table {
            let mut filters = Filters::default();
            for (name, value) in pairs {
                filters.add(name, value);
            }
            assert_eq!(matches(&filters, &message), expected, "{pairs:?}");
        }
    }
}
