//! What the server refuses is never a deletion, and never a reason to list.

use super::script::{Reply, page, run, watch};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn what_is_forbidden_or_absent_is_said_kept_and_tried_again_each_minute() {
    for (code, reason, coverage) in [(403, "Forbidden", "denied"), (404, "NotFound", "absent")] {
        let script = vec![
            Reply::refusal(code, reason, "pods is forbidden"),
            Reply::refusal(code, reason, "pods is forbidden"),
            page("10", "", "a@1"),
            watch("").open(),
        ];
        let mut run = run(None, script);
        run.tells(&[coverage]).await;
        let error = run.status().last_error.unwrap();
        assert!(
            error.contains("pods is forbidden") && error.contains("every minute"),
            "{error}"
        );
        run.tells(&["watched", "started", "list a@1", "ended 10"]).await;
        let waited = run.request(1).at - run.request(0).at;
        assert!((54..=66).contains(&waited.as_secs()), "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_becomes_forbidden_goes_on_from_its_version_when_it_is_allowed_again() {
    let script = vec![
        watch("*a@11"),
        Reply::refusal(403, "Forbidden", "no"),
        watch("*a@12").open(),
    ];
    let mut run = run(Some("10"), script);
    run.tells(&["watched", "event a@11", "progress 11", "denied"])
        .await;
    run.tells(&["watched", "event a@12", "progress 12"]).await;
    assert!(run.query(2).ends_with("&resourceVersion=11"));
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_left_alone_as_long_as_it_says_and_never_listed_for_it() {
    for code in [429, 503] {
        let script = vec![
            Reply::refusal(code, "TooManyRequests", "busy").with("retry-after", "17"),
            watch("*a@11").open(),
        ];
        let mut run = run(Some("10"), script);
        run.tells(&["watched", "event a@11", "progress 11"]).await;
        let waited = run.request(1).at - run.request(0).at;
        assert_eq!(waited.as_secs(), 17);
        assert!(run.status().lists.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_asked_for_the_same_page_again() {
    let script = vec![
        page("10", "two", "a@1"),
        Reply::refusal(429, "TooManyRequests", "busy").with("retry-after", "3"),
        page("10", "", "b@2"),
        watch("").open(),
    ];
    let mut run = run(None, script);
    run.tells(&["watched", "started", "list a@1 b@2", "ended 10"])
        .await;
    assert_eq!(run.query(1), run.query(2));
    assert_eq!((run.request(2).at - run.request(1).at).as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_are_refused_are_renewed_once_and_then_waited_for() {
    let script = vec![
        Reply::refusal(401, "Unauthorized", "Unauthorized"),
        Reply::refusal(401, "Unauthorized", "Unauthorized"),
        watch("*a@11").open(),
    ];
    let mut run = run(Some("10"), script);
    run.tells(&["watched", "event a@11", "progress 11"]).await;
    let at = |index| run.request(index).at;
    assert!(at(1) - at(0) <= Duration::from_secs(1));
    assert!(at(2) - at(1) >= Duration::from_millis(800));
    assert!(run.status().lists.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_speak_protobuf_is_asked_for_json() {
    let script = vec![
        Reply::refusal(406, "NotAcceptable", "only json"),
        page("10", "", "a@1"),
        watch("").open(),
    ];
    let mut run = run(None, script);
    run.tells(&["watched", "started", "list a@1", "ended 10"]).await;
    assert!(run.request(0).accept.contains("protobuf"));
    assert_eq!(run.request(1).accept, "application/json");
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_is_behind_is_waited_for() {
    let behind = Reply::refusal(504, "Timeout", "Too large resource version: 10, current: 8");
    let script = vec![behind.clone(), behind, watch("*a@11").open()];
    let mut run = run(Some("10"), script);
    run.tells(&["watched", "event a@11", "progress 11"]).await;
    assert!(run.status().lists.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_errors_is_met_with_growing_pauses_and_keeps_the_resume_point() {
    let mut script = vec![Reply::refusal(500, "InternalError", "etcd is down"); 20];
    script.push(watch("*a@11").open());
    let mut run = run(Some("10"), script);
    run.tells(&["watched", "event a@11", "progress 11"]).await;
    let took = run.request(20).at - run.request(0).at;
    assert!(
        took >= Duration::from_secs(60) && took <= Duration::from_secs(600),
        "{took:?}"
    );
    assert_eq!(run.status().errors, 20);
    assert_eq!(run.status().last_error, None);
    assert!(run.query(20).ends_with("&resourceVersion=10"));
}
