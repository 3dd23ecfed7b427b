//! What clients browse.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int32Type, Schema, UInt32Type};
use arrow_flight::sql::{
    CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys, CommandGetImportedKeys,
    CommandGetPrimaryKeys, CommandGetTables, CommandGetXdbcTypeInfo, SqlInfo,
};
use arrow_flight::{FlightInfo, IpcMessage};

use crate::served::{Client, Served, fetch, run, texts, update};

async fn rows(client: &mut Client, info: FlightInfo) -> RecordBatch {
    let schema = Schema::try_from(info.clone()).unwrap();
    let batches = fetch(client, &info).await.unwrap();
    for batch in &batches {
        assert_eq!(batch.schema().as_ref(), &schema, "told and sent");
    }
    batches.into_iter().next().unwrap_or_else(|| RecordBatch::new_empty(schema.into()))
}

async fn tables(client: &mut Client, filter: CommandGetTables) -> RecordBatch {
    let info = client.get_tables(filter).await.unwrap();
    rows(client, info).await
}

fn names(batch: &RecordBatch, column: usize) -> Vec<String> {
    texts(std::slice::from_ref(batch), column)
}

async fn some_tables(client: &mut Client) {
    for sql in [
        "CREATE TABLE order_items (id BIGINT NOT NULL, name VARCHAR)",
        "CREATE TABLE orderxitems (id BIGINT)",
        "CREATE VIEW newest AS SELECT id FROM order_items",
        "CREATE SCHEMA sales",
        "CREATE TABLE sales.leads (id BIGINT)",
    ] {
        update(client, sql).await;
    }
}

#[test]
fn catalogs_schemas_and_types_are_told() {
    run(async {
        let served = Served::open("browse").await;
        let mut client = served.client().await;
        some_tables(&mut client).await;
        let info = client.get_catalogs().await.unwrap();
        assert_eq!(names(&rows(&mut client, info).await, 0), ["lake"]);
        let schemas = |catalog: Option<&str>, pattern: Option<&str>| CommandGetDbSchemas {
            catalog: catalog.map(str::to_owned),
            db_schema_filter_pattern: pattern.map(str::to_owned),
        };
        for (filter, expected) in [
            (schemas(None, None), vec!["information_schema", "public", "sales", "system"]),
            (schemas(Some("lake"), Some("s%")), vec!["sales", "system"]),
            (schemas(Some(""), None), vec![]),
        ] {
            let info = client.get_db_schemas(filter).await.unwrap();
            assert_eq!(names(&rows(&mut client, info).await, 1), expected);
        }
        let info = client.get_table_types().await.unwrap();
        assert_eq!(names(&rows(&mut client, info).await, 0), ["SYSTEM TABLE", "TABLE", "VIEW"]);
        served.end().await;
    });
}

#[test]
fn tables_are_found_as_each_client_asks() {
    run(async {
        let served = Served::open("tables").await;
        let mut client = served.client().await;
        some_tables(&mut client).await;
        let all = tables(&mut client, CommandGetTables::default()).await;
        assert_eq!(all.num_columns(), 4);
        assert!(names(&all, 2).contains(&"leads".to_owned()), "no catalog means all");
        let named = |pattern: &str| CommandGetTables {
            table_name_filter_pattern: Some(pattern.to_owned()),
            include_schema: true,
            ..CommandGetTables::default()
        };
        let found = tables(&mut client, named("order_items")).await;
        assert_eq!(names(&found, 2), ["order_items", "orderxitems"], "the name itself comes first");
        let found = tables(&mut client, named("order\\_items")).await;
        assert_eq!(names(&found, 2), ["order_items"]);
        let message = IpcMessage(bytes::Bytes::copy_from_slice(found.column(4).as_binary::<i32>().value(0)));
        let schema = Schema::try_from(message).unwrap();
        assert_eq!(schema.field(1).data_type(), &DataType::Utf8);
        assert!(!schema.field(0).is_nullable());
        let kinds = |kind: &str| CommandGetTables { table_types: vec![kind.to_owned()], ..CommandGetTables::default() };
        assert_eq!(names(&tables(&mut client, kinds("VIEW")).await, 2), ["newest"]);
        let base = names(&tables(&mut client, kinds("BASE TABLE")).await, 2);
        assert_eq!(base, ["order_items", "orderxitems", "leads"]);
        served.end().await;
    });
}

#[test]
fn a_declared_primary_key_is_told_in_its_order() {
    run(async {
        let served = Served::open("primary-keys").await;
        let mut client = served.client().await;
        let sql = "CREATE TABLE keyed (a BIGINT, b VARCHAR, CONSTRAINT pk PRIMARY KEY (b, a) NOT ENFORCED)";
        update(&mut client, sql).await;
        let asked = |schema: Option<&str>| CommandGetPrimaryKeys {
            db_schema: schema.map(str::to_owned),
            table: "keyed".to_owned(),
            ..CommandGetPrimaryKeys::default()
        };
        for schema in [None, Some("public")] {
            let info = client.get_primary_keys(asked(schema)).await.unwrap();
            let batch = rows(&mut client, info).await;
            assert_eq!(names(&batch, 3), ["b", "a"]);
            assert_eq!(names(&batch, 4), ["pk", "pk"]);
            assert_eq!(batch.column(5).as_primitive::<Int32Type>().values().to_vec(), [1, 2]);
        }
        let info = client.get_primary_keys(asked(Some("elsewhere"))).await.unwrap();
        assert_eq!(rows(&mut client, info).await.num_rows(), 0);
        served.end().await;
    });
}

#[test]
fn tables_without_keys_are_told_to_have_none() {
    run(async {
        let served = Served::open("keys").await;
        let mut client = served.client().await;
        let table = "t".to_owned();
        let primary = CommandGetPrimaryKeys { table: table.clone(), ..Default::default() };
        let info = client.get_primary_keys(primary).await.unwrap();
        let batch = rows(&mut client, info).await;
        assert_eq!((batch.num_rows(), batch.num_columns()), (0, 6));
        let exported = CommandGetExportedKeys { table: table.clone(), ..Default::default() };
        let imported = CommandGetImportedKeys { table, ..Default::default() };
        let infos = [
            client.get_exported_keys(exported).await.unwrap(),
            client.get_imported_keys(imported).await.unwrap(),
            client.get_cross_reference(CommandGetCrossReference::default()).await.unwrap(),
        ];
        for info in infos {
            let batch = rows(&mut client, info).await;
            assert_eq!((batch.num_rows(), batch.num_columns()), (0, 13));
        }
        let info = client.get_xdbc_type_info(CommandGetXdbcTypeInfo { data_type: Some(-5) }).await.unwrap();
        assert_eq!(names(&rows(&mut client, info).await, 0), ["BIGINT", "BIGINT UNSIGNED"]);
        served.end().await;
    });
}

#[test]
fn what_the_server_can_is_told_by_number() {
    run(async {
        let served = Served::open("info").await;
        let mut client = served.client().await;
        let some = vec![SqlInfo::SqlIdentifierQuoteChar, SqlInfo::FlightSqlServerTransaction];
        let info = client.get_sql_info(some).await.unwrap();
        let batch = rows(&mut client, info).await;
        assert_eq!(batch.column(0).as_primitive::<UInt32Type>().values().to_vec(), [8, 504]);
        assert_eq!(batch.column(1).as_union().type_id(0), 3);
        let info = client.get_sql_info(Vec::new()).await.unwrap();
        assert_eq!(rows(&mut client, info).await.num_rows(), 89, "none asked for means all");
        served.end().await;
    });
}
