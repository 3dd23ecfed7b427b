//! `--format` and `-o`.

use crate::lake::TestLake;

const QUERY: &str = "SELECT id, buyer, amount FROM orders ORDER BY id";

fn check(format: &str, expected: &str) {
    TestLake::with_orders().run(&["sql", "--format", format, "-c", QUERY]).succeeds().prints(expected).says("");
}

#[test]
fn text_formats_spell_every_value_the_same_way() {
    check("csv", "id,buyer,amount\n1,ann,2.50\n2,bob,\n3,cy,10.00\n");
    check("tsv", "id\tbuyer\tamount\n1\tann\t2.50\n2\tbob\t\n3\tcy\t10.00\n");
    check(
        "json",
        "[{\"id\":1,\"buyer\":\"ann\",\"amount\":\"2.50\"},{\"id\":2,\"buyer\":\"bob\",\"amount\":null},\
         {\"id\":3,\"buyer\":\"cy\",\"amount\":\"10.00\"}]\n",
    );
    check(
        "jsonl",
        "{\"id\":1,\"buyer\":\"ann\",\"amount\":\"2.50\"}\n{\"id\":2,\"buyer\":\"bob\",\"amount\":null}\n\
         {\"id\":3,\"buyer\":\"cy\",\"amount\":\"10.00\"}\n",
    );
}

#[test]
fn columns_are_called_as_they_were_asked_for() {
    let lake = TestLake::with_orders();
    let query = "SELECT id, id, 1+1, count(*) FROM orders WHERE id = 1 GROUP BY id";
    lake.run(&["sql", "--format", "csv", "-c", query]).succeeds().prints("id,id,1 + 1,count(*)\n1,1,2,1\n");
    // Readers of JSON find values by their keys, which are distinct.
    lake.run(&["sql", "--format", "jsonl", "-c", query])
        .succeeds()
        .prints("{\"id\":1,\"id_1\":1,\"1 + 1\":2,\"count(*)\":1}\n");
}

#[test]
fn boxes_and_markdown_are_for_reading() {
    let lake = TestLake::with_orders();
    let boxed = lake.run(&["sql", "--format", "box", "-c", QUERY]).succeeds().stdout;
    assert!(boxed.starts_with('┌') && boxed.contains("ann") && boxed.contains("3 rows"), "{boxed}");
    let markdown = lake.run(&["sql", "--format", "markdown", "-c", QUERY]).succeeds().stdout;
    assert!(markdown.starts_with('|') && markdown.contains("NULL"), "{markdown}");
}

#[test]
fn off_a_terminal_there_is_no_escape_sequence() {
    let lake = TestLake::with_orders();
    let outcome = lake.run(&["sql", "-v", "--format", "box", "-c", QUERY, "-c", "SELECT nothing"]);
    assert!(!outcome.stdout.contains('\u{1b}') && !outcome.stderr.contains('\u{1b}'), "{outcome:#?}");
}

#[test]
fn the_ending_of_a_file_tells_its_format() {
    let lake = TestLake::with_orders();
    for (name, begins) in
        [("a.parquet", &b"PAR1"[..]), ("a.arrow", b"ARROW1"), ("a.json", b"[{"), ("a.txt", b"id,buyer")]
    {
        lake.run(&["sql", "-o", name, "-c", QUERY]).succeeds().prints("");
        assert!(lake.read(name).starts_with(begins), "{name}");
    }
}

#[test]
fn a_parquet_file_reads_back_as_what_was_selected() {
    let lake = TestLake::with_orders();
    lake.run(&["sql", "-o", "a.parquet", "-c", QUERY]).succeeds();
    lake.run(&["import", "again", "a.parquet"]).succeeds();
    lake.sql("SELECT id, buyer, amount FROM again ORDER BY id")
        .succeeds()
        .prints("id,buyer,amount\n1,ann,2.50\n2,bob,\n3,cy,10.00\n");
}

#[test]
fn a_failed_query_leaves_the_file_as_it_was() {
    let lake = TestLake::with_orders();
    lake.write("a.csv", "before\n");
    lake.run(&["sql", "-o", "a.csv", "-c", QUERY, "-c", "SELECT nothing FROM orders"]).fails(1);
    assert_eq!(lake.read("a.csv"), b"before\n");
    lake.run(&["sql", "-o", "b.csv", "-c", "SELECT nothing FROM orders"]).fails(1);
    assert!(!lake.path("b.csv").exists());
}

#[test]
fn formats_of_one_result_refuse_a_second() {
    let lake = TestLake::with_orders();
    lake.run(&["sql", "-o", "a.parquet", "-c", "SELECT 1 AS a", "-c", "SELECT 2 AS a"])
        .fails(2)
        .mentions(&["error: parquet holds one result"]);
    assert!(!lake.path("a.parquet").exists());
}

#[test]
fn a_file_that_cannot_be_written_is_found_before_any_statement_runs() {
    let lake = TestLake::with_orders();
    lake.run(&["sql", "-o", "no/such/folder/a.csv", "-c", "INSERT INTO orders VALUES (4, 'dee', 1)"]).fails(1);
    lake.sql("SELECT count(*) AS n FROM orders").prints("n\n3\n");
}
