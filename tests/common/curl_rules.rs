//! How curl 7.88 takes its arguments apart, written down apart from the program's own table: the options are those of
//! `curl --help all`. It takes more for valid than curl does, never less.

/// What curl says of itself.
pub const HELP: &str = include_str!("../data/curl-7.88.txt");

/// Options that the help leaves out.
const UNDOCUMENTED: &[(&str, bool)] =
    &[("eprt", false), ("epsv", false), ("ftp-ssl", false), ("ftp-ssl-reqd", false), ("krb4", true)];

/// No option of these may ever stand beside a credential.
pub const DANGEROUS: &str = "abstract-unix-socket alt-svc anyauth aws-sigv4 basic cacert capath ciphers config connect-to \
    delegation digest dns-interface dns-ipv4-addr dns-ipv6-addr dns-servers doh-insecure doh-url engine haproxy-protocol hsts \
    http0.9 insecure interface krb libcurl local-port location-trusted login-options negotiate netrc netrc-file \
    netrc-optional next noproxy ntlm ntlm-wb oauth2-bearer parallel preproxy proto proto-default proto-redir proxy \
    proxy-header proxy-insecure proxy-user proxy1.0 proxytunnel request-target resolve sasl-authzid socks4 socks4a socks5 \
    socks5-hostname ssl tls-max trace trace-ascii unix-socket url user verbose";

/// An option of curl's.
#[derive(Debug, Clone)]
pub struct Known {
    pub long: String,
    pub short: Option<u8>,
    pub takes_value: bool,
}

/// What curl would do.
#[derive(Debug, Default)]
pub struct Read {
    pub urls: Vec<Vec<u8>>,
    /// Long names, and values.
    pub options: Vec<(String, Vec<u8>)>,
}

/// The options that this help text names.
pub fn known(help: &str) -> Vec<Known> {
    let mut all = Vec::new();
    for line in help.lines() {
        let Some((before, after)) = line.split_once("--") else { continue };
        let end = after.find(' ').unwrap_or(after.len());
        // Short forms stand before the long one, texts behind two spaces or a placeholder.
        let before = before.trim();
        let is_option = before.is_empty() || (before.len() == 3 && before.starts_with('-') && before.ends_with(','));
        if is_option {
            let long = after[..end].strip_prefix("no-").unwrap_or(&after[..end]).to_owned();
            let takes_value = long != "help" && (after[end..].starts_with(" <") || after[end..].starts_with(" ["));
            all.push(Known { long, short: before.as_bytes().get(1).copied(), takes_value });
        }
    }
    all.extend(UNDOCUMENTED.iter().map(|(long, takes_value)| Known {
        long: (*long).to_owned(),
        short: None,
        takes_value: *takes_value,
    }));
    all
}

/// `None` where curl refuses to start.
pub fn read(known: &[Known], arguments: &[&[u8]]) -> Option<Read> {
    let mut read = Read::default();
    let mut are_options = true;
    let mut at = 0;
    while at < arguments.len() {
        let argument = arguments[at];
        at += 1;
        if !are_options || !argument.starts_with(b"-") {
            read.urls.push(argument.to_vec());
        } else if argument == b"--" {
            are_options = false;
        } else if let Some(word) = argument.strip_prefix(b"--") {
            let word = word.strip_prefix(b"no-").unwrap_or(word);
            let option = by_word(known, word)?;
            let mut value: &[u8] = b"";
            if option.takes_value {
                value = arguments.get(at)?;
                at += 1;
            }
            read.note(option, value);
        } else {
            let mut letters = &argument[1..];
            if letters.is_empty() {
                return None;
            }
            while let Some((letter, more)) = letters.split_first() {
                let option = known.iter().find(|option| option.short == Some(*letter))?;
                letters = more;
                let mut value: &[u8] = b"";
                if option.takes_value {
                    value = more;
                    letters = b"";
                    if more.is_empty() {
                        value = arguments.get(at)?;
                        at += 1;
                    }
                }
                read.note(option, value);
            }
        }
    }
    Some(read)
}

impl Read {
    fn note(&mut self, option: &Known, value: &[u8]) {
        self.options.push((option.long.clone(), value.to_vec()));
        if option.long == "url" {
            self.urls.push(value.to_vec());
        }
    }
}

/// The option of this name in any case, or the only one that begins so.
fn by_word<'a>(known: &'a [Known], word: &[u8]) -> Option<&'a Known> {
    let is = |option: &&Known| option.long.as_bytes().eq_ignore_ascii_case(word);
    let begins = |option: &&Known| {
        option.long.as_bytes().get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word))
    };
    if let Some(exact) = known.iter().find(is) {
        return Some(exact);
    }
    let mut beginning = known.iter().filter(begins);
    beginning.next().filter(|_| beginning.next().is_none())
}

/// Panics if what curl does with these arguments, which passed the check, could harm a credential in this header.
pub fn assert_harmless(known: &[Known], arguments: &[&[u8]], credential: &str) {
    let Some(read) = read(known, arguments) else { return };
    assert!(read.urls.is_empty(), "another URL: {read:?}");
    for (name, value) in &read.options {
        assert!(!DANGEROUS.split_ascii_whitespace().any(|refused| refused == name), "{name} in {read:?}");
        let is_in_the_head = ["header", "request", "user-agent", "referer", "range", "cookie"].contains(&name.as_str());
        assert!(!is_in_the_head || !value.iter().any(u8::is_ascii_control), "{name} in {read:?}");
        assert!(
            name != "location" || credential.eq_ignore_ascii_case("Authorization"),
            "redirects lose no {credential}"
        );
        assert!(name != "write-out" || !value.starts_with(b"@"), "{read:?}");
        if name == "header" {
            let text = String::from_utf8_lossy(value).to_ascii_lowercase();
            for own in ["authorization", "proxy-authorization", "host", &credential.to_ascii_lowercase()] {
                let rest = text.trim_start().strip_prefix(own).map(str::trim_start);
                assert!(!rest.is_some_and(|rest| rest.starts_with([':', ';'])), "{own} in {read:?}");
            }
            assert!(!text.starts_with(['@', ':']), "{read:?}");
        }
    }
}
