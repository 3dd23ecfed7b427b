//! `--param`.

use crate::lake::TestLake;

#[test]
fn parameters_have_the_type_that_their_text_tells() {
    let lake = TestLake::with_orders();
    let buyers = |condition: &str, parameters: &[&str]| {
        let sql = format!("SELECT buyer FROM orders WHERE {condition} ORDER BY id");
        let mut arguments = vec!["sql", "-c", sql.as_str()];
        parameters.iter().for_each(|parameter| arguments.extend(["--param", *parameter]));
        lake.run(&arguments).succeeds().stdout
    };
    assert_eq!(buyers("id = $id", &["id=2"]), "buyer\nbob\n");
    assert_eq!(buyers("amount > $least", &["least=2.49"]), "buyer\nann\ncy\n");
    assert_eq!(buyers("buyer = $name", &["name=ann"]), "buyer\nann\n");
    assert_eq!(buyers("buyer = $name", &["name='cy'"]), "buyer\ncy\n");
    assert_eq!(buyers("id = $1 OR buyer = $2", &["1=1", "2=bob"]), "buyer\nann\nbob\n");
}

#[test]
fn no_value_becomes_part_of_the_statement() {
    let lake = TestLake::with_orders();
    let sql = "SELECT count(*) AS n FROM orders WHERE buyer = $name";
    lake.run(&["sql", "-c", sql, "--param", "name=x' OR 'a' = 'a"]).succeeds().prints("n\n0\n");
}

#[test]
fn parameters_of_a_wrong_form_are_usage_errors() {
    let lake = TestLake::with_orders();
    for parameters in [&["--param", "n"][..], &["--param", "n=1", "--param", "n=2"], &["--param", "2=x"]] {
        let arguments: Vec<&str> = ["sql", "-c", "SELECT 1"].iter().chain(parameters).copied().collect();
        lake.run(&arguments).fails(2).prints("").mentions(&["error: --param "]);
    }
}

#[test]
fn a_value_that_no_statement_asks_for_is_a_usage_error() {
    let lake = TestLake::with_orders();
    let query = "SELECT id FROM orders WHERE id = $id";
    let run = |parameters: &[&str]| {
        let mut arguments = vec!["sql", "-c", "SELECT $1 AS one", "-c", query];
        parameters.iter().for_each(|parameter| arguments.extend(["--param", *parameter]));
        lake.run(&arguments)
    };
    run(&["1=x", "id=2"]).succeeds().prints("one\nx\n\nid\n2\n");
    let unused =
        |name: &str| format!("error: --param {name} is used by no statement; write ${name} where its value belongs\n");
    run(&["1=x", "id=2", "ids=3"]).fails(2).prints("").says(&unused("ids"));
    run(&["1=x", "2=y", "id=2"]).fails(2).prints("").says(&unused("2"));
}

#[test]
fn a_parameter_without_value_is_an_error_of_the_statement() {
    let lake = TestLake::with_orders();
    lake.sql("SELECT * FROM orders WHERE id = $id").fails(1).prints("");
}
