//! TLS in front of the HTTP layer: who is let in, who is not and hears why, and that nobody hurts the
//! others. Clients are rustls over blocking sockets; certificates are made here. Needs no root.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use corten_daemon::daemon::accept;
use corten_daemon::http::hijack::{Framing, hijack};
use corten_daemon::http::{Body, Handler, Stop, Stopper, Wire, answer};
use corten_daemon::listen::{Listener, TlsFiles, server_config};
use corten_daemon::thrift::Thrift;
use http::{Response, StatusCode};
use hyper::body::Incoming;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Far above what any of this takes, even on a loaded machine.
const LIMIT: Duration = Duration::from_secs(30);

/// A certificate and its key.
struct Pair {
    certificate: String,
    key: String,
}

/// An authority.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        Self {
            issuer: Issuer::new(params, key),
            certificate,
        }
    }

    fn sign(&self, usage: ExtendedKeyUsagePurpose, until: (i32, u8, u8)) -> Pair {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).expect("parameters");
        params.extended_key_usages = vec![usage];
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate").pem();
        Pair {
            certificate,
            key: key.serialize_pem(),
        }
    }

    fn client(&self) -> Pair {
        self.sign(ExtendedKeyUsagePurpose::ClientAuth, (2100, 1, 1))
    }
}

/// Answers everything; hijacks `/raw` and sends back what comes, upper-cased, once input has ended.
struct Fake;

impl Handler for Fake {
    async fn handle(&self, request: http::Request<Incoming>, wire: Wire) -> Response<Body> {
        match request.uri().path() {
            "/raw" => {
                let taken = hijack(wire, true, Framing::Raw).await.expect("the client is there");
                std::thread::spawn(move || echo(taken.connection.into(), taken.early_input));
                answer::status(StatusCode::OK)
            }
            "/big" => answer::stream("text/plain", Body::whole(vec![b'x'; 8 << 20])),
            _ => answer::ping(true, answer::Builder::BuildKit),
        }
    }
}

fn echo(mut stream: std::os::unix::net::UnixStream, mut input: Vec<u8>) {
    stream.set_nonblocking(false).expect("a socket");
    stream.read_to_end(&mut input).expect("all input");
    input.make_ascii_uppercase();
    stream.write_all(&input).expect("the client listens");
}

struct Server {
    address: SocketAddr,
    stopper: Stopper,
    runtime: tokio::runtime::Runtime,
    accepting: tokio::task::JoinHandle<()>,
    authority: Authority,
    _directory: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let authority = Authority::new("ours");
        let files = write_files(directory.path(), &authority);
        let config = server_config(&files).expect("good files");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let (stopper, stop) = Stopper::new();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .expect("a free port");
        let address = listener.local_addr().expect("an address");
        let accepting = runtime.spawn(serve(Listener::Tcp(listener, Some(config)), stop));
        Self {
            address,
            stopper,
            runtime,
            accepting,
            authority,
            _directory: directory,
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(LIMIT)).expect("a socket");
        stream
    }

    fn secure(&self, trusted: &Authority, shown: Option<&Pair>) -> StreamOwned<ClientConnection, TcpStream> {
        let name = "localhost".try_into().expect("a name");
        let connection = ClientConnection::new(config(trusted, shown), name).expect("a connection");
        StreamOwned::new(connection, self.connect())
    }

    /// The answer to a ping, or why there is none.
    fn ping(&self, trusted: &Authority, shown: Option<&Pair>) -> Result<String, String> {
        let mut stream = self.secure(trusted, shown);
        let text = |error: io::Error| error.to_string();
        stream
            .write_all(b"GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n")
            .map_err(text)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(text)?;
        Ok(answer)
    }

    fn is_well(&self) -> bool {
        let client = self.authority.client();
        self.ping(&self.authority, Some(&client))
            .is_ok_and(|answer| answer.ends_with("OK"))
    }

    fn stop(self) {
        self.stopper.stop();
        let ended = async { tokio::time::timeout(LIMIT, self.accepting).await };
        self.runtime
            .block_on(ended)
            .expect("the server ends when told to")
            .expect("it does not panic");
    }
}

async fn serve(listener: Listener, stop: Stop) {
    accept(listener, Arc::new(Fake), Thrift::default(), stop).await;
}

fn write_files(directory: &Path, authority: &Authority) -> TlsFiles {
    let write = |name: &str, text: &str| -> PathBuf {
        let path = directory.join(name);
        std::fs::write(&path, text).expect("a file");
        path
    };
    let server = authority.sign(ExtendedKeyUsagePurpose::ServerAuth, (2100, 1, 1));
    TlsFiles {
        certificate: write("cert.pem", &server.certificate),
        key: write("key.pem", &server.key),
        authority: Some(write("ca.pem", &authority.certificate)),
    }
}

fn config(trusted: &Authority, shown: Option<&Pair>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(trusted.certificate.as_bytes()).expect("a certificate");
    roots.add(root).expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    Arc::new(match shown {
        None => builder.with_no_client_auth(),
        Some(pair) => {
            let chain = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).expect("a certificate");
            let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).expect("a key");
            builder.with_client_auth_cert(vec![chain], key).expect("a pair")
        }
    })
}

#[test]
fn only_clients_of_the_authority_are_served() {
    let server = Server::start();
    assert!(server.is_well());
    let (ours, other) = (&server.authority, Authority::new("other"));
    let expired = ours.sign(ExtendedKeyUsagePurpose::ClientAuth, (2021, 1, 1));
    let wrong_use = ours.sign(ExtendedKeyUsagePurpose::ServerAuth, (2100, 1, 1));
    for (what, trusted, shown, why) in [
        ("no certificate", ours, None, "CertificateRequired"),
        ("a stranger's certificate", ours, Some(&other.client()), "UnknownCA"),
        ("an expired certificate", ours, Some(&expired), "CertificateExpired"),
        (
            "a server's certificate",
            ours,
            Some(&wrong_use),
            "UnsupportedCertificate",
        ),
        (
            "a server that is not trusted",
            &other,
            Some(&ours.client()),
            "UnknownIssuer",
        ),
    ] {
        let refused = server.ping(trusted, shown).expect_err(what);
        assert!(refused.contains(why), "{what}: {refused}");
    }
    assert!(server.is_well());
    server.stop();
}

#[test]
fn plain_http_is_answered_as_go_does() {
    let server = Server::start();
    let mut stream = server.connect();
    stream
        .write_all(b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n")
        .expect("it listens");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer and a proper end");
    assert_eq!(
        answer,
        "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
    );
    assert!(server.is_well());
    server.stop();
}

#[test]
fn a_handshake_that_is_never_finished_is_cut_off_and_keeps_nobody_waiting() {
    let server = Server::start();
    let begun = Instant::now();
    let mut stalled: Vec<TcpStream> = (0..20).map(|_| server.connect()).collect();
    for (number, stream) in stalled.iter_mut().enumerate() {
        // Some say nothing at all, some begin a record and stop.
        if number % 2 == 0 {
            stream.write_all(&[0x16, 3, 1, 0xff, 0]).expect("it listens");
        }
    }
    assert!(server.is_well());
    assert!(begun.elapsed() < Duration::from_secs(9), "others had to wait");
    for mut stream in stalled {
        let ended = stream.read(&mut [0; 64]);
        assert!(
            !matches!(&ended, Err(error) if error.kind() == io::ErrorKind::WouldBlock),
            "still open"
        );
    }
    server.stop();
}

#[test]
fn a_hijacked_connection_can_be_closed_half_way() {
    let server = Server::start();
    let client = server.authority.client();
    let mut stream = server.secure(&server.authority, Some(&client));
    stream
        .write_all(b"POST /raw HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly ")
        .expect("it listens");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a head");
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101 UPGRADED\r\n"));
    let long = vec![b'a'; 3 << 20];
    stream.write_all(&long).expect("it listens");
    stream.conn.send_close_notify();
    stream.flush().expect("it listens");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("all of it, and a proper end");
    assert_eq!(answer.len(), 6 + long.len());
    assert!(answer.starts_with(b"EARLY AAA") && answer.ends_with(b"AAA"));
    server.stop();
}

#[test]
fn hundreds_of_idle_clients_keep_nobody_out() {
    // Each takes one descriptor here and three in the server, which is the same process.
    corten_sys::descriptors::raise().expect("a limit");
    let server = Server::start();
    let client = server.authority.client();
    let ping = b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n";
    let mut idle = Vec::new();
    for _ in 0..500 {
        let mut stream = server.secure(&server.authority, Some(&client));
        if stream.write_all(ping).is_err() {
            break;
        }
        idle.push(stream);
    }
    assert!(idle.len() >= 200, "only {} clients could connect", idle.len());
    assert!(server.is_well());
    for stream in &mut idle {
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 200");
    }
    drop(idle);
    server.stop();
}

#[test]
fn a_slow_reader_gets_all_beside_one_that_never_reads() {
    let server = Server::start();
    let client = server.authority.client();
    let request = b"GET /big HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n";
    let mut never = server.secure(&server.authority, Some(&client));
    never.write_all(request).expect("it listens");
    let mut slow = server.secure(&server.authority, Some(&client));
    slow.write_all(request).expect("it listens");
    let (mut total, mut buffer) = (0, [0; 10_000]);
    loop {
        let read = slow.read(&mut buffer).expect("a proper end");
        if read == 0 {
            break;
        }
        total += read;
    }
    assert!(total > 8 << 20, "{total}");
    assert!(server.is_well());
    drop(never);
    server.stop();
}

#[test]
fn a_client_that_vanishes_takes_its_session_with_it() {
    let server = Server::start();
    let client = server.authority.client();
    for _ in 0..5 {
        let mut stream = server.secure(&server.authority, Some(&client));
        stream
            .write_all(b"POST /raw HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
            .expect("it listens");
        stream.sock.shutdown(Shutdown::Both).expect("a socket");
    }
    assert!(server.is_well());
    server.stop();
}

#[test]
fn files_that_cannot_be_used_are_refused_in_docker_s_words() {
    let directory = tempfile::tempdir().expect("a directory");
    let good = write_files(directory.path(), &Authority::new("ours"));
    let message = |files: TlsFiles| server_config(&files).expect_err("bad files").to_string();
    let none: PathBuf = "/nope".into();
    let missing = message(TlsFiles {
        key: none.clone(),
        ..good.clone()
    });
    let certificate = good.certificate.display();
    assert_eq!(
        missing,
        format!(
            "Could not load X509 key pair (cert: \"{certificate}\", key: \"/nope\"): open /nope: no such file or directory"
        )
    );
    let no_authority = message(TlsFiles {
        authority: Some(none),
        ..good.clone()
    });
    assert_eq!(
        no_authority,
        "could not read CA certificate \"/nope\": open /nope: no such file or directory"
    );
    let stranger = directory.path().join("other-key.pem");
    std::fs::write(&stranger, Authority::new("x").client().key).expect("a file");
    let unrelated = message(TlsFiles {
        key: stranger,
        ..good.clone()
    });
    assert!(unrelated.ends_with("tls: private key does not match public key. Make sure the key is not encrypted."));
    let empty = message(TlsFiles {
        authority: Some(good.key.clone()),
        ..good
    });
    assert!(
        empty.starts_with("failed to append certificates from PEM file: "),
        "{empty}"
    );
}
