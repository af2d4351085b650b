//! How many columns of a terminal a text takes: most letters one, East Asian wide ones and most emoji two.

/// The wide ranges (Unicode's EastAsianWidth.txt, W and F).
const WIDE: [(u32, u32); 41] = [
    (0x1100, 0x115f),
    (0x231a, 0x231b),
    (0x2329, 0x232a),
    (0x23e9, 0x23ec),
    (0x23f0, 0x23f0),
    (0x23f3, 0x23f3),
    (0x25fd, 0x25fe),
    (0x2614, 0x2615),
    (0x2648, 0x2653),
    (0x26a1, 0x26a1),
    (0x26aa, 0x26ab),
    (0x26bd, 0x26be),
    (0x26c4, 0x26c5),
    (0x26ce, 0x26ce),
    (0x26d4, 0x26d4),
    (0x2705, 0x2705),
    (0x270a, 0x270b),
    (0x2728, 0x2728),
    (0x274c, 0x274c),
    (0x2753, 0x2755),
    (0x2757, 0x2757),
    (0x2795, 0x2797),
    (0x2b1b, 0x2b1c),
    (0x2b50, 0x2b50),
    (0x2b55, 0x2b55),
    (0x2e80, 0x303e),
    (0x3041, 0x33ff),
    (0x3400, 0x4dbf),
    (0x4e00, 0xa4cf),
    (0xa960, 0xa97f),
    (0xac00, 0xd7a3),
    (0xf900, 0xfaff),
    (0xfe10, 0xfe19),
    (0xfe30, 0xfe6f),
    (0xff01, 0xff60),
    (0xffe0, 0xffe6),
    (0x1f300, 0x1f320),
    (0x1f32d, 0x1f64f),
    (0x1f680, 0x1f6fc),
    (0x1f900, 0x1faff),
    (0x20000, 0x3fffd),
];

/// The columns of one letter.
pub(crate) fn of_letter(letter: char) -> usize {
    let code = u32::from(letter);
    let wide = code >= 0x1100 && WIDE.iter().any(|(first, last)| (*first..=*last).contains(&code));
    if wide { 2 } else { 1 }
}

/// The columns of a text.
pub(crate) fn of(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.chars().map(of_letter).sum()
}

#[cfg(test)]
mod tests {
    #[test]
    fn widths() {
        assert_eq!(super::of("abc"), 3);
        assert_eq!(super::of("é日本😀…"), 8);
    }
}
