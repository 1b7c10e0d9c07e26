//! `setup` of MCP clients, on their configuration files as people have them.

use std::path::PathBuf;

use crate::common::setup::{read, run, write};
use crate::common::{Finished, World, finish};
use serde_json::{Value, json};

const URL: &str = "https://mcp.linear.app/mcp";

/// Clients, the files of their configurations, and how people's look.
const CLIENTS: &[(&str, &str, &[&str])] = &[
    (
        "claude",
        ".claude.json",
        &[
            "{}",
            "{\n  \"numStartups\": 3,\n  \"mcpServers\": {\n    \"mine\": {\n      \"type\": \"http\",\n      \"url\": \"https://a.example.com/mcp\"\n    }\n  }\n}",
            "{\"numStartups\":3}\n",
            "",
        ],
    ),
    (
        "codex",
        ".codex/config.toml",
        &[
            "",
            "# my models\nmodel = \"x\" # best\n\n[mcp_servers.mine]\ncommand = \"npx\"\nargs = [\n  \"a\", # b\n]",
            "[projects.\"/a b\"]\r\ntrust_level = \"trusted\"\r\n",
        ],
    ),
    ("vscode", ".config/Code/User/mcp.json", &["{\n\t// mine\n\t\"servers\": {},\n\t\"inputs\": [],\n}\n", "{ }\n"]),
    (
        "cursor",
        ".cursor/mcp.json",
        &["{\n  \"mcpServers\": {\n    \"mine\": {\"command\": \"npx\", \"args\": []}\n  }\n}\n"],
    ),
    ("gemini", ".gemini/settings.json", &["{\r\n  \"theme\": \"Dark\"\r\n}\r\n"]),
    (
        "zed",
        ".config/zed/settings.json",
        &[
            "// Zed settings\n//\n// see https://zed.dev\n{\n  \"ui_font_size\": 16,\n  // \"context_servers\": {},\n  \"context_servers\": {\n    // one\n    \"mine\": {\"command\": \"x\"},\n  },\n}\n",
        ],
    ),
    ("opencode", ".config/opencode/opencode.json", &["{\n    \"$schema\": \"https://opencode.ai/config.json\"\n}"]),
];

/// A world with the services linearmcp and notionmcp, the program's own file, and no client.
fn world() -> World {
    let world = crate::common::setup::world();
    for name in ["linearmcp", "notionmcp"] {
        world.seed(&format!("{name}-x"), &name.to_uppercase(), &format!("token of {name}").replace(' ', "-"));
        world.ok(&["config", name, &format!("{name}-x"), "--identifier", "ada"]);
    }
    world
}

fn program(world: &World) -> String {
    world.path("bin/scalekit-auth").display().to_string()
}

#[test]
fn what_is_wrong_in_codex_own_file_is_told_without_its_lines() {
    let world = world();
    for text in [
        "[mcp_servers.x.env]\nTOKEN = \"ghp_SECRET\"\nTOKEN = \"ghp_SECRET2\"\n",
        "[mcp_servers.x]\n\nenv = { TOKEN = ghp_SECRET }\n",
        "\n\nTOKEN = \"ghp_SECRET\n",
    ] {
        write(&world.path(".codex/config.toml"), text);
        for args in [&["setup", "codex"][..], &["doctor"], &["doctor", "--json"], &["status"]] {
            let got = run(&world, args);
            let all = format!("{}{}", got.stdout, got.stderr);
            assert!(!all.contains("ghp_"), "{args:?}: {all}");
            assert!(all.contains("it is not TOML (line 3, column "), "{args:?}: {all}");
        }
    }
}

/// What the client will run for linearmcp, as it finds it in its file.
fn entry(client: &str, text: &str) -> Value {
    if client == "codex" {
        let table: toml::Table = text.parse().unwrap();
        return serde_json::to_value(&table["mcp_servers"]["linearmcp"]).unwrap();
    }
    let without_comments: String =
        text.lines().filter(|line| !line.trim().starts_with("//")).collect::<Vec<_>>().join("\n");
    let strict = without_comments.replace(",\n}", "\n}").replace(",\n  }", "\n  }");
    let document: Value = serde_json::from_str(&strict).unwrap_or_else(|error| panic!("{error}: {text}"));
    let key = match client {
        "vscode" => "servers",
        "zed" => "context_servers",
        "opencode" => "mcp",
        _ => "mcpServers",
    };
    document[key]["linearmcp"].clone()
}

fn wanted(client: &str, program: &str) -> Value {
    match client {
        "claude" => json!({"type": "http", "url": URL, "headersHelper": format!("{program} mcp-headers")}),
        "codex" => json!({"url": URL, "http_headers_helper": format!("{program} mcp-headers {URL}")}),
        "vscode" => json!({"type": "stdio", "command": program, "args": ["mcp", URL]}),
        "zed" => json!({"command": program, "args": ["mcp", URL], "env": {}}),
        "opencode" => json!({"type": "local", "command": [program, "mcp", URL], "enabled": true}),
        _ => json!({"command": program, "args": ["mcp", URL]}),
    }
}

fn told(world: &World) -> Finished {
    run(world, &["status"])
}

#[test]
fn each_client_gets_its_entries_and_undo_gives_back_every_byte() {
    let world = world();
    for (client, file, texts) in CLIENTS {
        let path: PathBuf = world.path(file);
        for text in *texts {
            write(&path, text);
            let shown = run(&world, &["setup", client, "--dry-run"]).ok();
            assert!(shown.stdout.contains("+") && shown.stdout.contains(URL), "{client}: {shown:?}");
            assert_eq!(read(&path), *text, "--dry-run changes nothing");

            let said = run(&world, &["setup", client]).ok();
            assert!(said.stderr.contains("asks us for linearmcp, notionmcp"), "{said:?}");
            let hides = ["codex", "gemini"].contains(client);
            assert_eq!(said.stderr.contains("hides SCALEKIT_CLIENT_SECRET"), hides, "{said:?}");
            let once = read(&path);
            assert_eq!(entry(client, &once), wanted(client, &program(&world)), "{client}: {once}");
            assert!(once.contains("mcp.notion.com"), "{once}");
            run(&world, &["setup", client]).ok();
            assert_eq!(read(&path), once, "a second time changes nothing");
            assert!(told(&world).stdout.contains("asks us for linearmcp, notionmcp\n"), "{:?}", told(&world));

            run(&world, &["setup", client, "--undo"]).ok();
            assert_eq!(read(&path), *text, "{client}");
            assert!(run(&world, &["setup", "--undo"]).ok().stderr.contains("nothing of ours"));
        }
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_file_that_is_not_there_is_made_for_its_owner_alone_and_goes_again() {
    use std::os::unix::fs::PermissionsExt;
    for (client, file, _) in CLIENTS {
        let world = world();
        let status = told(&world);
        assert!(!status.stdout.contains("linearmcp"), "no client is here: {status:?}");
        let said = run(&world, &["setup", client, "linearmcp"]).ok();
        assert!(said.stderr.contains("does not seem to be installed"), "{said:?}");
        let path = world.path(file);
        assert_eq!(entry(client, &read(&path)), wanted(client, &program(&world)), "{client}");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let status = told(&world).stdout;
        assert!(
            status.contains(&format!("asks us for linearmcp, not for notionmcp; fix: scalekit-auth setup {client}"))
        );
        run(&world, &["setup", "--undo"]).ok();
        assert!(!path.exists(), "{client}");
        // Its directory says that the client is here.
        if *client != "claude" {
            let fix = format!("does not ask us for linearmcp, notionmcp; fix: scalekit-auth setup {client}");
            assert!(told(&world).stdout.contains(&fix), "{:?}", told(&world));
        }
    }
}

#[test]
fn another_server_of_the_name_is_replaced_only_when_asked_and_comes_back() {
    for (client, file, text) in [
        (
            "claude",
            ".claude.json",
            "{\"mcpServers\": {\"linearmcp\": {\"type\": \"http\", \"url\": \"https://x.example.com\"}}}",
        ),
        ("codex", ".codex/config.toml", "[mcp_servers.linearmcp]\nurl = \"https://x.example.com\" # mine\n\n[b]\n"),
        (
            "zed",
            ".config/zed/settings.json",
            "{\n  \"context_servers\": {\n    /* mine */ \"linearmcp\": {\"command\": \"x\"} // y\n  }\n}",
        ),
    ] {
        let world = world();
        let path = world.path(file);
        write(&path, text);
        assert!(told(&world).stdout.contains(&format!("fix: scalekit-auth setup {client} --replace")));
        let got = run(&world, &["setup", client, "linearmcp"]).exit(2);
        assert!(got.stderr.contains("--replace") && !got.stderr.contains("x.example.com"), "{got:?}");
        assert_eq!(read(&path), text);
        // It is not in the way of the others.
        let said = run(&world, &["setup", client]).ok();
        assert!(said.stderr.contains("linearmcp is left out") && read(&path).contains("mcp.notion.com"), "{said:?}");
        run(&world, &["setup", client, "--replace"]).ok();
        assert!(read(&path).contains(URL) && !read(&path).contains("x.example.com"));
        run(&world, &["setup", client]).ok();
        run(&world, &["setup", client, "--undo"]).ok();
        assert_eq!(read(&path), text);
    }
}

#[test]
fn what_a_person_or_the_client_changed_since_then_stays() {
    let world = world();
    let path = world.path(".claude.json");
    write(&path, "{\"a\": 1}");
    run(&world, &["setup", "claude"]).ok();
    // Claude Code writes its file anew, and one server was put in by hand in the place of ours.
    let mut document: Value = serde_json::from_str(&read(&path)).unwrap();
    document["b"] = json!([1, 2]);
    document["mcpServers"]["notionmcp"] = json!({"type": "http", "url": "https://mine.example.com"});
    write(&path, &serde_json::to_string_pretty(&document).unwrap());
    run(&world, &["setup", "claude", "--undo"]).ok();
    let left: Value = serde_json::from_str(&read(&path)).unwrap();
    let mine = json!({"notionmcp": {"type": "http", "url": "https://mine.example.com"}});
    assert_eq!(left, json!({"a": 1, "b": [1, 2], "mcpServers": mine}));

    let path = world.path(".codex/config.toml");
    write(&path, "a = 1\n");
    run(&world, &["setup", "codex"]).ok();
    write(&path, &(read(&path).replace("a = 1", "a = 2") + "\n[mcp_servers.late]\nurl = \"x\"\n"));
    run(&world, &["setup", "codex", "--undo"]).ok();
    assert_eq!(read(&path), "a = 2\n\n[mcp_servers.late]\nurl = \"x\"\n");
}

#[test]
fn what_goes_with_an_entry_and_what_stays_behind_is_said() {
    let world = world();
    run(&world, &["setup", "codex", "linearmcp"]).ok();
    let path = world.path(".codex/config.toml");
    write(&path, &(read(&path) + "startup_timeout_sec = 30\n"));
    run(&world, &["remove", "linearmcp"]).ok();
    let said = told(&world).stdout;
    assert!(said.contains("linearmcp, which is no service any more; fix: scalekit-auth setup codex --undo"), "{said}");
    let said = run(&world, &["setup", "codex", "--undo"]).ok();
    assert!(said.stderr.contains("linearmcp was added to"), "{said:?}");

    let elsewhere = world.path("elsewhere");
    let mut command = world.command(world.path("bin/scalekit-auth"));
    finish(command.args(["setup", "claude"]).env("CLAUDE_CONFIG_DIR", &elsewhere), "").ok();
    assert!(elsewhere.join(".claude.json").exists());
    run(&world, &["setup", "--undo"]).ok();
    assert!(!elsewhere.join(".claude.json").exists());
}

#[test]
fn a_file_that_cannot_be_read_is_left_as_it_is() {
    let world = world();
    for (client, file, text) in [
        ("claude", ".claude.json", "{\"mcpServers\": "),
        ("cursor", ".cursor/mcp.json", "{\"mcpServers\": []}"),
        ("gemini", ".gemini/settings.json", "{\"mcpServers\": {}, \"mcpServers\": {}}"),
        ("zed", ".config/zed/settings.json", "{\"context_servers\": {\"a\": {}, \"a\": {}}}"),
        ("codex", ".codex/config.toml", "mcp_servers = {}\n"),
        ("codex", ".codex/config.toml", "a = \n"),
    ] {
        write(&world.path(file), text);
        let got = run(&world, &["setup", client]).exit(3);
        assert!(got.stderr.contains("is left as it is"), "{got:?}");
        assert_eq!(read(&world.path(file)), text);
        assert!(!world.config_file("setup.json").exists(), "nothing to undo");
    }
}

#[test]
fn what_is_written_works_from_a_shell_and_from_a_client() {
    let world = world();
    run(&world, &["setup", "claude"]).ok();
    run(&world, &["setup", "codex"]).ok();
    let line = "{\"Authorization\":\"Bearer token-of-linearmcp\"}\n";
    let shell = |client: &str, file: &str, key: &str| {
        let entry = entry(client, &read(&world.path(file)));
        let mut command = world.command("sh");
        finish(command.arg("-c").arg(entry[key].as_str().unwrap()).env("CLAUDE_CODE_MCP_SERVER_URL", URL), "").ok()
    };
    assert_eq!(shell("claude", ".claude.json", "headersHelper").stdout, line);
    assert_eq!(shell("codex", ".codex/config.toml", "http_headers_helper").stdout, line);
}

#[test]
fn the_url_is_the_one_that_the_vault_calls_or_that_was_given() {
    let world = world();
    let url_of = |world: &World| entry("cursor", &read(&world.path(".cursor/mcp.json")))["args"][1].clone();
    world.order(json!({"op": "seed_provider", "identifier": "LINEARMCP", "proxy_url": "https://mcp.linear.app/sse"}));
    run(&world, &["setup", "cursor"]).ok();
    assert_eq!(url_of(&world), "https://mcp.linear.app/sse");
    run(&world, &["setup", "cursor", "linearmcp=https://mcp.linear.app/other"]).ok();
    assert_eq!(url_of(&world), "https://mcp.linear.app/other");
    world.order(json!({"op": "seed_provider", "identifier": "LINEARMCP", "proxy_url": "https://evil.example.com/mcp"}));
    run(&world, &["setup", "cursor"]).ok();
    assert_eq!(url_of(&world), URL, "not the service's");
    for other in ["https://evil.example.com/mcp", "https://mcp.notion.com/mcp", "http://mcp.linear.app/mcp", "x"] {
        let got = run(&world, &["setup", "cursor", &format!("linearmcp={other}")]);
        assert!(got.code != Some(0) && url_of(&world) == URL, "{other}: {got:?}");
    }
}

#[test]
fn a_service_whose_tools_scalekit_offers_gets_that_server_when_it_is_named() {
    let world = World::new();
    world.seed("gmail-x", "GMAIL", "ya29");
    world.run(&["setup", "claude"]).exit(3);
    world.ok(&["sync"]);
    let got = world.run(&["setup", "claude", "gmail"]).exit(3);
    assert!(got.stderr.contains("setup claude gmail=URL"), "{got:?}");
    world.order(json!({"op": "extend_connection", "name": "gmail-x", "mcp_server_url": "own"}));
    world.ok(&["sync"]);
    let got = world.run(&["setup", "claude"]).exit(3);
    assert!(got.stderr.contains("setup claude gmail"), "{got:?}");
    world.ok(&["setup", "claude", "gmail"]);
    let text = read(&world.path(".claude.json"));
    assert!(text.contains("/mcp/v3/connections/gmail-x"), "{text}");
    assert!(world.run(&["setup", "claude", "nobody"]).exit(3).stdout.is_empty());
}
