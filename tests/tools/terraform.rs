//! Terraform, with a private module's registry. No package registry has it, so where it is not installed, only the words of its
//! protocol are held (`words.rs`); `tests/run` says so.

use crate::common::setup::{read, run, write};
use crate::common::{World, finish};
use crate::serves;
use crate::site::Site;

#[test]
fn a_private_registry_gets_the_token() {
    let world: World = crate::common::setup::world();
    let site = Site::start("Bearer tok-1", "Bearer", |_| {
        vec![("/v1/modules/org/m/p/versions".to_owned(), b"{\"modules\":[{\"versions\":[]}]}".to_vec())]
    });
    serves(&world, "reg.example.com");
    let own = format!(
        "disable_checkpoint = true\nhost \"reg.example.com\" {{\n  services = {{\n    \"modules.v1\" = \"{}/v1/modules/\"\n  }}\n}}\n",
        site.origin()
    );
    write(&world.path(".terraformrc"), &own);
    run(&world, &["setup", "terraform"]).ok();
    assert!(world.path(".terraform.d/plugins/terraform-credentials-scalekit").exists());
    write(&world.path("infra/main.tf"), "module \"m\" {\n  source = \"reg.example.com/org/m/p\"\n}\n");
    let mut terraform = world.command("terraform");
    let got = finish(terraform.args(["init", "-no-color"]).current_dir(world.path("infra")), "");
    assert!(!got.stdout.contains("tok-1") && !got.stderr.contains("tok-1"));
    site.was_asked("GET /v1/modules/org/m/p/versions known");
    run(&world, &["setup", "terraform", "--undo"]).ok();
    assert_eq!(read(&world.path(".terraformrc")), own);
    assert!(!world.path(".terraform.d/plugins/terraform-credentials-scalekit").exists());
}
