//! `frostline verify`.

use std::fmt::Write;

use crate::lake::{TestLake, damage, files_below};

/// A lake with a frozen segment: more rows than a slot carries.
fn with_frozen_rows() -> TestLake {
    let lake = TestLake::create();
    let mut csv = "id,text\n".to_owned();
    for id in 0..100_000_u64 {
        // Digits that do not repeat, so that they do not shrink away.
        let noise = id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        writeln!(csv, "{id},{noise:x}{:x}", noise.rotate_left(29)).expect("a string takes everything");
    }
    lake.write("many.csv", &csv);
    lake.run(&["import", "many", "many.csv"]).succeeds();
    lake
}

#[test]
fn a_sound_lake_is_found_sound() {
    let lake = TestLake::with_orders();
    for arguments in [&["verify"][..], &["verify", "--deep"]] {
        let outcome = lake.run(arguments).succeeds().says("");
        assert!(outcome.stdout.starts_with("no damage: 4 slots, 4 versions, 2 segments, "), "{outcome:#?}");
    }
}

#[test]
fn a_damaged_slot_is_found() {
    let lake = TestLake::with_orders();
    let slots = files_below(&lake.location().join("log"));
    damage(slots.last().expect("the lake has slots"));
    lake.run(&["verify"]).fails(4).prints("").mentions(&["error: "]);
}

#[test]
fn a_damaged_segment_is_found_and_named_when_every_byte_is_read() {
    let lake = with_frozen_rows();
    let segments = files_below(&lake.location().join("segments"));
    let segment = segments.first().expect("so many rows are frozen");
    damage(segment);
    let name = segment.file_name().expect("a file has a name").to_string_lossy().into_owned();
    lake.run(&["verify"]).succeeds();
    lake.run(&["verify", "--deep"]).fails(4).mentions(&["error: ", &name]);
}
