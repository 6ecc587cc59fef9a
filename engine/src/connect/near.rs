//! Near names: what somebody may have meant.
//!
//! In: a word and the known words. Out: the nearest known word, if one is
//! near. Letter case, spaces, `_` and `-` do not count. Pure.

/// Most edits between a slip and the word it was meant to be.
const DISTANCE_MAX: usize = 2;

/// The nearest known word within two edits. A word of two letters is near to
/// none: two edits would make it any other.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = folded(word);
    known
        .iter()
        .filter_map(|&candidate| {
            let folded = folded(candidate);
            // Also bounds the work on words that are none.
            if word.len() <= DISTANCE_MAX || word.len().abs_diff(folded.len()) > DISTANCE_MAX {
                return None;
            }
            let distance = distance(&word, &folded);
            (distance <= DISTANCE_MAX).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn folded(word: &str) -> Vec<char> {
    let letters = word.chars().filter(|letter| !matches!(letter, ' ' | '_' | '-'));
    letters.flat_map(char::to_lowercase).collect()
}

/// Levenshtein distance.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut previous: Vec<usize> = (0..=right.len()).collect();
    for (row, letter) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, other) in right.iter().enumerate() {
            let replaced = previous[column] + usize::from(letter != other);
            current.push(replaced.min(previous[column + 1] + 1).min(current[column] + 1));
        }
        previous = current;
    }
    previous[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_near_and_other_words_are_not() {
        let known = ["clientId", "clientSecret", "Customer Tenant"];
        for (word, meant) in [
            ("clientID", Some("clientId")),
            ("client_secret", Some("clientSecret")),
            ("cleintSecret", Some("clientSecret")),
            ("CustomerTenants", Some("Customer Tenant")),
            ("applicationId", None),
            ("id", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, &known), meant, "{word}");
        }
        assert_eq!(nearest(&"x".repeat(1_000_000), &known), None);
    }
}
