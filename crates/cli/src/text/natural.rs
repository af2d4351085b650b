//! The order in which people list names: `a2` before `a10`.

use std::cmp::Ordering;

/// Compares as Docker sorts names: runs of digits by their value, all else by its bytes. Of equal values the
/// one with fewer leading zeros comes first.
pub(crate) fn compare(left: &str, right: &str) -> Ordering {
    let (mut a, mut b) = (left.as_bytes(), right.as_bytes());
    loop {
        match (a.first(), b.first()) {
            (None, _) | (_, None) => return a.len().cmp(&b.len()),
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (first, second) = (digits(a), digits(b));
                let (one, two) = (value(first), value(second));
                let order = one.len().cmp(&two.len()).then_with(|| one.cmp(two));
                let order = order.then_with(|| first.len().cmp(&second.len()));
                if order != Ordering::Equal {
                    return order;
                }
                (a, b) = (&a[first.len()..], &b[second.len()..]);
            }
            (Some(x), Some(y)) if x == y => (a, b) = (&a[1..], &b[1..]),
            (Some(x), Some(y)) => return x.cmp(y),
        }
    }
}

fn digits(text: &[u8]) -> &[u8] {
    let end = text
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len());
    &text[..end]
}

/// A number's digits without leading zeros.
fn value(digits: &[u8]) -> &[u8] {
    let start = digits.iter().position(|digit| *digit != b'0').unwrap_or(digits.len());
    &digits[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_by_value() {
        let mut names = ["n10", "n2", "n", "n02", "m", "n2a", "N1", "n1b2", "n1b10", "é"];
        names.sort_by(|left, right| compare(left, right));
        assert_eq!(names, ["N1", "m", "n", "n1b2", "n1b10", "n2", "n2a", "n02", "n10", "é"]);
        assert_eq!(compare("a1", "a1"), Ordering::Equal);
    }
}
