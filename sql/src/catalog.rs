//! The lake's schemas at one version, as the planner asks for them.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::common::Result;
use frostline_catalog::Version;

use crate::context::{CATALOG, Context, INFORMATION_SCHEMA, QualifiedName, SYSTEM};
use crate::information_schema::InformationTable;
use crate::system::SystemTable;

/// The one catalog of a lake, at one version.
#[derive(Clone, Debug)]
pub(crate) struct LakeCatalogs {
    context: Arc<Context>,
    version: Version,
    depth: usize,
}

impl LakeCatalogs {
    pub(crate) fn new(context: Arc<Context>, version: Version, depth: usize) -> Self {
        Self { context, version, depth }
    }
}

impl CatalogProviderList for LakeCatalogs {
    fn register_catalog(&self, _: String, _: Arc<dyn CatalogProvider>) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec![CATALOG.to_owned()]
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        (name == CATALOG).then(|| Arc::new(self.clone()) as Arc<dyn CatalogProvider>)
    }
}

impl CatalogProvider for LakeCatalogs {
    fn schema_names(&self) -> Vec<String> {
        let schemas = self.context.state.schemas_at(self.version);
        schemas.map(|(_, name)| name.to_string()).chain([SYSTEM, INFORMATION_SCHEMA].map(str::to_owned)).collect()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let own = name == SYSTEM || name == INFORMATION_SCHEMA;
        let known = own || self.context.state.schema_named(name, self.version).is_some();
        known.then(|| Arc::new(LakeSchema { lake: self.clone(), name: name.to_owned() }) as Arc<dyn SchemaProvider>)
    }
}

#[derive(Debug)]
struct LakeSchema {
    lake: LakeCatalogs,
    name: String,
}

#[async_trait]
impl SchemaProvider for LakeSchema {
    fn table_names(&self) -> Vec<String> {
        if self.name == SYSTEM {
            return SystemTable::ALL.iter().map(|table| table.name().to_owned()).collect();
        }
        if self.name == INFORMATION_SCHEMA {
            return InformationTable::names().into_iter().map(str::to_owned).collect();
        }
        let (state, version) = (&self.lake.context.state, self.lake.version);
        let Some(schema) = state.schema_named(&self.name, version) else { return Vec::new() };
        let relations = state.relations_at(version).filter(|(found, _)| *found == schema);
        relations.map(|(_, relation)| relation.name().to_string()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let qualified = QualifiedName { schema: self.name.clone(), name: name.to_owned() };
        let found = self.lake.context.relation(&qualified, self.lake.version, self.lake.depth).await;
        // The planner also looks up names that carry a version clause here, and leaves what it finds unused. A name
        // without one was resolved before planning, so its error was told then.
        Ok(found.unwrap_or(None))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.table_names().iter().any(|known| known == name)
    }
}
