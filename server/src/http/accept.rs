//! Which form a client wants rows in.

use frostline_engine::export::{ArrowRows, CsvRows, JsonRows, RowEncoder};

/// A form of rows over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowForm {
    /// One array of objects. What is sent if nothing is asked for.
    Json,
    /// An object for each row.
    JsonLines,
    /// An Arrow IPC stream.
    Arrow,
    /// CSV with a header.
    Csv,
}

impl RowForm {
    const ALL: [Self; 4] = [Self::Json, Self::JsonLines, Self::Arrow, Self::Csv];

    /// Its media type.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::JsonLines => "application/x-ndjson",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Csv => "text/csv",
        }
    }

    /// The form that an `Accept` header asks for: the one with the greatest weight, the first of several. Without a
    /// header it is JSON; `None` if none of those asked for is there.
    pub(super) fn choose(accept: Option<&str>) -> Option<Self> {
        let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else { return Some(Self::Json) };
        let mut best: Option<(f32, Self)> = None;
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let weight =
                parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0));
            let Some(form) = Self::ALL.into_iter().find(|form| form.is_in(name)) else { continue };
            if weight > 0.0 && best.is_none_or(|(found, _)| weight > found) {
                best = Some((weight, form));
            }
        }
        best.map(|(_, form)| form)
    }

    /// Whether a range of media types holds the form.
    fn is_in(self, range: &str) -> bool {
        let range = range.to_ascii_lowercase();
        if range == "*/*" || range == self.media_type() {
            return true;
        }
        let group = self.media_type().split('/').next().unwrap_or_default();
        range.strip_suffix("/*") == Some(group)
    }

    /// What makes its bytes.
    pub(super) fn encoder(self) -> Box<dyn RowEncoder> {
        match self {
            Self::Json => Box::new(JsonRows::arrays()),
            Self::JsonLines => Box::new(JsonRows::lines()),
            Self::Arrow => Box::new(ArrowRows::stream()),
            Self::Csv => Box::new(CsvRows::commas()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_with_the_greatest_weight_is_chosen() {
        let check = |accept: Option<&str>, expected: Option<RowForm>| assert_eq!(RowForm::choose(accept), expected);
        check(None, Some(RowForm::Json));
        check(Some(""), Some(RowForm::Json));
        check(Some("*/*"), Some(RowForm::Json));
        check(Some("text/*"), Some(RowForm::Csv));
        check(Some("application/vnd.apache.arrow.stream"), Some(RowForm::Arrow));
        check(Some("text/csv;q=0.5, application/x-ndjson; q=0.9"), Some(RowForm::JsonLines));
        check(Some("text/html, */*;q=0.1"), Some(RowForm::Json));
        check(Some("Text/CSV; charset=utf-8"), Some(RowForm::Csv));
    }

    #[test]
    fn a_form_that_is_not_there_is_no_form() {
        for accept in ["text/html", "application/json;q=0", "image/*"] {
            assert_eq!(RowForm::choose(Some(accept)), None, "{accept}");
        }
    }
}
