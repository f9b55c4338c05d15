//! Subscriptions over a WebSocket, by the protocol graphql-transport-ws. The protocol itself is async-graphql's; here is who
//! may stay connected: a reader that says hello in time, that lives, and that takes what is sent to it.

use super::events::slow;
use super::slots::Slot;
use super::stream::{Stream, Told};
use crate::api::error::{self, Code};
use crate::api::http::{Api, Question, prepare};
use async_graphql::http::{WebSocket as Protocol, WebSocketProtocols as Protocols, WsMessage};
use async_graphql::{Data, Executor, Request, Response as Answer};
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures::stream::{self, BoxStream};
use futures::{SinkExt, StreamExt};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, interval, sleep_until, timeout};

/// The only protocol that is spoken.
pub const PROTOCOL: &str = "graphql-transport-ws";
/// How long a client may take to say hello, and how long it may be told why it is cut off.
const HELLO: Duration = Duration::from_secs(10);
const FAREWELL: Duration = Duration::from_secs(1);
/// How long nothing may be heard from a client, which answers our pings.
const SILENCE: Duration = Duration::from_secs(60);
/// Codes of a close: too late a hello is the protocol's, the others are ours, and 1001 says that the server goes away.
const LATE: u16 = 4408;
const SLOW: u16 = 4508;
const GONE: u16 = 4504;
const STOPS: u16 = 1001;

/// Speaks with a client until one of both has enough.
pub async fn socket(api: Arc<Api>, socket: WebSocket, _slot: Slot) {
    let (mut sink, source) = socket.split();
    let (heard, last_heard) = watch::channel(Instant::now());
    let texts = source.filter_map(move |message| {
        heard.send_replace(Instant::now());
        let text = match message {
            Ok(Message::Text(text)) => Some(Bytes::from(text)),
            Ok(Message::Binary(bytes)) => Some(bytes),
            // Pings are answered below us.
            _ => None,
        };
        std::future::ready(text)
    });
    let executor = Subscriptions(Arc::clone(&api));
    let mut protocol = std::pin::pin!(Protocol::new(executor, texts, Protocols::GraphQLWS));
    let limits = &api.state.limits;
    let (mut greeted, hello) = (false, Instant::now() + HELLO);
    let mut beat = interval(limits.heartbeat);
    let farewell = loop {
        let message = tokio::select! {
            biased;
            () = api.state.cancel.cancelled() => break Some((STOPS, "the server stops".to_owned())),
            () = sleep_until(hello), if !greeted => break Some((LATE, "Connection initialisation timeout".to_owned())),
            message = protocol.next() => match message {
                Some(WsMessage::Text(text)) => Message::Text(text.into()),
                Some(WsMessage::Close(code, reason)) => break Some((code, reason)),
                None => break None,
            },
            _ = beat.tick() => {
                if last_heard.borrow().elapsed() > SILENCE {
                    break Some((GONE, "nothing was heard for too long".to_owned()));
                }
                Message::Ping(Bytes::new())
            }
        };
        greeted |= matches!(message, Message::Text(_));
        match timeout(limits.patience, sink.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => {
                api.state.observer.refused(Code::SlowReader);
                let refusal = slow();
                let reason = format!("{}: {}", refusal.code.name(), refusal.message);
                break Some((SLOW, reason));
            }
        }
    };
    if let Some((code, reason)) = farewell {
        let reason = reason.into();
        let close = Message::Close(Some(CloseFrame { code, reason }));
        let _ = timeout(FAREWELL, sink.send(close)).await;
    }
}

/// Begins what clients ask for.
#[derive(Clone)]
struct Subscriptions(Arc<Api>);

impl Executor for Subscriptions {
    /// The protocol below asks for streams alone.
    async fn execute(&self, request: Request) -> Answer {
        let mut answers = self.execute_stream(request, None);
        answers.next().await.unwrap_or_default()
    }

    fn execute_stream(&self, request: Request, _: Option<Arc<Data>>) -> BoxStream<'static, Answer> {
        let api = &self.0;
        let id = api.next_id();
        let begun = prepare(api, question(request))
            .and_then(|prepared| Stream::begin(api, prepared, None, id.clone()));
        match begun {
            Ok(subscription) => stream::unfold(subscription, |mut subscription| async {
                let Told { response, .. } = subscription.next().await?;
                Some((response, subscription))
            })
            .boxed(),
            Err(refusal) => {
                api.state.observer.refused(refusal.code);
                let mut errors = vec![refusal.into_error()];
                error::finish(&mut errors, &id);
                stream::iter([Answer::from_errors(errors)]).boxed()
            }
        }
    }
}

fn question(request: Request) -> Question {
    let variables = serde_json::to_value(&request.variables).ok();
    Question {
        query: request.query,
        operation_name: request.operation_name,
        variables: variables.and_then(|v| v.as_object().cloned()),
        safe: true,
    }
}
