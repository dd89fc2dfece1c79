//! Numbers that look random and can be had again.

/// A generator of xorshift's kind; good enough to shake things.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// From `UM_TEST_SEED`, or from the clock; printed, so that a run can be had again.
    pub(crate) fn cast() -> Self {
        let clock = u64::try_from(crate::support::providers::now()).unwrap();
        let seed = setting("UM_TEST_SEED", clock) | 1;
        println!("UM_TEST_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// Others of their own for somebody who works beside us.
    pub(crate) fn fork(&mut self) -> Self {
        let seed = self.below(u64::MAX) | 1;
        Self(seed)
    }

    pub(crate) fn shuffle<T>(&mut self, cards: &mut [T]) {
        for last in (1..cards.len()).rev() {
            let other = self.below(u64::try_from(last).unwrap() + 1);
            cards.swap(last, usize::try_from(other).unwrap());
        }
    }
}

/// How much is tried: 1 in the tests of every day.
pub(crate) fn scale() -> u64 {
    setting("UM_TEST_SCALE", 1)
}

pub(crate) fn setting(name: &str, default: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a knob of this test, not of the program")]
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}
