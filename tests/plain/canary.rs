//! No output and no file ever shows a secret, except where the protocol puts it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::common::canary::{
    AUTH, CREATE, LINK, REFRESH, SECRET, TOKEN, TOKEN_ROUTE, look, oauth, seed, set_status, shown, world,
};
use crate::common::{EXE, Finished, finish};
use scalekit_sandbox::{Control, Credential, When};
use serde_json::json;

/// Every failure that the sandbox can produce on one route.
fn failures(route: &str) -> Vec<Control> {
    const TIMES: u32 = 100;
    let route = || Some(route.to_owned());
    let echo = json!({
        "code": 9, "message": format!("you sent {SECRET}"), "details": [{"error_code": format!("BAD_{SECRET}")}],
        "error": SECRET, "error_description": format!("client_secret={SECRET}&x"),
    });
    let bodies = [None, Some(echo.to_string()), Some(format!("<p>{SECRET} {TOKEN} {REFRESH}</p>"))];
    let mut all = Vec::new();
    for status in [400, 401, 403, 404, 409, 429, 500, 502, 503, 504] {
        for (number, body) in bodies.iter().enumerate() {
            // What is tried again takes its time, so one body for each of these must do.
            if (502..=504).contains(&status) && number != usize::from(status - 502) {
                continue;
            }
            let (body, times) = (body.clone(), TIMES);
            all.push(Control::FailNext { route: route(), times, status, error_code: None, body, retry_after: None });
        }
    }
    for when in [When::BeforeReply, When::MidHeaders, When::MidBody] {
        all.push(Control::Drop { route: route(), times: TIMES, when });
    }
    let garbage = [
        format!("{SECRET} {TOKEN} {REFRESH}"),
        json!({"connected_account": TOKEN, "access_token": {"x": SECRET}, "link": [REFRESH]}).to_string(),
        json!({"connected_account": {"status": "ACTIVE", "authorization_details": {"oauth_token": {
            "access_token": format!("{TOKEN}\nhost=evil"), "refresh_token": REFRESH}}}})
        .to_string(),
    ];
    all.extend(garbage.map(|body| Control::Garbage { route: route(), times: TIMES, body }));
    all.push(Control::Oversize { route: route(), times: TIMES, bytes: 2 << 20 });
    all.push(Control::Truncate { route: route(), times: TIMES });
    let location = format!("https://localhost:1/?secret={SECRET}");
    all.push(Control::Redirect { route: route(), times: TIMES, location });
    all.push(Control::RateLimit { route: route(), times: TIMES, retry_after: Some("3600".into()) });
    all.push(Control::Delay { route: route(), times: TIMES, millis: 9000 });
    all
}

fn look_at_failures(route: &str, service: &str, host: &str) {
    let world = world();
    look(&world, "all is well", service, host);
    for failure in failures(route) {
        world.control(Control::Reset);
        seed(&world);
        let case = format!("{failure:?}");
        world.control(failure);
        look(&world, &case, service, host);
        assert!(world.count(route) > 0, "{case}: nobody asked");
    }
}

#[test]
fn failures_of_the_client_token_show_nothing() {
    look_at_failures(TOKEN_ROUTE, "github", "github.com");
}

#[test]
fn failures_of_reading_the_account_show_nothing() {
    look_at_failures(AUTH, "github", "github.com");
}

#[test]
fn failures_of_creating_the_account_show_nothing() {
    look_at_failures(CREATE, "bitbucket", "bitbucket.org");
}

#[test]
fn failures_of_asking_for_a_link_show_nothing() {
    look_at_failures(LINK, "gitlab", "gitlab.com");
}

#[test]
fn accounts_of_every_status_and_kind_show_nothing_more_than_their_token() {
    let world = world();
    for status in ["ACTIVE", "EXPIRED", "PENDING_AUTH", "PENDING_VERIFICATION", "DISCONNECTED"] {
        set_status(&world, "github-x", status);
        look(&world, status, "github", "github.com");
    }
    let details = |pairs: serde_json::Value| Credential::StaticAuth { details: pairs.as_object().unwrap().clone() };
    let dwd = Credential::GoogleDwd {
        subject: "ada".into(),
        access_token: TOKEN.into(),
        scopes: vec![],
        expires_in: Some(-5),
    };
    for (credential, expires_in) in [
        (oauth(), Some(-100)),
        (Credential::Withheld, None),
        (Credential::TrustedIdp { db_user: "ada".into() }, None),
        (Credential::NoAuth, None),
        (dwd, None),
        (details(json!({"token": TOKEN})), None),
        (details(json!({"api_key": TOKEN})), None),
        (details(json!({"username": "ada", "password": TOKEN})), None),
        (details(json!({"username": "ada", "password": format!("{TOKEN}\nx")})), None),
        (details(json!({"token": format!("{TOKEN} {SECRET}")})), None),
    ] {
        let case = format!("{credential:?}");
        world.seed_account("github-x", credential, expires_in);
        look(&world, &case, "github", "github.com");
    }
    world.control(Control::RotateClientSecret { secret: "another".into() });
    look(&world, "a rotated secret", "github", "github.com");
    for args in [&["which", "https://github.com/a"][..], &["list"], &["status"], &["--help"], &["token", SECRET]] {
        let Finished { stdout, stderr, .. } = world.run(args);
        assert!(args.contains(&SECRET) || shown(format!("{stdout}{stderr}").as_bytes(), &[SECRET, TOKEN]).is_none());
    }
}

/// Reads one request; `None` when the client has closed the connection.
fn request(stream: &mut TcpStream) -> Option<String> {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Some(text);
        }
    }
}

/// A server that gives out numbered client tokens, and answers all else with the request itself as the error.
fn echo_server(status: u16, token_route_too: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { continue };
            let Some(request) = request(&mut stream) else { continue };
            let (status, body) = if request.starts_with(TOKEN_ROUTE) && !token_route_too {
                (200, json!({"access_token": format!("canary-client-token-{number:020}-end")}))
            } else {
                (status, json!({"code": 16, "message": request, "error": "x", "error_description": request}))
            };
            let body = body.to_string();
            let length = body.len();
            let reply = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
            // A client that has heard enough may be gone.
            let _ = stream.write_all(reply.as_bytes());
        }
    });
    url
}

#[test]
fn a_server_that_echoes_what_it_is_sent_shows_nothing() {
    let world = world();
    for status in [400, 401, 403, 404, 409, 429, 500] {
        for token_route_too in [false, true] {
            let url = echo_server(status, token_route_too);
            for args in [&["token", "github"][..], &["token", "github", "--json"], &["status", "--check"]] {
                let Finished { stdout, stderr, .. } =
                    finish(world.command(EXE).env("SCALEKIT_ENV_URL", &url).args(args), "");
                let all = format!("{stdout}{stderr}");
                let secrets = [SECRET, "canary-client-token-00000000"];
                assert_eq!(shown(all.as_bytes(), &secrets), None, "{status} {token_route_too} {args:?}: {all}");
            }
        }
    }
}
