//! `client rotate`, killed wherever it can be: the service has a token at every moment, and the next run leaves one secret.

use std::path::PathBuf;

use crate::common::Finished;
use crate::common::keyring::{Desk, until};
use crate::common::organization::{self, ADD_SECRET, DELETE_SECRET, GET, Kill, ORG, TOKEN};
use crate::common::organization::{assert_no_leak, create, killed, object};
use scalekit_sandbox::{Absent, Control, When};
use serde_json::Value;

const ROTATE: [&str; 4] = ["client", "rotate", "api", "--json"];

/// The service `api`, whose secret is in the keyring or in a file.
struct Api {
    desk: Desk,
    client: String,
    file: Option<PathBuf>,
}

impl Api {
    fn in_keyring() -> Self {
        let desk = organization::desk();
        let client = create(&desk, &[]);
        Self { desk, client, file: None }
    }

    fn in_file() -> Self {
        let desk = organization::desk();
        let file = desk.world.path("secret.json");
        let client = create(&desk, &["--home", &format!("file:{}", file.display())]);
        Self { desk, client, file: Some(file) }
    }

    fn both() -> [Self; 2] {
        [Self::in_keyring(), Self::in_file()]
    }

    /// What is stored for it, and for the rotation beside it.
    fn stored(&self) -> (String, Option<String>) {
        let secret = |value: &Value| value["client_secret"].as_str().unwrap().to_owned();
        let read = |suffix: &str| match &self.file {
            None => self.desk.items(&format!("client/{}{}", self.client, suffix.replace('.', "/"))).first().map(secret),
            Some(file) => std::fs::read(format!("{}{suffix}", file.display()))
                .ok()
                .map(|bytes| secret(&serde_json::from_slice(&bytes).unwrap())),
        };
        (read("").unwrap(), read(".next"))
    }

    #[track_caller]
    fn assert_works(&self) {
        let token = self.desk.run(&["token", "api"]).ok().stdout;
        assert_eq!(token.split('.').count(), 3, "a JWT");
    }

    fn secrets(&self) -> Vec<Value> {
        let object = object(&self.desk.run(&["client", "secrets", "api", "--json"]).ok());
        object["secrets"].as_array().unwrap().clone()
    }

    fn has_note(&self) -> bool {
        let text = std::fs::read_to_string(self.desk.world.config_file("connections.json")).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["api"].get("rotation").is_some()
    }

    /// One secret in the vault, the stored one, which works; nothing of a rotation is left.
    #[track_caller]
    fn assert_settled(&self, outputs: &[&Finished]) {
        self.assert_works();
        let (current, next) = self.stored();
        assert_eq!(next, None);
        let secrets = self.secrets();
        assert_eq!(secrets.len(), 1, "{secrets:?}");
        assert!(current.ends_with(secrets[0]["suffix"].as_str().unwrap()));
        assert!(!self.has_note());
        assert_no_leak(&self.desk, outputs, self.file.as_deref());
    }

    fn rotate(&self) -> Finished {
        self.desk.run(&ROTATE)
    }
}

#[test]
fn a_rotation_leaves_the_new_secret_alone() {
    for api in Api::both() {
        let (before, _) = api.stored();
        let old = api.secrets()[0]["id"].clone();
        let done = api.rotate().ok();
        let told = object(&done);
        assert_eq!(
            (&told["status"], &told["old_secret"], &told["old_secret_id"]),
            (&"ok".into(), &"deleted".into(), &old)
        );
        assert_eq!(told["resumed"], false);
        assert_ne!(api.stored().0, before);
        api.assert_settled(&[&done]);
        let shown = api.desk.run(&["client", "rotate", "api"]).ok();
        assert!(shown.stdout.contains("has a new secret") && shown.stdout.contains("is deleted"), "{shown:?}");
        api.assert_settled(&[&shown]);
    }
}

/// A place to be killed at.
type Place = (&'static str, u64, Kill, usize, bool);

/// Every request of a rotation, how many secrets the vault has then, and whether the next run finishes what was begun.
const KILLS: [Place; 9] = [
    (GET, 1, Kill::Before, 1, false),
    (ADD_SECRET, 1, Kill::Before, 1, false),
    (ADD_SECRET, 1, Kill::After, 2, false),
    (TOKEN, 2, Kill::Before, 2, true),
    (TOKEN, 2, Kill::After, 2, true),
    (GET, 2, Kill::Before, 2, true),
    (GET, 2, Kill::After, 2, true),
    (DELETE_SECRET, 1, Kill::Before, 2, true),
    (DELETE_SECRET, 1, Kill::After, 1, true),
];

fn kill_and_go_on(api: &Api, (route, nth, kill, secrets, finishes): Place) {
    killed(&api.desk, &ROTATE, route, nth, kill);
    api.assert_works();
    assert_eq!(api.secrets().len(), secrets, "{route} {nth} {kill:?}");
    assert_eq!(api.stored().1.is_some(), finishes, "{route} {nth} {kill:?}");
    let done = api.rotate().ok();
    assert_eq!(object(&done)["resumed"], finishes, "{route} {nth} {kill:?}: {done:?}");
    assert_eq!(object(&done)["old_secret"], "deleted", "{route} {nth} {kill:?}: {done:?}");
    api.assert_settled(&[&done]);
}

#[test]
fn killed_at_any_request_with_a_file_it_is_finished_or_undone_by_the_next_run() {
    let api = Api::in_file();
    KILLS.into_iter().for_each(|kill| kill_and_go_on(&api, kill));
}

#[test]
fn killed_at_any_request_with_the_keyring_it_is_finished_or_undone_by_the_next_run() {
    let api = Api::in_keyring();
    KILLS.into_iter().for_each(|kill| kill_and_go_on(&api, kill));
}

#[test]
fn killed_while_the_keyring_stores_or_removes_it_is_finished_or_undone_by_the_next_run() {
    let api = Api::in_keyring();
    for (route, nth) in [(ADD_SECRET, 1), (TOKEN, 2), (DELETE_SECRET, 1)] {
        killed(&api.desk, &ROTATE, route, nth, Kill::Frozen);
        api.assert_works();
        let done = api.rotate().ok();
        api.assert_settled(&[&done]);
    }
}

#[test]
fn killed_twice_in_a_row_it_is_still_finished() {
    let api = Api::in_file();
    killed(&api.desk, &ROTATE, ADD_SECRET, 1, Kill::After);
    // While the leftover is being deleted, which makes the list of before the same again.
    killed(&api.desk, &ROTATE, DELETE_SECRET, 1, Kill::After);
    api.assert_works();
    killed(&api.desk, &ROTATE, TOKEN, 2, Kill::Before);
    // Proven, made current, and killed before the old one is deleted.
    killed(&api.desk, &ROTATE, DELETE_SECRET, 1, Kill::Before);
    api.assert_works();
    let done = api.rotate().ok();
    assert_eq!(object(&done)["resumed"], true);
    api.assert_settled(&[&done]);
}

#[test]
fn what_no_kill_could_be_timed_for_is_settled_as_well() {
    let api = Api::in_file();
    let (file, connections) = (api.file.clone().unwrap(), api.desk.world.config_file("connections.json"));
    let next = api.desk.world.path("secret.json.next");
    // The note is gone, and the copy of the new secret is not yet.
    std::fs::copy(&file, &next).unwrap();
    api.assert_works();
    api.assert_settled(&[&api.rotate().ok()]);

    // The note is gone, and a copy was never put into its place.
    killed(&api.desk, &ROTATE, TOKEN, 2, Kill::After);
    let text = std::fs::read_to_string(&connections).unwrap();
    let mut document: Value = serde_json::from_str(&text).unwrap();
    let note = document["api"].as_object_mut().unwrap().shift_remove("rotation").unwrap();
    std::fs::write(&connections, document.to_string()).unwrap();
    let done = api.rotate().ok();
    assert_eq!((&object(&done)["resumed"], &object(&done)["old_secret_id"]), (&true.into(), &note["old"]));
    api.assert_settled(&[&done]);

    // A note of long ago, since when the secret in use was added and the note's own was deleted.
    let used = api.secrets()[0]["id"].clone();
    document["api"]["rotation"] = note;
    std::fs::write(&connections, document.to_string()).unwrap();
    let done = api.rotate().ok();
    assert_eq!((&object(&done)["resumed"], &object(&done)["old_secret_id"]), (&false.into(), &used));
    assert!(done.stderr.contains("it is kept"), "{done:?}");
    api.assert_settled(&[&done]);
}

#[test]
fn a_copy_that_no_longer_works_is_thrown_away() {
    let api = Api::in_file();
    killed(&api.desk, &ROTATE, TOKEN, 2, Kill::After);
    let id = api.secrets()[1]["id"].as_str().unwrap().to_owned();
    api.desk.world.control(Control::SetSecret { id, status: Some("INACTIVE".into()), expires_in: None });
    let done = api.rotate().ok();
    assert_eq!(object(&done)["resumed"], false);
    api.assert_settled(&[&done]);
}

#[test]
fn it_makes_no_difference_how_the_vault_writes_what_is_absent() {
    let api = Api::in_file();
    for mode in [Absent::Missing, Absent::Empty] {
        api.desk.world.control(Control::SetAbsent { mode });
        killed(&api.desk, &ROTATE, ADD_SECRET, 1, Kill::After);
        let done = api.rotate().ok();
        assert_eq!((&object(&done)["resumed"], &object(&done)["old_secret"]), (&false.into(), &"deleted".into()));
        api.assert_settled(&[&done]);
    }
}

#[test]
fn a_new_secret_that_does_not_work_or_cannot_be_stored_is_deleted_again() {
    let api = Api::in_file();
    let before = api.stored();
    // The environment's own token first, then the proof.
    for millis in [0, 1500] {
        api.desk.world.control(Control::Delay { route: Some(TOKEN.into()), times: 1, millis });
    }
    let tokens = api.desk.world.count(TOKEN);
    let refused = std::thread::scope(|scope| {
        let refused = scope.spawn(|| api.rotate());
        until("the new secret is proven", || api.desk.world.count(TOKEN) == tokens + 2);
        let id = api.secrets()[1]["id"].as_str().unwrap().to_owned();
        api.desk.world.control(Control::SetSecret { id, status: Some("INACTIVE".into()), expires_in: None });
        refused.join().unwrap().exit(6)
    });
    assert!(object(&refused)["message"].as_str().unwrap().contains("keeps its old secret"), "{refused:?}");
    assert_eq!(api.stored(), before);
    api.assert_settled(&[&refused]);

    std::fs::write(api.desk.world.path("secret.json.next"), "somebody's own file\n").unwrap();
    let refused = api.rotate();
    assert_ne!(refused.code, Some(0));
    assert_eq!(std::fs::read_to_string(api.desk.world.path("secret.json.next")).unwrap(), "somebody's own file\n");
    std::fs::remove_file(api.desk.world.path("secret.json.next")).unwrap();
    api.assert_settled(&[&refused]);
}

#[test]
fn a_vault_that_says_no_leaves_everything_as_it_was() {
    let api = Api::in_file();
    let before = api.stored();
    let fail = |route: &str, status| api.desk.world.fail_next(route, 1, status, Some("PERMISSION_DENIED"));
    fail(ADD_SECRET, 403);
    let refused = api.rotate().exit(6);
    assert!(refused.stderr.contains("api_credentials:write"), "{refused:?}");
    assert_eq!(api.stored(), before);
    api.assert_settled(&[&refused]);

    fail(DELETE_SECRET, 403);
    let refused = api.rotate().exit(6);
    assert!(refused.stderr.contains("api_credentials:rotate") && refused.stderr.contains("broken off"), "{refused:?}");
    api.assert_works();
    assert_eq!(api.secrets().len(), 2);
    let done = api.rotate().ok();
    assert_eq!((&object(&done)["resumed"], api.desk.world.sandbox.plain_secrets().len()), (&true.into(), 2));
    api.assert_settled(&[&done]);

    api.desk.world.control(Control::Drop { route: Some(ADD_SECRET.into()), times: 1, when: When::BeforeReply });
    let lost = api.rotate().exit(7);
    assert!(lost.stderr.contains("broken off"), "{lost:?}");
    assert_eq!(api.secrets().len(), 2);
    let done = api.rotate().ok();
    assert!(done.stderr.contains("is deleted"), "{done:?}");
    api.assert_settled(&[&lost, &done]);
}

#[test]
fn the_old_secret_stays_where_that_is_wanted_and_where_it_cannot_be_told_from_others() {
    let api = Api::in_file();
    let done = api.desk.run(&[&ROTATE[..], &["--keep-old"]].concat()).ok();
    assert_eq!((&object(&done)["old_secret"], api.secrets().len()), (&"kept".into(), 2));
    assert!(!api.has_note() && api.stored().1.is_none());
    api.assert_works();

    let file = api.file.clone().unwrap();
    let text = std::fs::read_to_string(&file).unwrap().replace(&api.stored().0, "not-in-the-vault-____");
    std::fs::write(&file, text).unwrap();
    let done = api.rotate().ok();
    assert_eq!((&object(&done)["old_secret"], api.secrets().len()), (&"unknown".into(), 3));
    api.assert_works();
}

#[test]
fn two_at_once_do_not_take_each_others_secret_for_a_leftover() {
    let api = Api::in_file();
    api.desk.world.control(Control::Delay { route: Some(ADD_SECRET.into()), times: 1, millis: 1500 });
    let first = std::thread::scope(|scope| {
        let first = scope.spawn(|| api.rotate());
        until("the first is at work", || api.desk.world.count(ADD_SECRET) == 1);
        let second = api.rotate().exit(1);
        assert!(second.stderr.contains("another `client rotate` is under way"), "{second:?}");
        first.join().unwrap().ok()
    });
    api.assert_settled(&[&first]);
}

#[test]
fn the_organization_comes_from_the_token_where_nothing_else_says_it() {
    let api = Api::in_file();
    let connections = api.desk.world.config_file("connections.json");
    let text = std::fs::read_to_string(&connections).unwrap();
    let mut document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["api"].as_object_mut().unwrap().shift_remove("organization"), Some(ORG.into()));
    std::fs::write(&connections, document.to_string()).unwrap();
    let done = api.rotate().ok();
    assert_eq!(object(&done)["organization"], ORG);
    api.assert_settled(&[&done]);
}

#[test]
fn a_secret_that_is_not_ours_to_replace_is_left_alone() {
    let api = Api::in_file();
    let connections = api.desk.world.config_file("connections.json");
    let text = std::fs::read_to_string(&connections).unwrap();
    std::fs::write(&connections, text.replace("\"written\": true", "\"written\": false")).unwrap();
    let refused = api.rotate().exit(2);
    assert!(refused.stderr.contains("cannot be replaced by us"), "{refused:?}");
    assert!(api.desk.run(&["client", "rotate", "nobody"]).exit(3).stderr.contains("not configured"));
    let nobodys = api.desk.run(&["client", "rotate", "m2morg_999", "--org", ORG]).exit(2);
    assert!(nobodys.stderr.contains("no service stands for m2morg_999"), "{nobodys:?}");
    assert_eq!(api.desk.world.count(ADD_SECRET), 0);
}
