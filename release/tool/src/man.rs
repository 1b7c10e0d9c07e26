//! Manual pages: one for the program, one for each command, and one for each name of a protocol.

use clap::{Arg, ArgAction, Command};
use clap_mangen::Man;
use scalekit_auth::protocol::PROTOCOLS;

use crate::NAME;
use crate::words::{CONFIGURATION, ENVIRONMENT, EXAMPLES, EXIT_STATUS, FILES};

/// The names of the files, and what they hold.
pub fn pages(tree: Command) -> Vec<(String, Vec<u8>)> {
    let version = tree.get_version().unwrap_or_default().to_owned();
    let mut tree = tree.disable_help_subcommand(true);
    tree.build();
    let source = format!("{NAME} {version}");
    let mut pages = Vec::new();
    each(&tree, NAME, &source, &mut pages);
    for protocol in PROTOCOLS {
        let command = tree.find_subcommand(protocol.command).expect("each protocol has a command");
        // A page of its own, since this is the name that people look for.
        let command = command.clone().display_name(protocol.link).bin_name(protocol.link);
        pages.push((format!("{}.1", protocol.link), page(&command, protocol.link, &source)));
    }
    pages
}

fn each(command: &Command, name: &str, source: &str, pages: &mut Vec<(String, Vec<u8>)>) {
    pages.push((format!("{name}.1"), page(command, name, source)));
    for below in command.get_subcommands() {
        each(below, &format!("{name}-{}", below.get_name()), source, pages);
    }
}

fn page(command: &Command, name: &str, source: &str) -> Vec<u8> {
    let man = Man::new(command.clone()).title(name).source(source).manual("User Commands");
    let mut text = Vec::new();
    let made = "memory takes all bytes";
    man.render_title(&mut text).expect(made);
    man.render_name_section(&mut text).expect(made);
    text.extend(section("SYNOPSIS", &synopsis(command)).bytes());
    man.render_description_section(&mut text).expect(made);
    man.render_options_section(&mut text).expect(made);
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text).expect(made);
    }
    // `scalekit-auth client list` has the words `client list`.
    let called = command.get_bin_name().unwrap_or(NAME);
    let words = called.strip_prefix(NAME).unwrap_or_default().trim_start();
    let of = |table: &[(&'static str, &'static str)]| {
        let own = command.get_name();
        let key = if words.is_empty() && own != NAME { own } else { words };
        table.iter().find(|(name, _)| *name == key).map(|(_, text)| lines(text))
    };
    // The program's own is told by the sections below.
    let notes = command.get_after_help().filter(|_| command.get_name() != NAME).map(|text| lines(&text.to_string()));
    let rest = [
        ("NOTES", notes),
        ("CONFIGURATION", of(CONFIGURATION)),
        ("EXAMPLES", of(EXAMPLES)),
        ("FILES", Some(terms(FILES))),
        ("ENVIRONMENT", Some(terms(ENVIRONMENT))),
        ("EXIT STATUS", Some(exit_status(command.get_name()))),
        ("SEE ALSO", Some(see_also(command, name))),
    ];
    for (heading, body) in rest {
        text.extend(body.map(|body| section(heading, &body)).unwrap_or_default().bytes());
    }
    text
}

fn section(heading: &str, body: &str) -> String {
    format!(".SH \"{heading}\"\n{body}")
}

/// Text as roff prints it.
fn plain(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

/// The options with the names of their values, and the words without an option.
fn synopsis(command: &Command) -> String {
    let name = command.get_bin_name().unwrap_or(NAME);
    if let Some(usage) = command.get_overridden_usage() {
        return usage
            .to_string()
            .lines()
            .map(|line| format!("{}\n", plain(line.trim())))
            .collect::<Vec<_>>()
            .join(".br\n");
    }
    let shown = || command.get_arguments().filter(|arg| !arg.is_hide_set());
    let mut words = vec![format!("\\fB{}\\fR", plain(name))];
    words.extend(shown().filter(|arg| !arg.is_positional()).map(|arg| in_brackets(arg, option(arg))));
    words.extend(shown().filter(|arg| arg.is_positional()).map(|arg| in_brackets(arg, value(arg))));
    if command.has_subcommands() {
        let required = command.is_subcommand_required_set();
        words.push(if required { "\\fICOMMAND\\fR" } else { "[\\fICOMMAND\\fR]" }.to_owned());
    }
    words.join(" ") + "\n"
}

fn in_brackets(arg: &Arg, words: String) -> String {
    let again = if matches!(arg.get_action(), ArgAction::Append) { "..." } else { "" };
    if arg.is_required_set() { words + again } else { format!("[{words}]{again}") }
}

fn option(arg: &Arg) -> String {
    let name = match (arg.get_long(), arg.get_short()) {
        (Some(long), _) => format!("\\fB{}\\fR", plain(&format!("--{long}"))),
        (None, short) => format!("\\fB{}\\fR", plain(&format!("-{}", short.unwrap_or_default()))),
    };
    let takes_values = arg.get_num_args().is_some_and(|number| number.takes_values());
    if takes_values { format!("{name} {}", value(arg)) } else { name }
}

fn value(arg: &Arg) -> String {
    let names = arg.get_value_names().map(|names| names.join(" "));
    let names = names.unwrap_or_else(|| arg.get_id().as_str().to_uppercase());
    let dashes = if arg.is_last_set() { "\\-\\- " } else { "" };
    format!("{dashes}\\fI{}\\fR", plain(&names))
}

/// Sentences, and indented lines as they are typed.
fn lines(text: &str) -> String {
    let mut made = String::new();
    let mut is_in_paragraph = false;
    for line in text.lines() {
        let typed = line.strip_prefix("  ");
        if let Some(typed) = typed {
            made += &format!(".PP\n.RS 4\n\\fB{}\\fR\n.RE\n", plain(typed.trim_start()));
        } else if !line.is_empty() {
            made += if is_in_paragraph { "" } else { ".PP\n" };
            made += &format!("{}\n", plain(line));
        }
        is_in_paragraph = typed.is_none() && !line.is_empty();
    }
    // A paragraph right after a heading is none.
    made.strip_prefix(".PP\n").map(str::to_owned).unwrap_or(made)
}

fn terms(table: &[(&str, &str)]) -> String {
    table.iter().map(|(term, what)| format!(".TP\n\\fB{}\\fR\n{}\n", plain(term), plain(what))).collect()
}

fn exit_status(command: &str) -> String {
    if scalekit_auth::protocol::commands().any(|name| name == command) {
        return "What the protocol of the tool wants; protocol.md has it.\n".to_owned();
    }
    let more = match command {
        "exec" => ".PP\nOnce the command runs, its own; 126 and 127 where it cannot be run or is not there.\n",
        "curl" => ".PP\nOnce curl runs, its own.\n",
        _ => "",
    };
    terms(EXIT_STATUS) + more
}

fn see_also(command: &Command, name: &str) -> String {
    let mut pages: Vec<String> = Vec::new();
    if name != NAME {
        pages.push(NAME.to_owned());
    }
    let link = PROTOCOLS.iter().find(|protocol| protocol.command == command.get_name()).map(|protocol| protocol.link);
    pages.extend(link.filter(|link| *link != name).map(str::to_owned));
    let related: &[&str] = match command.get_name() {
        NAME => &["login", "sync", "setup", "doctor"],
        "login" => &["logout", "sync"],
        "config" | "list" | "use" | "remove" => &["sync", "which"],
        "setup" | "status" => &["doctor"],
        "doctor" => &["status", "setup"],
        _ => &["doctor"],
    };
    pages.extend(related.iter().map(|command| format!("{NAME}-{command}")));
    let tool = match command.get_name() {
        "git-credential" | "askpass" => &["gitcredentials(7)"][..],
        "curl" => &["curl(1)"],
        _ => &[],
    };
    let pages = pages.iter().map(|page| format!("{page}(1)")).chain(tool.iter().map(|page| (*page).to_owned()));
    let pages: Vec<String> = pages.map(|page| plain(&page)).collect();
    pages.join(",\n") + "\n"
}
