//! What no stream shows: events that were never told, lists that are too short, another cluster behind the address, bytes
//! that are older than they seem.

use super::script::{Reply, Run, Step, line, page, run, watch};
use crate::observe::Event;
use std::time::Duration;
use uuid::Uuid;

/// A list of one object that tells how many more there are.
fn glance(version: &str, more: u32) -> Reply {
    Reply::json(&format!(
        r#"{{"kind":"PodList","metadata":{{"resourceVersion":"{version}","continue":"more","remainingItemCount":{more}}},"items":[{{"metadata":{{"name":"a","resourceVersion":"1"}}}}]}}"#
    ))
}

/// A stream that says the next thing only after a pause.
fn slowly(steps: &[(u64, &str)]) -> Reply {
    let mut reply = watch("");
    for (seconds, events) in steps {
        let text: String = events.split_whitespace().map(line).collect();
        reply = reply
            .then(Step::Wait(Duration::from_secs(*seconds)))
            .then(Step::Send(text.into()));
    }
    reply.open()
}

#[tokio::test(start_paused = true)]
async fn a_count_that_differs_once_the_version_is_reached_means_a_list() {
    let script = vec![
        slowly(&[(50, "#15"), (50, "#20")]),
        glance("20", 2),
        page("21", "", "a@1 b@2 c@3"),
        watch("").open(),
    ];
    let mut run = Run::probing(Some("10"), script);
    run.held = 2;
    run.tells(&["watched", "progress 15"]).await;
    run.tells(&["started", "list a@1 b@2 c@3", "ended 21"]).await;
    assert_eq!(run.query(1), "limit=1");
    assert_eq!((run.request(1).at - run.began).as_secs(), 60);
    assert_eq!(run.status().lists.get("probe"), Some(&1));
}

#[tokio::test(start_paused = true)]
async fn a_count_that_agrees_changes_nothing_and_is_asked_for_again_each_minute() {
    let script = vec![
        slowly(&[(50, "#15"), (30, "#20"), (50, "#25"), (50, "#30 *a@31")]),
        glance("20", 1),
        glance("25", 1),
    ];
    let mut run = Run::probing(Some("10"), script);
    run.held = 2;
    run.tells(&["watched", "progress 15", "progress 20", "progress 25"])
        .await;
    run.tells(&["event a@31", "progress 31"]).await;
    assert_eq!(run.query(2), "limit=1");
    assert!(run.status().lists.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_newer_than_the_probe_is_not_counted_with_it() {
    // At version 20 two objects were there; the third came later, and may not be taken for a surplus.
    let script = vec![slowly(&[(50, "#15"), (20, "+c@25 #26")]), glance("20", 1)];
    let mut run = Run::probing(Some("10"), script);
    run.held = 2;
    run.tells(&["watched", "progress 15"]).await;
    let asked = run.next().await;
    assert_eq!(asked, "event c@25");
    run.tells(&["progress 26"]).await;
    assert!(run.status().lists.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_answered_makes_no_dead_watch_live() {
    let script = vec![watch("#11").open(), glance("20", 1), watch("*a@12 #20").open()];
    let mut run = Run::probing(Some("10"), script);
    run.held = 2;
    run.tells(&["watched", "progress 11", "event a@12", "progress 20"])
        .await;
    assert_eq!((run.request(1).at - run.began).as_secs(), 60);
    assert_eq!((run.request(2).at - run.began).as_secs(), 65);
    assert!(run.query(2).ends_with("&resourceVersion=11"));
}

#[tokio::test(start_paused = true)]
async fn a_server_restored_from_a_backup_is_found_out_by_the_first_probe() {
    let broken = watch("*a@1000").then(Step::Break);
    let script = vec![
        broken,
        // From a version of the future: it says nothing.
        watch("").open(),
        glance("7", 0),
        page("7", "", "a@5"),
        watch("").open(),
    ];
    let mut run = Run::probing(Some("999"), script);
    run.tells(&["watched", "event a@1000", "progress 1000"]).await;
    run.tells(&["started", "list a@5", "ended 7"]).await;
    let waited = run.request(2).at - run.request(0).at;
    assert!(waited < Duration::from_secs(5), "{waited:?}");
    assert_eq!(run.status().lists.get("rewound"), Some(&1));
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_counts_wrongly_for_ever_is_listed_ever_less_often() {
    let wrong = |_| [slowly(&[(50, "#13"); 8]), glance("13", 8), page("11", "", "a@1")];
    let mut run = Run::probing(Some("10"), (0..40).flat_map(wrong).collect());
    run.held = 1;
    let began = run.began;
    let mut lists = Vec::new();
    while lists.len() < 3 {
        if run.next().await == "started" {
            lists.push(began.elapsed());
        }
    }
    let gaps: Vec<u64> = lists.windows(2).map(|w| (w[1] - w[0]).as_secs()).collect();
    assert!(gaps[0] >= 120 && gaps[1] >= 240, "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn a_list_of_less_than_half_is_asked_for_again_before_it_ends_anything() {
    let script = vec![page("10", "", "a@1"), page("11", "", "a@1"), watch("").open()];
    let mut run = run(None, script);
    run.held = 21;
    run.tells(&["watched", "started", "list a@1", "failed"]).await;
    let error = run.status().last_error.unwrap();
    assert!(
        error.starts_with("suspicious: the list has 1 objects where 21 are held"),
        "{error}"
    );
    run.tells(&["started", "list a@1", "ended 11"]).await;
    assert_eq!((run.request(1).at - run.request(0).at).as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_list_of_half_or_of_few_is_believed_at_once() {
    for (held, listed) in [(20, "a@1"), (22, "a@1 b@1 c@1 d@1 e@1 f@1 g@1 h@1 i@1 j@1 k@1")] {
        let mut run = run(None, vec![page("10", "", listed), watch("").open()]);
        run.held = held;
        run.tells(&["watched", "started", &format!("list {listed}"), "ended 10"])
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn another_cluster_behind_the_address_is_never_listed_or_watched() {
    let script = vec![watch("*a@11"), watch("*stranger@12").open()];
    let mut run = run(Some("10"), script);
    *run.identity.lock().unwrap() = Uuid::from_u128(2);
    run.tells(&["watched", "event a@11", "progress 11"]).await;
    run.cluster.replaced().await;
    let more = tokio::time::timeout(Duration::from_secs(3600), run.event()).await;
    assert!(more.is_err(), "{more:?}");
    assert_eq!(run.requests.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn after_six_hours_all_is_read_once_more() {
    let hour = "#11 ".to_owned();
    let minutes: Vec<(u64, &str)> = (0..600).map(|_| (55, hour.as_str())).collect();
    let mut script = Vec::new();
    for _ in 0..120 {
        script.push(slowly(&minutes));
    }
    script.truncate(200);
    let mut run = run(Some("10"), script);
    run.tells(&["watched", "progress 11"]).await;
    // The watches end by their own time; the next answer is a page from then on.
    let began = run.began;
    while run.status().lists.is_empty() && began.elapsed() < Duration::from_secs(7 * 3600) {
        // Each bookmark is told; nobody is to wait for us.
        let until = tokio::time::Instant::now() + Duration::from_secs(600);
        while tokio::time::timeout_at(until, run.event()).await.is_ok() {}
        let asked = run.requests.lock().unwrap().clone();
        if let Some(list) = asked.iter().find(|r| r.query.starts_with("limit=500")) {
            assert_eq!((list.at - began).as_secs() / 3600, 6);
            return;
        }
    }
    panic!("nothing was compared in seven hours");
}

#[tokio::test(start_paused = true)]
async fn bytes_that_waited_for_us_prove_nothing_about_the_time_at_which_they_are_read() {
    // All of it is sent within the first second; nobody takes events for an hour.
    let events: Vec<String> = (11..400).map(|v| format!("*a@{v} #{v}")).collect();
    let mut reply = watch("");
    for event in &events {
        let text: String = event.split_whitespace().map(line).collect();
        reply = reply.then(Step::Send(text.into()));
    }
    let mut run = run(Some("10"), vec![reply.open()]);
    let mut proven = Vec::new();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    loop {
        match run.event().await {
            Some(Event::Progress {
                at_ms: Some(at_ms),
                resume,
                ..
            }) => {
                proven.push(at_ms);
                if resume == "399" {
                    break;
                }
            }
            Some(_) => {}
            None => panic!("stopped"),
        }
    }
    assert!(proven.iter().all(|ms| *ms < 60_000), "{proven:?}");
}
