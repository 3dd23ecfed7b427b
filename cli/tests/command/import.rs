//! `frostline import`.

use crate::lake::TestLake;

#[test]
fn a_messy_csv_becomes_a_table_with_lower_case_names() {
    let lake = TestLake::create();
    lake.write(
        "messy.csv",
        "\u{feff}Id,Customer Name,AMOUNT,When\r\n1,\"Bob, B.\",2.50,2013-07-10\r\n2,\"say \"\"hi\"\"\",,2013-07-11\r\n\
         3,,10,\r\n",
    );
    let outcome = lake.run(&["import", "sales", "messy.csv"]).succeeds().prints("");
    assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:#?}");
    let outcome = outcome.mentions(&["version 2: ", "sales", "3 rows", "created"]);
    assert!(!outcome.stderr.contains('\u{1b}'), "{outcome:#?}");
    lake.sql("SELECT id + 1 AS next, \"customer name\", \"when\" FROM sales ORDER BY id")
        .succeeds()
        .prints("next,customer name,when\n2,\"Bob, B.\",2013-07-10\n3,\"say \"\"hi\"\"\",2013-07-11\n4,,\n");
}

#[test]
fn a_second_import_appends_by_name() {
    let lake = TestLake::create();
    lake.write("a.csv", "id,name\n1,ann\n");
    lake.write("b.csv", "name,id\nbob,2\n");
    lake.run(&["import", "people", "a.csv"]).succeeds();
    let outcome = lake.run(&["import", "people", "b.csv"]).succeeds();
    assert!(outcome.stderr.starts_with("version 3: ") && !outcome.stderr.contains("created"), "{outcome:#?}");
    lake.sql("SELECT id, name FROM people ORDER BY id").prints("id,name\n1,ann\n2,bob\n");
}

#[test]
fn many_files_of_many_formats_are_one_commit() {
    let lake = TestLake::create();
    for number in 1..=3 {
        lake.write(&format!("part-{number}.csv"), &format!("id,name\n{number},n{number}\n"));
    }
    lake.write("more.jsonl", "{\"id\":4,\"name\":\"n4\"}\n{\"id\":5,\"name\":null}\n");
    lake.run(&["import", "t", "part-*.csv", "more.jsonl"]).succeeds().mentions(&["version 2: ", "5 rows"]);
    lake.sql("SELECT count(*) AS n, sum(id) AS total FROM t").prints("n,total\n5,15\n");
    lake.sql("SELECT count(*) AS n FROM system.commits").prints("n\n2\n");
}

#[test]
fn standard_input_is_imported_whole() {
    let lake = TestLake::create();
    // More than a pipe holds, and more than is looked at to tell types.
    let rows: String = (1..=50_000).map(|id| format!("{id},name {id}\n")).collect();
    let arguments = ["import", "t", "/dev/stdin", "--format", "csv"];
    lake.feed(&arguments, &format!("id,name\n{rows}")).succeeds().mentions(&["version 2: ", "50000 rows", "created"]);
    lake.feed(&arguments, "name,id\nlast,50001\n").succeeds().mentions(&["version 3: ", "1 row"]);
    lake.sql("SELECT count(*) AS n, sum(id) AS total FROM t").prints("n,total\n50001,1250075001\n");
    let copy = "COPY t FROM '/dev/stdin' (FORMAT csv)";
    lake.feed(&["sql", "-c", copy], "id,name\n50002,x\n50003,y\n").succeeds().mentions(&["2 rows"]);

    lake.feed(&["import", "t", "/dev/stdin"], "id,name\n1,x\n").fails(1).mentions(&["`/dev/stdin`", "--format csv"]);
}

#[test]
fn a_code_behind_the_sampled_rows_loses_no_zero() {
    let lake = TestLake::create();
    lake.write("zip.csv", "zip\n90210\n10115\n00501\n");
    let outcome = lake.run(&["import", "t", "zip.csv", "--sample-rows", "2"]).fails(1);
    outcome.mentions(&["`zip.csv`, row 3 (line 4), column `zip`: `00501`", "--sample-rows"]);
    lake.run(&["import", "t", "zip.csv", "--sample-rows", "2", "--schema", "zip integer"]).succeeds();
    lake.sql("SELECT min(zip) AS zip FROM t").prints("zip\n501\n");
    lake.sql("SELECT max(zip) AS zip FROM read_csv('zip.csv', sample_rows => 2)").fails(1).mentions(&["`00501`"]);
}

#[test]
fn nothing_is_committed_if_any_file_is_bad() {
    let lake = TestLake::create();
    lake.write("good.csv", "id,name\n1,ann\n");
    lake.write("bad.csv", "id,name\n2,bob\nthree,cy\n");
    lake.run(&["import", "t", "good.csv", "bad.csv", "--schema", "id bigint, name varchar"])
        .fails(1)
        .prints("")
        .mentions(&["error: ", "bad.csv", "row 2", "column `id`", "`three`"]);
    lake.sql("SELECT count(*) AS n FROM system.commits").prints("n\n1\n");
    lake.sql("SELECT * FROM t").fails(1);
}

#[test]
fn columns_that_differ_only_in_case_are_an_error_unless_case_is_kept() {
    let lake = TestLake::create();
    lake.write("a.csv", "Id,ID\n1,2\n");
    lake.run(&["import", "t", "a.csv"]).fails(1).mentions(&["`Id`", "`ID`", "--keep-case"]);
    lake.run(&["import", "t", "a.csv", "--keep-case"]).succeeds();
    lake.sql("SELECT \"Id\", \"ID\" FROM t").prints("Id,ID\n1,2\n");
}

#[test]
fn the_options_of_csv_are_obeyed() {
    let lake = TestLake::create();
    lake.write("a.txt", "1|NA\n2|x\n");
    lake.run(&[
        "import",
        "t",
        "a.txt",
        "--format",
        "csv",
        "--delimiter",
        "|",
        "--no-header",
        "--null",
        "NA",
        "--schema",
        "id bigint, name varchar",
        "--author",
        "eve",
        "-m",
        "first load",
    ])
    .succeeds();
    lake.sql("SELECT id, name FROM t ORDER BY id").prints("id,name\n1,\n2,x\n");
    lake.sql("SELECT author, message FROM system.commits WHERE version = 2").prints("author,message\neve,first load\n");
}

#[test]
fn what_cannot_be_found_or_read_is_named() {
    let lake = TestLake::create();
    lake.run(&["import", "t", "missing.csv"]).fails(1).mentions(&["error: `missing.csv` does not exist"]);
    lake.run(&["import", "t", "none-*.csv"]).fails(1).mentions(&["error: no file matches `none-*.csv`"]);
    lake.run(&["import", "t", "a.csv", "--delimiter", "ab"]).fails(2);
    lake.write("a.csv", "id\n1\n");
    lake.run(&["import", "t", "a.csv", "--delimiter", "\""]).fails(2);
}

#[test]
fn declared_columns_are_columns_and_nothing_else() {
    let lake = TestLake::create();
    lake.write("a.csv", "a,b\n1,x\n");
    let import = |columns: &str| lake.run(&["import", "t", "a.csv", "--schema", columns]);
    import("a bigint, b varchar, primary key (a)").fails(1).mentions(&["not the constraint `PRIMARY KEY"]);
    import("a bigint, b varchar) COMMENT 'x' SORT BY (a")
        .fails(1)
        .mentions(&["the declared columns are followed by something else"]);
    lake.sql("SELECT count(*) AS n FROM system.commits").prints("n\n1\n");
    import("a bigint, b varchar").succeeds();
}
