//! What manual pages say besides the tree of commands. In longer texts, blanks stand before what is typed.

/// How to configure the tool that speaks a protocol, by its command.
pub const CONFIGURATION: &[(&str, &str)] = &[
    ("git-credential", "\
`setup` writes the hosts of your services into git's configuration, safe beside other helpers:
    scalekit-auth setup git
By hand, for all hosts:
    git config --global credential.helper scalekit
or for one, before which an empty helper drops those of the system:
    git config --global credential.https://github.com.helper ''
    git config --global --add credential.https://github.com.helper scalekit
`status` says for every host whether git would really ask."),
    ("docker-credential", "\
`setup` writes the registries of your services into ~/.docker/config.json, which podman, buildah and skopeo read, too:
    scalekit-auth setup docker
By hand, an entry for each registry:
    {\"credHelpers\": {\"ghcr.io\": \"scalekit\"}}"),
    ("bazel", "\
`setup` writes the hosts of your services into ~/.bazelrc:
    scalekit-auth setup bazel
By hand, one line for each host:
    common --credential_helper=github.com=bazel-scalekit"),
    ("cargo", "\
`setup` writes the provider into ~/.cargo/config.toml:
    scalekit-auth setup cargo
By hand, after those that are there, since cargo asks the last one first:
    [registry]
    global-credential-providers = [\"cargo:token\", \"cargo-credential-scalekit\"]"),
    ("terraform", "\
`setup` writes the helper into ~/.terraformrc, and makes the link in ~/.terraform.d/plugins, where Terraform looks for it:
    scalekit-auth setup terraform
By hand:
    credentials_helper \"scalekit\" {}"),
    ("nuget", "\
From NuGet 6.13 on, nuget-plugin-scalekit is found on PATH, and nothing needs to be configured."),
    ("askpass", "\
For one command:
    GIT_ASKPASS=scalekit-askpass git clone https://github.com/acme/app.git
For good:
    git config --global core.askPass scalekit-askpass
A credential helper is asked first. Leave SSH_ASKPASS to others: ssh's questions are not answered."),
    ("keyring", "\
`setup` lets pip or uv ask a program `keyring`, which is this one in ~/.local/share/scalekit-auth/bin, to be put first on PATH:
    scalekit-auth setup pip
    scalekit-auth setup uv"),
    ("pnpm", "\
`setup` writes pnpm's tokenHelper for each registry:
    scalekit-auth setup pnpm"),
    ("goauth", "\
`setup` writes GOAUTH into Go's configuration:
    scalekit-auth setup go"),
    ("kubernetes", "\
`setup` writes a user into the kubeconfig:
    scalekit-auth setup kubectl --user NAME"),
];

/// What is typed, by the words of a command; the program's own have none.
pub const EXAMPLES: &[(&str, &str)] = &[
    ("", "\
The first steps: store the client credentials in the OS keyring, read which connections the environment has, and let git ask.
    scalekit-auth login
    scalekit-auth sync
    scalekit-auth setup git
A token for a program of yours, and a call with one:
    scalekit-auth exec --with gmail=GMAIL_TOKEN -- printenv GMAIL_TOKEN
    scalekit-auth curl https://api.github.com/user"),
    ("login", "    scalekit-auth login
    scalekit-auth login --environment dev --env-url https://acme-dev.scalekit.com --client-id skc_123
Where there is no keyring:
    scalekit-auth login --home file:/run/secrets/scalekit"),
    ("logout", "    scalekit-auth logout --environment dev"),
    ("status", "    scalekit-auth status --check"),
    ("doctor", "    scalekit-auth doctor https://github.com/acme/app.git"),
    ("config", "    scalekit-auth config gmail gmail-u3134a
    scalekit-auth config github-work github-x --identifier ada --host github.com/acme
What is configured, or was found by `sync`, is changed without its connection:
    scalekit-auth config github --only git,docker"),
    ("client", "    scalekit-auth client list --org org_123"),
    ("use", "    scalekit-auth use github work"),
    ("sync", "    scalekit-auth sync"),
    ("list", "    scalekit-auth list --json"),
    ("remove", "    scalekit-auth remove github-work"),
    ("token", "    scalekit-auth token github
    scalekit-auth token https://gmail.googleapis.com/gmail/v1/users/me/messages --json"),
    ("header", "    scalekit-auth header https://api.github.com/user | curl -H @- https://api.github.com/user"),
    ("exec", "    scalekit-auth exec --with github -- gh api user"),
    ("connect", "    scalekit-auth connect github --renew"),
    ("disconnect", "    scalekit-auth disconnect github"),
    ("which", "    scalekit-auth which https://github.com/acme/app.git"),
    ("verify", "    scalekit-auth verify < token"),
    ("audit", "    scalekit-auth audit on
    scalekit-auth audit --since 1h --service github
    scalekit-auth audit --follow"),
    ("cache", "    scalekit-auth cache status"),
    ("setup", "    scalekit-auth setup git --dry-run
    scalekit-auth setup git
    scalekit-auth setup --undo"),
    ("mcp", "    scalekit-auth mcp https://mcp.notion.com/mcp"),
    ("mcp-headers", "    scalekit-auth mcp-headers https://mcp.notion.com/mcp"),
];

/// What is kept where.
pub const FILES: &[(&str, &str)] = &[
    ("$XDG_CONFIG_HOME/scalekit-auth/connections.json", "The services that you configured; by default in ~/.config."),
    ("$XDG_CONFIG_HOME/scalekit-auth/config.json", "The environments, without their secrets, and what is switched on."),
    ("$XDG_CONFIG_HOME/scalekit-auth/synced.json", "What `sync` read in each environment."),
    ("$XDG_CONFIG_HOME/scalekit-auth/setup.json", "What `setup` replaced in docker's file."),
    (
        "$XDG_STATE_HOME/scalekit-auth/audit.jsonl",
        "With `audit on`, who got which credential; by default in ~/.local/state.",
    ),
];

/// What changes a run.
pub const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "SCALEKIT_ENV_URL, SCALEKIT_CLIENT_ID, SCALEKIT_CLIENT_SECRET",
        "Together, the client credentials, in the place of those that `login` stored.",
    ),
    ("SCALEKIT_AUTH_ENVIRONMENT", "The environment of every service, as --environment names it."),
    ("SCALEKIT_IDENTIFIER", "Whose account is meant where nothing else says it."),
    ("SCALEKIT_AUTH_CACHE", "`off` asks the vault each time."),
    (
        "SCALEKIT_AUTH_TRACE",
        "`1` tells each step of the run on stderr, an absolute path at the end of that file. No token and no secret is told.",
    ),
    ("SCALEKIT_AUTH_NO_BROWSER", "With any value, no browser is opened."),
    ("HTTPS_PROXY, ALL_PROXY, NO_PROXY", "The proxy to the vault, and the hosts without one."),
    ("SSL_CERT_FILE, SSL_CERT_DIR", "The root certificates, in the place of the system's."),
];

/// What the exit status says.
pub const EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "Done."),
    ("1", "Failed, for a reason that no other status has."),
    ("2", "The command line is wrong."),
    ("3", "Not configured, or a configuration file cannot be used."),
    ("4", "No home of the client credentials can be read, such as the keyring."),
    ("5", "A person must grant or renew consent: `connect`."),
    ("6", "The vault answered and refused."),
    ("7", "The vault cannot be reached."),
    ("8", "Two services are equally good for the place."),
    ("10", "Some of several failed."),
    ("41, 43", "The token that `verify` checked is not valid; it is valid and does not allow this."),
];
