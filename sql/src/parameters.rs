//! The values of a statement's parameters.

use std::collections::HashMap;

use datafusion::common::ParamValues;
use datafusion::scalar::ScalarValue;

/// Values for `$1`, `$2`, … and for `$name`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    /// The values of `$1`, `$2`, … in order.
    pub positional: Vec<ScalarValue>,
    /// The values of `$name`, by name without `$`.
    pub named: Vec<(String, ScalarValue)>,
}

impl Parameters {
    /// No parameters.
    pub fn none() -> Self {
        Self::default()
    }

    /// Values for `$1`, `$2`, … in order.
    pub fn positional(values: Vec<ScalarValue>) -> Self {
        Self { positional: values, named: Vec::new() }
    }

    /// Whether there is no value at all.
    pub fn is_empty(&self) -> bool {
        self.positional.is_empty() && self.named.is_empty()
    }

    /// The value of a placeholder as it is written, `$1` or `$name`.
    pub(crate) fn value(&self, placeholder: &str) -> Option<&ScalarValue> {
        let name = placeholder.strip_prefix('$')?;
        match name.parse::<usize>() {
            Ok(number) => self.positional.get(number.checked_sub(1)?),
            Err(_) => self.named.iter().find(|(known, _)| known == name).map(|(_, value)| value),
        }
    }

    /// The values as the planner takes them: by name, numbers included.
    pub(crate) fn to_param_values(&self) -> ParamValues {
        let numbered = (1..).zip(&self.positional).map(|(number, value)| (number.to_string(), value.clone()));
        let all: HashMap<String, ScalarValue> = numbered.chain(self.named.iter().cloned()).collect();
        ParamValues::from(all)
    }
}
