//! A query for one row of values, or for several.

use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use frostline_catalog::Version;
use frostline_sql::parse::Parsed;
use frostline_sql::{Parameters, Planned, Rows, Session};

use super::error::GatewayError;

/// A query, planned for the first of its rows of values. It is planned for each of the others when its turn comes, so
/// that a million of them are not a million plans.
///
/// * All of them read the version that the first one reads, and give its columns.
/// * Clones share the plan.
#[derive(Clone, Debug)]
pub(crate) struct Plans {
    first: Arc<Planned>,
    /// The statement and all its rows of values, if there are several.
    several: Option<Arc<Several>>,
}

#[derive(Debug)]
struct Several {
    statement: Parsed,
    rows: Arc<[Parameters]>,
}

impl Plans {
    /// A query that is planned.
    pub(crate) fn one(planned: Planned) -> Self {
        Self { first: Arc::new(planned), several: None }
    }

    /// Plans a query on the version that a session sees now; `None` if there is no row of values.
    ///
    /// # Errors
    /// Those that planning it for the first row meets.
    pub(crate) async fn plan(
        session: &Session,
        statement: &Parsed,
        rows: &Arc<[Parameters]>,
    ) -> Result<Option<Self>, frostline_sql::Error> {
        let Some(values) = rows.first() else { return Ok(None) };
        let first = Arc::new(session.plan(statement, values).await?);
        let several = (rows.len() > 1).then(|| Several { statement: statement.clone(), rows: Arc::clone(rows) });
        Ok(Some(Self { first, several: several.map(Arc::new) }))
    }

    /// The version that every run reads.
    pub(crate) fn version(&self) -> Version {
        self.first.version()
    }

    /// The columns of the rows. What has a value for the first row of values may lack it for another.
    pub(crate) fn columns(&self) -> SchemaRef {
        let columns = self.first.columns();
        if self.several.is_none() {
            return Arc::clone(columns);
        }
        let fields = columns.fields().iter().map(|field| Arc::new(field.as_ref().clone().with_nullable(true)));
        Arc::new(Schema::new(fields.collect::<Vec<FieldRef>>()))
    }

    /// Starts the query for the row of values in a place, from 0 on; `None` behind the last.
    ///
    /// # Errors
    /// Those that show before its first row.
    pub(super) async fn start(&self, place: usize) -> Result<Option<Rows>, GatewayError> {
        if place == 0 {
            return Ok(Some(self.first.run().await?));
        }
        let Some(several) = &self.several else { return Ok(None) };
        let Some(values) = several.rows.get(place) else { return Ok(None) };
        let planned = self.first.with_parameters(&several.statement, values).await?;
        if planned.version() != self.version() || !have_same_form(planned.columns(), self.first.columns()) {
            let row = place + 1;
            return Err(GatewayError::OtherRow { row });
        }
        Ok(Some(planned.run().await?))
    }
}

/// Whether columns have the same names and types.
fn have_same_form(some: &Schema, others: &Schema) -> bool {
    let (some, others) = (some.fields(), others.fields());
    let mut pairs = some.iter().zip(others);
    some.len() == others.len()
        && pairs.all(|(one, other)| one.name() == other.name() && one.data_type() == other.data_type())
}
