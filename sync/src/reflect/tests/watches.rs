//! Watches: from a resume point, through everything that ends them, without a loss and without a needless list.

use super::script::{Reply, Run, Step, line, page, run, watch};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn from_a_resume_point_nothing_is_listed() {
    let script = vec![watch("+a@11 -b@12 *a@13 #20").open()];
    let mut run = run(Some("10"), script);
    run.tells(&[
        "watched",
        "event a@11",
        "deleted b@12",
        "event a@13",
        "progress 20",
    ])
    .await;
    assert!(
        run.query(0)
            .starts_with("watch=1&allowWatchBookmarks=true&timeoutSeconds=")
    );
    assert!(run.query(0).ends_with("&resourceVersion=10"));
    let status = run.status();
    assert_eq!((status.events, status.watches, status.lists.len()), (3, 1, 0));
    let by_the_store = (status.resume, status.fresh_ms);
    assert_eq!(by_the_store, (None, None), "that is the store's word alone");
}

#[tokio::test(start_paused = true)]
async fn an_expired_version_means_a_list_in_all_three_forms() {
    let in_stream = Reply::json(
        "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\"}}\n",
    );
    let at_start = Reply::refusal(410, "Gone", "too old resource version");
    // Some servers tell the reason without the code.
    let by_reason = Reply::refusal(400, "Expired", "too old resource version");
    for expired in [in_stream, at_start, by_reason] {
        let script = vec![expired, page("50", "", "a@1"), watch("*a@51").open()];
        let mut run = run(Some("10"), script);
        while run.next().await != "started" {}
        run.tells(&["list a@1", "ended 50", "event a@51", "progress 51"])
            .await;
        assert_eq!(run.status().lists.get("410"), Some(&1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_clean_end_goes_on_from_the_newest_version() {
    let script = vec![watch("+a@11 #15"), watch("*a@16"), watch("").open()];
    let mut run = run(Some("10"), script);
    run.tells(&[
        "watched",
        "event a@11",
        "progress 15",
        "event a@16",
        "progress 16",
    ])
    .await;
    while run.requests.lock().unwrap().len() < 3 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(run.query(1).ends_with("&resourceVersion=15"));
    assert!(run.query(2).ends_with("&resourceVersion=16"));
    assert!(run.status().lists.is_empty());
}

#[tokio::test(start_paused = true)]
async fn events_out_of_order_never_turn_the_resume_point_back() {
    let script = vec![watch("*a@12 *b@11 +c@3"), watch("").open()];
    let mut run = run(Some("10"), script);
    run.tells(&["watched", "event a@12 b@11 c@3", "progress 12"])
        .await;
    while run.requests.lock().unwrap().len() < 2 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(run.query(1).ends_with("&resourceVersion=12"));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_in_the_middle_of_a_line_is_not_trusted() {
    let cut = Reply::json(&format!("{}{}", line("*a@11"), &line("*b@12")[..30]));
    let script = vec![cut, page("12", "", "a@11 b@12"), watch("").open()];
    let mut run = run(Some("10"), script);
    run.tells(&["watched", "event a@11", "progress 11"]).await;
    run.tells(&["started", "list a@11 b@12", "ended 12"]).await;
    assert_eq!(run.status().lists.get("truncated"), Some(&1));
}

#[tokio::test(start_paused = true)]
async fn a_line_that_was_cut_inside_the_stream_is_not_trusted() {
    let cut = Reply::json(&format!("{}\n{}", &line("-b@11")[..30], line("*a@12"))).open();
    let script = vec![cut, page("12", "", "a@12"), watch("").open()];
    let mut run = run(Some("10"), script);
    run.tells(&["watched", "started", "list a@12", "ended 12"]).await;
    assert_eq!(run.status().lists.get("malformed"), Some(&1));
}

#[tokio::test(start_paused = true)]
async fn a_broken_connection_goes_on_from_what_was_told_without_a_list() {
    let broken = Reply::json(&format!("{}{}", line("*a@11"), &line("*b@12")[..30])).then(Step::Break);
    let script = vec![broken, watch("*b@12").open()];
    let mut run = run(Some("10"), script);
    run.tells(&[
        "watched",
        "event a@11",
        "progress 11",
        "event b@12",
        "progress 12",
    ])
    .await;
    assert!(run.query(1).ends_with("&resourceVersion=11"));
    assert!(run.status().lists.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_read_means_a_list() {
    let script = vec![
        watch("*a@11 -broken@12 *c@13").open(),
        page("13", "", "a@11 c@13"),
        watch("").open(),
    ];
    let mut run = run(Some("10"), script);
    // What came after it is not told: the list brings it.
    run.tells(&["watched", "event a@11", "progress 11"]).await;
    run.tells(&["started", "list a@11 c@13", "ended 13"]).await;
    assert_eq!(run.status().lists.get("undecodable"), Some(&1));
}

#[tokio::test(start_paused = true)]
async fn a_protobuf_frame_of_absurd_length_means_a_list() {
    let script = vec![
        Reply::protobuf(vec![0xff; 64]).open(),
        page("13", "", "a@11"),
        watch("").open(),
    ];
    let mut run = run(Some("10"), script);
    run.tells(&["watched", "started", "list a@11", "ended 13"]).await;
    assert_eq!(run.status().lists.get("malformed"), Some(&1));
}

#[tokio::test(start_paused = true)]
async fn a_watch_without_a_byte_for_65_seconds_is_started_anew_from_its_version() {
    let script = vec![watch("#11").open(), watch("*a@12").open()];
    let mut run = run(Some("10"), script);
    run.tells(&["watched", "progress 11", "event a@12", "progress 12"])
        .await;
    let waited = run.request(1).at - run.request(0).at;
    assert_eq!(waited.as_secs(), 65);
    assert!(run.query(1).ends_with("&resourceVersion=11"));
    assert_eq!(run.status().errors, 0);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_went_back_in_time_is_found_out_and_listed() {
    // A watch from a version of the future says nothing at all.
    let script = vec![
        watch("").open(),
        watch("").open(),
        page("7", "", "a@5"),
        page("7", "", "a@5"),
        watch("*a@8").open(),
    ];
    let mut run = run(Some("1000"), script);
    run.tells(&[
        "watched",
        "started",
        "list a@5",
        "ended 7",
        "event a@8",
        "progress 8",
    ])
    .await;
    assert_eq!(run.query(2), "limit=1");
    assert_eq!(run.status().lists.get("rewound"), Some(&1));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_closes_each_watch_at_once_is_asked_ever_less_often() {
    let run = run(Some("10"), vec![watch(""); 40]);
    tokio::time::sleep(Duration::from_secs(120)).await;
    let asked = run.requests.lock().unwrap().len();
    assert!((8..16).contains(&asked), "{asked} watches in 120 s");
    let gaps = run.requests.lock().unwrap();
    assert!(
        gaps.windows(2)
            .all(|pair| pair[1].at - pair[0].at >= Duration::from_secs(1))
    );
    assert!(run.status().lists.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_loop_of_expired_versions_is_slowed_down() {
    let expired = || Reply::refusal(410, "Gone", "too old");
    let script = (0..100)
        .flat_map(|_| [page("10", "", "a@1"), expired()])
        .collect();
    let mut run = Run::start(None, script, false, planisphere_schema::Kind::Pod);
    let began = tokio::time::Instant::now();
    let mut lists = 0;
    while began.elapsed() < Duration::from_secs(300) {
        lists += u32::from(run.next().await == "started");
    }
    assert!((3..40).contains(&lists), "{lists} lists in 300 s");
}
