//! `ssh://`: the program `ssh` runs `system dial-stdio` on the other machine, and its standard streams are
//! the connection. Its arguments, and the text of its failure, are Docker's.

use std::ffi::{CString, OsStr};
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::PathBuf;

use rustix::process::{Pid, WaitOptions, waitpid};
use tokio::net::UnixStream;
use tokio::sync::watch;

use crate::error::CallError;
use crate::host::SshHost;
use crate::tunnel::{Fault, Tunnel};

/// Most bytes of what `ssh` complains about that are shown.
const COMPLAINT_BYTES: u64 = 16 << 10;

/// Starts `ssh`. It has a session of its own, so that a signal for this program does not cut the connection.
pub(crate) fn connect(host: &SshHost) -> Result<Tunnel, CallError> {
    let arguments = arguments(host);
    let (near, far) = BlockingStream::pair()?;
    let (complaints, complaining) = io::pipe()?;
    let pid = spawn(&arguments, &far, &complaining)?;
    drop((far, complaining));
    let (told, faults) = watch::channel(None);
    std::thread::spawn(move || {
        let mut text = Vec::new();
        // Ends with the program, which holds the other end.
        complaints
            .take(COMPLAINT_BYTES)
            .read_to_end(&mut text)
            .unwrap_or_default();
        told.send_replace(Some(Fault {
            reason: ended(&arguments, pid, &String::from_utf8_lossy(&text)),
            hint: "try the same `ssh` command by hand; keys are taken from your ssh agent and configuration",
        }));
    });
    near.set_nonblocking(true)?;
    Ok(Tunnel {
        socket: UnixStream::from_std(near)?,
        faults,
    })
}

/// The whole command, as Docker's client runs it. On the other side Corten's client is asked if there is
/// one, else Docker's.
fn arguments(host: &SshHost) -> Vec<String> {
    let mut all: Vec<String> = ["ssh", "-o", "ConnectTimeout=30", "-T"].map(str::to_owned).into();
    if let Some(user) = &host.user {
        all.extend(["-l".to_owned(), user.clone()]);
    }
    if let Some(port) = host.port {
        all.extend(["-p".to_owned(), port.to_string()]);
    }
    let socket = host
        .path
        .as_ref()
        .map(|path| format!("--host {} ", quoted(&format!("unix://{path}"))));
    let rest = format!("{}system dial-stdio", socket.unwrap_or_default());
    let either = format!("command -v corten >/dev/null 2>&1 && exec corten {rest}; exec docker {rest}");
    all.extend(["--".to_owned(), host.name.clone(), format!("sh -c {}", quoted(&either))]);
    all
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn spawn(arguments: &[String], socket: &BlockingStream, complaints: &io::PipeWriter) -> Result<Pid, CallError> {
    let program = find_program("ssh").ok_or_else(|| CallError::Broken {
        request: String::new(),
        reason: "exec: \"ssh\": executable file not found in $PATH".to_owned(),
        hint: "install an ssh client (openssh-client)",
    })?;
    let text = |bytes: &[u8]| CString::new(bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput));
    let words = arguments.iter().map(|word| text(word.as_bytes()));
    let words = words.collect::<io::Result<Vec<CString>>>()?;
    let environment =
        std::env::vars_os().map(|(name, value)| text(&[name.as_bytes(), b"=", value.as_bytes()].concat()));
    let environment = environment.collect::<io::Result<Vec<CString>>>()?;
    let started = corten_sys::spawn::spawn(&corten_sys::spawn::Command {
        program: &text(program.as_os_str().as_bytes())?,
        arguments: &words.iter().map(CString::as_c_str).collect::<Vec<_>>(),
        environment: &environment.iter().map(CString::as_c_str).collect::<Vec<_>>(),
        descriptors: &[socket.as_fd(), socket.as_fd(), complaints.as_fd()],
    })?;
    let pid = i32::try_from(started).ok().and_then(Pid::from_raw);
    Ok(pid.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?)
}

fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_program = |path: &PathBuf| {
        let found = std::fs::metadata(path);
        found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(&path)
        .filter(|directory| directory.as_os_str() != OsStr::new(""))
        .map(|directory| directory.join(name))
        .find(is_program)
}

/// Reaps the program and says how it ended.
fn ended(arguments: &[String], pid: Pid, complaint: &str) -> String {
    let status = match waitpid(Some(pid), WaitOptions::empty()) {
        Ok(Some((_, status))) => match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => format!("exit status {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "unknown status".to_owned(),
        },
        Ok(None) | Err(_) => "unknown status".to_owned(),
    };
    format!(
        "command [{}] has exited with {status}, make sure the URL is valid, and Docker 18.09 or later is installed on \
         the remote host: stderr={complaint}",
        arguments.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;

    #[test]
    fn the_command_is_docker_s_but_for_the_other_side() {
        let Ok(Host::Ssh(host)) = "ssh://me@far:2222/run/it's.sock".parse() else {
            panic!("an address")
        };
        let words = arguments(&host);
        assert_eq!(
            words[..10].join(" "),
            "ssh -o ConnectTimeout=30 -T -l me -p 2222 -- far"
        );
        let shell = std::process::Command::new("sh")
            .arg("-c")
            .arg(
                words[10]
                    .replace("exec corten", "exec echo corten")
                    .replace("exec docker", "exec echo docker"),
            )
            .output()
            .unwrap();
        let said = String::from_utf8(shell.stdout).unwrap();
        assert!(
            said.ends_with(" --host unix:///run/it's.sock system dial-stdio\n"),
            "{said}"
        );
    }
}
