//! What deciding costs as services grow in number, beside one start of the program in the same run: medians. Run with
//! `cargo bench --bench resolve`; nothing leaves the process but `--version` of the built executable.

use std::fmt::Write;
use std::hint::black_box;
use std::process::{Command, Stdio};
use std::time::Instant;

use scalekit_auth::catalogue;
use scalekit_auth::config::json;
use scalekit_auth::resolve::{Chosen, Error, decide};
use scalekit_auth::service::Services;
use scalekit_auth::target::Target;
use serde_json::Value;

const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];
const ROUNDS: usize = 101;
const STARTS: usize = 100;

/// A kind of connections.json, and the URLs that are asked of it.
struct Series {
    title: &'static str,
    /// The entry of a service, after its connection; the number of the service is given.
    entry: fn(usize) -> String,
    urls: &'static [(&'static str, &'static str)],
}

const NOBODYS: (&str, &str) = ("nobody's", "https://nobody.example.org/x");
const SHARED: (&str, &str) = ("shared host", "https://www.googleapis.com/calendar/v3/users");

const SERIES: &[Series] = &[
    Series {
        title: "each service with a host of its own",
        entry: |n| format!(r#""hosts": ["h{n}.example.com"]"#),
        urls: &[("matching", "https://h7.example.com/x"), NOBODYS, SHARED],
    },
    Series {
        title: "each service with a provider, the catalogue's in turn",
        entry: |n| format!(r#""provider": "{}""#, others_than_github(n)),
        urls: &[
            ("matching", "https://github.com/acme/x"),
            ("with a user name", "https://ada@github.com/acme/x"),
            NOBODYS,
            SHARED,
        ],
    },
    // Not what anybody has, but the most that a decision can have to do.
    Series {
        title: "all services on one host, apart by path",
        entry: |n| format!(r#""hosts": ["git.example.com/p{n}"]"#),
        urls: &[("matching", "https://git.example.com/p7/x"), ("with a user name", "https://ada@git.example.com/p7/x")],
    },
    Series {
        title: "all services of one provider",
        entry: |_| r#""provider": "GITHUB""#.to_owned(),
        urls: &[("all tied", "https://github.com/acme/x"), ("with a user name", "https://ada@github.com/acme/x")],
    },
];

/// The first service alone is GitHub's, so that one rule matches there however many services there are.
fn others_than_github(n: usize) -> &'static str {
    if n == 0 {
        return "GITHUB";
    }
    let others: Vec<_> = catalogue::providers().iter().filter(|row| row.base != "github").collect();
    others[n % others.len()].id
}

fn document(size: usize, entry: fn(usize) -> String) -> String {
    let mut text = String::from("{");
    for n in 0..size {
        let comma = if n == 0 { "" } else { "," };
        write!(text, r#"{comma}"service-{n}": {{"connection_name": "connection-{n}", {}}}"#, entry(n)).unwrap();
    }
    text + "}"
}

fn read(text: &str) -> Services {
    let Ok(Value::Object(document)) = json::parse(text.as_bytes()) else { panic!("not an object") };
    Services::from_document(&document)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The median time of one call in microseconds. Short calls are timed many at once, since the clock has its own cost.
fn micros<T>(mut call: impl FnMut() -> T) -> f64 {
    let once = {
        let start = Instant::now();
        black_box(call());
        start.elapsed().as_secs_f64()
    };
    let batch = (100e-6 / once.max(1e-9)).clamp(1.0, 100_000.0) as usize;
    let rounds = if once > 10e-3 { 11 } else { ROUNDS };
    let time = |_| {
        let start = Instant::now();
        for _ in 0..batch {
            black_box(call());
        }
        start.elapsed().as_secs_f64() * 1e6 / batch as f64
    };
    median((0..rounds).map(time).collect())
}

fn start_of_process() -> f64 {
    let run = |_| {
        let start = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_scalekit-auth"));
        let status = command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap();
        let time = start.elapsed().as_secs_f64() * 1e6;
        assert!(status.success());
        time
    };
    median((0..STARTS).map(run).collect())
}

/// One row of the table; `before` is the time at the size before.
fn show(what: &str, size: usize, time: f64, before: Option<f64>, start: f64, outcome: &str) {
    let growth = before.map_or(String::from("-"), |before| format!("{:.1}", time / before));
    let share = time / start * 100.0;
    println!("{what:<18} {size:>7} {time:>12.3} {growth:>8} {share:>10.3} %  {outcome}");
}

fn measure(series: &Series, start: f64) {
    println!("\n{}", series.title);
    println!("{:<18} {:>7} {:>12} {:>8} {:>12}  outcome", "what", "size", "median us", "growth", "of a start");
    let texts = SIZES.map(|size| document(size, series.entry));
    let mut before = None;
    for (size, text) in SIZES.into_iter().zip(&texts) {
        let time = micros(|| read(text));
        show("reading", size, time, before, start, "");
        before = Some(time);
    }
    let services = texts.map(|text| read(&text));
    for (what, url) in series.urls {
        let (target, username) = Target::from_url(url).unwrap();
        let chosen = Chosen { username: username.as_deref(), ..Chosen::default() };
        let mut before = None;
        for (size, services) in SIZES.into_iter().zip(&services) {
            assert_eq!(services.iter().count(), size);
            let time = micros(|| decide(services, &target, &chosen, &[]));
            let outcome = match decide(services, &target, &chosen, &[]).outcome {
                Ok(_) => "answers",
                Err(Error::Ambiguous { .. }) => "several tie",
                Err(Error::NoSuchAccount { .. }) => "several, none of this account",
                Err(_) => "nobody answers",
            };
            show(what, size, time, before, start, outcome);
            before = Some(time);
        }
    }
}

/// The catalogue is searched by halves, so that its size hardly counts.
fn measure_catalogue(start: f64) {
    let providers = catalogue::providers();
    let places = providers.iter().filter(|row| row.base == row.slug).map(|row| row.places.len()).sum::<usize>();
    let steps = places.ilog2() + 1;
    println!("\nthe catalogue: {} providers, {places} places, at most {steps} steps to the first", providers.len());
    for (what, host) in [
        ("hit", "github.com"),
        ("hit, shared host", "www.googleapis.com"),
        ("miss", "nobody.example.org"),
        ("miss, first", "a"),
        ("miss, last", "zzz.example.org"),
    ] {
        show(what, places, micros(|| catalogue::places_at(black_box(host)).count()), None, start, "");
    }
}

fn main() {
    let start = start_of_process();
    println!("one start of the program, with --version: {start:.0} us, median of {STARTS}");
    SERIES.iter().for_each(|series| measure(series, start));
    measure_catalogue(start);
}
