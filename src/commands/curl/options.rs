//! Which of curl's options may stand beside a credential: those that can neither take it elsewhere, nor show it, nor put
//! another in its place. Arguments are taken apart by curl's own rules (its tool_getparam.c); what curl might read in two
//! ways is refused.

use std::ffi::OsString;

use super::table::{Row, Rule, by_letter, by_name};
pub use super::why::Why;

/// Headers that are ours to send, or that lead a request elsewhere: a server that many share gives it to the host named
/// there (domain fronting).
const OWN_HEADERS: &[&str] = &["Authorization", "Proxy-Authorization", "Host"];

/// What the check depends on.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The header in which the credential travels; `None` without one.
    pub header: Option<&'a str>,
    /// Whether the user wants to see the credential.
    pub show_secrets: bool,
}

/// What else there is to know about options that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// Redirects are followed.
    pub follows: bool,
}

/// An option that is not passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// As it was spelled, without its value, which may be a secret; empty for an argument that is no option.
    pub option: String,
    /// Why.
    pub why: Why,
}

/// Whether `arguments`, after the URL, may all be passed on.
pub fn check(arguments: &[OsString], context: Context<'_>) -> Result<Checked, Refused> {
    let mut checked = Checked { follows: false };
    let mut rest = arguments.iter().map(|argument| argument.as_encoded_bytes());
    while let Some(argument) = rest.next() {
        match argument {
            // `--` makes URLs of all that follows; curl knows no option `-`.
            b"--" | b"-" => return refuse("", Why::OneUrl),
            [b'-', b'-', name @ ..] => long(name, &mut rest, context, &mut checked)?,
            [b'-', letters @ ..] => short(letters, &mut rest, context, &mut checked)?,
            _ => return refuse("", Why::OneUrl),
        }
    }
    Ok(checked)
}

fn refuse<T>(option: &str, why: Why) -> Result<T, Refused> {
    Err(Refused { option: option.to_owned(), why })
}

fn long<'a>(
    spelled: &[u8],
    rest: &mut impl Iterator<Item = &'a [u8]>,
    context: Context<'_>,
    checked: &mut Checked,
) -> Result<(), Refused> {
    let name = String::from_utf8_lossy(spelled);
    // Newer curls take `--option=value`.
    let shown = format!("--{}", name.split('=').next().unwrap_or_default());
    let (name, is_off) = name.strip_prefix("no-").map_or((&*name, false), |name| (name, true));
    let Some((.., rule)) = by_name(name) else { return refuse(&shown, Why::Unknown) };
    match *rule {
        Rule::Refused(why) => refuse(&shown, why),
        Rule::Switch if is_off => Ok(()),
        _ if is_off => refuse(&shown, Why::Unknown),
        rule if takes_value(rule) => match rest.next() {
            Some(value) => judge(&shown, rule, value, context),
            None => refuse(&shown, Why::NoValue),
        },
        rule => stand_alone(&shown, rule, context, checked),
    }
}

/// Letters behind one dash, up to the first that takes a value: that is the rest of the argument, or the next one.
fn short<'a>(
    letters: &[u8],
    rest: &mut impl Iterator<Item = &'a [u8]>,
    context: Context<'_>,
    checked: &mut Checked,
) -> Result<(), Refused> {
    for (at, letter) in letters.iter().enumerate() {
        let letter = char::from(*letter);
        let shown = format!("-{letter}");
        match by_letter(letter) {
            None => return refuse(&shown, Why::Unknown),
            Some((.., Rule::Refused(why))) => return refuse(&shown, *why),
            Some((.., rule)) if takes_value(*rule) => {
                let attached = Some(&letters[at + 1..]).filter(|value| !value.is_empty());
                return match attached.or_else(|| rest.next()) {
                    Some(value) => judge(&shown, *rule, value, context),
                    None => refuse(&shown, Why::NoValue),
                };
            }
            Some((.., rule)) => stand_alone(&shown, *rule, context, checked)?,
        }
    }
    Ok(())
}

fn stand_alone(shown: &str, rule: Rule, context: Context<'_>, checked: &mut Checked) -> Result<(), Refused> {
    match rule {
        Rule::Verbose if !context.show_secrets => refuse(shown, Why::Show),
        Rule::Follow if context.header.is_some_and(|header| !header.eq_ignore_ascii_case("Authorization")) => {
            refuse(shown, Why::Redirect)
        }
        Rule::Follow => {
            checked.follows = true;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Whether a row that is not refused takes a value.
pub fn takes_value(rule: Rule) -> bool {
    use Rule::{Body, Cookie, Format, Header, Method, Text, Upload};
    matches!(rule, Text | Body | Header | Method | Format | Cookie | Upload)
}

/// Whether the value may stand after its option.
fn judge(shown: &str, rule: Rule, value: &[u8], context: Context<'_>) -> Result<(), Refused> {
    // curl puts values into the request's head as they are, line ends included.
    if rule != Rule::Body && rule != Rule::Format && value.iter().any(u8::is_ascii_control) {
        return refuse(shown, Why::Malformed);
    }
    match rule {
        Rule::Header => header(shown, value, context),
        Rule::Method if !is_token(value) => refuse(shown, Why::Malformed),
        // The server sends back what it got (RFC 9110, 9.3.8).
        Rule::Method if value.eq_ignore_ascii_case(b"TRACE") && !context.show_secrets => refuse(shown, Why::Show),
        // curl takes what follows the last of either for the name.
        Rule::Upload
            if value.rsplit(|b| b"/\\".contains(b)).next().is_some_and(|name| matches!(name, b"." | b"..")) =>
        {
            refuse(shown, Why::Where)
        }
        Rule::Format if value.starts_with(b"@") => refuse(shown, Why::Unchecked),
        Rule::Cookie if context.header.is_some_and(|header| header.eq_ignore_ascii_case("Cookie")) => {
            refuse(shown, Why::Credential)
        }
        _ => Ok(()),
    }
}

/// `Name: value`, `Name:` and `Name;` are all that curl understands besides files of them.
fn header(shown: &str, value: &[u8], context: Context<'_>) -> Result<(), Refused> {
    if value.starts_with(b"@") {
        return refuse(shown, Why::Unchecked);
    }
    let name = match value.iter().position(|byte| *byte == b':') {
        Some(at) => &value[..at],
        None => value.strip_suffix(b";").unwrap_or_default(),
    };
    let is_own = |own: &str| own.as_bytes().eq_ignore_ascii_case(name);
    if !is_token(name) {
        refuse(shown, Why::Malformed)
    } else if is_own("Host") {
        refuse(shown, Why::Where)
    } else if OWN_HEADERS.iter().copied().chain(context.header).any(is_own) {
        refuse(shown, Why::Credential)
    } else {
        Ok(())
    }
}

/// RFC 9110, 5.6.2.
fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// Every row, for tests that hold the table to what a curl says of itself.
pub fn rows() -> &'static [Row] {
    super::table::OPTIONS
}
