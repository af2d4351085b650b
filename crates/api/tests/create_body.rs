//! The create body against anything: whatever is read is written and read back the same.

use corten_api::container::ContainerCreateBody;
use corten_api::json;
use proptest::prelude::*;
use serde_json::Value;

/// JSON values, with keys that mean something often enough.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z/:=0-9]{0,9}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 6, |inner| {
        let key = prop_oneof![
            Just("Cmd"),
            Just("image"),
            Just("ENV"),
            Just("HostConfig"),
            Just("hostconfig"),
            Just("Labels"),
            Just("PortBindings"),
            Just("Memory"),
            Just("NetworkingConfig"),
            Just("EndpointsConfig"),
            Just("Mounts"),
            Just("Healthcheck"),
            Just("80/tcp"),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..8).prop_map(|entries| entries
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(json::decode::<ContainerCreateBody>(&bytes));
    }

    #[test]
    fn what_is_read_survives_a_round_trip(document in document()) {
        let text = serde_json::to_vec(&document).unwrap();
        if let Ok(body) = json::decode::<ContainerCreateBody>(&text) {
            let written = json::encode(&body);
            let read: ContainerCreateBody = json::decode(&written).unwrap();
            prop_assert_eq!(json::encode(&read), written);
        }
    }
}
