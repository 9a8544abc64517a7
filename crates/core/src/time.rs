//! Time as an argument: the core never asks what time it is, it is told.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// A point on a clock that only goes forward; its zero means nothing. Every wait is measured on it,
/// so that a step of the wall clock neither shortens nor prolongs a backoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mono(Duration);

impl Mono {
    /// The point `since_zero` after the clock's zero.
    pub const fn from_zero(since_zero: Duration) -> Self {
        Self(since_zero)
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Mono {
    type Output = Self;
    fn add(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(wait))
    }
}

/// A time of day in UTC, to the millisecond: for people and files, never for waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Wall(i64);

impl Wall {
    /// From milliseconds since 1970-01-01T00:00:00Z, forced into the years that ISO 8601 can write.
    pub fn from_unix_millis(millis: i64) -> Self {
        // Whole seconds within its range: jiff takes no fraction of the last one.
        let (least, most) = (jiff::Timestamp::MIN.as_second() + 1, jiff::Timestamp::MAX.as_second() - 1);
        Self(millis.clamp(least * 1000, most * 1000))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn unix_millis(self) -> i64 {
        self.0
    }

    /// How long after `earlier` this is; zero when it is not after it (clocks are set back).
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Reads ISO 8601. Without an offset it is taken as UTC: the earlier implementation wrote its
    /// times either way. Digits past the millisecond are dropped.
    pub fn parse(text: &str) -> Option<Self> {
        let timestamp = text.parse::<jiff::Timestamp>().ok().or_else(|| {
            let civil = text.parse::<jiff::civil::DateTime>().ok()?;
            civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
        })?;
        Some(Self(timestamp.as_millisecond()))
    }

    /// `YYYYMMDD_HHMMSS` in UTC, the form of the names of log files and run folders.
    pub fn compact(self) -> String {
        self.timestamp().strftime("%Y%m%d_%H%M%S").to_string()
    }

    fn timestamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl Sub<Duration> for Wall {
    type Output = Self;
    fn sub(self, wait: Duration) -> Self {
        let millis = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        Self::from_unix_millis(self.0.saturating_sub(millis))
    }
}

impl Add<Duration> for Wall {
    type Output = Self;
    fn add(self, wait: Duration) -> Self {
        let millis = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        Self::from_unix_millis(self.0.saturating_add(millis))
    }
}

/// `2026-01-24T10:30:00.000Z`
impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.timestamp())
    }
}

impl PartialSchema for Wall {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("A time in UTC, ISO 8601, to the millisecond"))
            .examples(["2026-01-24T10:30:00.000Z"])
            .into()
    }
}

impl ToSchema for Wall {}

impl Serialize for Wall {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Wall {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            de::Error::custom(format!("{text:?} is not a time; write it like 2026-01-24T10:30:00.000Z"))
        })
    }
}

/// What the shell tells the core with every event: both clocks, and a die that was thrown for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// For waiting.
    pub mono: Mono,
    /// For people and files.
    pub wall: Wall,
    /// A random number, for the jitter of a backoff. Any value is valid; a test passes its own.
    pub dice: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_and_without_offset_and_written_in_utc() {
        let table = [
            ("2026-01-24T10:30:00.000Z", "2026-01-24T10:30:00.000Z"),
            ("2026-01-24T10:30:00Z", "2026-01-24T10:30:00.000Z"),
            ("2026-01-24T10:30:00.123456", "2026-01-24T10:30:00.123Z"),
            ("2026-01-24T12:30:00+02:00", "2026-01-24T10:30:00.000Z"),
        ];
        for (text, expected) in table {
            assert_eq!(Wall::parse(text).map(|t| t.to_string()).as_deref(), Some(expected), "{text}");
        }
        for bad in ["", "yesterday", "2026-13-01T00:00:00Z", "12"] {
            assert_eq!(Wall::parse(bad), None, "{bad}");
        }
        assert_eq!(
            Wall::parse("2026-01-24T10:30:07Z").map(Wall::compact).as_deref(),
            Some("20260124_103007")
        );
    }

    #[test]
    fn extreme_times_can_be_written() {
        for millis in [i64::MIN, i64::MAX, 0] {
            let wall = Wall::from_unix_millis(millis);
            assert_eq!(Wall::parse(&wall.to_string()), Some(wall), "{wall}");
        }
        assert_eq!(Wall::from_unix_millis(0).since(Wall::from_unix_millis(5)), Duration::ZERO);
    }
}
