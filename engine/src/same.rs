//! Whether two byte strings are the same, without calling what compares memory. Pure.
//!
//! In: two cells or texts, mostly short. Out: yes or no. Such a call costs more than the
//! few bytes of a flag or the words (the last of which may overlap those before) of a
//! date, a number, an id or a name.

/// Whether all bytes are the same.
#[inline(always)]
pub(crate) fn is_same(left: &[u8], right: &[u8]) -> bool {
    const HALF: usize = size_of::<u64>();
    const WORD: usize = size_of::<u128>();
    const WORDS_MAX: usize = 4;
    let length = left.len();
    if length != right.len() {
        return false;
    }
    let half = |text: &[u8], at: usize| {
        let half: &[u8; HALF] = text[at..].first_chunk().expect("within the text");
        u64::from_le_bytes(*half)
    };
    let word = |text: &[u8], at: usize| {
        let word: &[u8; WORD] = text[at..].first_chunk().expect("within the text");
        u128::from_le_bytes(*word)
    };
    match length {
        0..HALF => left.iter().eq(right),
        HALF..WORD => {
            let last = length - HALF;
            half(left, 0) == half(right, 0) && half(left, last) == half(right, last)
        }
        _ if length <= WORD * WORDS_MAX => {
            let last = length - WORD;
            let mut at = 0;
            while at < last {
                if word(left, at) != word(right, at) {
                    return false;
                }
                at += WORD;
            }
            word(left, last) == word(right, last)
        }
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_compared_to_their_last_byte() {
        for length in 0..200 {
            let text = vec![b'a'; length];
            assert!(is_same(&text, &text.clone()));
            assert!(!is_same(&text, &vec![b'a'; length + 1]));
            for at in 0..length {
                let mut other = text.clone();
                other[at] = b'b';
                assert!(!is_same(&text, &other), "{at} of {length}");
            }
        }
    }
}
