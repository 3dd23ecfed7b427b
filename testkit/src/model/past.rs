//! The names of a version in SQL.

/// A version and what it is called. Times are texts that SQL reads, with their zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Its number.
    pub version: u64,
    /// Its commit time; the first version has none.
    pub time: Option<String>,
    /// An instant at which it was the newest: its commit time, or one between that and the next version's.
    pub within: Option<String>,
    /// A tag.
    pub tag: Option<String>,
    /// Whether it is the newest version of `main`.
    pub is_newest: bool,
}

impl Past {
    /// The clauses that name this version, one of each family: the number, the number in other systems' words, the
    /// time, the time in other systems' words, the tag, the branch. `turn` chooses within the families, so that all
    /// spellings take their turn.
    ///
    /// One of them holds the parameter `$1`, which stands for the version's number.
    pub fn spellings(&self, turn: usize) -> Vec<String> {
        self.families().iter().map(|family| family[turn % family.len()].clone()).collect()
    }

    /// All clauses that name this version.
    pub fn all_spellings(&self) -> Vec<String> {
        self.families().concat()
    }

    fn families(&self) -> Vec<Vec<String>> {
        let version = self.version;
        let mut families = vec![
            vec![format!("AS OF VERSION {version}"), format!("AS OF {version}"), "AS OF VERSION $1".to_owned()],
            vec![
                format!("AT (VERSION => {version})"),
                format!("FOR VERSION AS OF {version}"),
                format!("VERSION AS OF {version}"),
            ],
        ];
        if let Some(time) = &self.time {
            families.push(vec![
                format!("AS OF TIMESTAMP '{time}'"),
                format!("AS OF '{time}'"),
                format!("TIMESTAMP AS OF '{time}'"),
            ]);
        }
        if let Some(within) = &self.within {
            families.push(vec![
                format!("FOR SYSTEM_TIME AS OF '{within}'"),
                format!("AT (TIMESTAMP => '{within}')"),
                format!("FOR TIMESTAMP AS OF '{within}'"),
            ]);
        }
        if let Some(tag) = &self.tag {
            families.push(vec![
                format!("AS OF TAG '{tag}'"),
                format!("AT (TAG => '{tag}')"),
                format!("AS OF '{tag}'"),
                format!("AS OF TAG {tag}"),
            ]);
        }
        if self.is_newest {
            families.push(vec!["AS OF BRANCH main".to_owned(), "AT (BRANCH => 'main')".to_owned()]);
        }
        families
    }
}
