//! Functions of our own.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use datafusion::scalar::ScalarValue;
use frostline_catalog::Version;

/// `current_version()`: the version that the statement sees.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct CurrentVersion {
    version: Version,
    signature: Signature,
}

impl CurrentVersion {
    pub(crate) fn new(version: Version) -> Self {
        Self { version, signature: Signature::nullary(Volatility::Stable) }
    }
}

impl ScalarUDFImpl for CurrentVersion {
    fn name(&self) -> &str {
        "current_version"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let number = i64::try_from(self.version.number()).unwrap_or(i64::MAX);
        Ok(ColumnarValue::Scalar(ScalarValue::Int64(Some(number))))
    }
}
