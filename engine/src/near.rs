//! Near names: what somebody may have meant.
//!
//! In: a word and the known words. Out: the known words that are near. Letter
//! case, spaces, `_` and `-` do not count. Pure.

/// The nearest known word, if at most a third of the word's letters differ.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = folded(word);
    known
        .into_iter()
        .filter_map(|known| Some((slips(&word, &folded(known))?, known)))
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, known)| known)
}

/// The known words that are near, the nearest first; also those that contain the
/// word or are contained in it.
pub fn near<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    /// Shorter words are contained in too many others.
    const CONTAINED_LENGTH_MIN: usize = 4;
    let word = folded(word);
    let contains = |outer: &[char], inner: &[char]| {
        inner.len() >= CONTAINED_LENGTH_MIN
            && outer.windows(inner.len()).any(|window| window == inner)
    };
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|known| {
            let letters = folded(known);
            let contained = contains(&letters, &word) || contains(&word, &letters);
            let slips = slips(&word, &letters);
            let slips = slips.or(contained.then_some(word.len().max(letters.len())));
            Some((slips?, known))
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().map(|(_, known)| known).collect()
}

fn folded(word: &str) -> Vec<char> {
    let letters = word.chars().filter(|letter| !matches!(letter, ' ' | '_' | '-'));
    letters.flat_map(char::to_lowercase).collect()
}

/// How many slips lie between a word and what it was meant to be; `None` when
/// they are too many. A word of one letter is near to none.
fn slips(word: &[char], meant: &[char]) -> Option<usize> {
    let most = (word.len() / 3).max(1);
    // Also bounds the work on words that are none.
    if word.len() < 2 || word.len().abs_diff(meant.len()) > most {
        return None;
    }
    Some(distance(word, meant)).filter(|slips| *slips <= most)
}

/// Optimal string alignment distance: letters changed, left out, put in, or two
/// neighbors swapped.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=right.len()).collect();
    for row in 1..=left.len() {
        let mut current = vec![row; right.len() + 1];
        for column in 1..=right.len() {
            let changed = usize::from(left[row - 1] != right[column - 1]);
            let mut best = (previous[column - 1] + changed)
                .min(previous[column] + 1)
                .min(current[column - 1] + 1);
            if row > 1
                && column > 1
                && left[row - 1] == right[column - 2]
                && left[row - 2] == right[column - 1]
            {
                best = best.min(before[column - 2] + 1);
            }
            current[column] = best;
        }
        before = std::mem::replace(&mut previous, current);
    }
    previous[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_near_and_other_words_are_not() {
        let commands = [".tables", ".timer", ".schema", ".mode"];
        let fields = ["clientId", "clientSecret", "Customer Tenant"];
        for (word, known, meant) in [
            (".tabels", commands.as_slice(), Some(".tables")),
            (".Tmier", &commands, Some(".timer")),
            (".mod", &commands, Some(".mode")),
            (".import", &commands, None),
            ("clientID", &fields, Some("clientId")),
            ("client_secret", &fields, Some("clientSecret")),
            ("cleintSecret", &fields, Some("clientSecret")),
            ("CustomerTenants", &fields, Some("Customer Tenant")),
            ("applicationId", &fields, None),
            ("id", &fields, None),
            ("", &fields, None),
            ("a", &["b"], None),
        ] {
            assert_eq!(nearest(word, known.iter().copied()), meant, "{word}");
        }
        assert_eq!(nearest(&"x".repeat(1_000_000), fields), None);
        let letters = |word: &str| word.chars().collect::<Vec<_>>();
        assert_eq!(distance(&letters("kitten"), &letters("sitting")), 3);
        assert_eq!(distance(&[], &letters("abc")), 3);
    }

    #[test]
    fn words_within_words_are_near_after_slips() {
        let tables = ["actual_cost", "amortized_cost", "savings", "ingest_runs"];
        assert_eq!(near("amortised_cost", tables), ["amortized_cost"]);
        assert_eq!(near("saving", tables), ["savings"]);
        assert_eq!(near("cost", tables), ["actual_cost", "amortized_cost"]);
        assert_eq!(near("zebra", tables), [""; 0]);
    }
}
