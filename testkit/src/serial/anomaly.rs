//! What is wrong with a history whatever the order of its transactions.

use std::fmt;

use super::transaction::Object;

/// Something that no order of the transactions explains. Transactions are known by their places in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anomaly {
    /// Two transactions made one version.
    SameVersion {
        /// That version.
        version: u64,
    },
    /// A transaction wrote and made no version.
    NoVersion {
        /// The transaction.
        transaction: usize,
    },
    /// A value was written twice, so that reading it tells nothing.
    WrittenTwice {
        /// Where it was written the second time.
        object: Object,
        /// The value.
        value: u64,
    },
    /// A value was read that nobody wrote who was committed.
    NeverWritten {
        /// Who read it.
        transaction: usize,
        /// Where.
        object: Object,
        /// The value.
        value: u64,
    },
    /// What was read is what another transaction wrote first, without what it wrote to the same object behind that.
    HalfDone {
        /// Who read it.
        transaction: usize,
        /// Where.
        object: Object,
        /// The value.
        value: u64,
    },
    /// A transaction did not see what it had written itself.
    OwnUnseen {
        /// The transaction.
        transaction: usize,
        /// Where.
        object: Object,
    },
    /// A list was read in another order than that of the versions.
    Disordered {
        /// Who read it.
        transaction: usize,
        /// Which list.
        object: Object,
    },
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameVersion { version } => write!(f, "two transactions made version {version}"),
            Self::NoVersion { transaction } => write!(f, "transaction {transaction} wrote and made no version"),
            Self::WrittenTwice { object, value } => write!(f, "{value} was written twice, the second time to {object}"),
            Self::NeverWritten { transaction, object, value } => {
                write!(f, "transaction {transaction} read {value} in {object}, which nobody wrote who was committed")
            }
            Self::HalfDone { transaction, object, value } => {
                write!(f, "transaction {transaction} read {object} up to {value}, in the middle of another transaction")
            }
            Self::OwnUnseen { transaction, object } => {
                write!(f, "transaction {transaction} does not see what it wrote itself to {object}")
            }
            Self::Disordered { transaction, object } => {
                write!(f, "transaction {transaction} read {object} in another order than that of the versions")
            }
        }
    }
}
