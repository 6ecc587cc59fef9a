//! Whether adjustments can work at all.

use std::collections::BTreeSet;

use super::{Adjustment, AdjustmentError, Condition, DIMENSIONS, month_of};

pub(super) fn fault(index: usize, adjustment: &Adjustment, reason: String) -> AdjustmentError {
    AdjustmentError { index, name: adjustment.name.clone(), reason, unknown: None }
}

pub(super) fn check(
    index: usize,
    this: &Adjustment,
    all: &[Adjustment],
) -> Result<(), AdjustmentError> {
    let fault = |reason: String| Err(fault(index, this, reason));
    if this.name.trim().is_empty() {
        return fault("it has no name".to_owned());
    }
    let plain = |name: &str| name.trim().to_lowercase();
    if let Some(other) = all[..index]
        .iter()
        .find(|other| other.name != this.name && plain(&other.name) == plain(&this.name))
    {
        let other = &other.name;
        return fault(format!("its name differs from {other:?} by letter case or blanks only"));
    }
    let Some(month) = month_of(this) else {
        return fault(format!("effective_month {:?} is no month YYYY-MM", this.effective_month));
    };
    for earlier in all[..index].iter().filter(|earlier| earlier.name == this.name) {
        if month_of(earlier) == Some(month) {
            return fault(format!("there is another of that name from {month}"));
        }
        if earlier.builds_on != this.builds_on {
            return fault("its versions build on different adjustments".to_owned());
        }
    }
    if let Some(base) = &this.builds_on
        && !all.iter().any(|other| &other.name == base)
    {
        let names: BTreeSet<&String> = all.iter().map(|other| &other.name).collect();
        let names = names.into_iter().filter(|name| **name != this.name).cloned().collect();
        return Err(AdjustmentError {
            unknown: Some((base.clone(), names)),
            ..self::fault(index, this, format!("it builds on {base:?}, which is not there"))
        });
    }
    if this.rules.is_empty() {
        return fault("it has no rules".to_owned());
    }
    for (rule, number) in this.rules.iter().zip(1..) {
        if let Some(condition) = &rule.when {
            check_condition(condition, 0).map_err(|problem| AdjustmentError {
                unknown: problem.unknown,
                ..self::fault(index, this, format!("rule {number}: {}", problem.reason))
            })?;
        } else if number < this.rules.len() {
            return fault(format!(
                "rule {number} is for every row, so rule {} never counts",
                number + 1
            ));
        }
    }
    Ok(())
}

struct Problem {
    reason: String,
    unknown: Option<(String, Vec<String>)>,
}

/// How deep conditions may stand within one another.
const LEVELS_MAX: usize = 12;

fn check_condition(condition: &Condition, level: usize) -> Result<(), Problem> {
    let plain = |reason: &str| Err(Problem { reason: reason.to_owned(), unknown: None });
    if level > LEVELS_MAX {
        return plain(&format!("conditions stand within more than {LEVELS_MAX} others"));
    }
    let inner = |condition: &Condition| check_condition(condition, level + 1);
    match condition {
        Condition::Equals(dimensions) | Condition::Contains(dimensions) => {
            if dimensions.is_empty() {
                return plain("a condition names no dimension");
            }
            for (name, texts) in dimensions {
                if !DIMENSIONS.contains(&name.as_str()) {
                    let known = DIMENSIONS.map(str::to_owned).to_vec();
                    return Err(Problem {
                        reason: format!("there is no dimension {name:?}"),
                        unknown: Some((name.clone(), known)),
                    });
                }
                if texts.iter().next().is_none() {
                    return plain("a dimension is compared with nothing");
                }
                let is_contains = matches!(condition, Condition::Contains(_));
                if is_contains && texts.iter().any(str::is_empty) {
                    return plain("every text contains the empty text");
                }
            }
            Ok(())
        }
        Condition::And(conditions) | Condition::Or(conditions) => {
            if conditions.is_empty() {
                return plain("and, or: there is no condition in the list");
            }
            conditions.iter().try_for_each(inner)
        }
        Condition::Not(condition) => inner(condition),
    }
}
