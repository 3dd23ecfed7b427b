//! Where the catalog meets the world: stores, the clock, and the ledger that is read from and written to them.

mod ahead;
mod aws_profile;
mod blocks;
mod clock;
mod commit;
mod committer;
mod count;
mod derived;
mod error;
mod failure;
mod follow;
mod hint;
mod identity;
mod keys;
mod ledger;
mod local;
mod location;
mod machine_role;
mod probe;
mod s3;
mod store_clock;
mod store_options;
mod walk;

#[cfg(test)]
mod contract;
#[cfg(test)]
mod tests;

pub use aws_profile::ProfileError;
pub use blocks::Blocks;
pub use clock::{Clock, ManualClock, SystemClock};
pub use commit::{CommitError, Committed};
pub use count::{CountingStore, RequestCounter, Requests};
pub use error::{LedgerError, StoreError};
pub use failure::{StoreFailure, plain_answer};
pub use identity::{FORMAT, Identity};
pub use ledger::{CreateError, DEFAULT_SCHEMA, Genesis, Ledger, LedgerSettings};
pub use local::DurableLocalStore;
pub use location::{Conformance, LakeLocation, LakeStore, LocationError};
pub use probe::{ProbeError, new_probe_key, probe};
pub use store_clock::{ClockError, StoreClock};
pub use store_options::StoreOptions;
pub use walk::{Damage, DerivedDamage, Walk};
