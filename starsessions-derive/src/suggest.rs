//! "did you mean ..?": the nearest of a list of words.

/// The candidate nearest to `word`, if its distance is at most a third of the word's length, or one edit.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|&(distance, _)| distance <= limit)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// The words as a list in prose: `a`, `b` or `c`.
pub(crate) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.pop() {
        Some(last) if words.is_empty() => last,
        Some(last) => format!("{} or {last}", words.join(", ")),
        None => String::new(),
    }
}

/// The edits from `a` to `b`, where swapping two neighbours is one edit
/// (optimal string alignment: Damerau 1964 without edits inside a swapped pair).
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let substituted = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = substituted.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, list, nearest};

    #[test]
    fn a_swap_is_one_edit() {
        for (a, b, edits) in [
            ("", "", 0),
            ("", "idle", 4),
            ("idle", "idle", 0),
            ("idel", "idle", 1),
            ("idl", "idle", 1),
            ("iddle", "idle", 1),
            ("rotated", "rotate", 1),
            ("expries", "expires", 1),
            ("merge", "secret", 4),
        ] {
            assert_eq!(distance(a, b), edits, "{a} -> {b}");
            assert_eq!(distance(b, a), edits, "{b} -> {a}");
        }
    }

    #[test]
    fn only_a_near_word_is_suggested() {
        let words = ["idle", "merge", "or", "expires"];
        for (word, suggestion) in [
            ("idel", Some("idle")),
            ("exprise", Some("expires")),
            ("expired", Some("expires")),
            ("ro", Some("or")),
            ("ttl", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, words), suggestion, "{word}");
        }
    }

    #[test]
    fn a_list_reads_as_prose() {
        assert_eq!(list([]), "");
        assert_eq!(list(["a"]), "`a`");
        assert_eq!(list(["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
