//! Configuration from the outside: precedence, refusals, files under the data folder.

use gatefold::config::{self, Accounts, Environment, Sources, installation, tokens};
use secrecy::ExposeSecret;
use std::fs;
use std::path::Path;

const PEOPLE: &str = "users:
  anna: { name: Anna Alvarez, email: anna@example.com, roles: [legal, admin], manager: olga }
  olga: { name: Olga Ortiz, email: olga@example.com, groups: [board] }
";

fn sources(file: &Path, flags: &[(&str, &str)], variables: &[(&str, &str)]) -> Sources {
    Sources {
        file: Some(file.to_owned()),
        flags: flags
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        environment: variables.iter().copied().collect(),
    }
}

fn origin_of(resolved: &config::Resolved, key: &str) -> String {
    let shown = resolved.show();
    shown
        .iter()
        .find(|shown| shown.key == key)
        .expect("every setting is shown")
        .origin
        .clone()
}

#[test]
fn flag_beats_environment_beats_file_beats_default() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gatefold.toml");
    fs::write(
        &file,
        "listen = '127.0.0.1:1'\nlog = 'warn'\n\n[limits]\nbody_bytes = 10\n",
    )
    .unwrap();
    let variables = [("GATEFOLD_LISTEN", "127.0.0.1:2"), ("GATEFOLD_LIMITS_BODY_BYTES", "20")];

    let all = config::load(&sources(&file, &[("listen", "127.0.0.1:3")], &variables)).unwrap();
    assert_eq!(
        (all.listen.port(), all.limits.body_bytes, all.log.as_str()),
        (3, 20, "warn")
    );
    assert_eq!(all.base_url, "http://127.0.0.1:3");
    assert_eq!(origin_of(&all, "listen"), "flag");
    assert_eq!(
        origin_of(&all, "limits.body_bytes"),
        "environment GATEFOLD_LIMITS_BODY_BYTES"
    );
    assert_eq!(origin_of(&all, "log"), format!("{}:2", file.display()));
    assert_eq!(origin_of(&all, "limits.upload_bytes"), "default");

    let without_flag = config::load(&sources(&file, &[], &variables)).unwrap();
    assert_eq!(without_flag.listen.port(), 2);
    let file_alone = config::load(&sources(&file, &[], &[])).unwrap();
    assert_eq!((file_alone.listen.port(), file_alone.limits.body_bytes), (1, 10));
}

#[test]
fn paths_of_the_file_are_relative_to_it_and_the_rest_follows_data() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gatefold.toml");
    fs::write(&file, "data = 'store'\n").unwrap();
    let resolved = config::load(&sources(&file, &[], &[])).unwrap();
    assert_eq!(resolved.data, folder.path().join("store"));
    assert_eq!(resolved.people, folder.path().join("store/people.yaml"));
}

#[test]
fn every_problem_is_told_at_once_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gatefold.toml");
    fs::write(
        &file,
        "listen = 'here'\n[mail]\nsmtp = 'smtp://user:pw@host'\n[http]\nallow_networks = ['10.0.0.0/99']\n",
    )
    .unwrap();
    let variables = [("GATEFOLD_LIMITS_BODY_BYTES", "many"), ("GATEFOLD_BASE_URL", "ftp://x")];
    let error = config::load(&sources(&file, &[("colour", "red")], &variables))
        .unwrap_err()
        .to_string();
    for part in [
        &format!("{}:1: \"here\" is no address with a port", file.display()),
        &format!("{}:3: holds a password", file.display()),
        &format!("{}:5: \"10.0.0.0/99\" is not a network", file.display()),
        "GATEFOLD_LIMITS_BODY_BYTES: \"many\" is no whole number",
        "GATEFOLD_BASE_URL: \"ftp://x\" is no address of a web server",
        "--colour: there is no such setting",
    ] {
        assert!(error.contains(part), "{part:?} is missing in:\n{error}");
    }
    assert!(!error.contains("user:pw"), "a password was shown:\n{error}");
}

#[test]
fn a_variable_that_is_no_setting_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gatefold.toml");
    fs::write(&file, "").unwrap();
    let resolved = config::load(&sources(
        &file,
        &[],
        &[("GATEFOLD_LISTN", "x"), ("GATEFOLD_SECRET_A", "y")],
    ))
    .unwrap();
    let warnings: Vec<String> = resolved.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        ["GATEFOLD_LISTN: is no setting and was ignored (did you mean GATEFOLD_LISTEN?)"]
    );
}

#[test]
fn the_schema_in_the_tree_is_the_one_of_the_settings() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/config.schema.json");
    let now = serde_json::to_string_pretty(&config::json_schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &now).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        committed, now,
        "write it anew with UPDATE=1 cargo test --test it config"
    );
}

#[test]
fn the_key_is_made_once_and_is_for_its_owner_alone() {
    let data = tempfile::tempdir().unwrap();
    let first = installation::installation_key(data.path()).unwrap();
    assert_eq!(installation::installation_key(data.path()).unwrap(), first);
    assert_ne!(first, [0; 32]);
    fs::write(data.path().join("key"), [1, 2, 3]).unwrap();
    let error = installation::installation_key(data.path()).unwrap_err().to_string();
    assert!(error.contains("holds 3 bytes instead of 32"), "{error}");
}

#[test]
fn a_key_that_is_lost_is_not_replaced_beside_a_store() {
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("gatefold.db"), "a store").unwrap();
    let error = installation::installation_key(data.path()).unwrap_err().to_string();
    assert!(error.contains("bring it back from the backup"), "{error}");
    assert!(!data.path().join("key").exists(), "no other key took its place");
}

#[cfg(unix)]
#[test]
fn what_others_can_read_is_no_secret() {
    use std::os::unix::fs::PermissionsExt;
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("secrets/HOOK_SECRET");
    fs::create_dir(data.path().join("secrets")).unwrap();
    fs::write(&file, "from the file\n").unwrap();

    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let error = installation::secrets(data.path(), &Environment::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains("others can read it (mode 640): chmod 600"), "{error}");

    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let secrets = installation::secrets(data.path(), &Environment::default()).unwrap();
    assert_eq!(secrets["HOOK_SECRET"].expose_secret(), "from the file");
    let environment: Environment = [("GATEFOLD_SECRET_HOOK_SECRET", "from the environment")]
        .into_iter()
        .collect();
    let secrets = installation::secrets(data.path(), &environment).unwrap();
    assert_eq!(secrets["HOOK_SECRET"].expose_secret(), "from the environment");
    assert!(!format!("{environment:?}").contains("from the environment"));

    let empty: Environment = [("GATEFOLD_SECRET_EMPTY", "")].into_iter().collect();
    assert!(installation::secrets(data.path(), &empty).is_err());
}

#[test]
fn people_are_read_strictly() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("people.yaml");
    for (text, part) in [
        ("users:\n  anna: { name: A, email: a@b, rolls: [x] }", "people.yaml:2"),
        (
            "users:\n  anna: { name: A, email: a@b }\n  anna: { name: B, email: b@b }",
            "people.yaml:3: the key anna stands twice in this map",
        ),
        ("", "people.yaml: is empty, and says who there is (write `users:"),
        ("\u{feff}\n---\n# nobody yet\r\n", "is empty"),
        ("- anna\n", "people.yaml:1: a map of keys was expected here"),
        (
            "users:\n  anna: { name: A, email: a@b, roles: legal }",
            "people.yaml:2: a list was expected here",
        ),
        ("users: {}\n---\nusers: {}\n", "a second document begins here"),
        (
            "users:\n  anna: { name: A, email: a@b, manager: nobody }",
            "there is no user nobody",
        ),
        ("users:\n  'an na': { name: A, email: a@b }", "is no user name"),
        ("users:\n  anna: { name: A, email: nowhere }", "is no mail address"),
        (
            "users:\n  anna: { name: A, email: a@b.cd }\n  ben: { name: B, email: A@B.CD }",
            "ben and anna have one mail address, a@b.cd",
        ),
    ] {
        fs::write(&file, text).unwrap();
        let error = Accounts::open(&file).unwrap_err().to_string();
        assert!(error.to_lowercase().contains(part), "{part:?} is missing in {error}");
    }
}

#[test]
fn a_file_is_read_whatever_editor_wrote_it_and_what_is_none_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("people.yaml");
    let told = || {
        gatefold::config::people::read(&file)
            .map(|read| read.users.len())
            .map_err(|error| error.to_string())
    };
    for text in [
        "\u{feff}users:\n  anna: { name: A, email: a@b.cd }\n",
        "users:\r\n  anna: { name: A, email: a@b.cd }\r\n",
    ] {
        fs::write(&file, text).unwrap();
        assert_eq!(told(), Ok(1), "{text:?}");
    }
    fs::write(&file, "users: {}\n").unwrap();
    assert_eq!(told(), Ok(0), "who means nobody says so");
    fs::write(&file, b"users:\n  \xff: 1\n").unwrap();
    assert!(
        told()
            .unwrap_err()
            .ends_with("people.yaml:2: holds bytes that are no text: write it as UTF-8")
    );
    fs::remove_file(&file).unwrap();
    assert_eq!(told(), Ok(0), "a file that is not there names nobody");
    fs::create_dir(&file).unwrap();
    assert!(
        told().unwrap_err().ends_with("is a folder, and a file was expected"),
        "{:?}",
        told()
    );
    let wrong = config::load(&sources(&file, &[], &[]));
    assert!(
        wrong
            .unwrap_err()
            .to_string()
            .ends_with("is a folder, and a file was expected")
    );
}

#[test]
fn a_calendar_whose_file_has_another_ending_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("corporate.yml"), "zone: UTC\n").unwrap();
    let error = config::calendars(folder.path()).unwrap_err().to_string();
    assert!(error.contains("corporate.yml:1: this file is not read"), "{error}");
    assert!(error.contains("call it corporate.yaml"), "{error}");
}

#[test]
fn a_calendar_that_is_empty_or_a_list_is_told_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("corporate.yaml");
    for (text, said) in [
        ("", "this is no calendar: nothing is in it"),
        ("# later\n", "this is no calendar: nothing is in it"),
        ("- mon\n", "this is no calendar: it is no map of keys"),
    ] {
        fs::write(&file, text).unwrap();
        let error = config::calendars(folder.path()).unwrap_err().to_string();
        assert!(error.contains(said), "{text:?}: {error}");
    }
    fs::write(&file, "x".repeat(2 << 20)).unwrap();
    let error = config::calendars(folder.path()).unwrap_err();
    assert_eq!(error.problems.len(), 1, "one mistake is told once: {error}");
}

#[test]
fn a_token_opens_until_its_line_or_its_user_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let people = folder.path().join("people.yaml");
    fs::write(&people, PEOPLE).unwrap();
    let (token, line) = config::new_token("anna", Some("laptop: \"home\""), gatefold::base::Timestamp::UNIX_EPOCH);
    let (other, other_line) = config::new_token("ghost", None, gatefold::base::Timestamp::UNIX_EPOCH);
    assert!(token.starts_with("gf_") && token.len() == 67, "{token}");
    let file = folder.path().join("tokens.yaml");
    tokens::append(&file, &line).unwrap();
    tokens::append(&file, &other_line).unwrap();
    assert!(!fs::read_to_string(&file).unwrap().contains(&token));

    let accounts = Accounts::open(&people).unwrap();
    let known = accounts.person_with(&token).expect("the token is known");
    assert_eq!(
        (known.user.as_str(), known.person.email.as_str()),
        ("anna", "anna@example.com")
    );
    assert!(
        accounts.person_with(&other).is_none(),
        "its user is not in the directory"
    );
    assert!(accounts.person_with(&line.sha256).is_none(), "a hash is no token");

    fs::write(&people, "users: [broken").unwrap();
    accounts.refresh_now();
    assert!(
        accounts.person_with(&token).is_some(),
        "what does not read well is not taken over"
    );

    fs::write(&file, "").unwrap();
    accounts.refresh_now();
    assert!(accounts.person_with(&token).is_none(), "the line is gone");
}

#[test]
fn calendars_go_by_the_names_of_their_files() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("corporate.yaml"),
        "zone: Europe/Madrid\nhours: ['09:00-17:00']\nweek: [mon, tue]\nholidays: [2026-12-25]\n",
    )
    .unwrap();
    fs::write(folder.path().join("notes.txt"), "not a calendar").unwrap();
    let calendars = installation::calendars(folder.path()).unwrap();
    assert_eq!(calendars.keys().collect::<Vec<_>>(), ["corporate"]);
    assert_eq!(calendars["corporate"].zone, "Europe/Madrid");
    assert!(
        installation::calendars(&folder.path().join("missing"))
            .unwrap()
            .is_empty()
    );

    fs::write(
        folder.path().join("broken.yaml"),
        "zone: Europe/Madrid\nhours: ['9-5']\nweek: [mon]\n",
    )
    .unwrap();
    let error = installation::calendars(folder.path()).unwrap_err().to_string();
    assert!(error.contains("broken.yaml:2: "), "{error}");
}

#[test]
fn a_list_is_written_in_the_environment_with_commas_or_as_it_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gatefold.toml");
    fs::write(&file, "").unwrap();
    let networks = |text: &str| config::load(&sources(&file, &[], &[("GATEFOLD_HTTP_ALLOW_NETWORKS", text)]));
    for text in ["10.1.0.0/16, 10.2.0.0/16", "[\"10.1.0.0/16\", \"10.2.0.0/16\"]"] {
        assert_eq!(networks(text).unwrap().http.allow_networks.len(), 2, "{text}");
    }
    let error = networks("[10.1.0.0/16]").unwrap_err().to_string();
    assert!(error.contains("expected a list as [\"a\", \"b\"], or a,b"), "{error}");
}

#[test]
fn an_address_that_no_mail_goes_to_is_refused_where_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("people.yaml");
    for (address, is_fine) in [("anna@corp.example", true), ("anna@corp_x", false), ("anna", false)] {
        fs::write(&file, format!("users:\n  anna: {{ name: Anna, email: {address} }}\n")).unwrap();
        let read = gatefold::config::people::read(&file);
        assert_eq!(read.is_ok(), is_fine, "{address}: {read:?}");
    }
}

/// Reading `/proc/self/mem` from its beginning fails with EIO, as a bad sector does.
#[cfg(target_os = "linux")]
#[test]
fn a_file_on_a_disk_that_fails_is_told_apart_from_one_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let unreadable = |name: &str| {
        let file = folder.path().join(name);
        let _ = fs::remove_file(&file);
        std::os::unix::fs::symlink("/proc/self/mem", &file).unwrap();
        file
    };
    let people = unreadable("people.yaml");
    fs::create_dir_all(folder.path().join("calendars")).unwrap();
    unreadable("calendars/corporate.yaml");
    let errors = [
        gatefold::config::people::read(&people).unwrap_err(),
        tokens::read(&unreadable("tokens.yaml")).unwrap_err(),
        config::installation_key(unreadable("key").parent().unwrap()).unwrap_err(),
        config::calendars(&folder.path().join("calendars")).unwrap_err(),
        config::load(&sources(&unreadable("gatefold.toml"), &[], &[])).unwrap_err(),
    ];
    for error in errors {
        assert!(error.is_of_disk, "{error}");
        assert!(error.to_string().ends_with("(look at its disk)"), "{error}");
    }
    fs::remove_file(&people).unwrap();
    fs::write(&people, "users: [broken").unwrap();
    assert!(!gatefold::config::people::read(&people).unwrap_err().is_of_disk);
}

#[cfg(target_os = "linux")]
#[test]
fn people_that_could_not_be_read_stay_as_they_were_and_are_read_once_the_disk_works() {
    let folder = tempfile::tempdir().unwrap();
    let people = folder.path().join("people.yaml");
    fs::write(&people, PEOPLE).unwrap();
    let accounts = Accounts::open(&people).unwrap();
    let known = || accounts.directory().read().unwrap().users.len();
    let before = known();
    assert!(before > 0);
    fs::remove_file(&people).unwrap();
    std::os::unix::fs::symlink("/proc/self/mem", &people).unwrap();
    accounts.refresh_now();
    assert_eq!(known(), before);
    // the file has the same size and time at each look: the failure is what is tried again
    let other = folder.path().join("other.yaml");
    fs::write(&other, "users: {}\n").unwrap();
    fs::remove_file(&people).unwrap();
    fs::rename(&other, &people).unwrap();
    accounts.refresh_now();
    assert_eq!(known(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_token_that_cannot_be_written_leaves_the_file_as_it_was() {
    let (_, line) = config::new_token("anna", None, gatefold::base::Timestamp::UNIX_EPOCH);
    let error = tokens::append(Path::new("/dev/full"), &line).unwrap_err();
    assert!(error.is_of_disk, "{error}");
    assert!(error.to_string().ends_with("(make room on its disk)"), "{error}");
}
