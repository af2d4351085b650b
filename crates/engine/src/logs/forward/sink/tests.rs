//! Servers of a few lines on the loopback.

use super::*;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

fn tcp(address: &str) -> Destination {
    Destination::Syslog(Address::Tcp(address.to_owned()), None)
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

#[tokio::test]
async fn streams_get_all_in_order() {
    let (listener, address) = listen().await;
    let mut sink = tcp(&address).connect().await.unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    let (count, result) = sink.send(b"one\ntwo\n", &[4, 8]).await;
    assert_eq!((count, result.is_ok()), (2, true));
    let mut read = [0; 8];
    stream.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"one\ntwo\n");
}

/// What the dead connection's buffers took is lost, as everywhere; all that follows is not.
#[tokio::test]
async fn a_server_that_comes_back_gets_the_rest() {
    let (listener, address) = listen().await;
    let sink = tcp(&address).connect().await.unwrap();
    drop(listener.accept().await.unwrap());
    let (_ended, told) = tokio::sync::watch::channel(false);
    let mut sending = super::super::Sending {
        destination: tcp(&address),
        sink: Some(sink),
        name: "test".to_owned(),
        told,
    };
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut all = String::new();
        let mut buffer = [0; 100];
        while !all.ends_with("last\n") {
            let count = stream.read(&mut buffer).await.unwrap();
            all.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        }
        all
    });
    for number in 0..50 {
        let bytes = format!("{number}\n").into_bytes();
        let ends = vec![bytes.len()];
        sending
            .send(&super::super::Batch {
                bytes,
                ends,
                mark: None,
            })
            .await;
        tokio::task::yield_now().await;
    }
    let (bytes, ends) = (b"last\n".to_vec(), vec![5]);
    sending
        .send(&super::super::Batch {
            bytes,
            ends,
            mark: None,
        })
        .await;
    let all = server.await.unwrap();
    let numbers: Vec<u32> = all.lines().filter_map(|line| line.parse().ok()).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{all}");
}

#[tokio::test]
async fn datagrams_are_single_and_may_be_lost() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap().to_string();
    let mut sink = Destination::Syslog(Address::Udp(address), None)
        .connect()
        .await
        .unwrap();
    assert_eq!(sink.send(b"onetwo", &[3, 6]).await.0, 2);
    let mut buffer = [0; 100];
    for want in [b"one", b"two"] {
        let count = server.recv(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..count], want);
    }
    drop(server);
    for _ in 0..3 {
        let (count, result) = sink.send(b"x", &[1]).await;
        assert_eq!((count, result.is_ok()), (1, true));
    }
}

#[tokio::test]
async fn what_is_too_long_for_a_datagram_goes_as_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    let server = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    let Sink::Datagram(socket) = connect_datagram(&path).unwrap() else {
        panic!("a datagram socket");
    };
    let message = vec![b'x'; 8 << 20];
    send_datagram(&socket, &message).await.unwrap();
    let mut buffer = [0; 10];
    let mut descriptors = Vec::new();
    let count = corten_sys::socket::receive_with_descriptors(server.as_fd(), &mut buffer, &mut descriptors).unwrap();
    assert_eq!((count, descriptors.len()), (0, 1));
    let mut file = std::fs::File::from(descriptors.into_iter().next().unwrap());
    let mut read = Vec::new();
    std::io::Seek::rewind(&mut file).unwrap();
    std::io::Read::read_to_end(&mut file, &mut read).unwrap();
    assert_eq!(read.len(), message.len());
}

#[tokio::test]
async fn tls_with_proof() {
    let directory = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let authority = directory.path().join("ca.pem");
    std::fs::write(&authority, certificate.pem()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (listener, address) = listen().await;
    let server = tokio::spawn(async move {
        // One who trusts nobody leaves first.
        drop(acceptor.accept(listener.accept().await.unwrap().0).await);
        let mut stream = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
        let mut read = [0; 4];
        stream.read_exact(&mut read).await.unwrap();
        read
    });
    let options = |pairs: &[(&str, &str)]| -> Map<String> {
        let pairs = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        pairs.collect()
    };
    let tls = |options: &Map<String>| Destination::syslog(Address::Tls(address.clone()), options);
    let refused = tls(&options(&[])).unwrap().connect().await.unwrap_err();
    assert!(refused.to_string().starts_with("tls: "), "{refused}");
    let trusting = options(&[("syslog-tls-ca-cert", authority.to_str().unwrap())]);
    let mut sink = tls(&trusting).unwrap().connect().await.unwrap();
    let (count, result) = sink.send(b"one\n", &[4]).await;
    assert_eq!((count, result.is_ok()), (1, true));
    assert_eq!(&server.await.unwrap(), b"one\n");
    assert_eq!(
        tls(&options(&[("syslog-tls-ca-cert", "/nope")]))
            .unwrap_err()
            .to_string(),
        "could not read CA certificate \"/nope\": open /nope: no such file or directory"
    );
}
