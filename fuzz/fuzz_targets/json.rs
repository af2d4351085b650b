//! Request bodies from anyone who reaches the socket: the create body is the largest, with every
//! shape that the decoder knows. Also filters and queries, which are JSON and percent-encoding in URLs.
#![no_main]

use corten_api::container::ContainerCreateBody;
use corten_api::exec::{ExecConfig, ExecStartConfig};
use corten_api::{Filters, json, query};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(body) = json::decode::<ContainerCreateBody>(data) {
        let written = json::encode(&body);
        let read: ContainerCreateBody = json::decode(&written).expect("what we write can be read");
        assert_eq!(json::encode(&read), written);
    }
    drop(json::decode::<ExecConfig>(data));
    drop(json::decode::<ExecStartConfig>(data));
    if let Ok(text) = std::str::from_utf8(data) {
        drop(Filters::parse(text));
        drop(query::pairs(text));
    }
});
