//! The real git client against the git server.

use std::path::Path;
use std::process::{Command, Output};

use scalekit_sandbox::{Ca, GitOptions, GitServer, Offers, Seen};
use tempfile::TempDir;

struct Place {
    directory: TempDir,
    ca: Ca,
    server: GitServer,
}

impl Place {
    fn new(offers: Offers, tls: bool) -> Place {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        let files: [(&str, &[u8]); 2] = [("README", b"hello\n"), ("deep/er/file", b"\0\xff")];
        GitServer::create_repository(&root, "team/one.git", &files).unwrap();
        let ca = Ca::new().unwrap();
        let (tls, tokens) = (tls.then(|| ca.clone()), vec!["good".to_owned()]);
        let options = GitOptions { root, tls, offers, tokens, ..GitOptions::default() };
        Place { server: GitServer::start(options).unwrap(), ca, directory }
    }

    /// git with an answer for everyone who asks for a password.
    fn git(&self, basic: Option<(&str, &str)>, header: Option<&str>, arguments: &[&str]) -> Output {
        let home = self.directory.path();
        let mut command = Command::new("git");
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", home).current_dir(home);
        command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_SSL_CAINFO", self.ca.pem());
        command.args(["-c", "user.name=T", "-c", "user.email=t@example.com"]);
        if let Some((username, password)) = basic {
            let helper =
                format!("!f() {{ test \"$1\" = get && printf 'username={username}\\npassword={password}\\n'; }}; f");
            command.args(["-c", &format!("credential.helper={helper}")]);
        }
        if let Some(header) = header {
            command.args(["-c", &format!("http.extraHeader={header}")]);
        }
        command.args(arguments).output().unwrap()
    }

    fn url(&self) -> String {
        format!("{}/team/one.git", self.server.url())
    }
}

#[track_caller]
fn assert_done(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn last(server: &GitServer) -> Seen {
    server.seen().pop().unwrap()
}

#[test]
fn basic_clones_over_tls_with_the_token_as_password() {
    let place = Place::new(Offers::Basic, true);
    assert!(place.url().starts_with("https://localhost:"));
    assert_done(&place.git(Some(("x-access-token", "good")), None, &["clone", "-q", &place.url(), "copy"]));
    let copy = place.directory.path().join("copy");
    assert_eq!(std::fs::read(copy.join("deep/er/file")).unwrap(), b"\0\xff");
    let seen = place.server.seen();
    assert_eq!((seen[0].status, seen[0].token.as_deref()), (401, None));
    let expected = Seen {
        method: "POST".to_owned(),
        path: "/team/one.git/git-upload-pack".to_owned(),
        scheme: Some("Basic".to_owned()),
        username: Some("x-access-token".to_owned()),
        token: Some("good".to_owned()),
        status: 200,
    };
    assert_eq!(last(&place.server), expected);
}

#[test]
fn a_push_of_more_than_a_mebibyte_arrives() {
    for bytes in [100, 4 << 20] {
        let place = Place::new(Offers::Basic, false);
        let good = Some(("any", "good"));
        assert_done(&place.git(good, None, &["clone", "-q", &place.url(), "copy"]));
        std::fs::write(place.directory.path().join("copy/large"), noise(bytes)).unwrap();
        assert_done(&place.git(good, None, &["-C", "copy", "add", "large"]));
        assert_done(&place.git(good, None, &["-C", "copy", "commit", "-q", "-m", "large"]));
        assert_done(&place.git(good, None, &["-C", "copy", "push", "-q", "origin", "main"]));
        assert_done(&place.git(good, None, &["clone", "-q", &place.url(), "again"]));
        assert_eq!(std::fs::read(place.directory.path().join("again/large")).unwrap(), noise(bytes));
    }
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    });
    next.take(length).collect()
}

#[test]
fn bearer_is_let_in_where_it_is_offered_and_nowhere_else() {
    for (offers, welcome) in [(Offers::Bearer, true), (Offers::Both, true), (Offers::Basic, false)] {
        let place = Place::new(offers, false);
        let listed = place.git(None, Some("Authorization: Bearer good"), &["ls-remote", &place.url()]);
        assert_eq!(listed.status.success(), welcome, "{offers:?}");
        let seen = &place.server.seen()[0];
        assert_eq!((seen.scheme.as_deref(), seen.token.as_deref()), (Some("Bearer"), Some("good")));
    }
    let place = Place::new(Offers::Nothing, false);
    assert_done(&place.git(None, None, &["ls-remote", &place.url()]));
}

#[test]
fn a_refusal_carries_the_challenges_that_are_offered() {
    let challenges = |offers, authorization: Option<&str>| -> Vec<String> {
        let place = Place::new(offers, false);
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = agent.get(format!("{}/info/refs?service=git-upload-pack", place.url()));
        let request = authorization.into_iter().fold(request, |request, value| request.header("authorization", value));
        let response = request.call().unwrap();
        assert_eq!(response.status(), 401);
        let values = response.headers().get_all("www-authenticate").iter();
        values.map(|value| value.to_str().unwrap().to_owned()).collect()
    };
    let (bearer, basic) = (r#"Bearer realm="sandbox""#, r#"Basic realm="sandbox""#);
    assert_eq!(challenges(Offers::Both, None), [bearer, basic]);
    assert_eq!(challenges(Offers::Bearer, None), [bearer]);
    assert_eq!(challenges(Offers::Basic, Some("Basic ZDpzdGFsZQ==")), [basic]);
    let refused = format!(r#"{bearer}, error="invalid_token""#);
    assert_eq!(challenges(Offers::Both, Some("Bearer stale")), [refused.as_str(), basic]);
}

#[test]
fn tokens_change_run_out_and_ask_for_a_user_name_while_the_server_runs() {
    let place = Place::new(Offers::Basic, false);
    let try_as =
        |username, token| place.git(Some((username, token)), None, &["ls-remote", &place.url()]).status.success();
    assert!(try_as("any", "good") && !try_as("any", "new"));
    place.server.accept(&["new"]);
    assert!(!try_as("any", "good") && try_as("any", "new"));
    place.server.require_username(Some("oauth2".to_owned()));
    assert!(!try_as("any", "new") && try_as("oauth2", "new"));
    place.server.require_username(None);
    place.server.accept_for("short", 1);
    assert!(!try_as("any", "short") && try_as("any", "new"));
    let served = place.server.seen().into_iter().filter(|seen| seen.token.as_deref() == Some("short"));
    // ls-remote of protocol 2 is two requests, so that the token dies in the middle of it.
    assert_eq!(served.map(|seen| seen.status).take(2).collect::<Vec<_>>(), [200, 401]);
}

#[test]
fn other_git_executables_serve_as_well_and_a_missing_one_is_an_error_for_the_client() {
    let place = Place::new(Offers::Nothing, false);
    let serve = |git: &str| {
        let options = GitOptions {
            root: place.directory.path().join("root"),
            offers: Offers::Nothing,
            git: Path::new(git).to_owned(),
            ..GitOptions::default()
        };
        let server = GitServer::start(options).unwrap();
        let listed = place.git(None, None, &["ls-remote", &format!("{}/team/one.git", server.url())]);
        (listed.status.success(), last(&server).status)
    };
    if Path::new("/usr/bin/git").exists() {
        assert_eq!(serve("/usr/bin/git"), (true, 200));
    }
    assert_eq!(serve("/no/such/git"), (false, 500));
}
