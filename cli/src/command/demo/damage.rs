//! Step 11: a byte of a copy of the lake is flipped, and nothing is answered from it.
//!
//! The byte is one of an hour's rows, in a slot that is in no bundle yet, so that the rows are nowhere else.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use frostline_catalog::{BranchId, Micros, Slot};
use frostline_sql::{Lake, OpenOptions};

use super::error::{DemoError, ensure};
use super::folders::{Folders, location};
use super::teller::{Found, Teller};
use crate::exit::Failure;

/// 24 July 2013 at 18:00 in New York: after the last bundle, before the last checkpoint.
const HOUR_MICROS_UTC: i64 = 1_374_703_200_000_000;

const QUERY: &str = "SELECT round(avg(dep_delay), 1) AS mean_delay FROM departures AS OF TAG 'close-2013-07-31'";

/// Shows the step.
pub(super) async fn tell(teller: &mut Teller, lake: &Lake, folders: &Folders) -> Result<(), Failure> {
    let state = lake.state();
    let commit = match state.version_at(BranchId::MAIN, Micros::new(HOUR_MICROS_UTC))? {
        Some(version) => state.commit(version)?,
        None => None,
    };
    let slot: Slot = match commit {
        Some(commit) => commit.slot,
        None => return Err(DemoError::Claim { claim: "the hour before 18:00 on 24 July was committed" }.into()),
    };
    let copy: PathBuf = folders.copy_lake()?;
    let (file, key) = slot_file(&copy, slot).map_err(DemoError::folder("find a slot in", &copy))?;
    flip_middle(&file).map_err(DemoError::folder("change", &file))?;
    let copy: String = location(&copy)?;

    teller.step("Damage is found, and never answered from")?;
    teller.say(&format!("One byte of `{key}` is flipped in a copy of the lake."))?;
    teller.statement(QUERY)?;
    match ask(&copy).await {
        Ok(()) => return Err(DemoError::Claim { claim: "damaged rows are not answered from" }.into()),
        Err(refusal) => teller.failure(&refusal)?,
    }
    teller.say("$ frostline verify")?;
    match verify(&copy).await {
        Ok(()) => Err(DemoError::Claim { claim: "damage is found" }.into()),
        Err(refusal) => {
            teller.failure(&refusal)?;
            ensure(refusal.describe().contains(&key), "the damaged object is named")
        }
    }
}

async fn ask(location: &str) -> Result<(), Failure> {
    let lake = Lake::open(location, OpenOptions::default()).await?;
    let session = lake.session();
    Found::read(&session, QUERY).await?;
    Ok(())
}

async fn verify(location: &str) -> Result<(), Failure> {
    let lake = Lake::open(location, OpenOptions::default()).await?;
    lake.verify(false, |_| {}).await?;
    Ok(())
}

/// The file of a slot, and its key in the store.
fn slot_file(lake: &Path, slot: Slot) -> io::Result<(PathBuf, String)> {
    for folder in fs::read_dir(lake.join("log"))? {
        let folder = folder?;
        for file in fs::read_dir(folder.path())? {
            let file = file?;
            let name = file.file_name().to_string_lossy().into_owned();
            if name.parse::<u64>() == Ok(slot.number()) {
                let key = format!("log/{}/{name}", folder.file_name().to_string_lossy());
                return Ok((file.path(), key));
            }
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// Flips a bit in the middle of a file.
fn flip_middle(file: &Path) -> io::Result<()> {
    let mut bytes: Vec<u8> = fs::read(file)?;
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 1;
    }
    fs::write(file, bytes)
}
