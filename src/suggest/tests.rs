use super::*;
use crate::service::ApiClient;

/// Each kind of command that this module builds, with every option that others add to it.
fn all() -> Vec<Suggestion> {
    let service = Service::new("github", "github-x", Origin::User);
    let account = Account { identifier: "bob".into(), source: "x", was_named: true };
    let subject = Subject::new(&service, &account, Some("dev"));
    let mut machine = service.clone();
    machine.client = Some(Box::new(ApiClient {
        url: "https://acme.scalekit.com".into(),
        client_id: "m2morg_1".into(),
        organization: None,
        scopes: Vec::new(),
        username: None,
        home: HomeChoice::Keyring,
    }));
    let mut found = Service::new("github", "github-x", Origin::Sync);
    found.environment = Some("dev".into());
    vec![
        subject.connect(),
        subject.connect().word("--no-wait").word("--json"),
        subject.connect().word("--wait-only"),
        subject.renew(),
        subject.header(),
        subject.curl().word("URL"),
        subject.call_by_vault(),
        subject.command("token"),
        login("dev"),
        login_to("https://acme.scalekit.com"),
        login_command("dev"),
        credentials_in_file("dev"),
        credentials_of("dev").option("--home", "file:/x").word("--allow-world-readable"),
        credentials_of("client/m2morg_1").word("--secret-stdin"),
        credentials_in_file("client/m2morg_1"),
        logout("dev"),
        status(),
        status_check(),
        doctor(),
        which("https://github.com/a"),
        token("github"),
        token("https://github.com").option("--identifier", "bob"),
        remove("github"),
        setup("git"),
        setup("git").word("github.com").word("--replace"),
        setup("docker").word("ghcr.io").word("--replace"),
        setup("gh"),
        setup_alone(),
        Clients { organization: "org_1", environment: Some("dev") }.list(),
        Clients { organization: "org_1", environment: Some("dev") }.delete("m2morg_1").word("--yes"),
        client("delete").word("machine"),
        client("get").word("machine"),
        client("rotate").word("machine"),
        client("secrets").word("machine"),
        verify(),
        verify().option("--issuer", "URL"),
        curl(),
        use_for("github", "github.com"),
        sync("dev"),
        list(Some("dev")),
        config(&service).option("--host", "HOST").option("--provider", "PROVIDER"),
        config(&service).option("--identifier", "IDENTIFIER").option("--as", "NAME"),
        config(&found),
        config(&machine).option("--scope", "SCOPE").word("--secret-stdin"),
        config_new("github").option("--host", "HOST"),
        config_host("ghcr.io"),
        config_in("github", "dev"),
        config_client("machine", "m2morg_1")
            .option("--org", "org_1")
            .option("--home", "file:/x")
            .word("--secret-stdin"),
        typed(&["token"]).word("github").word("--json"),
    ]
}

#[test]
fn every_command_is_one_that_the_program_takes() {
    for command in all() {
        let words = std::iter::once("scalekit-auth".to_owned()).chain(command.words.iter().cloned());
        let outcome = crate::commands::parses(words.map(Into::into).collect());
        assert!(outcome.is_ok(), "{command}: {}", outcome.unwrap_err());
    }
}

/// Each function of this module that gives a command is among them, so that none is forgotten above.
#[test]
fn none_is_left_out() {
    let (code, tests) = (include_str!("../suggest.rs"), include_str!("tests.rs"));
    let given = code.lines().filter(|line| line.contains("pub fn ") && line.ends_with("-> Suggestion {"));
    for line in given {
        let name = line.split("pub fn ").nth(1).unwrap().split('(').next().unwrap();
        assert!(tests.contains(&format!("{name}(")), "{name}");
    }
}

#[test]
fn words_are_quoted_where_a_shell_would_take_them_apart() {
    assert_eq!(quoted("a@b.c/d:e"), "a@b.c/d:e");
    assert_eq!(quoted("two words"), "'two words'");
    assert_eq!(quoted("it's"), r"'it'\''s'");
    assert_eq!(quoted(""), "''");
    for word in ["$HOME", "a;b", "*", "~", "a\nb", "`x`", "é"] {
        assert!(quoted(word).starts_with('\''), "{word}");
    }
}

#[test]
fn a_command_keeps_the_account_and_the_environment() {
    let mut service = Service::new("github", "github x", Origin::User);
    service.identifier = Some("usual".into());
    let account = |identifier: &str, was_named| Account { identifier: identifier.into(), source: "x", was_named };
    let connect = |account: &Account, environment| Subject::new(&service, account, environment).connect().line();
    assert_eq!(connect(&account("usual", true), None), "scalekit-auth connect github");
    assert_eq!(connect(&account("bob's", true), None), r"scalekit-auth connect github --identifier 'bob'\''s'");
    assert_eq!(
        connect(&account("bob", true), Some("dev")),
        "scalekit-auth connect github --identifier bob --environment dev"
    );
    assert_eq!(connect(&account("agent", false), None), "scalekit-auth connect github");
    assert_eq!(config(&service).line(), "scalekit-auth config github 'github x'");
    assert_eq!(login("default").to_string(), "`scalekit-auth login`");
    assert_eq!(login("dev").to_string(), "`scalekit-auth login --environment dev`");
}
