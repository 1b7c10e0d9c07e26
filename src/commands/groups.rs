//! The groups in which `--help` lists the commands.

/// Each command stands in one of them; a test looks.
const GROUPS: &[(&str, &[&str])] = &[
    ("Get tokens", &["token", "header", "exec", "curl"]),
    ("Set up", &["login", "logout", "setup", "status", "doctor", "cache", "audit"]),
    ("Manage services and accounts", &["sync", "list", "config", "use", "remove", "connect", "disconnect", "which"]),
    ("API clients", &["client", "verify"]),
    (
        "For other programs",
        &[
            "git-credential",
            "docker-credential",
            "mcp",
            "mcp-headers",
            "bazel",
            "cargo",
            "terraform",
            "keyring",
            "pnpm",
            "goauth",
            "kubernetes",
            "nuget",
            "askpass",
        ],
    ),
];

/// The same command with a `--help` that lists its sub-commands in groups.
pub(super) fn grouped(command: clap::Command) -> clap::Command {
    let line = |name: &str, about: &dyn std::fmt::Display| format!("  {name:<17}  {about}\n");
    let mut page = "{about-with-newline}\n{usage-heading} {usage}\n\n".to_owned();
    for (group, names) in GROUPS {
        page += &format!("{group}:\n");
        for command in names.iter().filter_map(|name| command.find_subcommand(name)) {
            page += &line(command.get_name(), command.get_about().unwrap_or_default());
        }
        page.push('\n');
    }
    page += &line("help", &"Print this message or the help of the given command");
    page += "\n{options}{after-help}\n";
    command.help_template(page)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn every_command_stands_in_one_group() {
        let command = super::super::Arguments::command();
        let mut listed: Vec<&str> = super::GROUPS.iter().flat_map(|(_, names)| *names).copied().collect();
        let mut known: Vec<&str> = command.get_subcommands().map(|command| command.get_name()).collect();
        listed.sort_unstable();
        known.sort_unstable();
        assert_eq!(listed, known);
        assert!(command.get_subcommands().all(|command| command.get_about().is_some()));
    }
}
