//! What the server can do, by the numbers of Flight SQL.

use std::collections::BTreeMap;
use std::time::Duration;

use arrow_flight::sql::metadata::{SqlInfoData, SqlInfoDataBuilder};
use arrow_flight::sql::{
    SqlInfo, SqlNullOrdering, SqlSupportedCaseSensitivity, SqlSupportedTransaction, SqlSupportsConvert,
    SqlTransactionIsolationLevel,
};

use crate::gateway::GatewayError;

/// How many bytes a name may have.
const NAME_BYTES_MAX: i64 = 255;

/// Words that the SQL standard of 2003 does not know.
const KEYWORDS: [&str; 14] = [
    "AS OF",
    "COPY",
    "DESCRIBE",
    "EXPLAIN",
    "ILIKE",
    "LIMIT",
    "OFFSET",
    "REPLACE",
    "RESET",
    "SHOW",
    "SUMMARIZE",
    "TAG",
    "USE",
    "VERSION",
];

const NUMERIC_FUNCTIONS: [&str; 22] = [
    "abs", "acos", "asin", "atan", "atan2", "ceil", "cos", "degrees", "exp", "floor", "ln", "log", "log10", "log2",
    "pi", "power", "radians", "round", "sin", "sqrt", "tan", "trunc",
];

const STRING_FUNCTIONS: [&str; 24] = [
    "ascii",
    "bit_length",
    "btrim",
    "character_length",
    "chr",
    "concat",
    "concat_ws",
    "initcap",
    "left",
    "lower",
    "lpad",
    "ltrim",
    "octet_length",
    "repeat",
    "replace",
    "reverse",
    "right",
    "rpad",
    "rtrim",
    "split_part",
    "strpos",
    "substr",
    "translate",
    "upper",
];

const SYSTEM_FUNCTIONS: [&str; 4] = ["coalesce", "current_version", "nullif", "version"];

const DATETIME_FUNCTIONS: [&str; 10] = [
    "current_date",
    "current_time",
    "date_bin",
    "date_part",
    "date_trunc",
    "extract",
    "from_unixtime",
    "now",
    "to_date",
    "to_timestamp",
];

/// What `SqlInfo` tells.
pub(crate) fn sql_info(idle: Duration, statement_bytes_max: usize) -> Result<SqlInfoData, GatewayError> {
    let mut info = SqlInfoDataBuilder::new();
    let list = |words: &[&str]| -> Vec<String> { words.iter().map(|word| (*word).to_owned()).collect() };

    info.append(SqlInfo::FlightSqlServerName, "Frostline");
    info.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    info.append(SqlInfo::FlightSqlServerArrowVersion, arrow::ARROW_VERSION);
    info.append(SqlInfo::FlightSqlServerReadOnly, false);
    info.append(SqlInfo::FlightSqlServerSql, true);
    info.append(SqlInfo::FlightSqlServerSubstrait, false);
    info.append(SqlInfo::FlightSqlServerTransaction, SqlSupportedTransaction::Transaction as i32);
    info.append(SqlInfo::FlightSqlServerCancel, true);
    info.append(SqlInfo::FlightSqlServerBulkIngestion, true);
    info.append(SqlInfo::FlightSqlServerIngestTransactionsSupported, true);
    let idle = i32::try_from(idle.as_millis()).unwrap_or(i32::MAX);
    info.append(SqlInfo::FlightSqlServerStatementTimeout, idle);
    info.append(SqlInfo::FlightSqlServerTransactionTimeout, idle);

    info.append(SqlInfo::SqlDdlCatalog, false);
    info.append(SqlInfo::SqlDdlSchema, true);
    info.append(SqlInfo::SqlDdlTable, true);
    info.append(SqlInfo::SqlIdentifierCase, SqlSupportedCaseSensitivity::SqlCaseSensitivityLowercase as i32);
    info.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
    // Quoted names keep their case, which the list of the protocol has no word for.
    info.append(SqlInfo::SqlQuotedIdentifierCase, SqlSupportedCaseSensitivity::SqlCaseSensitivityUnknown as i32);
    info.append(SqlInfo::SqlAllTablesAreSelectable, true);
    info.append(SqlInfo::SqlNullOrdering, SqlNullOrdering::SqlNullsSortedHigh as i32);
    info.append(SqlInfo::SqlKeywords, list(&KEYWORDS));
    info.append(SqlInfo::SqlNumericFunctions, list(&NUMERIC_FUNCTIONS));
    info.append(SqlInfo::SqlStringFunctions, list(&STRING_FUNCTIONS));
    info.append(SqlInfo::SqlSystemFunctions, list(&SYSTEM_FUNCTIONS));
    info.append(SqlInfo::SqlDatetimeFunctions, list(&DATETIME_FUNCTIONS));
    info.append(SqlInfo::SqlSearchStringEscape, "\\");
    info.append(SqlInfo::SqlExtraNameCharacters, "");
    info.append(SqlInfo::SqlSupportsColumnAliasing, true);
    info.append(SqlInfo::SqlNullPlusNullIsNull, true);
    info.append(SqlInfo::SqlSupportsConvert, conversions());
    info.append(SqlInfo::SqlSupportsTableCorrelationNames, true);
    info.append(SqlInfo::SqlSupportsDifferentTableCorrelationNames, false);
    info.append(SqlInfo::SqlSupportsExpressionsInOrderBy, true);
    info.append(SqlInfo::SqlSupportsOrderByUnrelated, true);
    // The following are sets of bits: the bit of a value of the protocol's list is its number.
    info.append(SqlInfo::SqlSupportedGroupBy, 0b11_i32);
    info.append(SqlInfo::SqlSupportsLikeEscapeClause, true);
    info.append(SqlInfo::SqlSupportsNonNullableColumns, true);
    info.append(SqlInfo::SqlSupportedGrammar, 0b11_i32);
    info.append(SqlInfo::SqlAnsi92SupportedLevel, 0b1_i32);
    info.append(SqlInfo::SqlSupportsIntegrityEnhancementFacility, false);
    info.append(SqlInfo::SqlOuterJoinsSupportLevel, 2_i32);
    info.append(SqlInfo::SqlSchemaTerm, "schema");
    info.append(SqlInfo::SqlProcedureTerm, "procedure");
    info.append(SqlInfo::SqlCatalogTerm, "catalog");
    info.append(SqlInfo::SqlCatalogAtStart, true);
    info.append(SqlInfo::SqlSchemasSupportedActions, 0_i32);
    info.append(SqlInfo::SqlCatalogsSupportedActions, 0_i32);
    info.append(SqlInfo::SqlSupportedPositionedCommands, 0_i32);
    info.append(SqlInfo::SqlSelectForUpdateSupported, false);
    info.append(SqlInfo::SqlStoredProceduresSupported, false);
    info.append(SqlInfo::SqlSupportedSubqueries, 0b111_i32);
    info.append(SqlInfo::SqlCorrelatedSubqueriesSupported, true);
    info.append(SqlInfo::SqlSupportedUnions, 0b11_i32);
    for (name, most) in lengths(statement_bytes_max) {
        info.append(name, most);
    }
    info.append(SqlInfo::SqlMaxRowSizeIncludesBlobs, true);
    let default = SqlTransactionIsolationLevel::SqlTransactionSerializable as i32;
    info.append(SqlInfo::SqlDefaultTransactionIsolation, default);
    info.append(SqlInfo::SqlTransactionsSupported, true);
    // Bits by the numbers of the levels: repeatable read is what is called snapshot here.
    info.append(SqlInfo::SqlSupportedTransactionsIsolationLevels, 0b11000_i32);
    info.append(SqlInfo::SqlDataDefinitionCausesTransactionCommit, false);
    info.append(SqlInfo::SqlDataDefinitionsInTransactionsIgnored, false);
    info.append(SqlInfo::SqlSupportedResultSetTypes, 0b10_i32);
    info.append(SqlInfo::SqlSupportedConcurrenciesForResultSetUnspecified, 0_i32);
    info.append(SqlInfo::SqlSupportedConcurrenciesForResultSetForwardOnly, 0b10_i32);
    info.append(SqlInfo::SqlSupportedConcurrenciesForResultSetScrollSensitive, 0_i32);
    info.append(SqlInfo::SqlSupportedConcurrenciesForResultSetScrollInsensitive, 0_i32);
    info.append(SqlInfo::SqlBatchUpdatesSupported, true);
    info.append(SqlInfo::SqlSavepointsSupported, false);
    info.append(SqlInfo::SqlNamedParametersSupported, false);
    info.append(SqlInfo::SqlLocatorsUpdateCopy, false);
    info.append(SqlInfo::SqlStoredFunctionsUsingCallSyntaxSupported, false);
    info.build().map_err(|error| GatewayError::Internal(Box::new(error)))
}

/// How much there may be of things; 0 where nothing limits it.
fn lengths(statement_bytes_max: usize) -> [(SqlInfo, i64); 20] {
    [
        (SqlInfo::SqlMaxBinaryLiteralLength, 0),
        (SqlInfo::SqlMaxCharLiteralLength, 0),
        (SqlInfo::SqlMaxColumnNameLength, NAME_BYTES_MAX),
        (SqlInfo::SqlMaxColumnsInGroupBy, 0),
        (SqlInfo::SqlMaxColumnsInIndex, 0),
        (SqlInfo::SqlMaxColumnsInOrderBy, 0),
        (SqlInfo::SqlMaxColumnsInSelect, 0),
        (SqlInfo::SqlMaxColumnsInTable, 0),
        (SqlInfo::SqlMaxConnections, 0),
        (SqlInfo::SqlMaxCursorNameLength, 0),
        (SqlInfo::SqlMaxIndexLength, 0),
        (SqlInfo::SqlDbSchemaNameLength, NAME_BYTES_MAX),
        (SqlInfo::SqlMaxProcedureNameLength, 0),
        (SqlInfo::SqlMaxCatalogNameLength, NAME_BYTES_MAX),
        (SqlInfo::SqlMaxRowSize, 0),
        (SqlInfo::SqlMaxStatementLength, i64::try_from(statement_bytes_max).unwrap_or(i64::MAX)),
        (SqlInfo::SqlMaxStatements, 0),
        (SqlInfo::SqlMaxTableNameLength, NAME_BYTES_MAX),
        (SqlInfo::SqlMaxTablesInSelect, 0),
        (SqlInfo::SqlMaxUsernameLength, 0),
    ]
}

/// What CAST converts: numbers and texts into each other, times and texts.
fn conversions() -> BTreeMap<i32, Vec<i32>> {
    use SqlSupportsConvert as C;
    let numbers = [
        C::SqlConvertBigint,
        C::SqlConvertDecimal,
        C::SqlConvertFloat,
        C::SqlConvertInteger,
        C::SqlConvertNumeric,
        C::SqlConvertReal,
        C::SqlConvertSmallint,
        C::SqlConvertTinyint,
    ];
    let times = [C::SqlConvertDate, C::SqlConvertTime, C::SqlConvertTimestamp];
    let texts = [C::SqlConvertChar, C::SqlConvertVarchar];
    let number = |kinds: &[C]| -> Vec<i32> { kinds.iter().map(|kind| *kind as i32).collect() };
    let (with_numbers, with_times) = ([&numbers[..], &texts[..]].concat(), [&times[1..], &texts[..]].concat());
    let all = [&numbers[..], &times[..], &texts[..]].concat();
    let mut conversions = BTreeMap::new();
    conversions.extend(numbers.iter().map(|kind| (*kind as i32, number(&with_numbers))));
    conversions.insert(C::SqlConvertDate as i32, number(&[C::SqlConvertTimestamp, C::SqlConvertVarchar]));
    conversions.insert(C::SqlConvertTimestamp as i32, number(&[&[C::SqlConvertDate][..], &with_times[..]].concat()));
    conversions.extend(texts.iter().map(|kind| (*kind as i32, number(&all))));
    conversions
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::UInt32Type;

    use super::*;

    #[test]
    fn everything_that_clients_ask_for_is_told_in_the_type_they_read() {
        let info = sql_info(Duration::from_secs(60), 1000).unwrap();
        let all = info.record_batch(None).unwrap();
        let names = all.column(0).as_primitive::<UInt32Type>();
        let expected: Vec<u32> = [0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 100, 101].into_iter().chain(500..=576).collect();
        assert_eq!(names.values().to_vec(), expected);
        let kind_of = |name: u32| {
            let one = info.record_batch([name]).unwrap();
            one.column(1).as_union().type_id(0)
        };
        assert_eq!(kind_of(8), 3, "the level of transactions is a 32 bit number");
        assert_eq!(kind_of(504), 0, "the quote is a text");
        assert_eq!(kind_of(3), 1);
        assert_eq!(kind_of(557), 2);
        assert_eq!(kind_of(508), 4);
        assert_eq!(kind_of(517), 5);
        assert_eq!(all.column(1).len(), expected.len());
    }
}
