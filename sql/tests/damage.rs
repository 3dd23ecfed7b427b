//! What happens to a lake whose objects are damaged, whose folder is no lake, or whose disk refuses writes: the right
//! rows or an error that names what is wrong, never other rows.
//!
//! `FROSTLINE_DAMAGES` is how many further objects of the ledger are damaged besides those that matter most.

mod mount;
mod structure;
mod subject;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use bytes::Bytes;
use fastrand::Rng;
use frostline_catalog::record::{EncodedSlot, SlotBytes};
use frostline_sql::{CreateOptions, Error, ErrorKind, Lake, OpenOptions, Settings};

use crate::door::{answer, commit, from_environment, number};
use crate::lake::{describe, run_to_end};
use mount::{read_only, small_disk};
use subject::{Damage, Reading, Subject};

/// The error of opening a lake.
async fn refused(location: &Path) -> Error {
    let opened = Lake::open(&location.display().to_string(), OpenOptions::default()).await;
    opened.map(|lake| lake.id()).expect_err("this must not open")
}

/// Whether an error names an object. A slot may go by its number; `frostline.json` is what makes a folder a lake.
fn names(error: &str, object: &str) -> bool {
    let slot = object.strip_prefix("log/").and_then(|rest| rest.rsplit('/').next()?.parse::<u64>().ok());
    let is_identity = object == "frostline.json";
    error.contains(object)
        || slot.is_some_and(|slot| error.contains(&format!("slot {slot} ")))
        || (is_identity && (error.contains("there is no lake at") || error.contains("this release reads format")))
}

fn is_derived(object: &str) -> bool {
    ["bundles/", "checkpoints/", "hint/"].iter().any(|folder| object.starts_with(folder))
}

#[test]
fn a_damaged_object_gives_the_right_rows_or_an_error_that_names_it() {
    run_to_end(|| async {
        let subject = Subject::build().await.unwrap();
        assert!(matches!(subject.read().await, Reading::Right), "the sound lake is read rightly");
        let mut random = Rng::with_seed(from_environment("FROSTLINE_SEED", 5));
        let (mut right, mut refused) = (0, 0);
        for object in subject.objects(&mut random, from_environment("FROSTLINE_DAMAGES", 12)) {
            for damage in Damage::ALL {
                let place = format!("{damage:?} of `{object}`");
                let reading = subject.read_damaged(&object, damage, &mut random).await;
                match reading {
                    Reading::Right => right += 1,
                    Reading::Wrong(rows) => panic!("{place} gave wrong rows: {rows}"),
                    Reading::Refused(error) => {
                        let told = describe(&error);
                        assert!(!is_derived(&object), "{place}, which can be done without, gave an error: {told}");
                        assert_eq!(error.kind(), ErrorKind::Lake, "{place} gave an error of another kind: {told}");
                        assert!(names(&told, &object), "{place} gave an error that does not name it: {told}");
                        refused += 1;
                    }
                }
            }
        }
        assert!(right > 20 && refused > 20, "{right} were read rightly and {refused} refused");
        assert!(matches!(subject.read().await, Reading::Right), "the damage was undone each time");
    });
}

#[test]
fn the_newest_slot_cannot_be_lost_unnoticed_while_the_hint_names_it() {
    run_to_end(|| async {
        let subject = Subject::build().await.unwrap();
        let slot = subject.newest_slot();
        fs::remove_file(subject.path(&slot)).unwrap();
        let error = Lake::open(&subject.location(), OpenOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Lake);
        assert!(names(&describe(&error), &slot), "{}", describe(&error));
        // Without the hint nothing says that there was more: the lake is what it was before.
        fs::remove_file(subject.path("hint/head")).unwrap();
        let lake = Lake::open(&subject.location(), OpenOptions::default()).await.unwrap();
        let newest = subject.newest();
        let count = |version: u64| format!("SELECT count(*) FROM events AS OF VERSION {version}");
        assert_eq!(number(&lake.session(), &count(newest - 1)).await, Ok(subject.rows_at(newest - 1) as i64));
        let error = answer(&lake.session(), &count(newest)).await.unwrap_err();
        assert!(error.to_string().starts_with(&format!("version {newest} does not exist")), "{error}");
    });
}

#[test]
fn a_slot_that_needs_a_newer_release_stops_the_lake_and_says_so() {
    run_to_end(|| async {
        let subject = Subject::build().await.unwrap();
        let bytes = Bytes::from(fs::read(subject.path(&subject.newest_slot())).unwrap());
        let mut record = SlotBytes::decode(&bytes).unwrap().record;
        (record.entries, record.blocks) = (Vec::new(), Vec::new());
        record.previous = SlotBytes::decode(&bytes).unwrap().hash;
        record.slot = record.slot.next();
        let next = subject.path(&subject.newest_slot()).with_file_name(format!("{:012}", record.slot.number()));

        fs::write(&next, EncodedSlot::new(&record, &[]).bytes).unwrap();
        assert!(matches!(subject.read().await, Reading::Right), "an empty slot changes nothing");

        record.features = vec!["teleport".to_owned()];
        let sound = EncodedSlot::new(&record, &[]).bytes;
        fs::write(&next, &sound).unwrap();
        let error = refused(subject.root()).await;
        assert_eq!(error.kind(), ErrorKind::Lake);
        let told = describe(&error);
        assert!(told.contains("feature `teleport`") && told.contains("use a newer release"), "{told}");

        let mut newer = sound.to_vec();
        newer[8] = 2;
        fs::write(&next, newer).unwrap();
        let error = refused(subject.root()).await;
        assert_eq!(error.kind(), ErrorKind::Lake);
        let told = describe(&error);
        assert!(told.contains("format 2") && told.contains("use a newer release"), "{told}");
    });
}

#[test]
fn a_lake_of_a_newer_format_is_refused_with_both_formats() {
    run_to_end(|| async {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("frostline.json"), r#"{ "frostline": "lake", "format": 7 }"#).unwrap();
        let error = refused(folder.path()).await;
        assert_eq!(error.kind(), ErrorKind::Lake);
        assert!(error.to_string().contains("has format 7; this release reads format 1"), "{error}");
    });
}

#[test]
fn a_place_that_holds_no_lake_is_refused_and_left_as_it_is() {
    run_to_end(|| async {
        let folder = tempfile::tempdir().unwrap();
        let (empty, other, file) =
            (folder.path().join("empty"), folder.path().join("other"), folder.path().join("file"));
        fs::create_dir(&empty).unwrap();
        fs::create_dir_all(other.join("log")).unwrap();
        fs::write(other.join("notes.txt"), "not a lake").unwrap();
        fs::write(&file, "not a folder").unwrap();
        for place in [&empty, &other, &file, &folder.path().join("missing")] {
            let error = refused(place).await;
            assert_eq!(error.kind(), ErrorKind::Lake, "{}: {error}", place.display());
        }
        assert_eq!(fs::read_dir(&empty).unwrap().count(), 0);
        assert!(!folder.path().join("missing").exists());
    });
}

#[test]
fn a_lake_on_a_read_only_disk_is_read_and_takes_no_writes() {
    run_to_end(|| async {
        let subject = Subject::build().await.unwrap();
        let Some(mounted) = read_only(subject.root()) else {
            println!("skipped: no folder can be made read-only here");
            return;
        };
        let settings = Settings { hot_bytes_max: 4096, ..Settings::default() };
        let options = OpenOptions { settings, ..OpenOptions::default() };
        let lake = Lake::open(&mounted.path().display().to_string(), options).await.unwrap();
        let session = lake.session();
        let rows = subject.rows_at(subject.newest()) as i64;
        assert_eq!(number(&session, "SELECT count(*) FROM events").await, Ok(rows));
        for write in [
            "INSERT INTO events VALUES (-1, 'hot')",
            "INSERT INTO events SELECT id, note FROM events",
            "CREATE TABLE more (a BIGINT)",
            "DROP TABLE events",
        ] {
            let error = answer(&session, write).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Store, "`{write}`: {}", describe(&error));
        }
        lake.settle().await;
        assert_eq!(number(&session, "SELECT count(*) FROM events").await, Ok(rows));
        assert!(matches!(subject.read().await, Reading::Right), "nothing was changed");
    });
}

/// Rows that do not shrink when they are compressed: about 320 KiB.
fn noise(random: &mut Rng) -> RecordBatch {
    let mut column = || -> ArrayRef { Arc::new((0..20_000).map(|_| random.i64(..)).collect::<Int64Array>()) };
    RecordBatch::try_from_iter([("a", column()), ("b", column())]).expect("two columns of the same length")
}

#[test]
fn a_full_disk_refuses_a_write_and_takes_smaller_ones() {
    run_to_end(|| async {
        let folder = tempfile::tempdir().unwrap();
        let Some(mounted) = small_disk(folder.path(), "1m") else {
            println!("skipped: no small disk can be made here");
            return;
        };
        let location = mounted.path().join("lake").display().to_string();
        Lake::create(&location, CreateOptions::default()).await.unwrap();
        let settings = Settings { hot_bytes_max: 64 * 1024, ..Settings::default() };
        let lake = Lake::open(&location, OpenOptions { settings, ..OpenOptions::default() }).await.unwrap();
        let session = lake.session();
        commit(&session, "CREATE TABLE t (a BIGINT, b BIGINT)").await.unwrap();
        let mut random = Rng::with_seed(9);
        let mut appended = 0;
        let error = loop {
            match session.append("t", vec![noise(&mut random)]).await {
                Ok(_) => appended += 20_000,
                Err(error) => break error,
            }
            assert!(appended < 200_000, "the disk is full after a few writes");
        };
        assert_eq!(error.kind(), ErrorKind::Store, "{}", describe(&error));
        assert!(appended > 0, "the first write fits");
        assert_eq!(number(&session, "SELECT count(*) FROM t").await, Ok(appended));
        commit(&session, "INSERT INTO t VALUES (1, 2)").await.unwrap();
        let again = Lake::open(&location, OpenOptions::default()).await.unwrap();
        assert_eq!(number(&again.session(), "SELECT count(*) FROM t").await, Ok(appended + 1));
        again.verify(true, |_| {}).await.unwrap();
    });
}
