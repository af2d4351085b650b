//! A worker: a few containers of its own, to which it does one random act after the other.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use corten_e2e::LIMIT;
use corten_testkit::http::{self, Answer};
use serde_json::{Value, json};

use super::Random;
use super::model::{Act, Phase, Possible};

/// A container: by its name, which is never used again.
struct Slot {
    name: String,
    is_renamed: bool,
    is_short: bool,
    possible: Possible,
    /// What was asked and answered, for whoever has to find out what went wrong.
    history: Vec<(Act, Option<u16>)>,
}

pub(super) struct Worker {
    number: u64,
    socket: PathBuf,
    random: Random,
    names: usize,
    slots: Vec<Slot>,
}

impl Worker {
    pub(super) fn new(number: u64, socket: PathBuf, random: Random) -> Self {
        let mut worker = Self {
            number,
            socket,
            random,
            names: 0,
            slots: Vec::new(),
        };
        worker.slots = (0..3).map(|_| worker.fresh()).collect();
        worker
    }

    fn fresh(&mut self) -> Slot {
        self.names += 1;
        let is_short = self.random.below(3) == 0;
        Slot {
            name: format!("w{}-{}", self.number, self.names),
            is_renamed: false,
            is_short,
            possible: Possible::absent(is_short),
            history: Vec::new(),
        }
    }

    fn network(&self) -> String {
        format!("net-{}", self.number)
    }

    /// One random act, and often a look at what came of it.
    pub(super) fn act(&mut self) -> Result<()> {
        let index = self.random.below(self.slots.len());
        let mut act = Act::WALK[self.random.below(Act::WALK.len())];
        if self.slots[index].is_renamed && matches!(act, Act::Create | Act::Rename) {
            // Its first name is free for another one, and its second is its own.
            act = Act::Start;
        }
        if act == Act::Connect {
            let body = json!({ "Name": self.network() }).to_string();
            if let Some(answer) = self.ask("POST", "/networks/create", &body)? {
                ensure!(matches!(answer.status, 201 | 409), "network create: {}", answer.text());
            }
        }
        self.apply(index, act)?;
        if self.random.below(2) == 0 {
            self.look(index)?;
        }
        if self.slots[index].possible.is_surely(Phase::Absent) && act == Act::Remove {
            self.slots[index] = self.fresh();
        }
        Ok(())
    }

    /// Looks at everything a last time and removes it.
    pub(super) fn finish(&mut self) -> Result<()> {
        for index in 0..self.slots.len() {
            self.look(index)?;
            self.apply(index, Act::Remove)?;
            self.look(index)?;
            ensure!(
                self.slots[index].possible.is_surely(Phase::Absent),
                "{} stays",
                self.slots[index].name
            );
        }
        let answer = self.ask("DELETE", &format!("/networks/{}", self.network()), "")?;
        let answer = answer.context("an answer at the end")?;
        ensure!(matches!(answer.status, 204 | 404), "network rm: {}", answer.text());
        for name in 1..=self.names {
            let path = format!("/volumes/data-w{}-{name}", self.number);
            let answer = self.ask("DELETE", &path, "")?.context("an answer at the end")?;
            ensure!(matches!(answer.status, 204 | 404), "volume rm: {}", answer.text());
        }
        Ok(())
    }

    fn apply(&mut self, index: usize, act: Act) -> Result<()> {
        let answer = match act {
            Act::Exec => self.execute(index)?,
            _ => {
                let (method, path, body) = self.request(index, act);
                self.ask(method, &path, &body)?
            }
        };
        let slot = &mut self.slots[index];
        slot.history.push((act, answer.as_ref().map(|answer| answer.status)));
        match answer {
            Some(answer) => {
                slot.is_renamed |= act == Act::Rename && answer.status < 300;
                slot.possible
                    .answered(act, answer.status)
                    .with_context(|| format!("{}: {}, after {:?}", slot.name, answer.text(), slot.history))
            }
            None => {
                slot.possible.unanswered(act);
                self.look(index)
            }
        }
    }

    fn request(&self, index: usize, act: Act) -> (&'static str, String, String) {
        let slot = &self.slots[index];
        let at = |verb: &str| format!("/containers/{}/{verb}", self.present_name(slot));
        let nothing = String::new();
        match act {
            Act::Create => ("POST", format!("/containers/create?name={}", slot.name), creation(slot)),
            Act::Start => ("POST", at("start"), nothing),
            Act::Stop => ("POST", at("stop?t=0"), nothing),
            Act::Kill => ("POST", at("kill"), nothing),
            Act::Pause => ("POST", at("pause"), nothing),
            Act::Unpause => ("POST", at("unpause"), nothing),
            Act::Restart => ("POST", at("restart?t=0"), nothing),
            Act::Rename => ("POST", at(&format!("rename?name={}-again", slot.name)), nothing),
            Act::Update => ("POST", at("update"), json!({ "CpuShares": 512 }).to_string()),
            Act::Connect => self.membership("connect", slot),
            Act::Disconnect => self.membership("disconnect", slot),
            Act::Exec => ("POST", at("exec"), json!({ "Cmd": ["true"] }).to_string()),
            Act::Remove => (
                "DELETE",
                format!("/containers/{}?force=1&v=1", self.present_name(slot)),
                nothing,
            ),
        }
    }

    fn membership(&self, verb: &str, slot: &Slot) -> (&'static str, String, String) {
        let body = json!({ "Container": self.present_name(slot), "Force": false });
        ("POST", format!("/networks/{}/{verb}", self.network()), body.to_string())
    }

    fn present_name(&self, slot: &Slot) -> String {
        if slot.is_renamed {
            format!("{}-again", slot.name)
        } else {
            slot.name.clone()
        }
    }

    /// Creates an exec session and runs it to its end. Its program may end with its container.
    fn execute(&self, index: usize) -> Result<Option<Answer>> {
        let (method, path, body) = self.request(index, Act::Exec);
        let Some(answer) = self.ask(method, &path, &body)? else {
            return Ok(None);
        };
        if answer.status != 201 {
            return Ok(Some(answer));
        }
        let made: Value = serde_json::from_str(&answer.text())?;
        let id = made["Id"].as_str().context("an exec has an id")?;
        let started = self.ask("POST", &format!("/exec/{id}/start"), r#"{"Detach":true}"#)?;
        // A session is of its daemon's time, and of its container's.
        Ok(started.filter(|answer| answer.status < 300))
    }

    /// Looks where it stands. A rename that got no answer is found out here.
    fn look(&mut self, index: usize) -> Result<()> {
        let slot = &self.slots[index];
        let names = [slot.name.clone(), format!("{}-again", slot.name)];
        let mut found = None;
        for (is_renamed, name) in [(false, &names[0]), (true, &names[1])] {
            let answer = self.answer("GET", &format!("/containers/{name}/json"))?;
            if answer.status == 200 {
                let inspect: Value = serde_json::from_str(&answer.text())?;
                let status = inspect["State"]["Status"].as_str().context("a state has a status")?;
                ensure!(found.is_none(), "{name} is there twice");
                found = Some((is_renamed, Phase::parse(status)?));
            }
        }
        let slot = &mut self.slots[index];
        let (is_renamed, phase) = found.unwrap_or((slot.is_renamed, Phase::Absent));
        slot.is_renamed = is_renamed;
        slot.possible.seen(phase).with_context(|| {
            format!(
                "a look at {}, short: {}, after {:?}",
                slot.name, slot.is_short, slot.history
            )
        })
    }

    /// Asks until a daemon lives long enough to answer.
    fn answer(&self, method: &str, path: &str) -> Result<Answer> {
        let begun = Instant::now();
        loop {
            if let Some(answer) = self.ask(method, path, "")? {
                return Ok(answer);
            }
            ensure!(begun.elapsed() < LIMIT, "no answer to {method} {path}");
        }
    }

    /// The answer; `None` when the daemon died before it came.
    fn ask(&self, method: &str, path: &str, body: &str) -> Result<Option<Answer>> {
        let begun = Instant::now();
        while http::connect(&self.socket).is_err() {
            ensure!(begun.elapsed() < LIMIT, "no daemon listens");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(http::request(&self.socket, method, &format!("/v1.51{path}"), body).ok())
    }
}

fn creation(slot: &Slot) -> String {
    json!({
        "Image": "busybox",
        "Cmd": if slot.is_short { ["sleep", "0.3"] } else { ["sleep", "1000"] },
        "Volumes": { "/anonymous": {} },
        "ExposedPorts": { "80/tcp": {} },
        "HostConfig": {
            "Binds": [format!("data-{}:/data", slot.name)],
            "PortBindings": { "80/tcp": [{ "HostIp": "127.0.0.1", "HostPort": "" }] },
        },
    })
    .to_string()
}
