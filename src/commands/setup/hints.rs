//! Tools that have no hook of their own, or whose configuration is too much a person's own to be edited: what to type for each.

use crate::suggest::quoted;

/// A tool of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hint {
    Npm,
    Msmtp,
    Mbsync,
    Mutt,
    Aerc,
    Himalaya,
    Rclone,
    Restic,
    Httpie,
    Wget,
    Nuget,
}

impl Hint {
    /// The lines for a person to put where they belong, which the first one names.
    pub(super) fn lines(self, program: &str, askpass: &str, github: &str) -> String {
        let command = quoted(program);
        let token = |url: &str| format!("{command} token {url}");
        let (smtp, imap) = (token("smtp://smtp.gmail.com:587"), token("imaps://imap.gmail.com"));
        match self {
            Self::Npm => format!(
                "# npm, yarn, bun, composer and deno have no hook: they read a token from a variable.\n\
                 # In .npmrc (the text stands there as it is; npm puts the variable's value in):\n\
                 //npm.pkg.github.com/:_authToken=${{NODE_AUTH_TOKEN}}\n\
                 # Then each time:\n\
                 {command} exec --with {github}=NODE_AUTH_TOKEN -- npm install\n"
            ),
            Self::Msmtp => format!(
                "# ~/.msmtprc\n\
                 account gmail\nhost smtp.gmail.com\nport 587\ntls on\ntls_starttls on\nauth oauthbearer\n\
                 user ADDRESS\nfrom ADDRESS\npasswordeval \"{smtp}\"\n"
            ),
            Self::Mbsync => format!(
                "# ~/.mbsyncrc, with a SASL plug-in for XOAUTH2 installed (Debian, Ubuntu: libsasl2-modules-kdexoauth2)\n\
                 IMAPAccount gmail\nHost imap.gmail.com\nSSLType IMAPS\nAuthMechs XOAUTH2\nUser ADDRESS\nPassCmd \"{imap}\"\n"
            ),
            Self::Mutt => format!(
                "# ~/.muttrc, for mutt and neomutt; by oauthbearer, neomutt sends no long token\n\
                 set imap_user = ADDRESS\nset imap_authenticators = \"xoauth2:oauthbearer\"\n\
                 set imap_oauth_refresh_command = \"{imap}\"\n\
                 set smtp_url = \"smtp://ADDRESS@smtp.gmail.com:587/\"\nset smtp_authenticators = \"xoauth2:oauthbearer\"\n\
                 set smtp_oauth_refresh_command = \"{smtp}\"\n"
            ),
            Self::Aerc => format!(
                "# ~/.config/aerc/accounts.conf\n\
                 [gmail]\nsource = imaps+xoauth2://ADDRESS@imap.gmail.com\nsource-cred-cmd = {imap}\n\
                 outgoing = smtps+xoauth2://ADDRESS@smtp.gmail.com:465\noutgoing-cred-cmd = {}\n\
                 outgoing-cred-cmd-cache = false\n",
                // By smtp://, aerc 0.14 starts no TLS unless it is told to.
                token("smtps://smtp.gmail.com")
            ),
            Self::Himalaya => format!(
                "# ~/.config/himalaya/config.toml of himalaya 2; earlier ones want an OAuth client of your own\n\
                 [accounts.gmail]\n\
                 imap.server = \"imaps://imap.gmail.com:993\"\nimap.sasl.xoauth2.username = \"ADDRESS\"\n\
                 imap.sasl.xoauth2.token.command = {}\n\
                 smtp.server = \"smtps://smtp.gmail.com:465\"\nsmtp.sasl.xoauth2.username = \"ADDRESS\"\n\
                 smtp.sasl.xoauth2.token.command = {}\n",
                words(program, "imaps://imap.gmail.com"),
                words(program, "smtps://smtp.gmail.com")
            ),
            Self::Rclone => format!(
                "# ~/.config/rclone/rclone.conf, for a WebDAV server; rclone's Drive and OneDrive have no hook\n{}",
                rclone(program)
            ),
            Self::Restic => format!(
                "# restic knows user name and password only. By rclone it comes to a WebDAV server with a token.\n\
                 # ~/.config/rclone/rclone.conf\n{}\
                 # Then each time:\n\
                 restic --repo rclone:files:FOLDER snapshots\n",
                rclone(program)
            ),
            Self::Httpie => format!(
                "# HTTPie takes a header from a file, here a pipe: the token is in no process list. --session would write it down.\n\
                 {command} header --value https://HOST/PATH | http --ignore-stdin https://HOST/PATH Authorization:@/dev/stdin\n\
                 # In bash and zsh also with a body on stdin:\n\
                 http https://HOST/PATH Authorization:@<({command} header --value https://HOST/PATH) < FILE\n"
            ),
            Self::Nuget => "# Nothing to write: dotnet of 9.0.200 and later, and nuget of 6.13 and later, find nuget-plugin-scalekit on PATH.\n\
                 # It is in the directory of scalekit-auth, which has to be on PATH.\n"
                .to_owned(),
            Self::Wget => format!(
                "# For a server that takes a user name and a token (HTTP Basic)\n\
                 wget --use-askpass={} https://HOST/PATH\n\
                 # For one that takes a bearer token, curl keeps it out of the process list:\n\
                 {command} curl https://HOST/PATH --remote-name\n",
                quoted(askpass)
            ),
        }
    }
}

/// The section of a WebDAV server, which is called `files`.
fn rclone(program: &str) -> String {
    // No shell: rclone takes the words apart by itself.
    let (note, command) = match program.contains([' ', '"']) {
        true => ("# rclone before 1.72 takes no path with a space\n", format!("\"{}\"", program.replace('"', "\"\""))),
        false => ("", program.to_owned()),
    };
    format!(
        "{note}[files]\ntype = webdav\nurl = https://HOST/PATH\nvendor = other\n\
         bearer_token_command = {command} token https://HOST/PATH\n"
    )
}

/// The command as an array of TOML, whose words no shell takes apart.
fn words(program: &str, url: &str) -> String {
    let words = [program, "token", url].map(|word| toml_edit::Value::from(word).to_string());
    format!("[{}]", words.join(", "))
}
