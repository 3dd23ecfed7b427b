//! MERGE.

use datafusion::sql::sqlparser::ast::{Expr, ObjectName, With};
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Location, Token};

use super::StatementParser;
use crate::parse::check::check;
use crate::parse::desugar::desugar;
use crate::parse::dml::{Merge, MergeAction, MergeClause, MergeWhen};
use crate::parse::error::ParseError;
use crate::parse::statement::Statement;

impl StatementParser<'_> {
    /// `[WITH …] MERGE [INTO] t [[AS] alias] USING relation ON condition WHEN … [WHEN …]`
    pub(super) fn merge(&mut self, with: Option<With>) -> Result<Statement, ParseError> {
        self.expect("MERGE")?;
        self.takes("INTO");
        let target = self.target("MERGE", "USING")?;
        self.expect("USING")?;
        let source = Box::new(self.sql().parse_table_factor()?);
        self.expect("ON")?;
        let on = Box::new(self.sql().parse_expr()?);
        let mut clauses: Vec<MergeClause> = Vec::new();
        loop {
            let at = self.here();
            if !self.takes("WHEN") {
                break;
            }
            let clause = self.merge_clause()?;
            let is_final = |before: &MergeClause| before.when == clause.when && before.condition.is_none();
            if clauses.iter().any(is_final) {
                return Err(ParseError::syntax(
                    at,
                    "this clause is never reached: one for the same rows, without a condition, stands before it",
                ));
            }
            clauses.push(clause);
        }
        if clauses.is_empty() {
            return Err(self.unexpected("WHEN MATCHED or WHEN NOT MATCHED"));
        }
        self.refuse_behind("MERGE")?;
        let mut merge = Merge { with, target, source, on, clauses };
        desugar(&mut merge.with);
        desugar(&mut merge.source);
        desugar(&mut merge.on);
        merge.clauses.iter_mut().for_each(desugar_clause);
        check(&merge.parts())?;
        Ok(Statement::Merge(merge))
    }

    /// `[NOT] MATCHED [BY SOURCE | BY TARGET] [AND condition] THEN action`, behind WHEN
    fn merge_clause(&mut self) -> Result<MergeClause, ParseError> {
        let when = if self.takes("NOT") {
            self.expect("MATCHED")?;
            if self.takes_all(&["BY", "SOURCE"]) {
                MergeWhen::NotMatchedBySource
            } else {
                self.takes_all(&["BY", "TARGET"]);
                MergeWhen::NotMatched
            }
        } else {
            self.expect("MATCHED")?;
            MergeWhen::Matched
        };
        let condition: Option<Expr> = match self.takes("AND") {
            true => Some(self.sql().parse_expr()?),
            false => None,
        };
        self.expect("THEN")?;
        let at = self.here();
        let action = self.merge_action()?;
        refuse_action(when, &action, at)?;
        Ok(MergeClause { when, condition, action })
    }

    fn merge_action(&mut self) -> Result<MergeAction, ParseError> {
        if self.takes_all(&["DO", "NOTHING"]) {
            return Ok(MergeAction::Nothing);
        }
        if self.takes("DELETE") {
            return Ok(MergeAction::Delete);
        }
        if self.takes("UPDATE") {
            self.expect("SET")?;
            if self.takes_token(&Token::Mul) {
                return Ok(MergeAction::UpdateAll);
            }
            return Ok(MergeAction::Update(self.sql().parse_comma_separated(Parser::parse_assignment)?));
        }
        if self.takes("INSERT") {
            return self.merge_insert();
        }
        Err(self.unexpected("UPDATE, DELETE, INSERT or DO NOTHING"))
    }

    /// `* | DEFAULT VALUES | [(a, b)] VALUES (…)`, behind INSERT
    fn merge_insert(&mut self) -> Result<MergeAction, ParseError> {
        if self.takes_token(&Token::Mul) {
            return Ok(MergeAction::InsertAll);
        }
        if self.takes_all(&["DEFAULT", "VALUES"]) {
            return Ok(MergeAction::Insert { columns: Vec::new(), values: Vec::new() });
        }
        let mut columns: Vec<ObjectName> = Vec::new();
        if self.takes_token(&Token::LParen) {
            columns = self.sql().parse_comma_separated(|parser| parser.parse_object_name(false))?;
            self.sql().expect_token(&Token::RParen)?;
        }
        self.expect("VALUES")?;
        self.sql().expect_token(&Token::LParen)?;
        let values = self.sql().parse_comma_separated(Parser::parse_expr)?;
        self.sql().expect_token(&Token::RParen)?;
        Ok(MergeAction::Insert { columns, values })
    }
}

/// Refuses to change what is not there, and to add what is.
fn refuse_action(when: MergeWhen, action: &MergeAction, at: Location) -> Result<(), ParseError> {
    let message = match (when, action) {
        (_, MergeAction::Nothing) => return Ok(()),
        (MergeWhen::NotMatched, MergeAction::Update(_) | MergeAction::UpdateAll | MergeAction::Delete) => {
            "there is no row to change where none of the target matched: WHEN NOT MATCHED takes INSERT"
        }
        (MergeWhen::Matched | MergeWhen::NotMatchedBySource, MergeAction::Insert { .. } | MergeAction::InsertAll) => {
            "rows are inserted WHEN NOT MATCHED; here UPDATE or DELETE can stand"
        }
        (MergeWhen::NotMatchedBySource, MergeAction::UpdateAll) => {
            "there is no row of the source to take the values from: name them, `UPDATE SET a = …`"
        }
        _ => return Ok(()),
    };
    Err(ParseError::syntax(at, message))
}

fn desugar_clause(clause: &mut MergeClause) {
    desugar(&mut clause.condition);
    match &mut clause.action {
        MergeAction::Update(assignments) => {
            assignments.iter_mut().for_each(|assignment| desugar(&mut assignment.value));
        }
        MergeAction::Insert { values, .. } => desugar(values),
        MergeAction::UpdateAll | MergeAction::Delete | MergeAction::InsertAll | MergeAction::Nothing => {}
    }
}
