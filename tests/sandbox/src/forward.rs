//! A call on somebody's behalf: what came in goes to the provider, and its answer back, unchanged.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The headers that are between the client and the vault.
const OWN: [hyper::header::HeaderName; 5] = [AUTHORIZATION, CONNECTION, HOST, CONTENT_LENGTH, TRANSFER_ENCODING];

/// Sends the request to `url`, which is plain http on loopback, and gives the answer; or why there is none.
pub(crate) async fn forward(
    url: &str,
    authorization: &str,
    head: &Parts,
    body: Bytes,
) -> Result<Response<Bytes>, String> {
    let rest = url.strip_prefix("http://").ok_or("only plain http on loopback can be called from here")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let path = if path.is_empty() { "/" } else { path };
    let stream = TcpStream::connect(authority).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    let mut request = Request::builder().method(head.method.clone()).uri(format!("{path}{query}"));
    if let Some(headers) = request.headers_mut() {
        passed_on(&head.headers, headers);
        headers.insert(HOST, HeaderValue::from_str(authority).map_err(|error| error.to_string())?);
        headers.insert(AUTHORIZATION, HeaderValue::from_str(authorization).map_err(|error| error.to_string())?);
    }
    let request = request.body(Full::new(body)).map_err(|error| error.to_string())?;
    let (parts, body) = sender.send_request(request).await.map_err(|error| error.to_string())?.into_parts();
    let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
    let mut answer = Response::new(body);
    *answer.status_mut() = parts.status;
    passed_on(&parts.headers, answer.headers_mut());
    Ok(answer)
}

fn passed_on(from: &HeaderMap, to: &mut HeaderMap) {
    for (name, value) in from {
        if !OWN.contains(name) && name != "connection_name" && name != "identifier" {
            to.append(name, value.clone());
        }
    }
}
