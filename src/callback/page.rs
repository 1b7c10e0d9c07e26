//! The page that a person sees when the browser comes back: self-contained, without script, readable in light and dark.

/// What the page tells.
#[derive(Debug, Clone)]
pub struct Page {
    /// `200`, or an error.
    pub status: u16,
    /// The heading.
    pub title: String,
    /// One or two sentences.
    pub text: String,
    /// Where the browser goes in place of staying, as it is in a URL.
    pub location: Option<String>,
}

impl Page {
    /// For everything that is not the browser coming back.
    pub fn not_found() -> Self {
        let text = "There is nothing here. If you were sent here after granting access, go back to your terminal.";
        Self { status: 404, title: "Not found".into(), text: text.into(), location: None }
    }

    /// The whole HTTP/1.1 response. Only the one style element with this nonce is allowed on the page.
    pub fn response(&self, nonce: &str) -> Vec<u8> {
        let (status, location) = match &self.location {
            Some(location) => (303, format!("Location: {location}\r\n")),
            None => (self.status, String::new()),
        };
        let reason = match status {
            200 => "OK",
            303 => "See Other",
            403 => "Forbidden",
            404 => "Not Found",
            _ => "Error",
        };
        let body = self.html(nonce);
        format!(
            "HTTP/1.1 {status} {reason}\r\n\
             Content-Type: text/html; charset=utf-8\r\n\
             {location}Content-Length: {}\r\n\
             Content-Security-Policy: default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\
             Referrer-Policy: no-referrer\r\n\
             X-Content-Type-Options: nosniff\r\n\
             Cross-Origin-Opener-Policy: same-origin\r\n\
             Cache-Control: no-store\r\n\
             Connection: close\r\n\r\n{body}",
            body.len(),
        )
        .into_bytes()
    }

    fn html(&self, nonce: &str) -> String {
        let (title, text) = (escape(&self.title), markup(&self.text));
        // No icon, not even an empty one: the policy would forbid it, and the console would show that.
        let mark = if self.status == 200 { "done" } else { "failed" };
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{title}</title>\n<style nonce=\"{nonce}\">{STYLE}</style>\n</head>\n<body>\n\
             <main class=\"{mark}\">\n<h1>{title}</h1>\n<p>{text}</p>\n<p class=\"from\">scalekit-auth</p>\n</main>\n</body>\n</html>\n"
        )
    }
}

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c1e21;--paper:#fff;--quiet:#5b6168;--tint:#eef0f2;--done:#0b6b3a;--failed:#a3211b}\
@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--paper:#17191c;--quiet:#a4abb3;--tint:#2a2e33;--done:#6fd39b;--failed:#ff9a92}}\
body{margin:0;min-height:100vh;display:flex;align-items:center;justify-content:center;background:var(--paper);color:var(--ink);\
font:1.125rem/1.5 system-ui,sans-serif}\
main{max-width:34rem;margin:1rem;padding:1.25rem 0 1.25rem clamp(1rem,5vw,2rem);border-left:.4rem solid}\
main.done{border-color:var(--done)}main.failed{border-color:var(--failed)}\
h1{margin:0;font-size:1.6rem;line-height:1.25}.done h1{color:var(--done)}.failed h1{color:var(--failed)}\
p{margin:.6rem 0 0;overflow-wrap:anywhere}.from{margin-top:1.2rem;color:var(--quiet);font-size:.9rem}\
code{padding:.1em .3em;border-radius:.25em;background:var(--tint);font:.9em ui-monospace,monospace;-webkit-box-decoration-break:clone;box-decoration-break:clone}";

/// Escaped, with what stands in backticks as code.
fn markup(text: &str) -> String {
    let escaped = escape(text);
    let parts: Vec<&str> = escaped.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escaped;
    }
    let marked = parts.iter().enumerate().map(|(i, part)| match i % 2 {
        0 => (*part).to_owned(),
        _ => format!("<code>{part}</code>"),
    });
    marked.collect()
}

fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_cannot_become_markup() {
        let page = Page { status: 200, title: "<b>".into(), text: "\"a\" & 'b'".into(), location: None };
        let html = String::from_utf8(page.response("n")).unwrap();
        assert!(html.contains("<h1>&lt;b&gt;</h1>") && html.contains("&quot;a&quot; &amp; &#39;b&#39;"), "{html}");
        let body = html.split("\r\n\r\n").nth(1).unwrap();
        assert!(html.contains(&format!("Content-Length: {}\r\n", body.len())));
        assert!(!html.contains("<script") && !body.contains("http"));
    }

    #[test]
    fn a_command_stands_out() {
        assert_eq!(markup("type `a <b>`, then `c`."), "type <code>a &lt;b&gt;</code>, then <code>c</code>.");
        assert_eq!(markup("a ` alone"), "a ` alone");
    }
}
