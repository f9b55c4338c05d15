//! The terminal's last lines, which are drawn again and again, and the log lines that come between. Both go through one
//! lock, so that a log line never lands in the middle of a drawing.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard};
use tracing_subscriber::fmt::MakeWriter;

/// Where logs and drawings go; cheap to clone, one screen behind.
#[derive(Debug)]
pub struct Screen<W>(Arc<Mutex<Drawn<W>>>);

#[derive(Debug)]
struct Drawn<W> {
    out: W,
    lines: usize,
}

impl<W> Clone for Screen<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W: Write> Screen<W> {
    /// A screen with nothing drawn on it.
    pub fn new(out: W) -> Self {
        Self(Arc::new(Mutex::new(Drawn { out, lines: 0 })))
    }

    /// Draws these lines in place of the last ones; none clears them. That a terminal is gone is nobody's concern here.
    pub fn draw(&self, lines: &[String]) {
        let mut drawn = self.lock();
        let _ = drawn.clear();
        for line in lines {
            // Long lines would wrap and then be counted wrong: the terminal is told not to wrap them.
            let _ = writeln!(drawn.out, "\x1b[?7l{line}\x1b[?7h");
        }
        let _ = drawn.out.flush();
        drawn.lines = lines.len();
    }

    fn lock(&self) -> MutexGuard<'_, Drawn<W>> {
        self.0.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl<W: Write> Drawn<W> {
    fn clear(&mut self) -> io::Result<()> {
        match std::mem::take(&mut self.lines) {
            0 => Ok(()),
            lines => write!(self.out, "\x1b[{lines}A\r\x1b[J"),
        }
    }
}

/// Writes a log line where the drawing was; the next drawing comes below it.
pub struct LogLine<W>(Screen<W>);

impl<W: Write> Write for LogLine<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut drawn = self.0.lock();
        drawn.clear()?;
        drawn.out.write_all(text)?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().out.flush()
    }
}

impl<'a, W: Write + 'a> MakeWriter<'a> for Screen<W> {
    type Writer = LogLine<W>;

    fn make_writer(&'a self) -> Self::Writer {
        LogLine(self.clone())
    }
}

#[cfg(test)]
impl Screen<Vec<u8>> {
    /// All that was ever written.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.lock().out).into_owned()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_log_line_takes_the_place_of_the_drawing() {
        let screen = Screen::new(Vec::new());
        screen.draw(&["one".to_owned(), "two".to_owned()]);
        screen.make_writer().write_all(b"log\n").unwrap();
        screen.make_writer().write_all(b"log\n").unwrap();
        screen.draw(&["three".to_owned()]);
        screen.draw(&[]);
        let plain = screen.text().replace("\x1b[?7l", "").replace("\x1b[?7h", "");
        assert_eq!(plain, "one\ntwo\n\x1b[2A\r\x1b[Jlog\nlog\nthree\n\x1b[1A\r\x1b[J");
    }
}
