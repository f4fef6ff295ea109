//! A proxy in front of PostgreSQL that writes down the statements which pass, and the plans by which they were run
//! (PostgreSQL: Frontend/Backend Protocol, Message Formats).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// Asks for TLS, which the tests' server has not: the answer is one byte.
const TLS_REQUEST: u32 = 80_877_103;

/// What passed so far.
#[derive(Clone, Default)]
pub struct Wire {
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    /// The connection, and the text as it was sent.
    statements: Vec<(usize, String)>,
    plans: Vec<Plan>,
}

/// How the server ran a statement.
#[derive(Clone, Debug)]
pub struct Plan {
    pub statement: String,
    pub root: Value,
}

impl Wire {
    /// Listens, and passes on to the server at `port`; the port to connect to instead.
    pub async fn in_front_of(port: u16) -> (Self, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap().port();
        let wire = Self::default();
        let own = wire.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(own.clone().pass(client, port));
            }
        });
        (wire, here)
    }

    /// Forgets what passed.
    pub fn clear(&self) {
        let mut seen = self.seen.lock().unwrap();
        seen.statements.clear();
        seen.plans.clear();
    }

    /// The statements since the last [`Wire::clear`], each with its connection. Without the end of reads, which passes
    /// when the answer has left.
    pub fn statements(&self) -> Vec<(usize, String)> {
        let seen = self.seen.lock().unwrap();
        let passed = seen.statements.iter();
        passed.filter(|(_, text)| text != "ROLLBACK").cloned().collect()
    }

    /// The plans since the last [`Wire::clear`].
    pub fn plans(&self) -> Vec<Plan> {
        self.seen.lock().unwrap().plans.clone()
    }

    async fn pass(self, client: TcpStream, port: u16) {
        let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let connection = {
            let mut seen = self.seen.lock().unwrap();
            seen.connections += 1;
            seen.connections
        };
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        if greet(
            (&mut from_client, &mut to_client),
            (&mut from_server, &mut to_server),
        )
        .await
        .is_none()
        {
            return;
        }
        let (up, down) = (self.clone(), self);
        let sending = async move {
            let mut statements = Statements::default();
            while let Some((kind, body)) = forward(&mut from_client, &mut to_server).await {
                if let Some(text) = statements.of(kind, &body) {
                    up.seen.lock().unwrap().statements.push((connection, text));
                }
            }
            // The server hears that the client left.
            let _ = to_server.shutdown().await;
        };
        let answering = async move {
            while let Some((kind, body)) = forward(&mut from_server, &mut to_client).await {
                if let Some(plan) = (kind == b'N').then(|| plan_of(&body)).flatten() {
                    down.seen.lock().unwrap().plans.push(plan);
                }
            }
        };
        tokio::join!(sending, answering);
    }
}

/// The start-up, whose messages have no type.
async fn greet(
    (from_client, to_client): (&mut (impl AsyncRead + Unpin), &mut (impl AsyncWrite + Unpin)),
    (from_server, to_server): (&mut (impl AsyncRead + Unpin), &mut (impl AsyncWrite + Unpin)),
) -> Option<()> {
    loop {
        let length = from_client.read_u32().await.ok()?;
        let mut body = vec![0; usize::try_from(length).ok()?.checked_sub(4)?];
        from_client.read_exact(&mut body).await.ok()?;
        to_server.write_u32(length).await.ok()?;
        to_server.write_all(&body).await.ok()?;
        let code = u32::from_be_bytes(body.first_chunk().copied()?);
        if code != TLS_REQUEST {
            return Some(());
        }
        let answer = from_server.read_u8().await.ok()?;
        assert_eq!(answer, b'N', "the tests' server speaks no TLS");
        to_client.write_u8(answer).await.ok()?;
    }
}

/// Passes one message on.
async fn forward(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
) -> Option<(u8, Vec<u8>)> {
    let kind = from.read_u8().await.ok()?;
    let length = from.read_u32().await.ok()?;
    let mut body = vec![0; usize::try_from(length).ok()?.checked_sub(4)?];
    from.read_exact(&mut body).await.ok()?;
    let mut message = vec![kind];
    message.extend(length.to_be_bytes());
    message.extend(&body);
    to.write_all(&message).await.ok()?;
    Some((kind, body))
}

/// Which text an Execute stands for: Parse names statements, Bind names portals.
#[derive(Default)]
struct Statements {
    parsed: HashMap<String, String>,
    bound: HashMap<String, String>,
}

impl Statements {
    /// The statement that this message runs, if it runs one.
    fn of(&mut self, kind: u8, body: &[u8]) -> Option<String> {
        let mut words = body
            .split(|byte| *byte == 0)
            .map(|word| String::from_utf8_lossy(word).into_owned());
        let first = words.next()?;
        match kind {
            b'Q' => return Some(first),
            b'P' => {
                self.parsed.insert(first, words.next()?);
            }
            b'B' => {
                let text = self.parsed.get(&words.next()?)?.clone();
                self.bound.insert(first, text);
            }
            b'E' => return self.bound.get(&first).cloned(),
            _ => {}
        }
        None
    }
}

/// The plan in a notice of `auto_explain`.
fn plan_of(notice: &[u8]) -> Option<Plan> {
    let message = notice
        .split(|byte| *byte == 0)
        .find_map(|field| field.strip_prefix(b"M"))?;
    let message = std::str::from_utf8(message).ok()?;
    let (_, json) = message.split_once("plan:\n")?;
    let explained: Value = serde_json::from_str(json).ok()?;
    Some(Plan {
        statement: explained["Query Text"].as_str()?.to_owned(),
        root: explained["Plan"].clone(),
    })
}
