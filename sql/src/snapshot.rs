//! What a session can see: schemas, tables and views, for clients that browse.

use std::sync::Arc;

use datafusion::arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};
use frostline_catalog::schema::{Column, Constraint};
use frostline_catalog::{FieldId, Relation, Version};

use crate::context::{CATALOG, Context, INFORMATION_SCHEMA, QualifiedName, SYSTEM};
use crate::error::Error;
use crate::planning::zone::yielded_type;
use crate::session::Session;
use crate::system::SystemTable;

/// The catalog of one version, as a session sees it. It is read from memory, but for asking for the newest version.
#[derive(Clone, Debug)]
pub struct Snapshot {
    context: Arc<Context>,
}

/// A table or view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelationInfo {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: RelationKind,
}

/// The declared primary key of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrimaryKey {
    /// The table's schema.
    pub schema: String,
    /// The table's name.
    pub table: String,
    /// The key's own name.
    pub name: String,
    /// Its columns, in the order of the key.
    pub columns: Vec<String>,
}

/// What a relation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RelationKind {
    /// A table.
    Table,
    /// A query under a name.
    View,
    /// A relation of schema `system`.
    System,
}

impl Session {
    /// What the session can see now.
    ///
    /// # Errors
    /// If the newest version cannot be asked for.
    pub async fn snapshot(&self) -> Result<Snapshot, Error> {
        Ok(Snapshot { context: self.describing_context().await? })
    }
}

impl Snapshot {
    /// The version.
    pub fn version(&self) -> Version {
        self.context.told_version(self.context.visible)
    }

    /// The name of the one catalog.
    pub fn catalog(&self) -> &'static str {
        CATALOG
    }

    /// The schemas by name, those of the lake itself included.
    pub fn schemas(&self) -> Vec<String> {
        let own = self.context.state.schemas_at(self.context.visible).map(|(_, name)| name.to_string());
        let mut schemas: Vec<String> = own.chain([SYSTEM.to_owned(), INFORMATION_SCHEMA.to_owned()]).collect();
        schemas.sort();
        schemas
    }

    /// The tables and views, by schema and name.
    pub fn relations(&self) -> Vec<RelationInfo> {
        let (state, version) = (&self.context.state, self.context.visible);
        let schemas: Vec<_> = state.schemas_at(version).collect();
        let mut relations: Vec<RelationInfo> = state
            .relations_at(version)
            .filter_map(|(schema, relation)| {
                let (_, schema) = schemas.iter().find(|(id, _)| *id == schema)?;
                let kind = match relation {
                    Relation::Table(..) => RelationKind::Table,
                    Relation::View(..) => RelationKind::View,
                };
                Some(RelationInfo { schema: schema.to_string(), name: relation.name().to_string(), kind })
            })
            .collect();
        relations.extend(SystemTable::ALL.iter().map(|table| RelationInfo {
            schema: SYSTEM.to_owned(),
            name: table.name().to_owned(),
            kind: RelationKind::System,
        }));
        relations.sort_by(|one, other| (&one.schema, &one.name).cmp(&(&other.schema, &other.name)));
        relations
    }

    /// The declared primary keys, by schema and table.
    pub fn primary_keys(&self) -> Vec<PrimaryKey> {
        let (state, version) = (&self.context.state, self.context.visible);
        let mut keys: Vec<PrimaryKey> = Vec::new();
        for (id, table) in state.tables().all_at(version) {
            let Some(schema) = state.schemas().at(&table.schema, version) else { continue };
            for constraint in &table.constraints {
                let Constraint::Key { name, columns: fields, primary: true } = constraint else { continue };
                let columns = state.columns_at(*id, version);
                let name_of = |field: &FieldId| columns.iter().find(|column| column.id == *field);
                keys.push(PrimaryKey {
                    schema: schema.to_string(),
                    table: table.name.to_string(),
                    name: name.to_string(),
                    columns: fields.iter().filter_map(name_of).map(|column| column.name.to_string()).collect(),
                });
            }
        }
        keys.sort_by(|one, other| (&one.schema, &one.table).cmp(&(&other.schema, &other.table)));
        keys
    }

    /// The columns of a relation.
    ///
    /// # Errors
    /// If it is not there, or is a view whose query does not fit its tables any more.
    pub async fn columns(&self, relation: &RelationInfo) -> Result<SchemaRef, Error> {
        let qualified = QualifiedName { schema: relation.schema.clone(), name: relation.name.clone() };
        let version = self.context.visible;
        if let Some(Relation::Table(table, _)) = self.context.find(&qualified, version) {
            let columns = self.context.state.columns_at(table, version);
            let field = |column: &Column| Field::new(column.name.as_str(), column.data_type.clone(), column.nullable);
            return Ok(Arc::new(Schema::new(columns.into_iter().map(field).collect::<Vec<Field>>())));
        }
        if qualified.schema == SYSTEM
            && let Some(table) = SystemTable::from_name(&qualified.name)
        {
            // Its rows may be many, and nobody asked for them.
            return Ok(table.schema());
        }
        match self.context.relation(&qualified, version, 0).await? {
            Some(provider) => {
                let zone = self.context.zone.label();
                let field = |field: &FieldRef| {
                    field.as_ref().clone().with_data_type(yielded_type(field.data_type(), zone.as_ref()))
                };
                Ok(Arc::new(Schema::new(provider.schema().fields().iter().map(field).collect::<Vec<Field>>())))
            }
            None => Err(self.context.missing(&qualified, version)),
        }
    }
}
