//! The MCP clients: where each keeps its servers, and what an entry looks like there.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::servers::Server;
use super::{Existing, json_text, toml_text};
use crate::commands::setup::edit::Edit;
use crate::error::{Error, Kind};
use crate::programs;
use crate::suggest::quoted;
use crate::system::places::Places;

/// A client that starts MCP servers, or asks a command for their headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Client {
    Claude,
    Codex,
    Vscode,
    Cursor,
    Gemini,
    Zed,
    Opencode,
}

/// All of them, in the order in which `status` tells about them.
pub(in crate::commands) const CLIENTS: [Client; 7] =
    [Client::Claude, Client::Codex, Client::Vscode, Client::Cursor, Client::Gemini, Client::Zed, Client::Opencode];

impl Client {
    /// Its name after `setup`.
    pub(in crate::commands) fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Vscode => "vscode",
            Self::Cursor => "cursor",
            Self::Gemini => "gemini",
            Self::Zed => "zed",
            Self::Opencode => "opencode",
        }
    }

    /// Its name for people.
    pub(in crate::commands) fn title(self) -> &'static str {
        match self {
            Self::Claude => "Claude Code",
            Self::Codex => "Codex",
            Self::Vscode => "VS Code",
            Self::Cursor => "Cursor",
            Self::Gemini => "Gemini CLI",
            Self::Zed => "Zed",
            Self::Opencode => "opencode",
        }
    }

    /// The program that is on PATH where the client is installed.
    fn program(self) -> &'static str {
        match self {
            Self::Vscode => "code",
            _ => self.name(),
        }
    }

    /// The user's configuration file.
    pub(super) fn file(self) -> Result<PathBuf, Error> {
        Ok(self.file_in(&Places::here()?))
    }

    fn file_in(self, places: &Places) -> PathBuf {
        let below = |variable: &str, directory: &str, name: &str| {
            places.variable(variable).unwrap_or_else(|| places.home(directory)).join(name)
        };
        match self {
            Self::Claude => below("CLAUDE_CONFIG_DIR", "", ".claude.json"),
            Self::Codex => below("CODEX_HOME", ".codex", "config.toml"),
            Self::Vscode => places.native_settings().join("Code/User/mcp.json"),
            Self::Cursor => places.home(".cursor/mcp.json"),
            Self::Gemini => places.home(".gemini/settings.json"),
            Self::Zed => places.settings().join("zed/settings.json"),
            Self::Opencode => {
                // Its Windows files are where its Linux files are.
                let directory = below("XDG_CONFIG_HOME", ".config", "opencode");
                let commented = directory.join("opencode.jsonc");
                if commented.exists() { commented } else { directory.join("opencode.json") }
            }
        }
    }

    /// Whether it seems to be on this machine: on PATH, or with a file or directory of its own.
    pub(in crate::commands) fn is_installed(self) -> bool {
        let has_directory = |file: PathBuf| match self {
            Self::Claude => file.exists() || file.with_extension("").exists(),
            _ => file.parent().is_some_and(Path::exists),
        };
        programs::on_path(self.program()).next().is_some() || self.file().is_ok_and(has_directory)
    }

    /// The object or table whose entries are its servers.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Claude | Self::Cursor | Self::Gemini => "mcpServers",
            Self::Codex => "mcp_servers",
            Self::Vscode => "servers",
            Self::Zed => "context_servers",
            Self::Opencode => "mcp",
        }
    }

    /// The entry of a server. Claude Code tells its helper the URL in a variable; Codex does not.
    pub(super) fn entry(self, program: &Path, server: &Server) -> Value {
        let (program, url) = (program.display().to_string(), &server.url);
        let helper = format!("{} mcp-headers", quoted(&program));
        match self {
            Self::Claude => json!({"type": "http", "url": url, "headersHelper": helper}),
            Self::Codex => json!({"url": url, "http_headers_helper": format!("{helper} {}", quoted(url))}),
            Self::Vscode => json!({"type": "stdio", "command": program, "args": ["mcp", url]}),
            Self::Cursor | Self::Gemini => json!({"command": program, "args": ["mcp", url]}),
            Self::Zed => json!({"command": program, "args": ["mcp", url], "env": {}}),
            Self::Opencode => json!({"type": "local", "command": [program, "mcp", url], "enabled": true}),
        }
    }

    /// Whether it takes variables that look like secrets away from what it starts, as seen with Codex 0.171 and Gemini CLI 0.61.
    pub(in crate::commands) fn hides_secrets(self) -> bool {
        matches!(self, Self::Codex | Self::Gemini)
    }

    /// The command of ours that its entries start.
    pub(super) fn command(self) -> &'static str {
        match self {
            Self::Claude | Self::Codex => "mcp-headers",
            _ => "mcp",
        }
    }

    /// Whether a new entry is put before the others, not behind them.
    pub(super) fn puts_first(self) -> bool {
        !self.is_toml()
    }

    fn is_toml(self) -> bool {
        self == Self::Codex
    }

    /// The entries in its configuration.
    pub(super) fn entries(self, edit: &Edit) -> Result<Vec<Existing>, Error> {
        let read = match self.is_toml() {
            true => toml_text::entries(edit.before(), self.key()),
            false if edit.before().trim().is_empty() => Ok(Vec::new()),
            false => json_text::entries(edit.before(), self.key()),
        };
        read.map_err(|why| unreadable(edit.path(), why))
    }

    pub(super) fn insert(self, text: &str, name: &str, entry: &Value, note: &mut Value) -> Result<String, String> {
        match self.is_toml() {
            true => toml_text::insert(text, self.key(), name, entry, note),
            false => json_text::insert(text, self.key(), name, entry, note),
        }
    }

    pub(super) fn replace(self, text: &str, name: &str, entry: &Value) -> Result<String, String> {
        match self.is_toml() {
            true => toml_text::replace(text, self.key(), name, entry),
            false => json_text::replace(text, self.key(), name, entry),
        }
    }

    pub(super) fn restore(self, text: &str, name: &str, old: &str) -> Result<String, String> {
        match self.is_toml() {
            true => toml_text::restore(text, self.key(), name, old),
            false => json_text::restore(text, self.key(), name, old),
        }
    }

    pub(super) fn remove(self, text: &str, name: &str, note: &Value) -> Result<String, String> {
        match self.is_toml() {
            true => toml_text::remove(text, self.key(), name, note),
            false => json_text::remove(text, self.key(), name, note),
        }
    }
}

/// What cannot be read is left as it is.
pub(super) fn unreadable(path: &Path, why: impl std::fmt::Display) -> Error {
    Error::new(Kind::NotConfigured, format!("{} is left as it is", path.display())).why(why)
}

impl Existing {
    /// The server's URL in an entry of ours.
    pub(super) fn url(&self) -> Option<&str> {
        let words = [&self.value["args"], &self.value["command"]].into_iter().filter_map(Value::as_array);
        self.value["url"].as_str().or_else(|| words.filter_map(|words| words.last()?.as_str()).next())
    }

    /// Whether it says more than an entry of ours does.
    pub(super) fn has_more_than(&self, entry: &Value) -> bool {
        let known = |name: &String, value: &Value| match entry.get(name) {
            Some(own) if own.is_object() => own == value,
            other => other.is_some(),
        };
        self.value.as_object().is_some_and(|object| object.iter().any(|(name, value)| !known(name, value)))
    }

    /// The program of ours that it starts; `None` for what is not ours.
    pub(super) fn program(&self) -> Option<PathBuf> {
        let command = match &self.value["command"] {
            Value::Array(words) => words.first().and_then(Value::as_str),
            command => command.as_str(),
        };
        let helper = ["headersHelper", "http_headers_helper"].iter().find_map(|key| self.value[key].as_str());
        let (word, verb) = match (command, helper) {
            (Some(command), _) => (command.to_owned(), "\"mcp\""),
            (None, Some(helper)) => (first_word(helper), "mcp-headers"),
            (None, None) => return None,
        };
        let is_ours = Path::new(&word).file_stem().is_some_and(|stem| stem == "scalekit-auth");
        (is_ours && self.value.to_string().contains(verb)).then(|| word.into())
    }
}

/// The program in a line for the shell, as [`quoted`] spells it.
fn first_word(line: &str) -> String {
    match line.strip_prefix('\'') {
        None => line.split(' ').next().unwrap_or_default().to_owned(),
        Some(rest) => {
            let end = rest.replace(r"'\''", "\0\0\0\0").find('\'').unwrap_or(rest.len());
            rest[..end].replace(r"'\''", "'")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_has_an_entry_that_is_known_again() {
        let server = Server { name: "a".to_owned(), url: "https://mcp.linear.app/mcp".to_owned() };
        for client in CLIENTS {
            for program in ["/usr/bin/scalekit-auth", "/some where/it's/scalekit-auth"] {
                let value = client.entry(Path::new(program), &server);
                let entry = Existing { name: "a".to_owned(), text: String::new(), value };
                assert_eq!(entry.program(), Some(program.into()), "{client:?}");
            }
        }
        for value in [json!({}), json!({"command": "npx", "args": ["mcp"]}), json!({"headersHelper": "x mcp-headers"})]
        {
            let entry = Existing { name: "a".to_owned(), text: String::new(), value };
            assert_eq!(entry.program(), None);
        }
    }
}
