//! Logins at registries of a few lines on the loopback.

use super::*;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

/// Answers each request by what `answer` says of its first line and its authorization.
async fn serve(answer: impl Fn(&str, &str) -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let (mut first, mut authorization) = (String::new(), String::new());
            if stream.read_line(&mut first).await.is_err() || !first.contains("HTTP/1.1") {
                // A handshake of TLS: answered as a server without it does.
                drop(stream.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n").await);
                continue;
            }
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("authorization: ") {
                    authorization = line[line.len() - value.len()..].trim().to_owned();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            stream
                .write_all(answer(first.trim(), &authorization).as_bytes())
                .await
                .unwrap();
        }
    });
    address
}

fn reply(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

async fn attempt(server: &str, username: &str, password: &str) -> Result<AuthResponse, String> {
    let auth = AuthConfig {
        username: username.to_owned(),
        password: password.to_owned(),
        serveraddress: server.to_owned(),
        ..AuthConfig::default()
    };
    let tls = |_proof| {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.unwrap().with_root_certificates(rustls::RootCertStore::empty());
        Arc::new(builder.with_no_client_auth())
    };
    let trust = Trust { insecure: &[] };
    login(&auth, trust, tls).await.map_err(|error| error.to_string())
}

/// Texts and outcomes observed: dockerd 28.5.2 with Debian's docker-registry.
#[tokio::test]
async fn name_and_password() {
    let server = serve(|_, authorization| {
        // joe:secret
        match authorization {
            "Basic am9lOnNlY3JldA==" => reply("200 OK", "", "{}"),
            _ => reply("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", ""),
        }
    })
    .await;
    assert_eq!(
        attempt(&server, "joe", "secret").await.unwrap().status,
        "Login Succeeded"
    );
    assert_eq!(
        attempt(&server, "joe", "wrong").await.unwrap_err(),
        format!("login attempt to http://{server}/v2/ failed with status: 401 Unauthorized")
    );
    assert_eq!(
        attempt(&server, "", "").await.unwrap_err(),
        format!("Get \"http://{server}/v2/\": no basic auth credentials")
    );
    assert_eq!(
        attempt("127.0.0.1:1", "joe", "secret").await.unwrap_err(),
        "Get \"http://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused"
    );
}

#[tokio::test]
async fn tokens() {
    let tokens = serve(|first, authorization| {
        assert!(
            first.contains("/token?account=joe&client_id=docker&offline_token=true&service=a%20b"),
            "{first}"
        );
        match authorization {
            "Basic am9lOnNlY3JldA==" => reply("200 OK", "", r#"{"token":"T","refresh_token":"R"}"#),
            _ => reply(
                "401 Unauthorized",
                "",
                r#"{"details":"incorrect username or password"}"#,
            ),
        }
    })
    .await;
    let server = serve(move |_, authorization| {
        let ask = format!("WWW-Authenticate: Bearer realm=\"http://{tokens}/token\",service=\"a b\"\r\n");
        match authorization {
            "Bearer T" => reply("200 OK", "", "{}"),
            _ => reply("401 Unauthorized", &ask, ""),
        }
    })
    .await;
    let taken = attempt(&server, "joe", "secret").await.unwrap();
    assert_eq!(
        (taken.identity_token.as_str(), taken.status.as_str()),
        ("R", "Login Succeeded")
    );
    assert_eq!(
        attempt(&server, "joe", "wrong").await.unwrap_err(),
        format!("Get \"http://{server}/v2/\": unauthorized: incorrect username or password")
    );
}
