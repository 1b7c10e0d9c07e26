//! Manual pages: one for the program, one for each command, and one for each name of a protocol.

use clap::Command;
use clap_mangen::Man;
use scalekit_auth::protocol::PROTOCOLS;

use crate::NAME;

/// The names of the files, and what they hold.
pub fn pages(tree: Command) -> Vec<(String, Vec<u8>)> {
    let version = tree.get_version().unwrap_or_default().to_owned();
    let mut tree = tree.disable_help_subcommand(true);
    tree.build();
    let mut pages = Vec::new();
    page(&tree, NAME, &format!("{NAME} {version}"), &mut pages);
    for protocol in PROTOCOLS {
        let page = format!(".so man1/{NAME}-{}.1\n", protocol.command);
        pages.push((format!("{}.1", protocol.link), page.into_bytes()));
    }
    pages
}

fn page(command: &Command, name: &str, source: &str, pages: &mut Vec<(String, Vec<u8>)>) {
    let mut text = Vec::new();
    let man = Man::new(command.clone()).title(name).source(source).manual("User Commands");
    man.render(&mut text).expect("memory takes all bytes");
    pages.push((format!("{name}.1"), text));
    for below in command.get_subcommands() {
        page(below, &format!("{name}-{}", below.get_name()), source, pages);
    }
}
