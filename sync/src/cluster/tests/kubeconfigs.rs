//! Which files are read and which contexts become clusters.

use crate::cluster::{ConnectError, Contexts, Source, clusters_of, kubeconfig_files};
use std::path::{Path, PathBuf};

const TWO: &str = "apiVersion: v1\nkind: Config\ncurrent-context: b\ncontexts:\n\
    - {name: a, context: {cluster: c, user: u}}\n- {name: b, context: {cluster: c, user: u}}\n";

fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn names(files: &[PathBuf], contexts: &Contexts) -> Vec<String> {
    let clusters = clusters_of(files, contexts).unwrap();
    clusters.into_iter().map(|c| c.name).collect()
}

#[test]
fn the_flag_wins_over_the_variable_and_the_variable_over_the_default() {
    let home = tempfile::tempdir().unwrap();
    let [a, b, default] = ["a", "b", "default"].map(|name| write(home.path(), name, TWO));
    let list = std::env::join_paths([&a, &home.path().join("missing"), &b]).unwrap();
    let files =
        |flag: Option<&Path>, list: Option<&std::ffi::OsStr>| kubeconfig_files(flag, list, &default).unwrap();
    assert_eq!(files(Some(&b), Some(&list)), std::slice::from_ref(&b));
    // Like kubectl, files of the list that do not exist are left out.
    assert_eq!(files(None, Some(&list)), [a, b]);
    assert_eq!(files(None, Some("".as_ref())), std::slice::from_ref(&default));
    assert_eq!(files(None, None), [default]);
}

#[test]
fn a_file_that_does_not_exist_is_named() {
    let missing = Path::new("/nowhere/config");
    let error = kubeconfig_files(Some(missing), None, missing).unwrap_err();
    assert_eq!(
        error.sentence(),
        "no kubeconfig: /nowhere/config does not exist; name another file with --kubeconfig or KUBECONFIG"
    );
}

#[test]
fn a_malformed_file_is_told_with_the_place_and_without_its_content() {
    let home = tempfile::tempdir().unwrap();
    let path = write(
        home.path(),
        "config",
        "apiVersion: v1\nusers:\n- name: a\n  user: {token: hunter2\nx: [\n",
    );
    let error = clusters_of(std::slice::from_ref(&path), &Contexts::Current).unwrap_err();
    let ConnectError::KubeconfigMalformed { line, .. } = &error else {
        panic!("{error:?}");
    };
    assert!((3..=6).contains(line), "{error}");
    assert!(error.sentence().contains(path.to_str().unwrap()));
    assert!(!format!("{error:?} {error}").contains("hunter2"));
}

#[test]
fn contexts_are_the_current_one_or_those_named_or_all() {
    let home = tempfile::tempdir().unwrap();
    let files = [write(home.path(), "config", TWO)];
    assert_eq!(names(&files, &Contexts::Current), ["b"]);
    assert_eq!(names(&files, &Contexts::Named(vec!["a".into()])), ["a"]);
    assert_eq!(names(&files, &Contexts::All), ["a", "b"]);
    let all = clusters_of(&files, &Contexts::All).unwrap();
    let context = Some("a".to_owned());
    assert_eq!(
        all[0].source,
        Source::Kubeconfig {
            files: files.to_vec(),
            context
        }
    );
}

#[test]
fn files_are_merged_and_the_first_one_wins() {
    let home = tempfile::tempdir().unwrap();
    let first = write(
        home.path(),
        "first",
        "apiVersion: v1\nkind: Config\ncurrent-context: a\n",
    );
    let second = write(home.path(), "second", TWO);
    assert_eq!(names(&[first, second], &Contexts::Current), ["a"]);
}

#[test]
fn a_context_that_is_not_there_is_answered_with_those_that_are() {
    let home = tempfile::tempdir().unwrap();
    let files = [write(home.path(), "config", TWO)];
    let error = clusters_of(&files, &Contexts::Named(vec!["prod".into()])).unwrap_err();
    assert_eq!(
        error.sentence(),
        "the kubeconfig has no context \"prod\"; there are a, b; choose one of them with --context"
    );
    let empty = [write(home.path(), "empty", "")];
    for contexts in [Contexts::Current, Contexts::All] {
        let error = clusters_of(&empty, &contexts).unwrap_err();
        assert!(error.to_string().contains("it has none at all"), "{error}");
    }
}
