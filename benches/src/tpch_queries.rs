//! The 22 queries of TPC-H, as the tests of the SQL crate have them.

/// A query of TPC-H.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TpchQuery {
    /// Its name: `q01` to `q22`.
    pub(crate) name: &'static str,
    /// Its text, one statement.
    pub(crate) sql: &'static str,
}

/// All of them, in order.
pub(crate) const QUERIES: [TpchQuery; 22] = [
    TpchQuery { name: "q01", sql: include_str!("../../sql/tests/tpch/q01.sql") },
    TpchQuery { name: "q02", sql: include_str!("../../sql/tests/tpch/q02.sql") },
    TpchQuery { name: "q03", sql: include_str!("../../sql/tests/tpch/q03.sql") },
    TpchQuery { name: "q04", sql: include_str!("../../sql/tests/tpch/q04.sql") },
    TpchQuery { name: "q05", sql: include_str!("../../sql/tests/tpch/q05.sql") },
    TpchQuery { name: "q06", sql: include_str!("../../sql/tests/tpch/q06.sql") },
    TpchQuery { name: "q07", sql: include_str!("../../sql/tests/tpch/q07.sql") },
    TpchQuery { name: "q08", sql: include_str!("../../sql/tests/tpch/q08.sql") },
    TpchQuery { name: "q09", sql: include_str!("../../sql/tests/tpch/q09.sql") },
    TpchQuery { name: "q10", sql: include_str!("../../sql/tests/tpch/q10.sql") },
    TpchQuery { name: "q11", sql: include_str!("../../sql/tests/tpch/q11.sql") },
    TpchQuery { name: "q12", sql: include_str!("../../sql/tests/tpch/q12.sql") },
    TpchQuery { name: "q13", sql: include_str!("../../sql/tests/tpch/q13.sql") },
    TpchQuery { name: "q14", sql: include_str!("../../sql/tests/tpch/q14.sql") },
    TpchQuery { name: "q15", sql: include_str!("../../sql/tests/tpch/q15.sql") },
    TpchQuery { name: "q16", sql: include_str!("../../sql/tests/tpch/q16.sql") },
    TpchQuery { name: "q17", sql: include_str!("../../sql/tests/tpch/q17.sql") },
    TpchQuery { name: "q18", sql: include_str!("../../sql/tests/tpch/q18.sql") },
    TpchQuery { name: "q19", sql: include_str!("../../sql/tests/tpch/q19.sql") },
    TpchQuery { name: "q20", sql: include_str!("../../sql/tests/tpch/q20.sql") },
    TpchQuery { name: "q21", sql: include_str!("../../sql/tests/tpch/q21.sql") },
    TpchQuery { name: "q22", sql: include_str!("../../sql/tests/tpch/q22.sql") },
];
