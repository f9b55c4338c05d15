//! Whole lists: by pages and by stream; only a proven end is told as one.

use super::script::{Reply, Run, Step, page, run, watch};
use crate::status::Phase;
use planisphere_schema::Kind;

#[tokio::test(start_paused = true)]
async fn without_a_resume_point_all_pages_are_read_and_then_the_watch_goes_on() {
    let script = vec![
        page("10", "token/2", "a@1 b@2"),
        page("10", "", "c@3"),
        watch("*a@11").open(),
    ];
    let mut run = run(None, script);
    run.tells(&["watched", "started", "list a@1 b@2 c@3", "ended 10"])
        .await;
    run.tells(&["event a@11", "progress 11"]).await;
    assert_eq!(run.query(0), "limit=500");
    assert_eq!(run.query(1), "limit=500&continue=token%2F2");
    assert!(run.query(2).ends_with("&resourceVersion=10"), "{}", run.query(2));
    let status = run.status();
    assert_eq!(
        (status.phase, status.listed, status.expected),
        (Phase::Watching, 3, Some(3))
    );
    assert_eq!(status.lists.get("start"), Some(&1));
    assert!(!status.complete, "that is the store's word alone");
    assert_eq!(run.request(0).agent, crate::cluster::USER_AGENT);
}

#[tokio::test(start_paused = true)]
async fn a_streaming_list_ends_at_its_mark_and_goes_on_as_a_watch() {
    let script = vec![page("10", "more", "a@1"), watch("+a@1 +b@2 !10 *b@12").open()];
    let mut run = Run::streaming(script);
    run.tells(&["watched", "started", "list a@1 b@2", "ended 10"])
        .await;
    run.tells(&["event b@12", "progress 12"]).await;
    assert_eq!(run.query(0), "limit=1");
    assert!(
        run.query(1).contains("sendInitialEvents=true"),
        "{}",
        run.query(1)
    );
    assert!(!run.query(1).contains("resourceVersion="), "{}", run.query(1));
    assert_eq!(run.status().expected, Some(2));
    assert_eq!(run.requests.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_refuses_streaming_lists_is_read_by_pages_and_not_asked_again() {
    let refusal = Reply::refusal(
        422,
        "Invalid",
        "sendInitialEvents: Forbidden: sendInitialEvents is forbidden",
    );
    let script = vec![
        page("10", "", "a@1"),
        refusal,
        page("10", "", "a@1"),
        watch("").open(),
    ];
    let mut run = Run::streaming(script);
    run.tells(&["watched", "started", "list a@1", "ended 10"]).await;
    assert!(!run.cluster.streams_lists());
    assert_eq!(run.status().errors, 0);
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_an_end_mark_is_no_list() {
    // The parameters are unknown to old servers, which then send what exists and nothing to say that this was all.
    let no_mark = watch("+a@1").open();
    let bookmark = watch("+a@1 #10").open();
    let closed = watch("+a@1");
    for misunderstood in [no_mark, bookmark, closed] {
        let script = vec![
            page("10", "", "a@1"),
            misunderstood,
            page("10", "", "a@1 b@2"),
            watch("").open(),
        ];
        let mut run = Run::streaming(script);
        run.tells(&["watched", "started", "list a@1", "failed"]).await;
        run.tells(&["started", "list a@1 b@2", "ended 10"]).await;
        assert!(!run.cluster.streams_lists());
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_page_ends_the_list_without_an_end_and_the_next_is_read_whole() {
    let script = vec![
        page("10", "two", "a@1 b@2"),
        Reply::refusal(410, "Expired", "the provided continue parameter is too old"),
        page("20", "", "a@1 b@2 c@3"),
        watch("").open(),
    ];
    let mut run = run(None, script);
    run.tells(&["watched", "started", "list a@1 b@2", "failed"]).await;
    run.tells(&["started", "list a@1 b@2 c@3", "ended 20"]).await;
    assert_eq!(run.query(2), "resourceVersion=");
    assert_eq!(run.status().lists.get("410"), Some(&1));
}

#[tokio::test(start_paused = true)]
async fn an_expired_version_without_a_page_before_leaves_pages_as_they_are() {
    let expired = Reply::refusal(410, "Expired", "too old resource version");
    let script = vec![expired, page("20", "", "a@1"), watch("").open()];
    let mut run = run(None, script);
    while run.next().await != "ended 20" {}
    assert_eq!(
        (run.query(0), run.query(1)),
        ("limit=500".into(), "limit=500".into())
    );
}

#[tokio::test(start_paused = true)]
async fn pages_of_different_versions_prove_nothing() {
    let script = vec![
        page("10", "two", "a@1"),
        page("11", "", "c@3"),
        page("12", "", "a@1 b@2 c@3"),
        watch("").open(),
    ];
    let mut run = run(None, script);
    run.tells(&["watched", "started", "list a@1 c@3", "failed"]).await;
    run.tells(&["started", "list a@1 b@2 c@3", "ended 12"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_list_that_breaks_off_or_is_cut_is_read_again() {
    let cut = Reply::json(r#"{"kind":"PodList","metadata":{"resourceVersion":"10"},"items":[{"meta"#);
    let broken = Reply::json(r#"{"kind":"PodList","#).then(Step::Break);
    let script = vec![cut, broken, page("10", "", "a@1"), watch("").open()];
    let mut run = run(None, script);
    run.tells(&["watched", "started", "failed", "started", "failed"])
        .await;
    run.tells(&["started", "list a@1", "ended 10"]).await;
    assert_eq!(run.status().errors, 2);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_stands_still_is_given_up_after_a_minute() {
    let stalled = Reply::json(r#"{"kind":"PodList","#).open();
    let script = vec![stalled, page("10", "", "a@1"), watch("").open()];
    let mut run = run(None, script);
    run.tells(&["watched", "started", "failed", "started", "list a@1", "ended 10"])
        .await;
    let waited = run.request(1).at - run.request(0).at;
    assert!((60..63).contains(&waited.as_secs()), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_told_in_words_and_tried_again() {
    let mut run = run(None, vec![]);
    while run.requests.lock().unwrap().len() < 2 {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    let waited = run.request(1).at - run.request(0).at;
    assert!((30..33).contains(&waited.as_secs()), "{waited:?}");
    let error = run.status().last_error.unwrap();
    assert!(error.contains("did not answer within 30 s"), "{error}");
    run.cancel.cancel();
    run.tells(&["stopped"]).await;
    assert_eq!(run.status().phase, Phase::Stopped);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_read_is_asked_for_as_json_and_never_ends_a_list() {
    let script = vec![
        page("10", "", "a@1 broken@2"),
        page("11", "", "a@1 b@2"),
        watch("").open(),
    ];
    let mut run = run(None, script);
    run.tells(&["watched", "started", "list a@1", "failed"]).await;
    run.tells(&["started", "list a@1 b@2", "ended 11"]).await;
    assert!(
        run.request(0)
            .accept
            .starts_with("application/vnd.kubernetes.protobuf,")
    );
    assert_eq!(run.request(1).accept, "application/json");
    assert_eq!(run.status().ignored.get("undecodable"), Some(&1));
}

#[tokio::test(start_paused = true)]
async fn values_of_secrets_are_never_asked_for() {
    let script = vec![page("10", "", "a@1"), watch("").open()];
    let mut run = Run::start(None, script, false, Kind::Secret);
    run.tells(&["watched", "started", "list a@1", "ended 10"]).await;
    while run.requests.lock().unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    for (index, shape) in [(0, "PartialObjectMetadataList"), (1, "PartialObjectMetadata")] {
        let accept = run.request(index).accept;
        for form in accept.split(',') {
            assert!(
                form.contains(&format!(";as={shape};g=meta.k8s.io;v=v1")),
                "{accept}"
            );
        }
    }
}
