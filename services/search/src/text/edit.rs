//! How far apart two keys are.

/// Letters that may be wrong in a key of this many letters: none below 4, one up to 7, two from 8 on.
pub fn tolerance(letters: usize) -> usize {
    match letters {
        0..4 => 0,
        4..8 => 1,
        _ => 2,
    }
}

/// Insertions, deletions, replacements and swaps of neighbours that make `b` of `a`; none when it takes more than `limit`.
pub fn distance(a: &[char], b: &[char], limit: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut two_back: Vec<usize> = Vec::new();
    let mut back: Vec<usize> = (0..=b.len()).collect();
    let mut a_before = None;
    for (row, &ca) in a.iter().enumerate() {
        let mut current = Vec::with_capacity(back.len());
        current.push(row + 1);
        let (mut left, mut best, mut b_before) = (row + 1, row + 1, None);
        for (column, (&cb, pair)) in b.iter().zip(back.windows(2)).enumerate() {
            let &[diagonal, above] = pair else { continue };
            let mut cost = (diagonal + usize::from(ca != cb)).min(above + 1).min(left + 1);
            if a_before == Some(cb)
                && b_before == Some(ca)
                && let Some(swapped) = column.checked_sub(1).and_then(|at| two_back.get(at))
            {
                cost = cost.min(swapped + 1);
            }
            current.push(cost);
            (left, best, b_before) = (cost, best.min(cost), Some(cb));
        }
        if best > limit {
            return None;
        }
        two_back = std::mem::replace(&mut back, current);
        a_before = Some(ca);
    }
    back.last().copied().filter(|cost| *cost <= limit)
}
