//! Numbers and ages that are asked for.

use crate::layer::Mtime;

/// Seconds in a day.
pub(super) const DAY: i64 = 86_400;

/// `+N`, `-N` or `N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    More(u64),
    Less(u64),
    Equal(u64),
}

impl Compare {
    pub(super) fn holds(self, value: u64) -> bool {
        match self {
            Self::More(than) => value > than,
            Self::Less(than) => value < than,
            Self::Equal(to) => value == to,
        }
    }
}

/// How old a file is.
#[derive(Debug)]
pub(super) struct Age {
    pub(super) compare: Compare,
    /// Seconds in a minute or a day.
    pub(super) unit: i64,
    pub(super) origin: Mtime,
}

impl Age {
    /// Whether a file of that time is so old. Days are counted down, minutes up, as GNU find does.
    pub(super) fn holds(&self, mtime: Mtime) -> bool {
        let nanos = |time: Mtime| i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos);
        let (age, unit) = (nanos(self.origin) - nanos(mtime), i128::from(self.unit) * 1_000_000_000);
        let is_days = self.unit == DAY;
        match self.compare {
            Compare::More(than) if is_days => age.div_euclid(unit) > i128::from(than),
            Compare::More(than) => age > i128::from(than) * unit,
            Compare::Less(than) => age < i128::from(than) * unit,
            Compare::Equal(to) if is_days => age.div_euclid(unit) == i128::from(to),
            Compare::Equal(to) => age.div_euclid(unit) + i128::from(age.rem_euclid(unit) > 0) == i128::from(to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_down_and_minutes_up() {
        let origin = Mtime { seconds: 10 * DAY, nanos: 0 };
        let holds =
            |compare, unit, age| Age { compare, unit, origin }.holds(Mtime { seconds: 10 * DAY - age, nanos: 0 });
        assert!(holds(Compare::Equal(0), DAY, 10) && holds(Compare::Equal(1), DAY, DAY + 10));
        assert!(holds(Compare::More(1), DAY, 2 * DAY) && !holds(Compare::More(1), DAY, 2 * DAY - 1));
        assert!(holds(Compare::Less(1), DAY, DAY - 1) && !holds(Compare::Less(1), DAY, DAY));
        assert!(holds(Compare::Equal(1), 60, 10) && holds(Compare::Equal(2), 60, 61));
    }
}
