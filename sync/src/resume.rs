//! A resume point as the store keeps it: the resourceVersion from which a watch goes on, with a fingerprint of how the
//! objects before it were read. What was read by other rules, or in another version, is read again. To the store it is a text.

use std::fmt;

/// From where a mirror goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResumePoint {
    /// The resourceVersion.
    pub(crate) version: String,
    /// Tells one way of reading from another; 0 where there is only one.
    pub(crate) reading: u64,
}

impl ResumePoint {
    /// Reads what the store keeps.
    pub(crate) fn parse(text: &str) -> Self {
        let split = text.rsplit_once(' ').and_then(|(version, reading)| {
            let reading = u64::from_str_radix(reading, 16).ok()?;
            Some((version, reading))
        });
        let (version, reading) = split.unwrap_or((text, 0));
        Self {
            version: version.to_owned(),
            reading,
        }
    }
}

impl fmt::Display for ResumePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.version)?;
        match self.reading {
            0 => Ok(()),
            reading => write!(f, " {reading:016x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resume_point_reads_back_from_what_the_store_keeps() {
        for (version, reading) in [("17", 0), ("17", 1), ("", u64::MAX), ("no number", 0xfeed)] {
            let point = ResumePoint {
                version: version.to_owned(),
                reading,
            };
            assert_eq!(ResumePoint::parse(&point.to_string()), point);
        }
        // As versions stood alone before.
        assert_eq!(ResumePoint::parse("4711").reading, 0);
    }
}
