//! Subscriptions as server-sent events, in the form that graphql-sse calls distinct connections: `next` with an answer,
//! then `complete`. The id of an event of the feed is its cursor, so that a browser that connects again goes on by itself.

use super::stream::{Stream, Told};
use crate::api::error::{Code, Refusal};
use crate::api::http::Api;
use async_graphql::Response as Answer;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Sends a subscription as it goes on.
pub fn events(api: &Arc<Api>, subscription: Stream) -> Response {
    // One answer waits for the reader, one is worked out; no more is held for it.
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(pump(Arc::clone(api), subscription, sender));
    let events = stream::unfold(Some(receiver), |receiver| async {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(event) => Some((Ok::<_, Infallible>(event), Some(receiver))),
            None => Some((Ok(Event::default().event("complete").data("")), None)),
        }
    });
    let alive = KeepAlive::new().interval(api.state.limits.heartbeat);
    Sse::new(events).keep_alive(alive).into_response()
}

async fn pump(api: Arc<Api>, mut subscription: Stream, sender: mpsc::Sender<Event>) {
    loop {
        let told = tokio::select! {
            told = subscription.next() => told,
            () = sender.closed() => return,
        };
        let Some(told) = told else { return };
        match timeout(api.state.limits.patience, sender.reserve()).await {
            Ok(Ok(place)) => place.send(event(&told)),
            Ok(Err(_)) => return,
            Err(_) => break,
        }
    }
    api.state.observer.refused(Code::SlowReader);
    // What it is told should it read on: the subscription is over, nothing more is worked out for it.
    drop(subscription);
    let refused = Told {
        response: Answer::from_errors(vec![slow().into_error()]),
        cursor: None,
    };
    let _ = sender.send(event(&refused)).await;
}

/// Why a reader is cut off.
pub fn slow() -> Refusal {
    let message = "the answers were not read in time; subscribe again with the last cursor as `after`";
    Refusal::new(Code::SlowReader, message)
}

fn event(told: &Told) -> Event {
    let event = Event::default().event("next");
    let event = match &told.cursor {
        Some(cursor) => event.id(cursor),
        None => event,
    };
    // An answer is plain data, which always serialises.
    event.data(serde_json::to_string(&told.response).unwrap_or_default())
}
