//! The one request that the browser brings back after consent, told from everything else that may hit the port.

use subtle::ConstantTimeEq;

use crate::secret::Secret;

/// The longest head of a request that is looked at, in bytes.
pub const LONGEST: usize = 16 * 1024;
/// More headers than browsers send.
const MOST_HEADERS: usize = 100;
/// Where the browser comes back to.
pub const PATH: &str = "/callback";

/// What a request is.
#[derive(Debug)]
pub enum Request {
    /// More is to come.
    Incomplete,
    /// Consent came back, with the id that `user/verify` wants.
    Returned(Secret<String>),
    /// Anything else.
    Other,
}

/// Reads the head of an HTTP request (RFC 9112). Only a GET of our path, with our own Host (no page of another origin can
/// make one up), one of our states and one id, each exactly once, is the browser coming back.
pub fn read(head: &[u8], host: &str, states: &[String]) -> Request {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) if head.len() < LONGEST => return Request::Incomplete,
        _ => return Request::Other,
    }
    let hosts: Vec<&[u8]> =
        request.headers.iter().filter(|h| h.name.eq_ignore_ascii_case("host")).map(|h| h.value).collect();
    let query = request.path.and_then(|path| path.strip_prefix(PATH)?.strip_prefix('?'));
    match query {
        Some(query) if request.method == Some("GET") && hosts == [host.as_bytes()] => {
            id_in(query, states).map_or(Request::Other, Request::Returned)
        }
        _ => Request::Other,
    }
}

fn id_in(query: &str, states: &[String]) -> Option<Secret<String>> {
    let (mut id, mut given) = (None, None);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let place = match name.as_ref() {
            "auth_request_id" => &mut id,
            "state" => &mut given,
            _ => continue,
        };
        if place.replace(Secret::new(value.into_owned())).is_some() {
            return None;
        }
    }
    let (id, given) = (id?, given?);
    let is_ours = states.iter().any(|state| given.expose().as_bytes().ct_eq(state.as_bytes()).into());
    let is_plain = (1..=512).contains(&id.expose().len()) && id.expose().bytes().all(|b| (0x21..=0x7e).contains(&b));
    (is_ours && is_plain).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOST: &str = "127.0.0.1:4711";

    fn states() -> [String; 2] {
        ["s3cret".to_owned(), "l4ter".to_owned()]
    }

    fn id(head: &str) -> Option<String> {
        match read(head.as_bytes(), HOST, &states()) {
            Request::Returned(id) => Some(id.expose().clone()),
            _ => None,
        }
    }

    fn get(target: &str) -> String {
        format!("GET {target} HTTP/1.1\r\nHost: {HOST}\r\nAccept: */*\r\n\r\n")
    }

    #[test]
    fn the_browser_coming_back_is_known_by_path_host_state_and_id() {
        assert_eq!(id(&get("/callback?auth_request_id=ar_1&state=s3cret")), Some("ar_1".into()));
        assert_eq!(id(&get("/callback?state=s3cret&x=1&auth_request_id=a%2Db")), Some("a-b".into()));
        assert_eq!(id(&get("/callback?auth_request_id=ar_1&state=l4ter")), Some("ar_1".into()));
        let again = get("/callback?auth_request_id=ar_1&state=s3cret");
        assert!(matches!(read(again.as_bytes(), HOST, &[]), Request::Other));
    }

    #[test]
    fn anything_else_is_not() {
        for target in [
            "/",
            "/callback",
            "/callback?auth_request_id=ar_1",
            "/callback?state=s3cret",
            "/callback?auth_request_id=&state=s3cret",
            "/callback?auth_request_id=ar_1&state=other",
            "/callback?auth_request_id=ar_1&state=s3cret&state=s3cret",
            "/callback?auth_request_id=ar_1&state=s3cret&state=l4ter",
            "/callback?auth_request_id=ar_1&state=s3cretl4ter",
            "/callback?auth_request_id=ar_1&auth_request_id=ar_2&state=s3cret",
            "/callback?auth_request_id=a%0d%0ab&state=s3cret",
            "/callback/?auth_request_id=ar_1&state=s3cret",
            "/CALLBACK?auth_request_id=ar_1&state=s3cret",
            "http://127.0.0.1:4711/callback?auth_request_id=ar_1&state=s3cret",
            "/favicon.ico",
        ] {
            assert_eq!(id(&get(target)), None, "{target}");
        }
        let good = get("/callback?auth_request_id=ar_1&state=s3cret");
        for (from, to) in [
            ("GET", "POST"),
            ("Host: 127.0.0.1:4711", "Host: evil.net"),
            ("Host: 127.0.0.1:4711", "Host: 127.0.0.1"),
            ("Host: 127.0.0.1:4711", "X: y"),
            ("Accept", "Host"),
            ("HTTP/1.1", "HTTP/9"),
        ] {
            assert_eq!(id(&good.replace(from, to)), None, "{to}");
        }
    }

    #[test]
    fn a_head_in_pieces_is_waited_for_up_to_a_limit() {
        let good = get("/callback?auth_request_id=ar_1&state=s3cret");
        for end in 0..good.len() - 1 {
            assert!(matches!(read(&good.as_bytes()[..end], HOST, &states()), Request::Incomplete), "{end}");
        }
        assert!(matches!(read(&[b'G'; LONGEST], HOST, &states()), Request::Other));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(head in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&head, HOST, &states());
        }
    }
}
