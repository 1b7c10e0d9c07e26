//! `setup git` and its undoing in the situations that git and its users bring about.

mod common;

use common::setup::{run, world};

#[test]
fn a_file_that_setup_made_goes_after_any_sequence_of_set_ups() {
    let world = world();
    for sequence in [&["", ""][..], &["", "github.com", "--replace"], &["github.com", "gitlab.com", ""]] {
        run(&world, &["config", "gitlab", "gitlab-x"]).ok();
        for word in sequence {
            let words = ["setup", "git", word];
            run(&world, if word.is_empty() { &words[..2] } else { &words }).ok();
        }
        run(&world, &["setup", "--undo"]).ok();
        assert!(!world.path(".gitconfig").exists(), "{sequence:?}");
    }
}

#[test]
fn a_link_that_leads_nowhere_is_neither_replaced_nor_followed() {
    let world = world();
    std::fs::create_dir(world.path(".docker")).unwrap();
    for (tool, name) in [("git", ".gitconfig"), ("docker", ".docker/config.json")] {
        for target in ["missing/dotfile", "missing"] {
            let link = world.path(name);
            std::os::unix::fs::symlink(world.path(target), &link).unwrap();
            for args in [&["setup", tool][..], &["setup", tool, "--dry-run"], &["setup", tool, "--undo"]] {
                let refused = run(&world, args).exit(1);
                assert!(refused.stderr.contains("leads nowhere"), "{refused:?}");
            }
            assert_eq!(std::fs::read_link(&link).unwrap(), world.path(target));
            assert!(!world.path(target).exists());
            std::fs::remove_file(&link).unwrap();
        }
    }
}
