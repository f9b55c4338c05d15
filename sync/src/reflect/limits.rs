//! Time-outs and sizes of list and watch. kube's client has none of its own, and a server that accepts and never answers
//! would hold a reflector for ever.

use std::time::Duration;

/// Time-outs and sizes; the default is what runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From sending a request to the head of its answer.
    pub head: Duration,
    /// Without a byte in the body of a list.
    pub list_idle: Duration,
    /// Waiting for the bytes of one whole list, time in which we were not ready to read not counted.
    pub list_total: Duration,
    /// Without a byte in a streaming list before its end mark: then the server does not know streaming lists.
    pub stream_idle: Duration,
    /// Without a byte in a watch. Servers send a bookmark each minute, so that more means a dead connection.
    pub watch_idle: Duration,
    /// How long the server is asked to keep a watch open, in seconds: drawn anew for each.
    pub watch_seconds: (u64, u64),
    /// How much later than asked a watch may end.
    pub watch_grace: Duration,
    /// Between the starts of two watches.
    pub between_watches: Duration,
    /// The shortest and the longest pause after failures.
    pub backoff: (Duration, Duration),
    /// The longest pause after failures that the server tells of (5xx).
    pub backoff_server: Duration,
    /// A watch that lived this long ends the growth of pauses.
    pub healthy: Duration,
    /// Before asking again for what the cluster refuses or does not serve.
    pub refused: Duration,
    /// Between two looks at how many objects the cluster has, to be compared with what is held; drawn anew each time,
    /// up to a quarter shorter or longer. None where nothing is to be compared.
    pub probe: Option<Duration>,
    /// Between two whole lists that are read only to compare them, drawn like `probe`.
    pub compare: Duration,
    /// Between two looks at the control plane, drawn like `probe`. None where nobody is to look.
    pub control_plane: Option<Duration>,
    /// Whether Events are read.
    pub events: bool,
    /// Before a list is asked for again that brought less than half of many objects.
    pub suspicious: Duration,
    /// Objects in a page.
    pub page: usize,
    /// Objects told in one event at most.
    pub batch: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            list_idle: Duration::from_secs(60),
            list_total: Duration::from_secs(600),
            stream_idle: Duration::from_secs(10),
            watch_idle: Duration::from_secs(65),
            watch_seconds: (290, 590),
            watch_grace: Duration::from_secs(30),
            between_watches: Duration::from_secs(1),
            backoff: (Duration::from_millis(800), Duration::from_secs(60)),
            backoff_server: Duration::from_secs(30),
            healthy: Duration::from_secs(30),
            refused: Duration::from_secs(60),
            probe: Some(Duration::from_secs(60)),
            compare: Duration::from_secs(6 * 3600),
            control_plane: Some(Duration::from_secs(60)),
            events: true,
            suspicious: Duration::from_secs(30),
            page: 500,
            batch: 256,
        }
    }
}
