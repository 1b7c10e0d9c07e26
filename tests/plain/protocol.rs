//! Replays every transcript of protocol.md against the built executable.

use crate::common::{World, finish};

struct Step<'a> {
    command: &'a str,
    stdin: String,
    stdout: String,
    stderr: Vec<&'a str>,
    code: i32,
}

fn world() -> World {
    let world = World::new();
    world.seed("github-x", "GITHUB", "gho_abc");
    world.ok(&["config", "github", "github-x", "--identifier", "ada"]);
    world
}

fn transcripts(text: &str) -> Vec<&str> {
    text.split("```transcript\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// Runs `step` and returns the id of the answer, if it has one.
fn replay(world: &World, step: &Step<'_>, id: &str) -> Option<String> {
    let mut words = step.command.split(' ');
    let program = words.next().unwrap();
    let done = finish(world.command(program).args(words), &step.stdin.replace("<id>", id));
    let (shown, new_id) = with_placeholders(&done.stdout);
    assert_eq!(shown, step.stdout, "{}: {done:?}", step.command);
    assert_eq!(done.code, Some(step.code), "{}: {done:?}", step.command);
    for part in &step.stderr {
        assert!(done.stderr.contains(part), "{}: {part:?} is not in {done:?}", step.command);
    }
    assert_eq!(step.stderr.is_empty(), done.stderr.is_empty(), "{}: {done:?}", step.command);
    new_id
}

/// The output with what varies replaced by the placeholders of protocol.md.
fn with_placeholders(stdout: &str) -> (String, Option<String>) {
    let mut shown = String::new();
    let mut id = None;
    for line in stdout.split_inclusive('\n') {
        if let Some(found) = line.trim_end().strip_prefix("state[]=scalekit:") {
            assert!(found.len() == 32 && found.bytes().all(|b| b.is_ascii_hexdigit()), "{line}");
            id = Some(found.to_owned());
            shown.push_str("state[]=scalekit:<id>\n");
        } else if let Some(seconds) = line.trim_end().strip_prefix("password_expiry_utc=") {
            assert!(seconds.parse::<u64>().is_ok(), "{line}");
            shown.push_str("password_expiry_utc=<expiry>\n");
        } else {
            shown.push_str(&replace_words(line));
        }
    }
    (shown, id)
}

fn replace_words(line: &str) -> String {
    let is_end = |c: char| c == '"' || c == ' ' || c == ')' || c == '\n';
    let mut shown = String::new();
    for word in line.split_inclusive(is_end) {
        let bare = word.trim_end_matches(is_end);
        let placeholder = if bare.contains("/magicLink/") {
            "<link>"
        } else if bare.len() >= 20 && bare.starts_with("20") && bare.ends_with('Z') && bare.contains('T') {
            "<time>"
        } else {
            bare
        };
        shown.push_str(placeholder);
        shown.push_str(&word[bare.len()..]);
    }
    shown
}

#[test]
fn every_transcript_of_the_document_is_what_the_program_does() {
    let text = include_str!("../../protocol.md");
    let transcripts = transcripts(text);
    assert!(transcripts.len() >= 9);
    for transcript in transcripts {
        let world = world();
        let mut id = String::new();
        let mut step: Option<Step<'_>> = None;
        for line in transcript.lines() {
            let (mark, rest) = line.split_at(1);
            let rest = rest.strip_prefix(' ').unwrap_or(rest);
            let current = step.as_mut();
            match (mark, current) {
                ("@", None) => drop(world.sandbox.control(serde_json::from_str(rest).unwrap()).unwrap()),
                ("$", None) => {
                    let (stdin, stdout) = (String::new(), String::new());
                    step = Some(Step { command: rest, stdin, stdout, stderr: Vec::new(), code: 0 });
                }
                ("<", Some(step)) => step.stdin.extend([rest, "\n"]),
                (">", Some(step)) => step.stdout.extend([rest, "\n"]),
                ("!", Some(step)) => step.stderr.push(rest),
                ("=", Some(current)) => {
                    current.code = rest.parse().unwrap();
                    if let Some(new) = replay(&world, current, &id) {
                        id = new;
                    }
                    step = None;
                }
                _ => panic!("{line:?} stands where it cannot"),
            }
        }
        assert!(step.is_none(), "a transcript ends with an exit status");
    }
}
