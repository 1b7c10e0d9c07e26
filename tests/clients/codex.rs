//! Codex: a run with a stand-in for its model, which calls the tools of an MCP server.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::common::{EXE, Finished, World, finish};
use crate::model::{Model, Turn, tools};
use crate::{command, replace, world};

fn run(world: &World, model: &Model) -> Finished {
    let file = world.path(".codex/config.toml");
    let servers = std::fs::read_to_string(&file).unwrap();
    let text = format!(
        "model = \"stand-in\"\nmodel_provider = \"x\"\n{servers}\n[model_providers.x]\nname = \"x\"\nbase_url = \"{}\"\n\
         wire_api = \"responses\"\n",
        model.url
    );
    std::fs::write(&file, text).unwrap();
    let args = ["exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "hi"];
    let got = finish(&mut command(world, "codex", &args), "");
    assert!(!got.stdout.contains("Bearer") && !got.stderr.contains("Bearer"), "{got:?}");
    got
}

fn echo(text: &str, before: impl Fn() + Send + 'static) -> Turn {
    Turn::Call("echo", json!({"text": text}), Box::new(before))
}

/// What came of the calls, as the model learns it.
fn outputs(requests: &[Value]) -> Vec<String> {
    let last = requests.last().unwrap()["input"].as_array().unwrap();
    let outputs = last.iter().filter(|item| item["type"] == "function_call_output");
    outputs.map(|item| item["output"].to_string()).collect()
}

/// Two calls with the token replaced between them.
fn two_calls(configure: impl Fn(&World, &str)) -> Vec<String> {
    let place = Arc::new(world());
    configure(&place.0, &format!("{}/mcp", place.1.origin()));
    let other = Arc::clone(&place);
    let replaced = move || replace(&other.0, &other.1, "two");
    let model = Model::start(vec![echo("before", || {}), echo("after", replaced), Turn::Say("done")]);
    let got = run(&place.0, &model);
    let requests = model.requests();
    assert!(requests.len() == 3, "{got:?}");
    assert!(tools(&requests[0]).contains("echo"), "{}", tools(&requests[0]));
    outputs(&requests)
}

#[test]
fn what_set_up_wrote_gives_the_model_the_servers_tools() {
    let outputs = two_calls(|world, _| drop(world.ok(&["setup", "codex"])));
    // Codex 0.171 asks the helper again where the server refuses.
    assert!(outputs[0].contains("echo before") && outputs[1].contains("echo after"), "{outputs:?}");
}

#[test]
fn the_bridge_gets_over_a_token_that_is_replaced_in_the_middle_of_a_session() {
    let outputs = two_calls(|world, url| {
        let entry = format!("[mcp_servers.linear]\ncommand = \"{EXE}\"\nargs = [\"mcp\", \"{url}\"]\n");
        crate::common::setup::write(&world.path(".codex/config.toml"), &entry);
    });
    assert!(outputs[0].contains("echo before") && outputs[1].contains("echo after"), "{outputs:?}");
}
