//! Tokens that rest in the kernel's memory.

mod common;

use common::World;

#[test]
fn the_vault_is_asked_once() {
    let mut world = World::new();
    world.has_cache = true;
    world.seed("gmail-x", "GMAIL", "the-token");
    world.write_connections(r#"{"gmail": {"connection_name": "gmail-x", "identifier": "ada"}}"#);
    for _ in 0..3 {
        assert_eq!(world.ok(&["token", "gmail"]).stdout, "the-token\n");
    }
    eprintln!("{:?}", world.sandbox.counts());
    eprintln!("{:?}", world.ok(&["cache", "status"]));
    eprintln!("{}", world.ok(&["cache", "status", "--json"]).stdout);
    eprintln!("{:?}", world.ok(&["cache", "clear"]));
    eprintln!("{:?}", world.ok(&["cache", "limit", "--account", "0"]));
    world.ok(&["token", "gmail"]);
    world.ok(&["token", "gmail"]);
    eprintln!("{:?}", world.sandbox.counts());
}
