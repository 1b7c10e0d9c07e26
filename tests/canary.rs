//! No output, no file and no trace of a process ever shows a secret, except where the protocol puts it.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use common::keyring::{Desk, Killed, needed, until};
use common::{EXE, Finished, World, files_below, finish};
use scalekit_sandbox::{Control, Credential, Options, Sandbox, When};
use serde_json::json;

const SECRET: &str = "canary-client-secret-Kq3vX9wTz7LbN2";
const TOKEN: &str = "canary-account-token-Rf8sYp4HdJ6mC1";
const REFRESH: &str = "1//canary-refresh-token-Gw5uEa0VnZ2kQ8";

const TOKEN_ROUTE: &str = "POST /oauth/token";
const AUTH: &str = "GET /api/v1/connected_accounts/auth";
const CREATE: &str = "POST /api/v1/connected_accounts";
const LINK: &str = "POST /api/v1/connected_accounts/magic_link";

/// The services: `github` has an ACTIVE account, `gitlab` one that waits for consent, `bitbucket` none.
fn world() -> World {
    let options = Options { client_secret: SECRET.into(), ..Options::default() };
    let world = World::with(Sandbox::with(options).unwrap());
    seed(&world);
    for (service, host) in [("github", "github.com"), ("gitlab", "gitlab.com"), ("bitbucket", "bitbucket.org")] {
        let (connection, registry) = (format!("{service}-x"), format!("registry.{service}.test"));
        let args = ["config", service, &connection, "--identifier", "ada", "--host", host, "--host", &registry];
        world.ok(&args);
    }
    world
}

fn seed(world: &World) {
    for provider in ["github", "gitlab", "bitbucket"] {
        world.control(Control::connection(format!("{provider}-x"), provider.to_uppercase()));
    }
    world.seed_account("github-x", oauth(), Some(3600));
    world.seed_account("gitlab-x", oauth(), Some(3600));
    set_status(world, "gitlab-x", "PENDING_AUTH");
}

fn oauth() -> Credential {
    let refresh_token = Some(REFRESH.to_owned());
    Credential::OauthToken { access_token: TOKEN.into(), refresh_token, scopes: vec![], domain: None }
}

fn set_status(world: &World, connection: &str, status: &str) {
    let (connection, status) = (connection.to_owned(), status.to_owned());
    world.control(Control::SetStatus { connection, identifier: "ada".into(), status });
}

/// A part of any secret in `content`; a dozen characters in a row are enough to be one.
fn shown<'s>(content: &[u8], secrets: &[&'s str]) -> Option<&'s str> {
    let holds = |piece: &[u8]| content.windows(piece.len()).any(|window| window == piece);
    secrets.iter().find(|secret| secret.as_bytes().chunks_exact(12).any(holds)).copied()
}

/// Runs every command that asks for `service`, all at once, and looks for secrets in what they leave.
fn look(world: &World, case: &str, service: &str, host: &str) {
    let request = format!("protocol=https\nhost={host}\n");
    let with_password = format!("{request}username=x-access-token\npassword={TOKEN}\n\n");
    let sandbox = &world.sandbox;
    let login = ["login", "--env-url", sandbox.url(), "--client-id", sandbox.client_id(), "--client-secret-stdin"];
    let run = &|program: &str, args: &[&str], input: &str| {
        let finished = finish(world.command(program).args(args), input);
        (format!("{case}: {program} {args:?}"), finished)
    };
    let (git, docker) = ("git-credential-scalekit", "docker-credential-scalekit");
    let registry = format!("registry.{service}.test");
    let password = json!({"ServerURL": registry, "Username": "x-access-token", "Secret": TOKEN}).to_string();
    let runs: Vec<(String, Finished)> = std::thread::scope(|scope| {
        let threads = [
            scope.spawn(|| run(EXE, &["token", service], "")),
            scope.spawn(|| run(EXE, &["token", service, "--json"], "")),
            scope.spawn(|| run(EXE, &["header", service], "")),
            scope.spawn(|| run(EXE, &["header", service, "--json"], "")),
            scope.spawn(|| run(EXE, &["exec", "--with", service, "--", "true"], "")),
            scope.spawn(|| run(EXE, &["connect", service, "--no-wait"], "")),
            scope.spawn(|| run(EXE, &["status", "--check"], "")),
            scope.spawn(|| run(EXE, &login, SECRET)),
            scope.spawn(|| run(git, &["get"], &format!("{request}\n"))),
            scope.spawn(|| run(git, &["store"], &with_password)),
            scope.spawn(|| run(git, &["erase"], &with_password)),
            scope.spawn(|| run(docker, &["get"], &registry)),
            scope.spawn(|| run(docker, &["store"], &password)),
        ];
        threads.map(|thread| thread.join().unwrap()).into()
    });
    let issued = sandbox.client_tokens();
    let secrets: Vec<&str> = [SECRET, TOKEN, REFRESH].into_iter().chain(issued.iter().map(String::as_str)).collect();
    for (run, Finished { code, stdout, stderr }) in &runs {
        // Where the protocol puts a token: alone on a line, in one JSON string, or as git's or docker's password.
        let places = [
            format!("{TOKEN}\n"),
            format!("\"token\":\"{TOKEN}\""),
            format!("{{\"Authorization\":\"Bearer {TOKEN}\"}}"),
            format!("password={TOKEN}\n"),
            format!("\"Secret\":\"{TOKEN}\""),
        ];
        let place = places.iter().find(|place| *code == Some(0) && stdout.contains(place.as_str()));
        let rest = place.map_or_else(|| stdout.clone(), |place| stdout.replacen(place, "", 1));
        for text in [&rest, stderr] {
            assert_eq!(shown(text.as_bytes(), &secrets), None, "{run}: {stdout}{stderr}");
        }
    }
    for file in files_below(world.home.path()) {
        // A lock file of a process that is not ours may be gone by now.
        let content = fs::read(&file).unwrap_or_default();
        assert_eq!(shown(&content, &secrets), None, "{case}: {}", file.display());
    }
    assert_eq!(sandbox.violations(), Vec::<String>::new(), "{case}");
}

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

/// Starts `command`, whose request for an account stays without an answer.
fn pending(world: &World, command: &mut Command) -> Killed {
    let before = world.count(AUTH);
    world.control(Control::Delay { route: Some(AUTH.into()), times: 1, millis: 6000 });
    let child = Killed(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    until("the account is asked for", || world.count(AUTH) > before);
    child
}

#[test]
fn proc_shows_no_secret_of_a_running_process() {
    let desk = Desk::with(world());
    desk.login(&[], SECRET).ok();
    let child = pending(&desk.world, desk.command(EXE).args(["token", "github"]));
    let issued = desk.world.sandbox.client_tokens();
    let secrets: Vec<&str> = [SECRET, TOKEN, REFRESH].into_iter().chain(issued.iter().map(String::as_str)).collect();
    for name in ["cmdline", "environ", "comm", "status"] {
        // Only root may read some of it, which is as good.
        let content = fs::read(format!("/proc/{}/{name}", child.0.id())).unwrap_or_default();
        assert_eq!(shown(&content, &secrets), None, "{name}");
    }
    for file in files_below(desk.world.home.path()) {
        assert_eq!(shown(&fs::read(&file).unwrap_or_default(), &secrets), None, "{}", file.display());
    }
}

#[test]
fn an_aborted_process_leaves_no_core() {
    let world = world();
    let abort = |mut child: Killed| {
        child.signal("ABRT");
        child.0.wait().unwrap()
    };
    let with_cores = |program: &str| {
        let mut shell = world.command(needed("bash", "bash"));
        shell.args(["-c", "ulimit -c \"$(ulimit -H -c)\"; exec \"$@\"", "bash", program]);
        shell
    };
    let other = Killed(with_cores("sleep").arg("60").spawn().unwrap());
    let name = format!("/proc/{}/comm", other.0.id());
    until("sleep runs", || fs::read_to_string(&name).is_ok_and(|name| name == "sleep\n"));
    assert!(abort(other).core_dumped(), "this machine writes no core of any process, so this test shows nothing");
    let mut cores = files_below(world.home.path());
    cores.retain(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("core")));
    cores.iter().for_each(|core| fs::remove_file(core).unwrap());
    let before = files_below(world.home.path());
    let status = abort(pending(&world, with_cores(EXE).args(["token", "github"])));
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
    assert_eq!(files_below(world.home.path()), before);
}

#[test]
fn no_other_process_of_the_same_user_looks_inside() {
    let world = world();
    let open = tempfile::tempdir().unwrap();
    let readable = |path: &std::path::Path| fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    readable(open.path());
    let config = open.path().join("scalekit-auth");
    fs::create_dir(&config).unwrap();
    readable(&config);
    for (from, to) in [
        (std::path::Path::new(EXE), open.path().join("exe")),
        (world.sandbox.ca_pem(), open.path().join("ca.pem")),
        (&world.config_file("connections.json"), config.join("connections.json")),
    ] {
        fs::copy(from, &to).unwrap();
        readable(&to);
    }
    // Root may look everywhere, so that the user has to be another one.
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0);
    let as_user = |program: &str| {
        let mut command = world.command(if is_root { needed("setpriv", "util-linux") } else { program });
        if is_root {
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", program]);
        }
        command.env("XDG_CONFIG_HOME", open.path()).env("SSL_CERT_FILE", open.path().join("ca.pem"));
        command.current_dir(open.path());
        command
    };
    let reads = |child: &Killed, name: &str| {
        let mut command = as_user("dd");
        command.arg(format!("if=/proc/{}/{name}", child.0.id())).args(["bs=1", "count=1"]);
        let output = command.output().unwrap();
        // What stands at the first address cannot be read, but that is found out only after opening.
        output.status.success() || !String::from_utf8_lossy(&output.stderr).contains("Permission denied")
    };
    let sleep = Killed(as_user("sleep").arg("60").spawn().unwrap());
    until("sleep runs and can be looked into", || reads(&sleep, "environ"));
    let exe = open.path().join("exe");
    let child = pending(&world, as_user(exe.to_str().unwrap()).args(["token", "github"]));
    for name in ["environ", "mem", "maps"] {
        assert!(!reads(&child, name), "{name}");
    }
}
