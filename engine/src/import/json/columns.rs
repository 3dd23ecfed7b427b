//! Which columns a JSON file has.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use super::{element_error, open_file, parse_object};
use crate::import::error::{ImportError, Row};
use crate::import::name::fold_name;
use crate::import::options::ImportOptions;
use crate::import::reader::BATCH_ROWS;
use crate::import::shape::JsonShape;
use crate::import::source::SourceFile;

/// The columns of a file, by name, and what their values have in common.
pub(crate) fn infer_json(
    source: &SourceFile,
    options: &ImportOptions,
) -> Result<Vec<(String, JsonShape)>, ImportError> {
    let mut elements = open_file(source)?;
    let mut columns = InferredColumns::default();
    let mut rows: usize = 0;
    while rows < options.sample_rows {
        let limit = BATCH_ROWS.min(options.sample_rows - rows);
        let block = elements.next_block(limit).map_err(|error| element_error(&source.path, error))?;
        let Some(block) = block else {
            break;
        };
        for element in 0..block.len() {
            let row = Row::on_line((rows + element) as u64 + 1, block.line(element));
            let value = parse_object(&source.path, row, block.element(element))?;
            columns.observe(&source.path, row, &value, options.keep_case)?;
        }
        rows += block.len();
    }
    if rows == 0 {
        return Err(ImportError::Empty { file: source.path.clone() });
    }
    if columns.shapes.is_empty() {
        return Err(ImportError::NoColumns { file: source.path.clone() });
    }
    Ok(columns.shapes)
}

#[derive(Default)]
struct InferredColumns {
    shapes: Vec<(String, JsonShape)>,
    /// How the file spells each of them.
    spellings: Vec<String>,
    positions: HashMap<String, usize>,
}

impl InferredColumns {
    fn observe(&mut self, file: &Path, row: Row, object: &Value, keep_case: bool) -> Result<(), ImportError> {
        let Value::Object(members) = object else {
            return Ok(());
        };
        for (spelling, value) in members {
            let position = self.position(file, row, spelling, keep_case)?;
            let (name, shape) = &mut self.shapes[position];
            shape.observe(value).map_err(|clash| ImportError::MixedTypes {
                file: file.to_path_buf(),
                row,
                column: format!("{name}{}", clash.path),
                found: clash.found,
                expected: clash.expected,
            })?;
        }
        Ok(())
    }

    fn position(&mut self, file: &Path, row: Row, spelling: &str, keep_case: bool) -> Result<usize, ImportError> {
        let name = fold_name(spelling, keep_case);
        if name.is_empty() {
            return Err(ImportError::BadJsonLayout {
                file: file.to_path_buf(),
                row,
                problem: "a member has an empty name, which no column can have; rename it",
            });
        }
        if let Some(position) = self.positions.get(&name) {
            let first = &self.spellings[*position];
            if first != spelling {
                return Err(ImportError::DuplicateColumn {
                    file: file.to_path_buf(),
                    name,
                    first: first.clone(),
                    second: spelling.to_owned(),
                });
            }
            return Ok(*position);
        }
        let position = self.shapes.len();
        self.positions.insert(name.clone(), position);
        self.shapes.push((name, JsonShape::Unseen));
        self.spellings.push(spelling.to_owned());
        Ok(position)
    }
}
