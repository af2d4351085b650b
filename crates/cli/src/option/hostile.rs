//! No text, however wrong, brings a reader down.

use std::path::Path;

use corten_base::{Timestamp, duration, moment};
use proptest::prelude::*;

use super::{
    address, capability, decimal, device, device_rate, environment, field, gpu, mount, network, pair, port::Ports,
    restart, ulimit, volume,
};
use crate::flag::{Rules, parse};
use crate::format::Template;
use crate::terminal::DetachKeys;
use corten_base::zone::Zone;

/// Any text, and texts of the letters that the readers look for.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[-+.:,=/\\[\\]{}\"' a-z0-9]{0,24}",
        "(type|src|dst|name|ip)=[a-z/.\",=]{0,12}(,[a-z-]{1,12}=[a-z0-9/\",]{0,8}){0,3}",
        "[0-9]{0,6}[-:][0-9]{0,6}[-:/][a-z0-9]{0,6}",
    ]
}

proptest! {
    #[test]
    fn options(text in texts()) {
        let text = text.as_str();
        let now = Timestamp::from_unix(1_700_000_000, 0);
        address::check_host(text).ok();
        address::host(text);
        address::check_domain(text).ok();
        address::check_link(text).ok();
        address::is_mac(text);
        capability::normalise([text].into_iter());
        decimal::parse_nano(text).ok();
        device::parse(text).ok();
        device::check_rule(text).ok();
        device::is_qualified(text);
        device_rate::parse_bytes(text).ok();
        device_rate::parse_weight(text).ok();
        duration::parse(text).ok();
        environment::check(text).ok();
        field::split(text).ok();
        gpu::parse(text).ok();
        moment::parse(text, now, &Zone::utc()).ok();
        mount::parse(text).ok();
        network::parse(text).ok();
        pair::map([text]);
        Ports::parse([text].into_iter(), [text].into_iter()).ok();
        restart::parse(text).ok();
        ulimit::parse(text).ok();
        volume::parse(text, Path::new("/")).ok();
        DetachKeys::parse(text).ok();
        Template::parse(text).ok();
    }

    #[test]
    fn arguments(words in prop::collection::vec(prop_oneof![texts(), "-{0,3}[a-zA-Z-]{0,8}=?[a-z0-9]{0,4}"], 0..6)) {
        let rules = Rules { tables: &[crate::container_config::FLAGS], interspersed: false };
        if let Ok(parsed) = parse(rules, words) {
            crate::container_config::compile(&parsed).ok();
        }
    }

    #[test]
    fn quoted_fields_come_back(fields in prop::collection::vec("[a-z\", ]{1,6}", 1..5)) {
        let line: Vec<String> = fields.iter().map(|text| format!("\"{}\"", text.replace('"', "\"\""))).collect();
        prop_assert_eq!(field::split(&line.join(",")).unwrap(), fields);
    }
}
