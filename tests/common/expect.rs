//! A command on a pseudo-terminal, driven by expect(1), and a program in place of the person's browser.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::keyring::needed;
use crate::common::{EXE, Finished, World, finish};

/// Runs `script` with expect(1), in which `$exe` and `$ca` are given; whatever the terminal shows is what comes back on
/// stdout. Exit statuses from 96 on say that what the script waited for did not come.
pub fn on_terminal(world: &World, variables: &[(&str, &str)], script: &str) -> Finished {
    const PROLOGUE: &str = r#"
        set timeout 20
        set stty_init "columns 80 rows 24"
        proc see {text} {
            expect {
                -ex $text {}
                timeout { exit 99 }
                eof { exit 97 }
            }
        }
        proc link {} {
            expect {
                -re {(https://[^ ]+/magicLink/[^ ]+)} { return $expect_out(1,string) }
                timeout { exit 99 }
                eof { exit 97 }
            }
        }
        proc content_of {name} {
            for {set i 0} {$i < 500} {incr i} {
                if {[catch {open $name} channel] == 0} { set text [read $channel]; close $channel; return $text }
                after 20
            }
            exit 98
        }
        proc ended {} {
            expect {
                eof {}
                timeout { exit 96 }
            }
            exit [lindex [wait] 3]
        }
        set exe $env(exe)
        set ca $env(SSL_CERT_FILE)
    "#;
    let mut expect = world.command(needed("expect", "expect"));
    expect.env("exe", EXE).envs(variables.iter().copied());
    finish(expect.args(["-c", &format!("{PROLOGUE}\n{script}")]), "")
}

/// A program in place of a browser, which tells its arguments and its environment and then goes on with `then`.
pub fn browser(world: &World, name: &str, then: &str) {
    let script = format!(
        "#!/bin/sh\n{{ echo \"$#\"; printf '%s\\n' \"$@\"; }} >{name}.args\nenv >{name}.env\n\
         echo $$ >{name}.new && mv {name}.new {name}.pid\n{then}\n"
    );
    let path = world.path("bin").join(name);
    fs::write(&path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What it was called with.
pub fn arguments(world: &World, name: &str) -> Vec<String> {
    let text = fs::read_to_string(world.path(&format!("{name}.args"))).unwrap();
    let (count, words) = text.split_once('\n').unwrap();
    let words: Vec<String> = words.lines().map(str::to_owned).collect();
    assert_eq!(count, words.len().to_string());
    words
}
