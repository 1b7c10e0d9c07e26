//! Who may be named as one who may have a service's token.

/// The name of a command or helper protocol for people: `git` for `git-credential`.
pub fn short(command: &str) -> &str {
    command.strip_suffix("-credential").unwrap_or(command)
}

/// The commands that hand out a token, and the helper protocols by their short names.
pub const RECEIVERS: [&str; 17] = [
    "git",
    "docker",
    "bazel",
    "cargo",
    "terraform",
    "nuget",
    "askpass",
    "keyring",
    "pnpm",
    "goauth",
    "kubernetes",
    "token",
    "header",
    "exec",
    "curl",
    "mcp-headers",
    "mcp",
];
