//! Which of curl's options pass beside a credential: each one alone, against what the installed curl says of itself, and
//! random ones against a second account of curl's rules.

use std::ffi::OsString;
use std::process::Command;

use crate::common::curl_rules::{self, DANGEROUS, HELP, assert_harmless, known};
use crate::common::https::Https;
use crate::common::proxy::Proxy;
use crate::common::{EXE, World, finish};
use proptest::prelude::*;
use scalekit_auth::commands::curl::options::{Checked, Context, Refused, Why, check, rows, takes_value};
use scalekit_auth::commands::curl::table::Rule;

const BEARER: Context<'_> = Context { header: Some("Authorization"), show_secrets: false };
const KEY: Context<'_> = Context { header: Some("X-Api-Key"), show_secrets: false };

fn checked(arguments: &[&str], context: Context<'_>) -> Result<Checked, Refused> {
    check(&arguments.iter().map(OsString::from).collect::<Vec<_>>(), context)
}

#[track_caller]
fn assert_refused(arguments: &[&str], why: Why) {
    assert_eq!(checked(arguments, BEARER).map_err(|refused| refused.why), Err(why), "{arguments:?}");
}

#[test]
fn values_are_where_curl_finds_them() {
    for arguments in [
        &["-sSfLo", "file"][..],
        &["-XPOST", "-dfoo"],
        &["-d", "-k"],
        &["-o", "https://elsewhere.example/"],
        &["--data", "--next"],
        &["-sd", "@-", "-H", "Accept: application/json", "-HX-One;"],
        &["--json", "{}", "--no-progress-meter", "--no-buffer", "-N"],
        &["--no-compressed", "--no-clobber"],
        &["-ok"],
        &["-w", "%{http_code}\n", "-A", "", "-e", ""],
        &["-qg#", "-0"],
        &[],
    ] {
        assert!(checked(arguments, BEARER).is_ok(), "{arguments:?}: {:?}", checked(arguments, BEARER));
    }
    assert_eq!(checked(&["-sLo", "file"], BEARER), Ok(Checked { follows: true }));
    assert_eq!(checked(&["-oL"], BEARER), Ok(Checked { follows: false }));
}

#[test]
fn what_could_harm_the_credential_is_refused_and_named_without_its_value() {
    for (arguments, why) in [
        (&["https://elsewhere.example/"][..], Why::OneUrl),
        (&["-sS", "elsewhere.example"], Why::OneUrl),
        (&["--", "x"], Why::OneUrl),
        (&["-"], Why::OneUrl),
        (&[""], Why::OneUrl),
        (&["--url", "x"], Why::OneUrl),
        (&["-d", "x", "--next", "x"], Why::OneUrl),
        (&["-s:"], Why::OneUrl),
        (&["-Kx"], Why::Unchecked),
        (&["-sk"], Why::Trust),
        (&["--no-insecure"], Why::Trust),
        (&["--location-trusted"], Why::Where),
        (&["-sSuada:hunter2"], Why::Credential),
        (&["-n"], Why::Credential),
        (&["-xproxy"], Why::Where),
        (&["-v"], Why::Show),
        (&["-sSvv"], Why::Show),
        (&["-XTRACE"], Why::Show),
        (&["-X", "GET / HTTP/1.1\r\nHost: x"], Why::Malformed),
        (&["-X", ""], Why::Malformed),
        (&["-A", "x\r\nHost: y"], Why::Malformed),
        (&["-b", "a=b\nHost: y"], Why::Malformed),
        (&["-w", "@file"], Why::Unchecked),
        (&["-T.."], Why::Where),
        (&["-T", "up/.."], Why::Where),
        (&["-H", "@file"], Why::Unchecked),
        (&["-H@-"], Why::Unchecked),
        (&["-H", "Authorization: x"], Why::Credential),
        (&["-H", "authorization;"], Why::Credential),
        (&["-H", "AUTHORIZATION:"], Why::Credential),
        (&["-H", "Proxy-Authorization: x"], Why::Credential),
        (&["-H", "Host: x"], Why::Where),
        (&["-H", " Authorization: x"], Why::Malformed),
        (&["-H", "Authorization : x"], Why::Malformed),
        (&["-H", "X;Authorization: x"], Why::Malformed),
        (&["-H", "X: y\r\nAuthorization: x"], Why::Malformed),
        (&["-H", ":authority: x"], Why::Malformed),
        (&["-H", "X-One"], Why::Malformed),
        (&["-o"], Why::NoValue),
        (&["--data"], Why::NoValue),
        (&["--dat", "x"], Why::Unknown),
        (&["--DATA", "x"], Why::Unknown),
        (&["--data=x"], Why::Unknown),
        (&["--expand-data", "x"], Why::Unknown),
        (&["--no-data", "x"], Why::Unknown),
        (&["--no-globoff"], Why::Unknown),
        (&["--no-location"], Why::Unknown),
        (&["--no-"], Why::Unknown),
        (&["---"], Why::Unknown),
        (&["-*"], Why::Unknown),
        (&["- "], Why::Unknown),
        (&["-s "], Why::Unknown),
        (&["--\u{e9}"], Why::Unknown),
    ] {
        assert_refused(arguments, why);
    }
    assert_eq!(checked(&["-sSuada:hunter2"], BEARER).unwrap_err().option, "-u");
    assert_eq!(checked(&["--pass=hunter2"], BEARER).unwrap_err().option, "--pass");
    assert_eq!(checked(&["https://a:hunter2@x/"], BEARER).unwrap_err().option, "");
}

#[test]
fn a_provider_with_a_header_of_its_own_keeps_it_for_itself_and_follows_no_redirects() {
    assert_eq!(checked(&["-H", "x-api-key: x"], KEY).unwrap_err().why, Why::Credential);
    assert_eq!(checked(&["-H", "Authorization: x"], KEY).unwrap_err().why, Why::Credential);
    for arguments in [&["-L"][..], &["--location"], &["-sLo", "x"]] {
        assert_eq!(checked(arguments, KEY).unwrap_err().why, Why::Redirect);
    }
    let cookie = Context { header: Some("cookie"), show_secrets: false };
    assert_eq!(checked(&["-b", "a=b"], cookie).unwrap_err().why, Why::Credential);
    assert!(checked(&["-b", "a=b"], KEY).is_ok());
}

#[test]
fn the_table_is_sorted_and_each_letter_stands_once() {
    assert!(rows().is_sorted_by(|a, b| a.0 < b.0));
    let mut letters: Vec<char> = rows().iter().map(|row| row.1).filter(|letter| *letter != ' ').collect();
    letters.sort_unstable();
    assert!(letters.is_sorted_by(|a, b| a < b), "{letters:?}");
    for name in DANGEROUS.split_ascii_whitespace().filter(|name| *name != "verbose") {
        let row = rows().iter().find(|row| row.0 == name).unwrap_or_else(|| panic!("{name} has no row"));
        assert!(matches!(row.2, Rule::Refused(_)), "{name}");
    }
}

#[test]
fn the_table_takes_values_exactly_where_curl_does() {
    let installed = Command::new("curl").args(["--help", "all"]).output().unwrap();
    let installed = String::from_utf8(installed.stdout).unwrap();
    let compare = |help: &str| {
        let known = known(help);
        assert!(known.len() > 200, "{known:?}");
        let mut compared = 0;
        for (long, short, rule) in rows() {
            let Some(option) = known.iter().find(|option| option.long == *long) else { continue };
            // Newer curls call `--include` `--show-headers`.
            let letter = option.short.map_or(' ', char::from);
            assert!(*short == letter || *long == "include", "--{long}");
            assert!(matches!(rule, Rule::Refused(_)) || takes_value(*rule) == option.takes_value, "--{long}");
            compared += 1;
        }
        compared
    };
    assert!(compare(HELP) > 180);
    assert!(compare(&installed) > 150);
}

/// A value with which curl goes on.
fn example(long: &str) -> &'static str {
    match long {
        "create-file-mode" => "0600",
        "cookie" => "a=b",
        "continue-at" => "0",
        "form" | "form-string" => "a=b",
        "header" => "X-One: 1",
        "pinnedpubkey" => "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "output-dir" => ".",
        "range" => "0-1",
        "request" => "PUT",
        "time-cond" => "1 January 2020",
        "upload-file" | "etag-compare" => "given",
        "dump-header" | "output" | "stderr" | "cookie-jar" | "etag-save" => "written",
        _ => "1",
    }
}

#[test]
fn every_allowed_option_is_one_request_with_the_token_to_the_one_host() {
    let (world, server, proxy) = github();
    std::fs::write(world.path("given"), "given").unwrap();
    // These ask for what this server does not have, and end the call before the request.
    let asks_for_more = |long: &str| ["pinnedpubkey", "cert-status", "ipv6"].contains(&long);
    for (long, _, rule) in rows().iter().filter(|row| !matches!(row.2, Rule::Refused(_)) && !asks_for_more(row.0)) {
        let option = format!("--{long}");
        let mut arguments = vec![option.as_str()];
        arguments.extend(Some(example(long)).filter(|_| takes_value(*rule)));
        let before = server.seen().len();
        // A second one, so that a value taken for an option, or the other way round, shows.
        let got = finish(curl(&world, &server, &proxy, &arguments).args(["-H", "X-Last: 1", "-sS"]), "");
        let seen = server.seen().split_off(before);
        let [request] = &seen[..] else { panic!("{option}: {seen:?} {got:?}") };
        let fields = ["Host", "Authorization", "X-Last"].map(|name| request.header(name));
        assert_eq!(fields, [Some("api.github.com"), Some("Bearer gho_abc"), Some("1")], "{option}: {got:?}");
        assert!(
            !got.stdout.contains("gho_abc") && (*rule == Rule::Verbose || !got.stderr.contains("gho_abc")),
            "{got:?}"
        );
    }
    assert!(proxy.seen().iter().all(|head| head.starts_with("CONNECT api.github.com:443 ")));
}

#[test]
fn every_refused_option_is_refused_before_anything_is_sent() {
    let (world, server, proxy) = github();
    for (long, short, rule) in rows() {
        let Rule::Refused(why) = rule else { continue };
        let letter = format!("-{short}");
        for option in [&format!("--{long}"), &letter] {
            if option == "- " {
                continue;
            }
            let mut command = curl(&world, &server, &proxy, &["-sS", option, "https://elsewhere.example/"]);
            let got = finish(&mut command, "").exit(2);
            let said = format!("curl's option {option} is refused\n  why:  {why}\n  next: {}", why.next());
            assert!(got.stderr.contains(&said) && got.stdout.is_empty(), "{option}: {got:?}");
        }
    }
    assert!(server.seen().is_empty() && proxy.seen().is_empty());
    assert_eq!(world.sandbox.counts().tcp_connections, 0);
}

fn github() -> (World, Https, Proxy) {
    let world = World::new();
    world.seed("github-x", "GITHUB", "gho_abc");
    world.write_connections(r#"{"github": {"connection_name": "github-x", "identifier": "ada"}}"#);
    let server = Https::start(&world, &["api.github.com"]);
    let proxy = Proxy::start(Some(server.port));
    (world, server, proxy)
}

fn curl(world: &World, server: &Https, proxy: &Proxy, arguments: &[&str]) -> Command {
    let mut command = world.command(EXE);
    command.args(["curl", "--show-secrets", "https://api.github.com/x"]).args(arguments);
    command.env("HTTPS_PROXY", &proxy.url).env("NO_PROXY", "localhost").env("CURL_CA_BUNDLE", &server.ca);
    command
}

/// Pieces of arguments: whole options, letters, values, and what lies between.
fn word() -> impl Strategy<Value = String> {
    let names: Vec<String> = known(HELP).into_iter().map(|option| option.long).collect();
    let letters: Vec<char> = known(HELP).iter().filter_map(|option| option.short).map(char::from).collect();
    prop_oneof![
        3 => prop::sample::select(names.clone()).prop_map(|name| format!("--{name}")),
        1 => prop::sample::select(names.clone()).prop_map(|name| format!("--no-{name}")),
        1 => (prop::sample::select(names), 1usize..9).prop_map(|(name, end)| format!("--{}", &name[..end.min(name.len())])),
        3 => prop::collection::vec(prop::sample::select(letters), 1..5)
            .prop_map(|letters| format!("-{}", letters.into_iter().collect::<String>())),
        2 => prop::sample::select(vec![
            "https://elsewhere.example/", "x", "@file", "Authorization: x", "host:x", "X-Api-Key;", "--", "-", "", "POST", "a\nb",
        ]).prop_map(str::to_owned),
        1 => "-?-?[ -~]{0,6}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_passes_is_harmless_by_curls_own_rules(words in prop::collection::vec(word(), 0..5)) {
        thread_local!(static KNOWN: Vec<curl_rules::Known> = known(HELP));
        let bytes: Vec<&[u8]> = words.iter().map(String::as_bytes).collect();
        let arguments: Vec<OsString> = words.iter().map(OsString::from).collect();
        for context in [BEARER, KEY] {
            if check(&arguments, context).is_ok() {
                KNOWN.with(|known| assert_harmless(known, &bytes, context.header.unwrap()));
            }
        }
    }
}
