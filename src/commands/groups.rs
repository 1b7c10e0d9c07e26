//! The groups in which `--help` lists the commands.

/// The page of `--help`. Each command stands in one group, with the words that its own help begins with; a test compares them.
pub(super) const HELP: &str = "\
{about-with-newline}
{usage-heading} {usage}

Get tokens:
  token              Print a fresh token for a service, URL or host
  header             Print the request header with a fresh token, as the provider wants it
  exec               Run a command with fresh tokens in its environment variables
  curl               Call a URL with curl and a fresh token

Set up:
  login              Check client credentials with Scalekit, and store them in the OS keyring or where --home says
  logout             Remove stored client credentials
  setup              Let git or docker ask the program for the hosts of your services, or undo that
  status             Show each environment, where its client credentials live, and whether they can be read
  cache              Show or forget the tokens that are cached in memory, or set for how long they may be

Manage services and accounts:
  sync               Read the environment's connections, so that they are services without `config`
  list               List the services, their accounts and hosts
  config             Name a connection as a service, and say which hosts are its own
  use                Choose which account of a service is its usual one
  remove             Remove a service
  connect            Get a person's consent for an account: show the link, open the browser, wait until the account is ACTIVE
  disconnect         Remove a connected account in the vault, with the tokens it holds
  which              Explain which service and account would answer for a URL, or why none would

API clients:
  client             Create, list, change and delete API clients of an organization, and replace their secrets
  verify             Check a token that Scalekit issued, as an HTTP API does: the token on stdin

For other programs:
  git-credential     Speak git's credential helper protocol on stdin and stdout
  docker-credential  Speak docker's credential helper protocol on stdin and stdout
  bazel              Speak the credential helper protocol of Bazel and EngFlow on stdin and stdout

  help               Print this message or the help of the given command

{options}{after-help}
";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn every_command_stands_in_one_group() {
        let command = super::super::Arguments::command();
        let mut listed: Vec<(&str, &str)> = super::HELP
            .lines()
            .filter_map(|line| line.strip_prefix("  ")?.split_once("  "))
            .map(|(name, about)| (name, about.trim_start()))
            .filter(|(name, _)| *name != "help")
            .collect();
        let mut known: Vec<(String, String)> = command
            .get_subcommands()
            .map(|command| (command.get_name().to_owned(), command.get_about().unwrap().to_string()))
            .collect();
        listed.sort_unstable();
        known.sort_unstable();
        let known: Vec<(&str, &str)> = known.iter().map(|(name, about)| (name.as_str(), about.as_str())).collect();
        assert_eq!(listed, known);
    }
}
