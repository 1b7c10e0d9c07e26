//! `connect` with a real browser: what a person clicks, sees, and might do wrong.

use std::time::Duration;

use crate::common::World;
use crate::common::chromium::Chromium;
use crate::common::consent::{connect, pending, redirect_of};
use scalekit_sandbox::{Control, VerifyMode};
use serde_json::{Value, json};

const VERIFY: &str = "POST /api/v1/connected_accounts/user/verify";
const LOOPBACK: &str = "http://127.0.0.1:";

/// A world whose vault asks the person, and where the browser goes afterwards is up to `mode`.
fn asking(mode: VerifyMode) -> World {
    let world = pending();
    world.control(Control::VerifyMode { mode });
    world.control(Control::ConsentPage { shown: true });
    world
}

/// A world where a visit is the consent, which we verify.
fn verifying() -> World {
    let world = pending();
    world.control(Control::VerifyMode { mode: VerifyMode::B2b });
    world
}

#[test]
fn allowing_leads_back_to_us_and_nothing_else_is_loaded() {
    let world = asking(VerifyMode::B2b);
    let mut browser = Chromium::start(&world);
    let mut running = connect(&world, &[]);
    let link = running.link();
    browser.open(&link);
    browser.click("#allow");
    let done = running.end().ok();
    assert!(done.stdout.ends_with("github is connected (identifier ada)\n"), "{done:?}");
    assert_eq!((browser.status(), browser.value("document.title")), (200, json!("Connected")));
    let text = browser.text();
    assert!(text.contains("GitHub is connected. You can close this tab."), "{text}");
    // The page, the form, and the way back.
    let requests = browser.requests();
    assert!(requests.len() == 3 && requests[0] == link && requests[1] == link, "{requests:?}");
    assert!(requests[2].starts_with(LOOPBACK), "{requests:?}");
    assert_eq!(browser.complaints(), Vec::<String>::new());
    assert_eq!(browser.value("document.referrer"), "");
    assert_eq!(world.count(VERIFY), 1);
    assert!(world.ok(&["token", "github"]).stdout.starts_with("sandbox-token-"));
}

#[test]
fn denying_changes_nothing() {
    let world = asking(VerifyMode::B2b);
    let mut browser = Chromium::start(&world);
    let mut running = connect(&world, &["--timeout", "4"]);
    browser.open(&running.link());
    browser.click("#deny");
    assert!(browser.text().contains("Access was denied"));
    let got = running.end().exit(5);
    assert!(got.stderr.contains("no consent within 4 s"), "{got:?}");
    assert!(!browser.requests().iter().any(|url| url.starts_with(LOOPBACK)));
    assert_eq!(world.count(VERIFY), 0);
    world.run(&["token", "github"]).exit(5);
}

#[test]
fn a_wrong_state_finds_nothing_and_the_right_one_still_counts() {
    let world = verifying();
    let mut browser = Chromium::start(&world);
    let mut running = connect(&world, &[]);
    let back = redirect_of(&world, &running.link());
    let (rest, state) = back.split_once("&state=").unwrap();
    browser.open(&format!("{rest}&state={}", state.chars().rev().collect::<String>()));
    assert_eq!((browser.status(), browser.value("document.title")), (404, json!("Not found")));
    assert_eq!(browser.complaints().len(), 1, "the console shows the 404 alone: {:?}", browser.complaints());
    assert!(running.is_running());
    assert_eq!(world.count(VERIFY), 0);
    browser.open(&back);
    assert_eq!(browser.status(), 200);
    running.end().ok();
}

#[test]
fn a_second_browser_with_the_same_url_finds_nothing() {
    let world = asking(VerifyMode::B2b);
    let (mut browser, mut second) = (Chromium::start(&world), Chromium::start(&world));
    world.control(Control::Delay { route: Some(VERIFY.into()), times: 1, millis: 4000 });
    let mut running = connect(&world, &[]);
    browser.open(&running.link());
    browser.press("#allow");
    let back = browser.asks_for(LOOPBACK);
    // The first one's request is sent before it is answered for.
    std::thread::sleep(Duration::from_millis(500));
    second.open(&back);
    assert_eq!((second.status(), second.value("document.title")), (404, json!("Not found")));
    running.end().ok();
    browser.ends_on("Connected");
    assert_eq!(world.count(VERIFY), 1);
}

#[test]
fn somebody_elses_consent_is_refused_and_the_page_says_so() {
    let world = verifying();
    world.ok(&["config", "github", "github-x", "--identifier", "bob", "--as", "bob"]);
    let args = ["connect", "github", "--as", "bob", "--no-wait", "--json", "--user-verify-url", "https://example.com/"];
    let object: Value = serde_json::from_str(&world.ok(&args).stdout).unwrap();
    let id_in = |url: &str| {
        let url = url::Url::parse(url).unwrap();
        url.query_pairs().find(|(name, _)| name == "auth_request_id").unwrap().1.into_owned()
    };
    let bobs = id_in(&redirect_of(&world, object["link"].as_str().unwrap()));
    let mut browser = Chromium::start(&world);
    let mut running = connect(&world, &[]);
    let back = redirect_of(&world, &running.link());
    let mut url = url::Url::parse(&back).unwrap();
    let state = url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    url.query_pairs_mut().clear().append_pair("auth_request_id", &bobs).append_pair("state", &state);
    browser.open(url.as_str());
    assert_eq!((browser.status(), browser.value("document.title")), (403, json!("That did not work")));
    let text = browser.text();
    assert!(text.contains("You signed in to GitHub as a different person than expected"), "{text}");
    assert!(text.contains("granted by somebody else than ada") && text.contains("Go back to your terminal"), "{text}");
    assert_eq!(browser.value("document.querySelector('code').innerText"), "scalekit-auth connect github");
    let got = running.end().exit(6);
    assert!(got.stderr.contains("granted by somebody else than ada"), "{got:?}");
    world.run(&["token", "github"]).exit(5);
    world.run(&["token", "github", "--as", "bob"]).exit(5);
}

#[test]
fn a_link_that_ran_out_leads_nowhere_and_the_new_one_works() {
    let world = asking(VerifyMode::B2b);
    let mut browser = Chromium::start(&world);
    world.control(Control::MagicLinkLifetime { seconds: 1 });
    let mut running = connect(&world, &[]);
    let first = running.link();
    world.control(Control::MagicLinkLifetime { seconds: 60 });
    let second = running.link();
    // Its expiry is told in whole seconds.
    std::thread::sleep(Duration::from_secs(1));
    browser.open(&first);
    assert!(browser.text().contains("not valid, or no longer"));
    browser.open(&second);
    browser.click("#allow");
    browser.ends_on("Connected");
    running.end().ok();
}

#[test]
fn whoever_takes_longer_than_the_link_is_good_still_comes_back() {
    let world = verifying();
    let mut browser = Chromium::start(&world);
    world.control(Control::MagicLinkLifetime { seconds: 2 });
    let mut running = connect(&world, &[]);
    // Opened in time; then the provider's own pages take their while.
    let back = redirect_of(&world, &running.link());
    world.control(Control::MagicLinkLifetime { seconds: 60 });
    running.link();
    browser.open(&back);
    assert_eq!((browser.status(), browser.value("document.title")), (200, json!("Connected")));
    running.end().ok();
}

#[test]
fn a_browser_that_is_closed_on_the_vaults_page_is_not_missed() {
    let world = asking(VerifyMode::None);
    let mut browser = Chromium::start(&world);
    let mut running = connect(&world, &[]);
    browser.open(&running.link());
    browser.click("#allow");
    assert!(!browser.requests().iter().any(|url| url.starts_with(LOOPBACK)));
    drop(browser);
    running.end().ok();
    assert_eq!(world.count(VERIFY), 0);
    assert!(world.ok(&["token", "github"]).stdout.starts_with("sandbox-token-"));
}

#[test]
fn a_browser_that_cannot_come_back_leaves_the_consent_unverified() {
    let world = asking(VerifyMode::B2b);
    let mut browser = Chromium::start(&world);
    // As on another machine: what goes there is held back.
    browser.call("Fetch.enable", json!({"patterns": [{"urlPattern": "http://127.0.0.1:*"}]}));
    let mut running = connect(&world, &["--timeout", "10"]);
    browser.open(&running.link());
    browser.press("#allow");
    let got = running.end().exit(5);
    assert!(got.stderr.contains("access was granted, but who granted it is not verified yet"), "{got:?}");
    assert_eq!(world.count(VERIFY), 0);
    world.run(&["token", "github"]).exit(5);
}

#[test]
fn both_pages_can_be_read_in_light_and_dark_and_in_narrow_windows() {
    // The lowest contrast of any text with what stands behind it (WCAG 2), and whether the page fits the window.
    const LOOK: &str = r"(() => {
        const linear = v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
        const light = color => {
            const [r, g, b] = color.match(/\d+/g).map(v => linear(v / 255));
            return .2126 * r + .7152 * g + .0722 * b;
        };
        const behind = e => {
            const color = getComputedStyle(e).backgroundColor;
            return color == 'rgba(0, 0, 0, 0)' ? behind(e.parentElement) : color;
        };
        const contrasts = [...document.querySelectorAll('h1, p, code')].map(e => {
            const [a, b] = [light(getComputedStyle(e).color), light(behind(e))];
            return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        });
        return {
            contrast: Math.min(...contrasts),
            fits: document.documentElement.scrollWidth <= innerWidth,
            paper: light(getComputedStyle(document.body).backgroundColor),
        };
    })()";
    for (status, title) in [(0, "Connected"), (403, "That did not work")] {
        let world = verifying();
        let name = format!("{}@example.com", "a".repeat(50));
        world.ok(&["config", "github", "github-x", "--identifier", &name]);
        if status > 0 {
            let (route, error_code) = (Some(VERIFY.into()), Some("PERMISSION_DENIED".into()));
            world.control(Control::FailNext { route, times: 1, status, error_code, body: None, retry_after: None });
        }
        let mut browser = Chromium::start(&world);
        let mut running = connect(&world, &[]);
        browser.open(&running.link());
        running.end();
        assert_eq!(browser.value("document.title"), title);
        for (width, scheme) in [(1000, "light"), (1000, "dark"), (360, "light"), (360, "dark")] {
            browser.looks(width, scheme);
            let look = browser.value(LOOK);
            assert!(look["contrast"].as_f64().unwrap() >= 4.5 && look["fits"] == true, "{title} {scheme}: {look}");
            assert_eq!(look["paper"].as_f64().unwrap() < 0.1, scheme == "dark", "{title}: {look}");
        }
    }
}
