//! A user in the text of a kubeconfig, as kubectl lays it out.

use super::block::Place;
use crate::programs::{on_path, version};

/// The lines of a user whose credentials come from us, and where they go.
///
/// # Errors
/// The user is there already, or the file is not laid out in lines.
pub(super) fn user(text: &str, name: &str, program: &str) -> Result<(String, Place), String> {
    let is_plain =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./@:+".contains(&b));
    if !is_plain(name) || name.starts_with(['-', '@', ':']) || name.ends_with(':') || !is_plain(program) {
        return Err(
            "the name of the user and the path of the program must be of letters, digits and _ - . / @ : +".into()
        );
    }
    if text.trim_start().starts_with('{') {
        return Err("it is JSON; `kubectl config view --raw` prints it as YAML".into());
    }
    let entry = |indent: &str| {
        let version = match client_version() {
            Some(version) if version < (1, 22) => "v1beta1",
            _ => "v1",
        };
        let mode = if version == "v1" { format!("{indent}      interactiveMode: Never\n") } else { String::new() };
        // What YAML takes for a number or a word of its own is a text in quotes.
        let is_text = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&name.to_lowercase().as_str());
        let name = if is_text { name.to_owned() } else { format!("\"{name}\"") };
        format!(
            "{indent}- name: {name}\n{indent}  user:\n{indent}    exec:\n{indent}      apiVersion: \
             client.authentication.k8s.io/{version}\n{indent}      command: {program}\n{indent}      args:\n{indent}      - \
             kubernetes\n{mode}{indent}      provideClusterInfo: true\n"
        )
    };
    let (mut at, mut users) = (0, None);
    for line in text.split_inclusive('\n') {
        let next = at + line.len();
        let bare = line.trim().strip_prefix("- ").unwrap_or(line.trim());
        let named = bare.strip_prefix("name:").map(|value| value.trim().trim_matches(['"', '\'']));
        if let Some(value) = line.strip_prefix("users:") {
            users = Some((at..next, value.trim().to_owned()));
        } else if named == Some(name) {
            // A context or a cluster may have the same name; that is in the way as little as it is common.
            if users.is_some() {
                return Err(format!(
                    "the user {name} is there already; `kubectl config delete-user {name}` removes it"
                ));
            }
        }
        at = next;
    }
    match users {
        None if text.trim().is_empty() => {
            Ok((format!("apiVersion: v1\nkind: Config\nusers:\n{}", entry("")), Place::End))
        }
        None => Ok((format!("users:\n{}", entry("")), Place::End)),
        Some((line, value)) if value.is_empty() => {
            // The first line that is neither blank nor a remark tells how far users are indented.
            let is_meant = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
            let first = text[line.end..].lines().find(is_meant).unwrap_or_default();
            let indent = &first[..first.len() - first.trim_start_matches(' ').len()];
            let indent = if first[indent.len()..].starts_with('-') { indent } else { "" };
            Ok((entry(indent), Place::Before(line.end)))
        }
        Some((line, value)) if ["[]", "null", "~"].contains(&value.as_str()) => {
            Ok((format!("users:\n{}", entry("")), Place::Instead(line)))
        }
        Some(_) => Err("its users are not laid out in lines".into()),
    }
}

/// Major and minor of the kubectl on PATH.
fn client_version() -> Option<(u32, u32)> {
    let kubectl = on_path("kubectl").next()?;
    let output = std::process::Command::new(kubectl).args(["version", "--client", "-o", "json"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let found = text.split("\"gitVersion\": \"").nth(1)?;
    version(found, "v")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: &str = "/usr/bin/scalekit-auth";

    #[test]
    fn a_user_goes_where_users_are() {
        let place = |text: &str| user(text, "me", PROGRAM).map(|(_, place)| place);
        assert_eq!(place(""), Ok(Place::End));
        assert_eq!(place("apiVersion: v1\n"), Ok(Place::End));
        assert_eq!(place("users:\n- name: a\n"), Ok(Place::Before(7)));
        assert_eq!(place("a: 1\nusers: []\nb: 2\n"), Ok(Place::Instead(5..15)));
        let (lines, _) = user("users:\n  - name: a\n", "me", PROGRAM).unwrap();
        assert!(lines.starts_with("  - name: me\n    user:\n"), "{lines}");
        for text in ["users:\n- name: me\n", "users: [{name: a}]\n", "{\"users\": []}"] {
            assert!(place(text).is_err(), "{text}");
        }
        assert!(user("", "a b", PROGRAM).is_err() && user("", "me", "/a b/c").is_err());
    }
}
