//! What proves that nothing is missing, and up to when: bookmarks, probes, lists; and what does not.

use super::script::{Reply, Run, Step, line, run, watch};
use crate::observe::Event;
use std::time::Duration;

/// The next progress: the version, and up to which second since the beginning it is proven.
async fn proven(run: &mut Run) -> (String, Option<u64>) {
    loop {
        match run.event().await {
            Some(Event::Progress { resume, at_ms, .. }) => {
                return (resume, at_ms.map(|ms| ms.unsigned_abs() / 1000));
            }
            Some(_) => {}
            None => panic!("stopped"),
        }
    }
}

fn after(reply: Reply, seconds: u64, events: &str) -> Reply {
    let text: String = events.split_whitespace().map(line).collect();
    reply
        .then(Step::Wait(Duration::from_secs(seconds)))
        .then(Step::Send(text.into()))
}

#[tokio::test(start_paused = true)]
async fn a_bookmark_of_the_same_version_proves_that_nothing_happened() {
    let reply = after(after(watch(""), 60, "#10"), 60, "#10");
    let mut run = run(Some("10"), vec![reply.open()]);
    assert_eq!(proven(&mut run).await, ("10".into(), Some(60)));
    assert_eq!(proven(&mut run).await, ("10".into(), Some(120)));
}

#[tokio::test(start_paused = true)]
async fn events_of_the_past_prove_nothing_about_the_present() {
    // It cannot be known how many more of them are to come.
    let mut reply = watch("*a@11");
    for event in ["*a@12", "*a@13"] {
        reply = reply
            .then(Step::Wait(Duration::from_millis(200)))
            .then(Step::Send(line(event).into()));
    }
    let reply = after(reply, 5, "*a@14");
    let mut run = run(Some("10"), vec![reply.open()]);
    for version in ["11", "12", "13"] {
        assert_eq!(proven(&mut run).await, (version.into(), None));
    }
    // After a pause it is news.
    assert_eq!(proven(&mut run).await, ("14".into(), Some(5)));
}

#[tokio::test(start_paused = true)]
async fn what_a_watch_told_last_is_dated_when_it_was_read() {
    let reply = after(after(watch(""), 60, "#11"), 60, "#12");
    let mut run = run(Some("10"), vec![reply, watch("").open()]);
    assert_eq!(proven(&mut run).await, ("11".into(), Some(60)));
    assert_eq!(proven(&mut run).await, ("12".into(), Some(120)));
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_connection_the_first_probe_proves_that_nothing_was_missed() {
    let glance = Reply::json(
        r#"{"kind":"PodList","metadata":{"resourceVersion":"11","continue":"more","remainingItemCount":1},"items":[{"metadata":{"name":"a","resourceVersion":"1"}}]}"#,
    );
    let script = vec![watch("#11").then(Step::Break), watch("").open(), glance];
    let mut run = Run::probing(Some("10"), script);
    run.held = 2;
    assert_eq!(proven(&mut run).await, ("11".into(), Some(0)));
    let (version, at) = proven(&mut run).await;
    assert_eq!(version, "11");
    assert!(at.is_some_and(|seconds| (0..60).contains(&seconds)), "{at:?}");
    assert_eq!(run.requests.lock().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_probe_proves_nothing_of_what_happened_after_it_was_asked() {
    let glance = Reply::json(
        r#"{"kind":"PodList","metadata":{"resourceVersion":"13","continue":"more","remainingItemCount":1},"items":[{"metadata":{"name":"a","resourceVersion":"1"}}]}"#,
    );
    // The watch is still telling of the past when it reaches the version that the probe brought.
    let mut late = watch("");
    for event in ["*a@13", "*a@14"] {
        late = late
            .then(Step::Wait(Duration::from_millis(200)))
            .then(Step::Send(line(event).into()));
    }
    let script = vec![watch("#11").then(Step::Break), late.open(), glance];
    let mut run = Run::probing(Some("10"), script);
    run.held = 2;
    assert_eq!(proven(&mut run).await, ("11".into(), Some(0)));
    assert_eq!(proven(&mut run).await, ("13".into(), None));
    let (version, asked) = proven(&mut run).await;
    assert_eq!(version, "13");
    assert!(asked.is_some_and(|seconds| seconds < 2), "{asked:?}");
    assert_eq!(proven(&mut run).await, ("14".into(), None));
}
