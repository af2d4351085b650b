//! The program in French and in English, by locale and by name.

use std::os::unix::fs::symlink;
use std::process::Command;

use crate::scripted::{Engine, corten, finish};

/// What the program says with these variables: exit code, standard output, standard error.
fn said(mut command: Command, variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    command.envs(variables.iter().copied());
    let output = finish(command, "");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn french_by_locale() {
    let french = [("LANG", "fr_FR.UTF-8")];
    let (_, help, _) = said(corten(&["ps", "--help"]), &french);
    assert!(
        help.starts_with("Utilisation :  corten ps [OPTIONS]\n\nAfficher la liste des conteneurs\n\nAutres formes :\n"),
        "{help}"
    );
    let (code, _, error) = said(corten(&["run"]), &french);
    assert_eq!(
        (code, error.as_str()),
        (
            Some(1),
            "corten: « corten run » demande au moins 1 argument\n\nUtilisation :  corten run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nVoir « corten run --help » pour en savoir plus\n"
        )
    );
    let (_, _, error) = said(corten(&["run", "--volum", "/x", "alpine"]), &french);
    assert!(error.starts_with("option inconnue : --volum\n"), "{error}");
    assert!(
        error.ends_with("astuce : vouliez-vous dire « --volume » ?\n"),
        "{error}"
    );
    let (_, _, error) = said(corten(&["run", "-m", "x", "alpine"]), &french);
    assert!(
        error.starts_with("valeur \"x\" non valide pour l'option \"-m, --memory\" : taille non valide : « x »\n"),
        "{error}"
    );
    let (_, _, error) = said(corten(&["ps", "--bogus"]), &[("LANG", "fr_FR.UTF-8"), ("LC_ALL", "C")]);
    assert!(error.starts_with("unknown flag: --bogus\n"), "{error}");
}

#[test]
fn what_scripts_read_stays() {
    let engine = Engine::start(|request| match request.is("GET /containers/json") {
        true => request.answer("200 OK", "[]"),
        false => request.answer("404 Not Found", "{\"message\":\"No such container: x\"}"),
    });
    let address = engine.address();
    let french = [("CORTEN_LANG", "fr"), ("CORTEN_HOST", address.as_str())];
    let (_, table, _) = said(corten(&["ps"]), &french);
    assert!(table.starts_with("CONTAINER ID   IMAGE "), "{table}");
    let (code, _, error) = said(corten(&["stop", "x"]), &french);
    assert_eq!(
        (code, error.as_str()),
        (
            Some(1),
            "Erreur du moteur : conteneur introuvable : x\nastuce : affichez tous les conteneurs avec « corten ps -a »\n"
        )
    );
    let hintless = [("DOCKER_CLI_HINTS", "false"), french[0], french[1]];
    let (_, _, error) = said(corten(&["stop", "x"]), &hintless);
    assert_eq!(error, "Erreur du moteur : conteneur introuvable : x\n");
}

#[test]
fn called_docker_it_speaks_english() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let disguise = directory.path().join("docker");
    symlink(env!("CARGO_BIN_EXE_corten"), &disguise).expect("a link");
    let docker = |words: &[&str]| {
        let mut command = Command::new(&disguise);
        command.args(words).env_clear().env("HOME", "/nonexistent");
        command
    };
    let (_, _, error) = said(docker(&["rm"]), &[("LANG", "fr_FR.UTF-8")]);
    assert!(
        error.starts_with("docker: 'docker rm' requires at least 1 argument\n"),
        "{error}"
    );
    let (_, _, error) = said(docker(&["rm"]), &[("CORTEN_LANG", "fr")]);
    assert!(
        error.starts_with("docker: « docker rm » demande au moins 1 argument\n"),
        "{error}"
    );
    let (_, version, _) = said(docker(&["-v"]), &[]);
    assert!(version.starts_with("Docker version 28.5.2+corten."), "{version}");
    // Hints are for people at a terminal.
    let (_, _, error) = said(docker(&["rnu"]), &[]);
    assert_eq!(
        error,
        "docker: unknown command: docker rnu\n\nRun 'docker --help' for more information\n"
    );
}
