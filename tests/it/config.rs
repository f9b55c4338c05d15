//! Configuration: which layer wins, what is refused, and what the refusal says.

use planisphere::config::{ConfigError, Contexts, Flag, KEYS, LogFormat, Settings, Shape, Surroundings};
use std::path::{Path, PathBuf};
use std::time::Duration;

fn flag(key: &'static str, values: &[&str]) -> Flag {
    let values = values.iter().map(|v| (*v).to_owned()).collect();
    Flag { key, values }
}

fn file(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn load(text: &str, env: &[(&str, &str)], flags: &[Flag]) -> Result<Settings, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), "planisphere.toml", text);
    Settings::load(Some(&path), Surroundings::of(env), flags)
}

fn refused(text: &str, env: &[(&str, &str)], flags: &[Flag]) -> String {
    load(text, env, flags).unwrap_err().to_string()
}

/// A value that this key can have and that is not its default.
fn other_value(key: &planisphere::config::Key) -> &'static str {
    match (key.name, key.shape) {
        ("color", _) => "never",
        ("log_format", _) => "json",
        ("log_level", _) => "debug",
        ("exclude_kinds", _) => "secrets",
        ("server", _) => "http://other:1",
        (_, Shape::Switch) => "true",
        (_, Shape::Choice(words)) => words[0],
        (_, _) if key.value_name == "DURATION" => "77s",
        (_, _) if key.value_name == "ADDR:PORT" => "127.0.0.1:77",
        ("limits.body_bytes", _) => "1234",
        (_, _) if key.value_name == "AGE" => "77d",
        (_, _) if key.value_name == "SIZE" => "77MiB",
        (_, _) if key.value_name == "N" => "77",
        _ => "elsewhere",
    }
}

fn in_file(key: &planisphere::config::Key, value: &str) -> String {
    match key.shape {
        Shape::List | Shape::Paths => format!("{} = [\"{value}\"]", key.name),
        _ if value.parse::<f64>().is_ok() || value == "true" => format!("{} = {value}", key.name),
        _ => format!("{} = \"{value}\"", key.name),
    }
}

#[test]
fn every_setting_can_be_given_by_file_environment_and_flag_and_says_so() {
    for key in KEYS {
        let value = other_value(key);
        let env = key.env();
        let origin = |settings: Settings| {
            let found = &settings.effective()[key.name];
            assert_eq!(found.values, [value], "{}", key.name);
            found.origin.clone()
        };
        let from_file = origin(load(&in_file(key, value), &[], &[]).unwrap());
        assert!(
            from_file.starts_with("file /") && from_file.ends_with("planisphere.toml"),
            "{from_file}"
        );
        let from_env = origin(load("", &[(&env, value)], &[]).unwrap());
        assert_eq!(from_env, format!("env {env}"));
        let from_flag = origin(load("", &[], &[flag(key.name, &[value])]).unwrap());
        assert_eq!(from_flag, format!("flag --{}", key.flag));
    }
}

#[test]
fn a_flag_wins_over_the_environment_that_over_the_file_that_over_the_default() {
    let text = "stale_after = \"1m\"";
    let env = [("PLANISPHERE_STALE_AFTER", "2m")];
    let flags = [flag("stale_after", &["3m"])];
    let stale = |settings: Result<Settings, _>| settings.unwrap().demo().unwrap().listen.stale_after;
    assert_eq!(stale(load("", &[], &[])), Duration::from_secs(120));
    assert_eq!(stale(load(text, &[], &[])), Duration::from_secs(60));
    assert_eq!(stale(load(text, &env, &[])), Duration::from_secs(120));
    assert_eq!(stale(load(text, &env, &flags)), Duration::from_secs(180));
}

#[test]
fn standard_variables_stand_between_ours_and_the_file() {
    let text = "log_level = \"error\"\ncolor = \"always\"";
    let standard = [("RUST_LOG", "warn"), ("NO_COLOR", "1")];
    let settings = load(text, &standard, &[]).unwrap();
    assert_eq!(settings.log().unwrap().level, "warn");
    assert!(!settings.log().unwrap().color.on(true));
    assert_eq!(settings.effective()["log_level"].origin, "env RUST_LOG");
    let both = [("RUST_LOG", "warn"), ("PLANISPHERE_LOG_LEVEL", "debug")];
    assert_eq!(load(text, &both, &[]).unwrap().log().unwrap().level, "debug");
}

#[test]
fn an_empty_variable_is_none() {
    let settings = load(
        "",
        &[
            ("PLANISPHERE_LISTEN", ""),
            ("NO_COLOR", ""),
            ("PLANISPHERE_CONFIG", ""),
        ],
        &[],
    );
    assert_eq!(settings.unwrap().effective()["listen"].origin, "default");
}

#[test]
fn history_is_kept_by_age_and_size_or_for_ever() {
    let read = |key, value| {
        let sources = ("PLANISPHERE_DUMPS", "x");
        let settings = load(
            "",
            &[sources, ("PLANISPHERE_DATA_DIR", "y")],
            &[flag(key, &[value])],
        );
        settings.map(|s| s.serve().unwrap().retention)
    };
    let age = |text| read("history.max_age", text).map(|r| r.max_age);
    assert_eq!(age("2d").unwrap(), Some(Duration::from_secs(2 * 86_400)));
    assert_eq!(age("90m").unwrap(), Some(Duration::from_secs(5_400)));
    assert_eq!(age("off").unwrap(), None);
    let size = |text| read("history.max_size", text).map(|r| r.max_bytes);
    assert_eq!(size("2GiB").unwrap(), Some(2 << 30));
    assert_eq!(size("500MB").unwrap(), Some(500_000_000));
    assert_eq!(size("off").unwrap(), None);
    for wrong in ["0s", "-2d", "14", "4000d", "never"] {
        assert!(age(wrong).is_err(), "{wrong}");
    }
    for wrong in ["12", "1kB", "9 lives", "GiB", "99999999999999TiB"] {
        let told = size(wrong).unwrap_err().to_string();
        assert!(told.contains("a size from 1MB on"), "{told}");
    }
}

#[test]
fn yaml_is_read_as_well_as_toml() {
    let dir = tempfile::tempdir().unwrap();
    let text = "listen: 127.0.0.1:9\ncontexts: [a, b]\ndemo:\n  objects: 77\nlog_format: json\n";
    let path = file(dir.path(), "planisphere.yaml", text);
    let settings = Settings::load(Some(&path), Surroundings::of(&[]), &[]).unwrap();
    let demo = settings.demo().unwrap();
    assert_eq!((demo.objects, demo.listen.listen.port()), (77, 9));
    assert_eq!(settings.log().unwrap().format, LogFormat::Json);
    assert_eq!(settings.effective()["contexts"].values, ["a", "b"]);
}

#[test]
fn the_default_file_is_read_where_it_exists_and_a_named_one_must_exist() {
    let home = tempfile::tempdir().unwrap();
    let around = Surroundings::of(&[("HOME", home.path().to_str().unwrap())]);
    let settings = Settings::load(None, around.clone(), &[]).unwrap();
    assert_eq!(settings.effective()["listen"].origin, "default");
    let dir = home.path().join(".config/planisphere");
    std::fs::create_dir_all(&dir).unwrap();
    let path = file(&dir, "config.toml", "listen = \"127.0.0.1:5\"");
    let settings = Settings::load(None, around.clone(), &[]).unwrap();
    assert_eq!(
        settings.effective()["listen"].origin,
        format!("file {}", path.display())
    );
    let missing = home.path().join("nowhere.toml");
    let error = Settings::load(Some(&missing), around, &[])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(missing.to_str().unwrap()) && error.contains("No such file"),
        "{error}"
    );
}

#[test]
fn an_unknown_key_names_itself_its_place_and_the_key_that_was_meant() {
    let error = refused("[demo]\nobject = 5", &[], &[]);
    assert!(
        error.contains("`demo.object`") && error.contains("planisphere.toml"),
        "{error}"
    );
    assert!(error.contains("did you mean `demo.objects`?"), "{error}");
    let error = refused("", &[("PLANISPHERE_STALE_AFTR", "5m")], &[]);
    assert!(
        error.contains("`PLANISPHERE_STALE_AFTR` in the environment"),
        "{error}"
    );
    assert!(
        error.contains("did you mean `PLANISPHERE_STALE_AFTER`?"),
        "{error}"
    );
    let error = refused("listen = { port = 5 }", &[], &[]);
    assert!(error.contains("`listen.port`"), "{error}");
}

#[test]
fn a_kubernetes_service_called_planisphere_does_not_keep_the_pod_from_starting() {
    let links = [
        ("PLANISPHERE_SERVICE_HOST", "10.0.0.1"),
        ("PLANISPHERE_PORT", "tcp://10.0.0.1:7117"),
        ("PLANISPHERE_PORT_7117_TCP_ADDR", "10.0.0.1"),
    ];
    assert!(load("", &links, &[]).is_ok());
}

#[test]
fn a_bad_value_names_key_value_origin_and_what_is_allowed() {
    for (key, bad, allowed) in [
        ("stale_after", "120", "a duration with a unit"),
        ("stale_after", "-5s", "a duration with a unit"),
        ("stale_after", "0s", "a duration with a unit"),
        ("listen", "7117", "an IP address and a port"),
        ("listen", "example.org:80", "an IP address and a port"),
        ("demo.objects", "many", "a whole number from 50 to 2000000"),
        ("demo.objects", "-1", "a whole number from 50 to 2000000"),
        ("demo.changes_per_second", "NaN", "a number from 0 to 10000"),
        ("log_format", "xml", "auto, text, json"),
        ("log_level", "loud", "error, warn, info, debug, trace"),
        ("store", "neo4j", "embedded"),
        ("insecure_no_auth", "yes", "true or false"),
        ("server", "ftp://x", "a URL such as"),
        ("exclude_kinds", "nonsense", "kinds as kubectl names them"),
    ] {
        let error = refused("", &[], &[flag(key, &[bad])]);
        for part in [&format!("`{key}`"), &format!("`{bad}`"), "flag --", allowed] {
            assert!(error.contains(part), "{key} {bad}: {error}");
        }
    }
    let error = refused("listen = [\"127.0.0.1:1\", \"127.0.0.1:2\"]", &[], &[]);
    assert!(error.contains("planisphere.toml"), "{error}");
}

#[test]
fn a_broken_file_names_itself_and_the_line() {
    let error = refused("listen = \"127.0.0.1:1\"\nstale_after = ", &[], &[]);
    assert!(
        error.contains("planisphere.toml") && error.contains("line 2"),
        "{error}"
    );
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), "planisphere.ini", "");
    let error = Settings::load(Some(&path), Surroundings::of(&[]), &[])
        .unwrap_err()
        .to_string();
    assert!(error.contains(".toml, .yaml or .yml"), "{error}");
}

#[test]
fn an_address_that_others_reach_needs_a_word() {
    for addr in ["0.0.0.0:7117", "[::]:7117", "192.0.2.1:7117"] {
        for key in ["listen", "admin_listen"] {
            let flags = [flag(key, &[addr])];
            let error = load("", &[], &flags).unwrap().demo().unwrap_err().to_string();
            assert!(
                error.contains(addr) && error.contains("--insecure-no-auth"),
                "{error}"
            );
            let open = [flag(key, &[addr]), flag("insecure_no_auth", &["true"])];
            assert!(load("", &[], &open).unwrap().demo().is_ok());
        }
    }
    let local = load("listen = \"localhost:1\"\nadmin_listen = \"[::1]:2\"", &[], &[]).unwrap();
    assert_eq!(
        local.demo().unwrap().listen.listen,
        "127.0.0.1:1".parse().unwrap()
    );
}

#[test]
fn what_is_printed_is_a_file_that_gives_the_same_settings() {
    let env = [
        ("HOME", "/home/somebody"),
        ("PLANISPHERE_DEMO__OBJECTS", "77"),
        ("KUBECONFIG", "/a:/b c"),
    ];
    let flags = [flag("contexts", &["eu", "us"]), flag("stale_after", &["5m"])];
    let settings = load("", &env, &flags).unwrap();
    let printed = settings.print();
    assert!(printed.contains("# env PLANISPHERE_DEMO__OBJECTS") && printed.contains("# flag --context\n"));
    let again = load(&printed, &env[..1], &[]).unwrap();
    for (key, value) in settings.effective() {
        if *key != "data_dir" {
            assert_eq!(value.values, again.effective()[key].values, "{key}");
        }
    }
    assert_eq!(
        again.effective()["data_dir"].values,
        ["/home/somebody/.local/share/planisphere"]
    );
    assert_eq!(settings.serve().unwrap(), {
        let mut serve = again.serve().unwrap();
        serve.sources.kubeconfig.as_mut().unwrap().origin = "env KUBECONFIG".to_owned();
        serve
    });
}

#[test]
fn secrets_are_neither_printed_nor_quoted_in_errors() {
    let secret = [flag("server", &["https://admin:hunter2@example.org"])];
    let printed = load("", &[], &secret).unwrap().print();
    assert!(
        printed.contains("https://***@example.org") && !printed.contains("hunter2"),
        "{printed}"
    );
    let error = refused("", &[], &[flag("server", &["ftp://admin:hunter2@example.org"])]);
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn data_lies_where_xdg_says() {
    let dir = |env: &[(&str, &str)]| {
        load("dumps = [\"d\"]", env, &[])
            .unwrap()
            .serve()
            .map(|s| s.data_dir)
    };
    assert_eq!(
        dir(&[("HOME", "/h")]),
        Ok(PathBuf::from("/h/.local/share/planisphere"))
    );
    assert_eq!(
        dir(&[("HOME", "/h"), ("XDG_DATA_HOME", "/x")]),
        Ok(PathBuf::from("/x/planisphere"))
    );
    assert_eq!(
        dir(&[("HOME", "/h"), ("XDG_DATA_HOME", "relative")]),
        dir(&[("HOME", "/h")])
    );
    assert_eq!(dir(&[]), Err(ConfigError::NoDataDir));
}

mod sources {
    use super::*;

    fn home_with_kubeconfig() -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".kube")).unwrap();
        file(&home.path().join(".kube"), "config", "");
        home
    }

    fn pod() -> (tempfile::TempDir, Surroundings) {
        let account = tempfile::tempdir().unwrap();
        file(account.path(), "token", "t");
        let around = Surroundings::of(&[("KUBERNETES_SERVICE_HOST", "10.0.0.1")]);
        let around = around.with_service_account(account.path());
        (account, around)
    }

    fn resolve(around: Surroundings, flags: &[Flag]) -> Result<planisphere::config::Sources, ConfigError> {
        Settings::load(None, around, flags).unwrap().sources()
    }

    #[test]
    fn without_a_word_it_is_the_current_context_of_the_users_kubeconfig() {
        let home = home_with_kubeconfig();
        let path = home.path().to_str().unwrap();
        let found = resolve(Surroundings::of(&[("HOME", path)]), &[])
            .unwrap()
            .kubeconfig
            .unwrap();
        assert_eq!(found.files, [home.path().join(".kube/config")]);
        assert_eq!(found.contexts, Contexts::Current);
        let listed = Surroundings::of(&[("HOME", path), ("KUBECONFIG", "/nowhere")]);
        assert_eq!(
            resolve(listed, &[]).unwrap().kubeconfig.unwrap().files,
            [PathBuf::from("/nowhere")]
        );
    }

    #[test]
    fn what_is_missing_of_the_kubeconfig_list_is_skipped_as_kubectl_does() {
        let home = home_with_kubeconfig();
        let there = home.path().join(".kube/config");
        let list = format!("/nowhere:{}", there.display());
        let found = resolve(Surroundings::of(&[("KUBECONFIG", &list)]), &[]).unwrap();
        assert_eq!(found.kubeconfig.unwrap().files, [there]);
    }

    #[test]
    fn in_a_pod_without_kubeconfig_it_is_the_pods_cluster() {
        let (_account, around) = pod();
        let found = resolve(around.clone(), &[]).unwrap();
        assert!(found.in_cluster && found.kubeconfig.is_none());
        let found = resolve(around, &[flag("kubeconfig", &["/a"])]).unwrap();
        assert!(!found.in_cluster && found.kubeconfig.is_some());
    }

    #[test]
    fn a_dump_alone_connects_to_no_cluster_that_happens_to_lie_around() {
        let home = home_with_kubeconfig();
        let env = [("HOME", home.path().to_str().unwrap()), ("KUBECONFIG", "/k")];
        let dump = flag("dumps", &["/d"]);
        let found = resolve(Surroundings::of(&env), std::slice::from_ref(&dump)).unwrap();
        assert_eq!((found.kubeconfig, found.dumps), (None, vec![PathBuf::from("/d")]));
        let both = [dump, flag("contexts", &["eu"])];
        let found = resolve(Surroundings::of(&env), &both)
            .unwrap()
            .kubeconfig
            .unwrap();
        assert_eq!(found.contexts, Contexts::Named(vec!["eu".to_owned()]));
    }

    #[test]
    fn nothing_to_read_says_where_we_looked_and_what_to_do() {
        let error = resolve(Surroundings::of(&[("HOME", "/nowhere")]), &[])
            .unwrap_err()
            .to_string();
        for part in [
            "/nowhere/.kube/config",
            "--kubeconfig",
            "--dump",
            "planisphere demo",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn all_contexts_and_named_ones_contradict_each_other() {
        let flags = [flag("all_contexts", &["true"]), flag("contexts", &["eu"])];
        let error = resolve(Surroundings::of(&[]), &flags).unwrap_err().to_string();
        assert!(
            error.contains("flag --all-contexts") && error.contains("flag --context"),
            "{error}"
        );
    }
}
