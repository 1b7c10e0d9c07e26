//! Tokens that somebody brings, checked by the command over TLS and by the library: verdicts, exit codes, and when the
//! environment is asked for its keys.

use crate::common::issuer;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use crate::common::{EXE, Finished, World, files_below, finish};
use issuer::{AUDIENCE, Issuer, ORGANIZATION, OTHER, OURS, SUBJECT, now, with};
use scalekit_auth::verify::EnvironmentUrl;
use scalekit_auth::verify::{Error, Verifier};
use serde_json::{Value, json};

/// A user's machine without any login, and somebody's environment.
struct Api {
    world: World,
    issuer: Issuer,
}

impl Api {
    fn new() -> Self {
        let mut world = World::new();
        world.credentials_in_variables = false;
        Self { world, issuer: Issuer::start(&[&OURS]) }
    }

    fn verify(&self, args: &[&str], token: &str) -> Finished {
        let mut command = self.world.command(EXE);
        command.args(["verify", "--issuer", &self.issuer.url]).args(args).env("SSL_CERT_FILE", &self.issuer.ca);
        finish(&mut command, token)
    }

    fn token(&self) -> String {
        OURS.sign(&self.issuer.claims())
    }
}

fn library(issuer: &Issuer) -> Verifier {
    Verifier::new(EnvironmentUrl::parse(&issuer.url).unwrap())
}

#[test]
fn a_valid_token_is_told_in_a_line_or_as_json() {
    let api = Api::new();
    let claims = api.issuer.claims();
    let token = OURS.sign(&claims);
    let line = api.verify(&[], &token).ok();
    assert!(line.stdout.starts_with("valid until 20") && line.stderr.is_empty(), "{line:?}");
    let rest = format!(", subject {SUBJECT}, organization {ORGANIZATION}, scopes deploy:apps read:deployments\n");
    assert!(line.stdout.ends_with(&rest), "{line:?}");
    let got = api.verify(&["--json", "--audience", AUDIENCE, "--scope", "deploy:apps", "--org", ORGANIZATION], &token);
    let told: Value = serde_json::from_str(&got.ok().stdout).unwrap();
    assert_eq!(told, json!({"version": 1, "status": "ok", "claims": claims}));
    api.verify(&[], &format!(" \r\n{token}\n\n")).ok();
}

#[test]
fn exit_codes_are_those_of_an_api() {
    let api = Api::new();
    let claims = api.issuer.claims();
    let token = OURS.sign(&claims);
    let expired = OURS.sign(&with(claims.clone(), "exp", (now() - 31).into()));
    let early = OURS.sign(&with(claims.clone(), "nbf", (now() + 90).into()));
    let late = OURS.sign(&with(claims.clone(), "exp", (now() - 10).into()));
    let foreign = OURS.sign(&with(claims.clone(), "iss", "https://acme.scalekit.com".into()));
    for (args, token, code, word, reason) in [
        (&[][..], "", 41, "invalid_token", "there is no token"),
        (&[], "\n", 41, "invalid_token", "there is no token"),
        (&[], "abc", 41, "invalid_token", "it has not three parts"),
        (&[], &expired, 41, "invalid_token", "it has expired"),
        (&["--leeway", "0"], &late, 41, "invalid_token", "it has expired"),
        (&[], &early, 41, "invalid_token", "it is not valid yet"),
        (&[], &foreign, 41, "invalid_token", "its issuer is not https://127.0.0.1"),
        (&[], &OTHER.sign(&claims), 41, "invalid_token", "the environment has no key \"snk_2\""),
        (&[], &format!("{}AAAA", &token[..token.len() - 4]), 41, "invalid_token", "its signature does not hold"),
        (&["--audience", "billing"], &token, 41, "invalid_token", "it is for another audience"),
        (
            &["--scope", "deploy:apps", "--scope", "admin"],
            &token,
            43,
            "insufficient_scope",
            "the scope admin is needed",
        ),
        (&["--org", "org_1"], &token, 43, "insufficient_scope", "it is not of the organization org_1"),
    ] {
        let got = api.verify(args, token).exit(code);
        assert!(got.stdout.is_empty() && got.stderr.lines().count() == 1, "{got:?}");
        assert!(got.stderr.starts_with("scalekit-auth: the token is ") && got.stderr.contains(reason), "{got:?}");
        assert!(token.len() < 10 || !got.stderr.contains(token), "{got:?}");
        let got = api.verify(&[args, &["--json"]].concat(), token).exit(code);
        let told: Value = serde_json::from_str(&got.stdout).unwrap();
        let message = told["message"].as_str().unwrap();
        assert_eq!(told, json!({"version": 1, "status": "error", "code": word, "message": message}));
        assert!(message.contains(reason), "{message}");
    }
    api.verify(&["--leeway", "120"], &early).ok();
    api.verify(&[], &late).ok();
    api.verify(&["--audience", "billing", "--audience", AUDIENCE, "--scope", "read:deployments"], &token).ok();
}

#[test]
fn a_token_among_the_arguments_is_refused_and_not_repeated() {
    let api = Api::new();
    let token = api.token();
    let got = api.verify(&[&token], "").exit(2);
    assert!(got.stderr.contains("the token is no argument") && !got.stderr.contains(&token), "{got:?}");
    assert!(!got.stderr.contains(&token[..20]), "{got:?}");
    api.verify(&["--leeway", "301"], &token).exit(2);
    api.verify(&["--environment", "dev"], &token).exit(2);
    assert!(api.issuer.seen().is_empty());
}

#[test]
fn a_configured_environment_is_the_issuer_without_its_secret_being_read() {
    let api = Api::new();
    let environment = |url: &str| json!({"url": url, "client_id": "skc_1", "home": "keyring"});
    let config = json!({"version": 1, "environments": {
        "default": environment("https://127.0.0.1:9"), "dev": environment(&api.issuer.url)}});
    std::fs::create_dir_all(api.world.path(".config/scalekit-auth")).unwrap();
    std::fs::write(api.world.config_file("config.json"), config.to_string()).unwrap();
    let run = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = api.world.command(EXE);
        command.arg("verify").args(args).env("SSL_CERT_FILE", &api.issuer.ca).envs(variables.iter().copied());
        finish(&mut command, &api.token())
    };
    run(&["--environment", "dev"], &[]).ok();
    run(&[], &[("SCALEKIT_AUTH_ENVIRONMENT", "dev")]).ok();
    let set = [("SCALEKIT_ENV_URL", &*api.issuer.url), ("SCALEKIT_CLIENT_ID", "a"), ("SCALEKIT_CLIENT_SECRET", "b")];
    run(&[], &set).ok();
    run(&[], &set[..1]).exit(3);
    let got = run(&["--environment", "prod"], &[]).exit(3);
    assert!(got.stderr.contains("--issuer URL"), "{got:?}");
    assert!(run(&[], &[]).exit(7).stderr.contains("the vault cannot be reached"));
}

#[test]
fn an_issuer_counts_to_the_letter() {
    let api = Api::new();
    let slash = format!("{}/", api.issuer.url);
    let with_slash = OURS.sign(&with(api.issuer.claims(), "iss", slash.as_str().into()));
    api.verify(&[], &with_slash).exit(41);
    let verify = |token: &str| {
        let mut command = api.world.command(EXE);
        finish(command.args(["verify", "--issuer", &slash]).env("SSL_CERT_FILE", &api.issuer.ca), token)
    };
    verify(&with_slash).ok();
    verify(&api.token()).exit(41);
    let plain = finish(api.world.command(EXE).args(["verify", "--issuer", "http://acme.scalekit.com"]), "");
    assert!(plain.exit(2).stderr.contains("not https"));
}

#[test]
fn runs_share_the_keys_by_a_file_that_is_ours_alone() {
    let api = Api::new();
    let token = api.token();
    for _ in 0..3 {
        api.verify(&[], &token).ok();
    }
    assert_eq!(api.issuer.seen(), ["/.well-known/openid-configuration", "/keys"]);
    let files = files_below(&api.world.path("run"));
    let [file] = &files[..] else { panic!("{files:?}") };
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(file).unwrap();
    assert!(!text.contains(SUBJECT) && !text.contains("\"d\""), "{text}");
    for broken in ["", "{", "[]", &text.replace("fetched_at\":", "fetched_at\":9"), &text.replace("127.0.0.1", "a")] {
        let before = api.issuer.count("/keys");
        std::fs::write(file, broken).unwrap();
        api.verify(&[], &token).ok();
        assert_eq!(api.issuer.count("/keys"), before + 1, "{broken}");
    }
    // A directory that others could write is not ours, and the command works without it.
    let directory = file.parent().unwrap();
    std::fs::set_permissions(directory, PermissionsExt::from_mode(0o777)).unwrap();
    api.issuer.set_down(true);
    api.verify(&[], &token).exit(7);
    std::fs::set_permissions(directory, PermissionsExt::from_mode(0o700)).unwrap();
    api.verify(&[], &token).ok();
}

#[test]
fn a_new_key_is_found_at_once_and_a_flood_of_unknown_ones_asks_once() {
    let api = Api::new();
    let claims = api.issuer.claims();
    api.verify(&[], &OURS.sign(&claims)).ok();
    api.verify(&[], &OTHER.sign(&claims)).exit(41);
    for _ in 0..5 {
        api.verify(&[], &OTHER.sign(&claims)).exit(41);
    }
    assert_eq!(api.issuer.count("/keys"), 2);
    let fresh = Api::new();
    let claims = fresh.issuer.claims();
    fresh.verify(&[], &OURS.sign(&claims)).ok();
    fresh.issuer.reply("/keys", "", &issuer::jwks(&[&OTHER]));
    fresh.verify(&[], &OTHER.sign(&claims)).ok();
    let got = fresh.verify(&[], &OURS.sign(&claims)).exit(41);
    assert!(got.stderr.contains("the environment has no key"), "{got:?}");
    assert_eq!(fresh.issuer.count("/keys"), 2);
}

#[test]
fn threads_of_an_api_ask_once_for_all() {
    let issuer = Issuer::start_http(&[&OURS]);
    let verifier = library(&issuer);
    let (good, bad) = (OURS.sign(&issuer.claims()), OTHER.sign(&issuer.claims()));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    verifier.verify(&good).unwrap();
                    assert_eq!(verifier.verify(&bad), Err(Error::UnknownKey("snk_2".into())));
                }
            });
        }
    });
    assert!(issuer.count("/keys") <= 2, "{:?}", issuer.seen());
}

#[test]
fn known_keys_go_on_working_while_the_vault_is_away() {
    let issuer = Issuer::start_http(&[&OURS]);
    let verifier = library(&issuer);
    let (good, bad) = (OURS.sign(&issuer.claims()), OTHER.sign(&issuer.claims()));
    issuer.set_down(true);
    let error = verifier.verify(&good).unwrap_err();
    assert_eq!((error.status(), error.www_authenticate()), (503, None), "{error}");
    // The failure is remembered, too.
    let (asked, start) = (issuer.seen().len(), Instant::now());
    assert_eq!(verifier.verify(&good), Err(error));
    assert!(start.elapsed() < Duration::from_millis(200) && issuer.seen().len() == asked);

    issuer.set_down(false);
    let verifier = library(&issuer);
    verifier.verify(&good).unwrap();
    issuer.set_down(true);
    assert_eq!(verifier.verify(&bad).unwrap_err().status(), 503);
    let asked = issuer.seen().len();
    assert_eq!(verifier.verify(&bad).unwrap_err().status(), 503);
    verifier.verify(&good).unwrap();
    assert_eq!(issuer.seen().len(), asked);
}

#[test]
fn keys_are_found_where_an_environment_has_them() {
    let keys = issuer::jwks(&[&OURS]);
    let found = |arrange: &dyn Fn(&Issuer)| {
        let issuer = Issuer::start_http(&[]);
        issuer.remove("/keys");
        issuer.remove("/.well-known/openid-configuration");
        arrange(&issuer);
        (library(&issuer).verify(&OURS.sign(&issuer.claims())).map(drop), issuer.seen())
    };
    let (verdict, seen) = found(&|issuer| {
        issuer.discovery(&format!("{}/oauth/certs?v=2", issuer.url));
        issuer.reply("/oauth/certs?v=2", "", &keys);
    });
    assert_eq!(verdict, Ok(()), "{seen:?}");
    assert_eq!(found(&|issuer| issuer.reply("/keys", "", &keys)).0, Ok(()));
    let (verdict, seen) = found(&|issuer| {
        issuer.reply("/.well-known/openid-configuration", "", "<html>");
        issuer.reply("/keys", "Location: https://evil.example/\r\n", &keys);
        issuer.reply("/.well-known/jwks.json", "", &keys);
    });
    assert_eq!((verdict, seen.len()), (Ok(()), 3), "{seen:?}");
    let (verdict, seen) = found(&|_| ());
    assert_eq!((verdict.unwrap_err().status(), seen.len()), (503, 3));
    for elsewhere in ["https://evil.example/keys", "http://127.0.0.1:1/keys", "/keys", "file:///etc/passwd"] {
        let (verdict, seen) = found(&|issuer| {
            issuer.discovery(elsewhere);
            issuer.reply("/keys", "", &keys);
        });
        assert_eq!(verdict, Err(Error::ForeignKeys(elsewhere.into())));
        assert_eq!(seen.len(), 1, "{seen:?}");
    }
}

#[test]
fn keys_are_asked_for_again_when_the_replys_lifetime_is_over() {
    let api = Api::new();
    api.issuer.reply("/keys", "Cache-Control: public, max-age=7200\r\n", &issuer::jwks(&[&OURS]));
    let token = api.token();
    api.verify(&[], &token).ok();
    let file = files_below(&api.world.path("run")).remove(0);
    let age = |seconds: i64| {
        let mut document: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(document["lifetime"], 7200);
        document["fetched_at"] = (now() - seconds).into();
        std::fs::write(&file, document.to_string()).unwrap();
    };
    api.issuer.set_down(true);
    age(7100);
    api.verify(&[], &token).ok();
    age(-200);
    api.verify(&[], &token).ok();
    age(7300);
    api.verify(&[], &token).exit(7);
    api.issuer.set_down(false);
    api.verify(&[], &token).ok();
}
