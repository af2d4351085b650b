//! Output and its record.

use crate::fixture::*;
use corten_shim::protocol::*;

#[test]
fn records_output_and_exit() {
    if !possible() {
        return;
    }
    let mut kept = Kept::running("echo out; echo err >&2; printf tail; exit 7", streams());
    let exit = kept.exited();
    assert_eq!((exit.code, exit.out_of_memory), (7, false));
    let recorded: Exit = serde_json::from_str(&kept.read("exit.json")).unwrap();
    assert_eq!(recorded, exit);
    let mut texts: Vec<_> = kept
        .log()
        .iter()
        .map(|line| (line["stream"].clone(), line["log"].clone()))
        .map(|(s, l)| format!("{s} {l}"))
        .collect();
    texts.sort();
    assert_eq!(
        texts,
        [r#""stderr" "err\n""#, r#""stdout" "out\n""#, r#""stdout" "tail""#]
    );
    kept.released();
}

#[test]
fn a_process_gets_neither_our_signals_nor_our_descriptors() {
    if !possible() {
        return;
    }
    let mut kept = Kept::running(
        "grep -E 'SigBlk|SigIgn' /proc/self/status; cat /proc/self/oom_score_adj; ls /proc/1/fd; true",
        streams(),
    );
    assert_eq!(kept.exited().code, 0);
    let text: String = kept
        .log()
        .iter()
        .map(|line| line["log"].as_str().unwrap().to_owned())
        .collect();
    let expected = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n0\n0\n1\n2\n";
    assert_eq!(text, expected);
    kept.released();
}

#[test]
fn a_signal_is_128_more() {
    if !possible() {
        return;
    }
    let mut kept = Kept::running("kill -TERM $$; exec sleep 1000", streams());
    // The first process of a pid namespace ignores what it has no handler for, from inside.
    kept.signal(Target::Container, 9);
    assert_eq!(kept.exited().code, 137);
    let reply = kept.ask(Request::Signal {
        target: Target::Container,
        signal: 9,
    });
    assert!(
        matches!(
            reply,
            Reply::Failed(Failure {
                kind: FailureKind::NotRunning,
                ..
            })
        ),
        "{reply:?}"
    );
    kept.released();
}

#[test]
fn much_output_is_complete_when_the_exit_is_told() {
    if !possible() {
        return;
    }
    let mut kept = Kept::running(
        "yes 0123456789012345678901234567890123456789 | head -n 100000",
        streams(),
    );
    kept.exited();
    assert_eq!(kept.read("log").lines().count(), 100_000);
    kept.released();
}
