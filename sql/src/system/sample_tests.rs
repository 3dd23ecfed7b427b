//! A small lake with a past, for tests of system relations.

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use frostline_catalog::ledger::{Outcome, fill_slot};
use frostline_catalog::schema::{Column, SortKey};
use frostline_catalog::segment::FrozenObject;
use frostline_catalog::transaction::{BlockIndex, Proposal, Rows, TableTarget, Transaction};
use frostline_catalog::{BranchId, CommitId, Digest, FieldId, LakeId, Micros, Name, ObjectId, State, Version};

use super::SystemTable;

/// The ids that the first schema and its first table get.
const PUBLIC: ObjectId = ObjectId::new(1);
const FLIGHTS: ObjectId = ObjectId::new(2);

/// A lake to which steps are applied, each a version, a slot and a second after the one before.
pub(super) struct SampleLake {
    state: State,
}

/// The lake after all steps.
pub(super) fn sample_lake() -> SampleLake {
    let mut lake = SampleLake::new();
    (0..SampleLake::STEPS).for_each(|step| lake.take_step(step));
    lake
}

impl SampleLake {
    /// How many steps there are. Step n makes version n + 1.
    pub(super) const STEPS: usize = 11;

    /// The lake before the first step.
    pub(super) fn new() -> Self {
        Self { state: State::genesis(LakeId::from_bytes([1; 16])) }
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    pub(super) fn newest(&self) -> Version {
        self.state.head().version.unwrap_or(Version::FIRST)
    }

    /// Takes a step; they must be taken in order.
    pub(super) fn take_step(&mut self, step: usize) {
        let table = TableTarget::Existing(FLIGHTS);
        let block = |text: &'static str| Bytes::from_static(text.as_bytes());
        let (operation, changes, blocks) = match step {
            0 => ("init", vec![Proposal::CreateSchema { name: name("public") }], Vec::new()),
            1 => ("create table", vec![create_flights()], Vec::new()),
            2 => {
                let rows = Rows::Hot { rows: BlockIndex(0) };
                let added = Proposal::AddRows { table, count: 3, rows, stored_ids: false };
                ("insert", vec![added], vec![block("hot rows")])
            }
            3 => {
                let rows = Rows::Frozen { object: object(), digests: BlockIndex(0), statistics: BlockIndex(1) };
                let blocks = vec![block("digests"), block("statistics")];
                ("import", vec![Proposal::AddRows { table, count: 10, rows, stored_ids: false }], blocks)
            }
            4 => {
                let field = FieldId::new(2);
                let renamed = Proposal::RenameColumn { table: FLIGHTS, field, name: name("delay_minutes") };
                ("alter table", vec![renamed], Vec::new())
            }
            5 => ("create view", vec![create_late()], Vec::new()),
            6 => {
                let version = Version::new(4).unwrap();
                ("create tag", vec![Proposal::CreateTag { name: name("q3-close"), version }], Vec::new())
            }
            7 => {
                let dropped = Proposal::DropColumn { table: FLIGHTS, field: FieldId::new(1) };
                let column = column(3, "gate", DataType::Utf8View);
                let added = Proposal::AddColumn { table: FLIGHTS, column, next_field: FieldId::new(4) };
                ("alter table", vec![dropped, added], Vec::new())
            }
            8 => ("drop table", vec![Proposal::DropTable { table: FLIGHTS }], Vec::new()),
            9 => ("create table", vec![create_flights_anew()], Vec::new()),
            _ => ("drop tag", vec![Proposal::DropTag { name: name("q3-close") }], Vec::new()),
        };
        self.commit(step, operation, changes, blocks);
    }

    fn commit(&mut self, step: usize, operation: &str, changes: Vec<Proposal>, blocks: Vec<Bytes>) {
        let transaction = Transaction {
            branch: BranchId::MAIN,
            base: self.newest(),
            commit_id: CommitId::from_bytes([step as u8; 16]),
            request: None,
            author: "ann".to_owned(),
            message: format!("step {step}"),
            operation: operation.to_owned(),
            commit_time: None,
            reads: Vec::new(),
            changes,
            blocks,
            properties: Vec::new(),
        };
        let now = Micros::new((step as i64 + 1) * 1_000_000);
        let filled = fill_slot(&self.state, &[&transaction], now);
        assert!(matches!(filled.outcomes.as_slice(), [Outcome::Planned(_)]), "step {step}: {:?}", filled.outcomes);
        self.state = filled.state;
    }
}

/// The rows of a relation at a version, some of its columns, a line each.
pub(super) fn lines(lake: &SampleLake, table: SystemTable, version: u64, columns: &[&str]) -> Vec<String> {
    print_rows(&table.rows(lake.state(), Version::new(version).unwrap(), &[]).unwrap(), columns)
}

/// Some columns of a batch, a line for each row; `-` stands for a value that is not there.
pub(super) fn print_rows(rows: &RecordBatch, columns: &[&str]) -> Vec<String> {
    let options = FormatOptions::default().with_null("-");
    let formatters: Vec<ArrayFormatter<'_>> = columns
        .iter()
        .map(|column| ArrayFormatter::try_new(rows.column_by_name(column).unwrap().as_ref(), &options).unwrap())
        .collect();
    let line = |row: usize| -> String {
        let values: Vec<String> = formatters.iter().map(|formatter| formatter.value(row).to_string()).collect();
        values.join(" | ")
    };
    (0..rows.num_rows()).map(line).collect()
}

fn name(text: &str) -> Name {
    Name::try_new(text).unwrap()
}

fn column(id: i32, text: &str, data_type: DataType) -> Column {
    Column {
        id: FieldId::new(id),
        name: name(text),
        data_type,
        nullable: true,
        default: None,
        initial: None,
        comment: None,
    }
}

fn create_flights() -> Proposal {
    let carrier =
        Column { nullable: false, comment: Some("IATA code".to_owned()), ..column(1, "carrier", DataType::Utf8View) };
    let delay = Column { default: Some("0".to_owned()), ..column(2, "delay", DataType::Int64) };
    Proposal::CreateTable {
        schema: PUBLIC,
        name: name("flights"),
        columns: vec![carrier, delay],
        next_field: FieldId::new(3),
        sort_by: vec![
            SortKey { field: FieldId::new(1), descending: false, nulls_first: false },
            SortKey { field: FieldId::new(2), descending: true, nulls_first: false },
        ],
        options: vec![("owner".to_owned(), "it's ops".to_owned())],
        comment: Some("departures".to_owned()),
        constraints: Vec::new(),
    }
}

fn create_flights_anew() -> Proposal {
    Proposal::CreateTable {
        schema: PUBLIC,
        name: name("flights"),
        columns: vec![column(1, "carrier", DataType::Utf8View)],
        next_field: FieldId::new(2),
        sort_by: Vec::new(),
        options: Vec::new(),
        comment: None,
        constraints: Vec::new(),
    }
}

fn create_late() -> Proposal {
    Proposal::CreateView {
        schema: PUBLIC,
        name: name("late"),
        columns: Vec::new(),
        query: "SELECT * FROM flights WHERE delay_minutes > 60".to_owned(),
        comment: Some("an hour or more".to_owned()),
    }
}

fn object() -> FrozenObject {
    FrozenObject {
        key: "segments/ab/cd-1.parquet".to_owned(),
        size_bytes: 1_000,
        sha256: Digest::of(b"object"),
        tail_bytes: 90,
    }
}
