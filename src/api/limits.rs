//! What one request may cost, with the defaults and the reasons for them.

use std::time::Duration;

/// Limits of one request. A refused request says which limit, its value and by how much it was exceeded.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiLimits {
    /// Bytes of a request's body: 256 KiB. Questions are small; more is a mistake or an attack.
    pub body_bytes: usize,
    /// Levels of nested fields: 12. Three connections nested in each other take ten. Introspection may go to 20.
    pub depth: usize,
    /// Fields to resolve at the most, worked out before anything runs from `first` and other page sizes along each path:
    /// 200 000, which takes well under a second.
    pub cost: usize,
    /// Aliases: 30. Aliases repeat a field, so they multiply work without any depth.
    pub aliases: usize,
    /// Fields of the query itself: 10.
    pub root_fields: usize,
    /// Selections looked at while the cost is worked out, fragments counted each time they are spread: 20 000.
    pub selections: usize,
    /// Directives of one field: 8.
    pub directives: usize,
    /// Nested braces, brackets and parentheses in a document, and nesting of selections: 64.
    pub recursion: usize,
    /// Time for one request: 10 s. Work stops with it.
    pub time: Duration,
    /// `first` at the most: 500.
    pub page: i32,
    /// Counting stops there and says so: 1 000 000.
    pub count: usize,
    /// Subscriptions at a time: 100. Each costs little, but every change is worked out for each of them.
    pub subscriptions: usize,
    /// A subscription to the feed says at least this often how far it is: 15 s.
    pub heartbeat: Duration,
    /// How long a reader of a subscription may take for one answer: 30 s. After that it is cut off, and may resume.
    pub patience: Duration,
    /// Seconds after which a cluster of which nothing new was proven counts as stale: 120.
    pub stale_after_seconds: f64,
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            body_bytes: 256 * 1024,
            depth: 12,
            cost: 200_000,
            aliases: 30,
            root_fields: 10,
            selections: 20_000,
            directives: 8,
            recursion: 64,
            time: Duration::from_secs(10),
            page: 500,
            count: 1_000_000,
            subscriptions: 100,
            heartbeat: Duration::from_secs(15),
            patience: Duration::from_secs(30),
            stale_after_seconds: 120.0,
        }
    }
}
