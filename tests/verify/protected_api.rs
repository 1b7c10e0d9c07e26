//! An HTTP API that the library protects, asked by curl.

use std::process::Command;
use std::sync::Arc;

use crate::common::issuer::{AUDIENCE, Issuer, OTHER, OURS, SUBJECT, now, with};
use scalekit_auth::verify::EnvironmentUrl;
use scalekit_auth::verify::{Error, Verifier, bearer};
use tiny_http::{Header, Request, Response, Server};

/// What the API does for a request: the whole of its protection.
fn deploy(verifier: &Verifier, authorization: Option<&str>) -> Result<String, Error> {
    let claims = verifier.verify(bearer(authorization)?)?;
    claims.require("deploy:apps")?;
    Ok(format!("deployed for {}", claims.subject().unwrap_or("somebody")))
}

fn answer(verifier: &Verifier, request: Request) {
    let given = request.headers().iter().find(|header| header.field.equiv("Authorization"));
    let outcome = deploy(verifier, given.map(|header| header.value.as_str()));
    let response = match &outcome {
        Ok(done) => Response::from_string(done),
        Err(error) => Response::from_string("").with_status_code(error.status()),
    };
    let challenge = outcome.err().and_then(|error| error.www_authenticate());
    let header = challenge.map(|value| Header::from_bytes("WWW-Authenticate", value).unwrap());
    request.respond(header.into_iter().fold(response, |response, header| response.with_header(header))).unwrap();
}

/// The API on a port of loopback, in four threads, until the test's process ends.
fn serve(verifier: Verifier) -> String {
    let server = Arc::new(Server::http("127.0.0.1:0").unwrap());
    let url = format!("http://{}/deployments", server.server_addr());
    let verifier = Arc::new(verifier);
    for _ in 0..4 {
        let (server, verifier) = (Arc::clone(&server), Arc::clone(&verifier));
        std::thread::spawn(move || {
            for request in server.incoming_requests() {
                answer(&verifier, request);
            }
        });
    }
    url
}

/// Status, challenge and body.
fn ask(url: &str, authorization: Option<&str>) -> (String, String, String) {
    let mut command = Command::new("curl");
    command.args(["-q", "-sS", "--noproxy", "*", "-X", "POST", "-w", "\n%{http_code}\n%header{www-authenticate}", url]);
    if let Some(value) = authorization {
        command.args(["-H", &format!("Authorization: {value}")]);
    }
    let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let mut lines = text.lines();
    let mut next = || lines.next().unwrap_or_default().to_owned();
    let (body, status, challenge) = (next(), next(), next());
    (status, challenge, body)
}

#[test]
fn an_api_answers_as_rfc_6750_asks() {
    let issuer = Issuer::start_http(&[&OURS]);
    let environment = EnvironmentUrl::parse(&issuer.url).unwrap();
    let url = serve(Verifier::new(environment).audience(AUDIENCE));
    let claims = issuer.claims();
    let refused = |authorization: Option<&str>, status: &str, challenge: &str| {
        let (got, header, body) = ask(&url, authorization);
        assert_eq!((got.as_str(), header.as_str(), body.as_str()), (status, challenge, ""), "{authorization:?}");
    };
    let invalid = |why: &str| format!("Bearer error=\"invalid_token\", error_description=\"{why}\"");
    refused(None, "401", "Bearer");
    refused(Some("Basic YTpi"), "401", "Bearer");
    refused(Some("Bearer abc"), "401", &invalid("it has not three parts"));
    let bearer = |token: String| format!("Bearer {token}");
    let expired = bearer(OURS.sign(&with(claims.clone(), "exp", (now() - 60).into())));
    refused(Some(&expired), "401", &invalid("it has expired"));
    let elsewhere = bearer(OURS.sign(&with(claims.clone(), "aud", "billing".into())));
    refused(Some(&elsewhere), "401", &invalid("it is for another audience"));
    refused(Some(&bearer(OTHER.sign(&claims))), "401", &invalid("the environment has no key 'snk_2'"));
    let reader = bearer(OURS.sign(&with(claims.clone(), "scopes", ["read:deployments"][..].into())));
    refused(
        Some(&reader),
        "403",
        "Bearer error=\"insufficient_scope\", error_description=\"the scope deploy:apps is needed\", scope=\"deploy:apps\"",
    );
    let (status, challenge, body) = ask(&url, Some(&bearer(OURS.sign(&claims))));
    assert_eq!((status.as_str(), challenge.as_str()), ("200", ""));
    assert_eq!(body, format!("deployed for {SUBJECT}"));
}

#[test]
fn an_api_that_cannot_have_the_keys_blames_nobody() {
    let issuer = Issuer::start_http(&[&OURS]);
    issuer.set_down(true);
    let url = serve(Verifier::new(EnvironmentUrl::parse(&issuer.url).unwrap()));
    let (status, challenge, _) = ask(&url, Some(&format!("Bearer {}", OURS.sign(&issuer.claims()))));
    assert_eq!((status.as_str(), challenge.as_str()), ("503", ""));
}
