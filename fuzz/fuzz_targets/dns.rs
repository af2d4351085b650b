//! Questions for names as a container sends them, answers as a server outside does, and name tables.
#![no_main]

use corten_shim::dns::message::{self, Code, Over, Query, Record};
use corten_shim::names;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (one, other) = data.split_at(data.len() / 2);
    match Query::parse(data) {
        Ok(query) => {
            let records = query.reversed().map(Record::Address);
            let records: Vec<_> = records.into_iter().chain([Record::Name(query.name.clone())]).collect();
            let answer = query.answer(data, Code::NoError, &records, Over::Datagram);
            assert!(answer.len() <= 1232.max(data.len() + 11));
            let _worth = message::judge(&answer, query.id, data);
        }
        Err(error) => drop(message::refusal(data, error)),
    }
    let _worth = message::judge(one, 0, other);
    names::find(one, &String::from_utf8_lossy(other), &mut names::Found::default());
    let _name = names::reverse(data, std::net::IpAddr::from([10, 0, 0, 1]));
});
