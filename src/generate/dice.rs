//! Chance that repeats: every choice comes from a seed and a stream number, so that slices of the log can be generated
//! in any order and on any number of threads, and identities are the same wherever they are asked for.

use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use twox_hash::XxHash3_128;
use uuid::Uuid;

/// The letters that Kubernetes makes names of: no vowels, so that no words appear.
const NAME_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// A stream of random choices.
pub(crate) struct Dice(Xoshiro256PlusPlus);

impl Dice {
    /// The stream of this number: streams of one seed are independent.
    pub(crate) fn new(seed: u64, stream: &str, number: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(low(hash(seed, stream, number))))
    }

    /// A number from 0 to below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0.random_range(0..n)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..=high)
    }

    /// True `per_mille` times in a thousand.
    pub(crate) fn chance(&mut self, per_mille: i64) -> bool {
        self.between(1, 1000) <= per_mille
    }

    /// One of the items.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// A random (version 4) UUID.
    pub(crate) fn uuid(&mut self) -> Uuid {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// The end of a generated name: `length` letters.
    pub(crate) fn suffix(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(*self.pick(NAME_LETTERS))).collect()
    }
}

/// 128 bits that are always the same for a seed, a purpose and a number.
pub(crate) fn hash(seed: u64, purpose: &str, number: u64) -> u128 {
    let mut bytes = Vec::with_capacity(64);
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes.extend_from_slice(purpose.as_bytes());
    XxHash3_128::oneshot_with_seed(seed, &bytes)
}

/// A version 4 UUID that is always the same for a seed, a purpose and a number.
pub(crate) fn uuid(seed: u64, purpose: &str, number: u64) -> Uuid {
    uuid::Builder::from_random_bytes(hash(seed, purpose, number).to_le_bytes()).into_uuid()
}

/// A generated name's end that is always the same for a seed, a purpose and a number.
pub(crate) fn suffix(seed: u64, purpose: &str, number: u64, length: usize) -> String {
    let letters = NAME_LETTERS.len() as u128;
    let mut bits = hash(seed, purpose, number);
    let letter = |_| {
        let letter = NAME_LETTERS[usize::try_from(bits % letters).unwrap_or(0)];
        bits /= letters;
        char::from(letter)
    };
    (0..length).map(letter).collect()
}

/// The low half.
pub(crate) fn low(hash: u128) -> u64 {
    u64::try_from(hash & u128::from(u64::MAX)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ() {
        let draw = |number| Dice::new(7, "slice", number).uuid();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert_eq!(draw(1).get_version_num(), 4);
    }

    #[test]
    fn a_suffix_has_the_length_and_letters_of_kubernetes_names() {
        let name = suffix(1, "pod", 3, 10);
        assert_eq!(name.len(), 10);
        assert!(name.bytes().all(|letter| NAME_LETTERS.contains(&letter)), "{name}");
    }
}
