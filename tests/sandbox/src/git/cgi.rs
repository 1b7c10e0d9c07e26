//! Runs `git http-backend` as RFC 3875 has it.

use std::io;
use std::path::Path;
use std::process::Stdio;

use http_body_util::BodyExt;
use http_body_util::channel::Channel;
use hyper::body::Bytes;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::server::Body;

/// The reply of the backend to one request; its body is still being written when this returns.
pub(super) async fn run(git: &Path, root: &Path, head: &Parts, body: Bytes, user: &str) -> io::Result<Response<Body>> {
    let mut command = Command::new(git);
    command.arg("http-backend").env_clear().kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    // git looks for its own parts along PATH, and for nothing else in the surroundings of the test.
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.env("GIT_PROJECT_ROOT", root).env("GIT_HTTP_EXPORT_ALL", "1");
    command.env("REQUEST_METHOD", head.method.as_str()).env("PATH_INFO", head.uri.path());
    command.env("QUERY_STRING", head.uri.query().unwrap_or_default());
    command.env("CONTENT_LENGTH", body.len().to_string()).env("REMOTE_USER", user);
    let passed_on = [
        ("CONTENT_TYPE", CONTENT_TYPE),
        ("HTTP_CONTENT_ENCODING", CONTENT_ENCODING),
        ("GIT_PROTOCOL", HeaderName::from_static("git-protocol")),
    ];
    for (variable, header) in passed_on {
        if let Some(value) = head.headers.get(header).and_then(|value| value.to_str().ok()) {
            command.env(variable, value);
        }
    }
    let mut child = command.spawn()?;
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::Error::other("no pipes"));
    };
    // Side by side with the reading below: the backend may answer before it has read everything. A backend that stops
    // reading has given its answer on stdout, so that the broken pipe is of no interest.
    tokio::spawn(async move { stdin.write_all(&body).await });
    let mut stdout = BufReader::new(stdout);
    let mut response = Response::builder();
    for (name, value) in headers(&mut stdout).await? {
        if name.eq_ignore_ascii_case("status") {
            let status = value.split(' ').next().and_then(|code| StatusCode::from_bytes(code.as_bytes()).ok());
            response = response.status(status.ok_or_else(|| io::Error::other("a bad status"))?);
        } else {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(io::Error::other)?;
            response = response.header(name, HeaderValue::from_str(&value).map_err(io::Error::other)?);
        }
    }
    let (sender, receiver) = Channel::<Bytes, io::Error>::new(4);
    tokio::spawn(stream(child, stdout, sender));
    response.body(receiver.boxed_unsync()).map_err(io::Error::other)
}

async fn headers(stdout: &mut BufReader<ChildStdout>) -> io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if stdout.read_line(&mut line).await? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "ended within its headers"));
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Ok(headers);
        }
        let (name, value) = line.split_once(':').ok_or_else(|| io::Error::other("a line that is no header"))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
}

async fn stream(
    mut child: Child,
    mut stdout: BufReader<ChildStdout>,
    mut sender: http_body_util::channel::Sender<Bytes, io::Error>,
) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match stdout.read(&mut buffer).await {
            Ok(0) => break,
            Ok(length) => {
                if sender.send_data(Bytes::copy_from_slice(&buffer[..length])).await.is_err() {
                    // The client has gone; the child goes with the handle.
                    return;
                }
            }
            Err(error) => return sender.abort(error),
        }
    }
    if let Err(error) = child.wait().await {
        sender.abort(error);
    }
}
