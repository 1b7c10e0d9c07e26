//! The tools that `setup` knows.

use clap::ValueEnum;

use super::hints::Hint;
use super::lines::Text;
use super::mcp::Client;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Tool {
    /// The user's git configuration
    Git,
    /// Docker's config.json, which podman, skopeo and others read, too
    #[value(alias = "podman", alias = "buildah", alias = "skopeo")]
    Docker,
    /// GitHub's command line: no file is changed, the alias to type is printed
    Gh,
    /// MCP servers of Claude Code, with the helper for headers
    Claude,
    /// MCP servers of Codex, with the helper for headers
    Codex,
    /// MCP servers of VS Code, by the bridge
    Vscode,
    /// MCP servers of Cursor, by the bridge
    Cursor,
    /// MCP servers of Gemini CLI, by the bridge
    Gemini,
    /// MCP servers of Zed, by the bridge
    Zed,
    /// MCP servers of opencode, by the bridge
    Opencode,
    /// Bazel's ~/.bazelrc
    Bazel,
    /// pip.conf, and the command keyring in a directory of our own
    Pip,
    /// uv.toml, and the same command keyring
    Uv,
    /// Cargo's config.toml
    Cargo,
    /// Go's environment file, as `go env -w` writes it
    Go,
    /// ~/.terraformrc and the folder of plug-ins
    #[value(alias = "tofu", alias = "opentofu")]
    Terraform,
    /// ~/.npmrc, with a link for each registry
    Pnpm,
    /// A user in the kubeconfig
    #[value(alias = "helm")]
    Kubectl,
    /// npm, yarn, bun, composer, deno: what to type is printed
    #[value(alias = "yarn", alias = "bun", alias = "composer", alias = "deno")]
    Npm,
    /// Mail with msmtp: the lines are printed
    Msmtp,
    /// Mail with mbsync: the lines are printed
    Mbsync,
    /// Mail with mutt and neomutt: the lines are printed
    #[value(alias = "neomutt")]
    Mutt,
    /// Mail with aerc: the lines are printed
    Aerc,
    /// Mail with himalaya: the lines are printed
    Himalaya,
    /// WebDAV with rclone: the lines are printed
    Rclone,
    /// Backups to WebDAV with restic, by rclone: the lines are printed
    Restic,
    /// HTTPie: what to type is printed
    Httpie,
    /// What to type is printed
    Wget,
    /// dotnet finds its plug-in on PATH: nothing is written
    #[value(alias = "dotnet")]
    Nuget,
}

/// How a tool is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Git,
    Docker,
    Gh,
    Client(Client),
    Text(Text),
    Hint(Hint),
}

impl Tool {
    /// Its name on the command line.
    pub(super) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    pub(super) fn way(self) -> Way {
        match self {
            Self::Git => Way::Git,
            Self::Docker => Way::Docker,
            Self::Gh => Way::Gh,
            Self::Claude => Way::Client(Client::Claude),
            Self::Codex => Way::Client(Client::Codex),
            Self::Vscode => Way::Client(Client::Vscode),
            Self::Cursor => Way::Client(Client::Cursor),
            Self::Gemini => Way::Client(Client::Gemini),
            Self::Zed => Way::Client(Client::Zed),
            Self::Opencode => Way::Client(Client::Opencode),
            Self::Bazel => Way::Text(Text::Bazel),
            Self::Pip => Way::Text(Text::Pip),
            Self::Uv => Way::Text(Text::Uv),
            Self::Cargo => Way::Text(Text::Cargo),
            Self::Go => Way::Text(Text::Go),
            Self::Terraform => Way::Text(Text::Terraform),
            Self::Pnpm => Way::Text(Text::Pnpm),
            Self::Kubectl => Way::Text(Text::Kubectl),
            Self::Npm => Way::Hint(Hint::Npm),
            Self::Msmtp => Way::Hint(Hint::Msmtp),
            Self::Mbsync => Way::Hint(Hint::Mbsync),
            Self::Mutt => Way::Hint(Hint::Mutt),
            Self::Aerc => Way::Hint(Hint::Aerc),
            Self::Himalaya => Way::Hint(Hint::Himalaya),
            Self::Rclone => Way::Hint(Hint::Rclone),
            Self::Restic => Way::Hint(Hint::Restic),
            Self::Httpie => Way::Hint(Hint::Httpie),
            Self::Wget => Way::Hint(Hint::Wget),
            Self::Nuget => Way::Hint(Hint::Nuget),
        }
    }

    /// The program that is on PATH where the tool is installed.
    pub(super) fn program(self) -> String {
        match self {
            Self::Vscode => "code".to_owned(),
            Self::Nuget => "dotnet".to_owned(),
            Self::Httpie => "http".to_owned(),
            _ => self.name(),
        }
    }
}
