//! Files: contents that go up and come down by signed links, and lie encrypted in between.

mod documents;
mod erased;
mod exports;
mod shown;
mod transfer;
mod trust;

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
};

use funnelchat::platform::{
    context::{Actor, GrantSet, TenantCtx},
    ids,
};
use serde_json::json;
use uuid::Uuid;

use crate::support::{Client, Options, Tenant, TestApp, data, recipes::uuid_of};

/// A folder for the contents, which goes with the test.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("funnelchat-test-{}", ids::next()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn setting(&self) -> (&'static str, String) {
        ("FILE_STORE_URL", format!("file://{}", self.0.display()))
    }

    /// Every object in it, whatever its name.
    pub fn objects(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.0.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path);
                }
            }
        }
        found
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn start(folder: &Folder) -> TestApp {
    TestApp::start_with(Options {
        settings: vec![folder.setting(), ("UPLOAD_IDLE_SECONDS", "1".to_owned())],
        ..Options::default()
    })
    .await
}

/// The context of a member of staff, by what their session says.
async fn ctx_of(app: &TestApp, tenant: &Tenant, client: &Client) -> TenantCtx {
    let viewer = client.gql("{ viewer { user { id } } }", json!({})).await;
    let user = uuid_of(data(&viewer)["viewer"]["user"]["id"].as_str().unwrap());
    TenantCtx::authenticated(
        app.business_id(tenant).await,
        Actor::User(user),
        GrantSet::ALL,
        None,
        "test".into(),
    )
}

/// Takes an upload into use; the codes of what speaks against it.
async fn claim(app: &TestApp, ctx: &TenantCtx, id: Uuid) -> Vec<String> {
    use funnelchat::{files, platform::error::OpError};
    let mut tx = app.app.db.tenant(ctx).await.unwrap();
    match files::claim(&mut tx, id, files::Purpose::Document, "uploadId").await {
        Ok(_) => {
            tx.commit().await.unwrap();
            Vec::new()
        }
        Err(OpError::User(errors)) => errors.iter().map(|error| format!("{:?}", error.code)).collect(),
        Err(other) => panic!("{other}"),
    }
}

/// Bytes over a connection of its own, which then ends; the status that comes back, if one does.
async fn raw(addr: SocketAddr, bytes: Vec<u8>, and_close: bool) -> Option<u16> {
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.write_all(&bytes).unwrap();
        if and_close {
            stream.shutdown(std::net::Shutdown::Write).unwrap();
        }
        let mut answer = Vec::new();
        // The connection may be reset after the answer, when not all was read.
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer).into_owned();
        text.split(' ').nth(1)?.parse().ok()
    })
    .await
    .unwrap()
}

/// The head of an upload, whose body is `framing`.
fn head(url: &str, framing: &str) -> Vec<u8> {
    let path = &url[url.find("/uploads/").unwrap()..];
    format!("PUT {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{framing}\r\n\r\n").into_bytes()
}
