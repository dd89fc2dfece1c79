//! Sharing a sum out without losing or making a tiyin.

/// Splits `total` in proportion to `weights`, by the largest remainder; the parts add up to `total` exactly.
///
/// Equal remainders go to the earlier part. All-zero weights share evenly. No weights, no parts.
pub fn allocate(total: i64, weights: &[u64]) -> Vec<i64> {
    if weights.is_empty() {
        return Vec::new();
    }
    let even = vec![1u64; weights.len()];
    let weights = if weights.iter().all(|weight| *weight == 0) { even.as_slice() } else { weights };
    let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    let magnitude = u128::from(total.unsigned_abs());

    // Each part's floor and what is left over of it.
    let mut parts: Vec<(usize, u128, u128)> = Vec::with_capacity(weights.len());
    for (index, weight) in weights.iter().enumerate() {
        let share = magnitude * u128::from(*weight);
        parts.push((index, share / sum, share % sum));
    }
    let given: u128 = parts.iter().map(|(_, part, _)| part).sum();
    let mut left = magnitude - given;
    parts.sort_by(|a, b| b.2.cmp(&a.2).then(a.0.cmp(&b.0)));
    for part in &mut parts {
        if left == 0 {
            break;
        }
        part.1 += 1;
        left -= 1;
    }
    parts.sort_by_key(|part| part.0);
    let sign = total.signum();
    // Every part is at most |total|, so it fits.
    parts.into_iter().map(|(_, part, _)| i64::try_from(part).unwrap_or(i64::MAX) * sign).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::allocate;

    proptest! {
        #[test]
        fn parts_add_up(total in -1_000_000_000_000i64..1_000_000_000_000, weights in prop::collection::vec(0u64..1_000_000_000, 1..40)) {
            prop_assert_eq!(allocate(total, &weights).iter().sum::<i64>(), total);
        }

        #[test]
        fn a_part_is_within_one_of_its_share(total in 0i64..1_000_000_000, weights in prop::collection::vec(1u64..1_000_000, 1..20)) {
            let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
            for (part, weight) in allocate(total, &weights).iter().zip(&weights) {
                let floor = u128::from(total.unsigned_abs()) * u128::from(*weight) / sum;
                let part = u128::from(part.unsigned_abs());
                prop_assert!(part == floor || part == floor + 1);
            }
        }
    }

    #[test]
    fn a_third_each() {
        assert_eq!(allocate(100, &[1, 1, 1]), vec![34, 33, 33]);
        assert_eq!(allocate(5, &[0, 0]), vec![3, 2]);
        assert!(allocate(5, &[]).is_empty());
    }
}
