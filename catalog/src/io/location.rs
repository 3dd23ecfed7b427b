//! Where a lake lives, and how its store is opened.

use std::collections::HashMap;
use std::env;
use std::fmt;
use std::io;
use std::path::{Path as FsPath, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreScheme, parse_url_opts};
use url::Url;

use super::local::{DurableLocalStore, create_root};
use super::s3::{S3Error, open_s3};
use super::{CountingStore, ProfileError, RequestCounter, Requests, StoreOptions};

/// How the variables begin that configure object stores.
const OPTION_PREFIXES: [&str; 3] = ["AWS_", "AZURE_", "GOOGLE_"];

/// The lakes in memory, by name. They live as long as the process.
static MEMORY_LAKES: LazyLock<Mutex<HashMap<String, InMemory>>> = LazyLock::new(Mutex::default);

/// The root of a lake, as a user names it.
///
/// * `data/lake`, `/data/my lake`: a path. A relative one counts from the directory that was current when it was
///   parsed; `~` is an ordinary character.
/// * `file:///data/lake`: the same, as a URL.
/// * `memory://name`: a lake in this process's memory; all openings of one name share it.
/// * `s3://bucket/prefix`, and what else `object_store` opens. Region, endpoint and credentials come from the
///   [`StoreOptions`], the environment (`AWS_…`) and profiles; a location that carries credentials is refused.
///
/// [`fmt::Display`] shows it as the user gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LakeLocation {
    text: String,
    place: Place,
    options: StoreOptions,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Local(PathBuf),
    Memory(String),
    Remote { url: Url, scheme: ObjectStoreScheme, prefix: Path },
}

/// A lake's store, rooted at the lake.
///
/// * The two handles show the same objects.
/// * One request through [`LakeStore::slots`] is one attempt: the client never repeats it by itself, so that an answer
///   describes that attempt.
/// * The requests to a store at a distance are counted ([`LakeStore::requests`]).
#[derive(Clone, Debug)]
pub struct LakeStore {
    objects: Arc<dyn ObjectStore>,
    slots: Arc<dyn ObjectStore>,
    conformance: Conformance,
    counter: Option<RequestCounter>,
}

/// Whether a store is known to keep the rules that a ledger stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Conformance {
    /// Our own code keeps them, and the store's clock is this machine's: a directory, memory.
    Guaranteed,
    /// It has to be probed before it is committed to. Nothing is known of its clock either.
    Unproven,
}

/// Why a lake's store cannot be named or opened.
#[derive(Debug, thiserror::Error)]
pub enum LocationError {
    /// The text is empty.
    #[error("the lake's location is empty; give a path, `s3://bucket/prefix` or `memory://name`")]
    Empty,
    /// The text names no store.
    #[error(
        "`{location}` is no location of a lake; give a path, `file:///path`, `s3://bucket/prefix` or `memory://name`"
    )]
    NoStore {
        /// The text, without credentials.
        location: String,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The text names a store and something that would be ignored.
    #[error("`{location}` cannot be a lake's location: {reason}")]
    Refused {
        /// The text, without credentials.
        location: String,
        /// What must change.
        reason: &'static str,
    },
    /// The profile that says who asks cannot be used.
    #[error("cannot open the store at `{location}` without its profile")]
    Profile {
        /// The location.
        location: String,
        /// What is wrong with the profile.
        source: ProfileError,
    },
    /// The path cannot be made absolute.
    #[error("`{location}` is a relative path and the current directory is not known; give an absolute path")]
    NoCurrentDirectory {
        /// The text.
        location: String,
        /// What the operating system answered.
        source: io::Error,
    },
    /// There is no such directory.
    #[error("there is no directory `{}`; check the path, or create a lake there", path.display())]
    Missing {
        /// The absolute path.
        path: PathBuf,
    },
    /// The directory cannot be created.
    #[error("cannot create the directory `{}`", path.display())]
    Create {
        /// The absolute path.
        path: PathBuf,
        /// What the operating system answered.
        source: io::Error,
    },
    /// The store cannot be opened.
    #[error("cannot open the store at `{location}`; check the location and its access settings")]
    Open {
        /// The location.
        location: String,
        /// What the store answered.
        source: object_store::Error,
    },
}

impl LakeLocation {
    /// The location in a user's text. Nothing is opened.
    pub fn parse(text: &str) -> Result<Self, LocationError> {
        if text.is_empty() {
            return Err(LocationError::Empty);
        }
        let place = match scheme_of(text) {
            None => Place::Local(absolute(text)?),
            Some(scheme) if scheme.eq_ignore_ascii_case("memory") => {
                let name = text.split_once("://").map_or("", |(_, name)| name);
                Place::Memory(name.trim_end_matches('/').to_owned())
            }
            Some(_) => parse_url(text)?,
        };
        Ok(Self { text: text.to_owned(), place, options: StoreOptions::default() })
    }

    /// The same location, whose store is reached so.
    ///
    /// # Errors
    /// If the options mean nothing for its store.
    pub fn with_store_options(self, options: &StoreOptions) -> Result<Self, LocationError> {
        let is_s3 = matches!(self.place, Place::Remote { scheme: ObjectStoreScheme::AmazonS3, .. });
        if !is_s3 && !options.is_empty() {
            let reason = "the options for S3 mean nothing for it; leave them out, or write `s3://bucket/prefix`";
            return Err(LocationError::Refused { location: self.text, reason });
        }
        Ok(Self { options: options.clone(), ..self })
    }

    /// The directory, if the lake is on the local file system. It is absolute, and need not exist.
    pub fn is_local(&self) -> Option<&FsPath> {
        match &self.place {
            Place::Local(path) => Some(path),
            Place::Memory(_) | Place::Remote { .. } => None,
        }
    }

    /// Creates the directory of a local lake and those above it, durably. Nothing is to be done elsewhere.
    pub fn create_root(&self) -> Result<(), LocationError> {
        match self.is_local() {
            Some(path) => {
                create_root(path).map_err(|source| LocationError::Create { path: path.to_path_buf(), source })
            }
            None => Ok(()),
        }
    }

    /// Opens the store. Creates nothing, and sends no request.
    pub fn open(&self) -> Result<LakeStore, LocationError> {
        match &self.place {
            Place::Local(path) => self.open_local(path),
            Place::Memory(name) => Ok(own_store(Arc::new(memory_lake(name)))),
            Place::Remote { url, scheme: ObjectStoreScheme::AmazonS3, prefix } => {
                open_s3(url, prefix, &self.options).map_err(|error| self.s3_failure(error))
            }
            Place::Remote { url, prefix, .. } => open_other(url, prefix).map_err(|source| self.open_failure(source)),
        }
    }

    fn open_local(&self, path: &FsPath) -> Result<LakeStore, LocationError> {
        match DurableLocalStore::try_new(path.to_path_buf()) {
            Ok(store) => Ok(own_store(Arc::new(store))),
            Err(object_store::Error::NotFound { .. }) => Err(LocationError::Missing { path: path.to_path_buf() }),
            Err(source) => Err(self.open_failure(source)),
        }
    }

    fn s3_failure(&self, error: S3Error) -> LocationError {
        let location = self.text.clone();
        match error {
            S3Error::Client(source) => LocationError::Open { location, source },
            S3Error::Profile(source) => LocationError::Profile { location, source },
            S3Error::Refused(reason) => LocationError::Refused { location, reason },
        }
    }

    fn open_failure(&self, source: object_store::Error) -> LocationError {
        LocationError::Open { location: self.text.clone(), source }
    }
}

impl fmt::Display for LakeLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl LakeStore {
    /// A store of which `slots` makes one attempt per request. Nothing is known of it yet.
    pub fn new(objects: Arc<dyn ObjectStore>, slots: Arc<dyn ObjectStore>) -> Self {
        Self { objects, slots, conformance: Conformance::Unproven, counter: None }
    }

    /// A store that never repeats a request by itself. Nothing is known of it yet.
    pub fn from_one(store: Arc<dyn ObjectStore>) -> Self {
        Self::new(Arc::clone(&store), store)
    }

    /// The same store, of which so much is known.
    pub fn with_conformance(self, conformance: Conformance) -> Self {
        Self { conformance, ..self }
    }

    /// The same store, whose requests are counted from now on.
    pub fn counted(self) -> Self {
        let counter = RequestCounter::default();
        let counting = |inner: Arc<dyn ObjectStore>| -> Arc<dyn ObjectStore> {
            Arc::new(CountingStore::new(inner, counter.clone()))
        };
        let (objects, slots) = (counting(self.objects), counting(self.slots));
        Self { objects, slots, conformance: self.conformance, counter: Some(counter) }
    }

    /// The requests that were sent through both handles; `None` for a store that is not at a distance.
    pub fn requests(&self) -> Option<Requests> {
        self.counter.as_ref().map(RequestCounter::requests)
    }

    /// Whether requests take a round trip to another machine. Those of such a store are counted.
    pub fn is_distant(&self) -> bool {
        self.counter.is_some()
    }

    /// What is known of it.
    pub fn conformance(&self) -> Conformance {
        self.conformance
    }

    /// For everything but creating slots. The client tries again by itself.
    pub fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.objects
    }

    /// For creating slots: one attempt per request.
    pub fn slots(&self) -> &Arc<dyn ObjectStore> {
        &self.slots
    }
}

/// A store whose rules are kept by code of this process.
fn own_store(store: Arc<dyn ObjectStore>) -> LakeStore {
    LakeStore::from_one(store).with_conformance(Conformance::Guaranteed)
}

/// The scheme of a URL; nothing for a path. A colon alone does not make a URL, but `file:` does.
fn scheme_of(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-' | '.'));
    let is_url = is_scheme && (rest.starts_with("//") || scheme.eq_ignore_ascii_case("file"));
    is_url.then_some(scheme)
}

fn absolute(text: &str) -> Result<PathBuf, LocationError> {
    std::path::absolute(text).map_err(|source| LocationError::NoCurrentDirectory { location: text.to_owned(), source })
}

fn parse_url(text: &str) -> Result<Place, LocationError> {
    let refused = |reason: &'static str| LocationError::Refused { location: redacted(text), reason };
    let no_store =
        |source: Box<dyn std::error::Error + Send + Sync>| LocationError::NoStore { location: redacted(text), source };
    let url = Url::parse(text).map_err(|error| no_store(error.into()))?;
    // In Azure's URLs the part before `@` names a container.
    let is_azure = matches!(url.scheme(), "az" | "adl" | "azure" | "abfs" | "abfss");
    if url.password().is_some() || (!url.username().is_empty() && !is_azure) {
        return Err(refused("it carries credentials; give them by the environment, as AWS_ACCESS_KEY_ID and so on"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused("`?` and `#` have no meaning in it; in a URL write them as `%3F` and `%23`"));
    }
    if url.scheme() == "file" {
        return parse_file_url(text, &url);
    }
    if matches!(url.scheme(), "s3" | "s3a") {
        if url.host_str().unwrap_or("").is_empty() {
            return Err(refused("the bucket is missing; write `s3://bucket/prefix`"));
        }
        if url.port().is_some() {
            return Err(refused("it carries a port; give the endpoint by --s3-endpoint or AWS_ENDPOINT_URL_S3"));
        }
    }
    match ObjectStoreScheme::parse(&url) {
        Ok((scheme, prefix)) => Ok(Place::Remote { url, scheme, prefix }),
        Err(error) => Err(no_store(object_store::Error::from(error).into())),
    }
}

fn parse_file_url(text: &str, url: &Url) -> Result<Place, LocationError> {
    let refused = LocationError::Refused {
        location: redacted(text),
        reason: "a file URL holds an absolute path on this machine, as `file:///path`",
    };
    // The parser would take `file:data` for `/data`.
    let is_absolute = text.split_once(':').is_some_and(|(_, rest)| rest.starts_with('/'));
    match url.to_file_path() {
        Ok(path) if is_absolute => Ok(Place::Local(path)),
        _ => Err(refused),
    }
}

/// A text for an error: what stands before `@`, where credentials would be, and after `?`, where a signature would be,
/// is left out.
fn redacted(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let rest = rest.split(['?', '#']).next().unwrap_or("");
    let shown = match rest.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => rest.to_owned(),
    };
    if scheme.is_empty() { shown } else { format!("{scheme}://{shown}") }
}

fn memory_lake(name: &str) -> InMemory {
    let mut lakes = MEMORY_LAKES.lock().unwrap_or_else(PoisonError::into_inner);
    lakes.entry(name.to_owned()).or_default().clone()
}

/// A store without a client of its own for slots. A put that it repeats may be answered `AlreadyExists` for its own
/// object; the ledger reads the slot then, as it always does.
fn open_other(url: &Url, prefix: &Path) -> Result<LakeStore, object_store::Error> {
    let (store, _) = parse_url_opts(url, environment_options())?;
    Ok(LakeStore::from_one(rooted(store, prefix)).counted())
}

/// The variables that configure object stores. Those that are not Unicode are passed over, as `from_env` does.
fn environment_options() -> Vec<(String, String)> {
    let variables =
        env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
    variables.filter(|(key, _)| OPTION_PREFIXES.iter().any(|prefix| key.starts_with(prefix))).collect()
}

/// A store whose keys begin behind the prefix.
pub(super) fn rooted<S: ObjectStore>(store: S, prefix: &Path) -> Arc<dyn ObjectStore> {
    if prefix.is_root() { Arc::new(store) } else { Arc::new(PrefixStore::new(store, prefix.clone())) }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt;

    use super::*;

    fn check_path(text: &str, expected: &str) {
        let location = LakeLocation::parse(text).unwrap();
        assert_eq!(location.is_local(), Some(FsPath::new(expected)), "{text}");
        assert_eq!(location.to_string(), text);
    }

    fn check_refused(text: &str, expected: &str) {
        let error = LakeLocation::parse(text).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
    }

    #[test]
    fn a_path_may_hold_anything() {
        check_path("/data/my lake", "/data/my lake");
        check_path("/data/a:b?c#d", "/data/a:b?c#d");
        check_path("/~/lake", "/~/lake");
        check_path("file:///data/my%20lake", "/data/my lake");
        check_path("FILE:/data/lake", "/data/lake");
    }

    #[test]
    fn a_relative_path_counts_from_the_current_directory() {
        let here = env::current_dir().unwrap();
        for text in ["lake", "./lake", "~", "a:b"] {
            let location = LakeLocation::parse(text).unwrap();
            let expected = here.join(text.trim_start_matches("./"));
            assert_eq!(location.is_local(), Some(expected.as_path()), "{text}");
        }
    }

    #[test]
    fn a_bucket_and_its_prefix_are_told_apart() {
        let location = LakeLocation::parse("s3://bucket/some/lake/").unwrap();
        let Place::Remote { scheme, prefix, .. } = &location.place else { panic!("{location:?}") };
        assert_eq!((scheme, prefix.as_ref()), (&ObjectStoreScheme::AmazonS3, "some/lake"));
        assert_eq!(location.is_local(), None);
        assert_eq!(location.to_string(), "s3://bucket/some/lake/");
    }

    #[test]
    fn credentials_are_refused_and_not_repeated() {
        for text in ["s3://key:secret@bucket/lake", "s3://secret@bucket/lake", "s3://key:sec/ret@bucket"] {
            let error = LakeLocation::parse(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("sec"), "{error:?}");
        }
        let error = LakeLocation::parse("https://bucket.s3.amazonaws.com/lake?X-Amz-Signature=secret").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }

    #[test]
    fn what_would_be_ignored_is_refused() {
        check_refused("", "the lake's location is empty; give a path, `s3://bucket/prefix` or `memory://name`");
        check_refused(
            "s3:///lake",
            "`s3:///lake` cannot be a lake's location: the bucket is missing; write `s3://bucket/prefix`",
        );
        check_refused(
            "s3://bucket:9000/lake",
            "`s3://bucket:9000/lake` cannot be a lake's location: it carries a port; give the endpoint by \
             --s3-endpoint or AWS_ENDPOINT_URL_S3",
        );
        let file = "a file URL holds an absolute path on this machine, as `file:///path`";
        check_refused("file:lake", &format!("`file:lake` cannot be a lake's location: {file}"));
        check_refused("file://host/lake", &format!("`file://host/lake` cannot be a lake's location: {file}"));
        check_refused(
            "ftp://host/lake",
            "`ftp://host/lake` is no location of a lake; give a path, `file:///path`, `s3://bucket/prefix` or \
             `memory://name`",
        );
    }

    #[tokio::test]
    async fn two_openings_of_a_name_in_memory_see_one_lake() {
        let key = Path::from("hint/head");
        let first = LakeLocation::parse("memory://two-openings").unwrap().open().unwrap();
        first.slots().put(&key, "1".into()).await.unwrap();
        let second = LakeLocation::parse("memory://two-openings/").unwrap().open().unwrap();
        assert_eq!(second.objects().get(&key).await.unwrap().bytes().await.unwrap(), "1");
        let other = LakeLocation::parse("memory://two-openings-other").unwrap().open().unwrap();
        assert!(other.objects().get(&key).await.is_err());
    }

    #[test]
    fn a_directory_and_memory_are_our_own_and_any_other_store_is_not_until_it_is_said_to_be() {
        let scratch = tempfile::tempdir().unwrap();
        let own = [scratch.path().to_str().unwrap(), "memory://own"];
        for text in own {
            let store = LakeLocation::parse(text).unwrap().open().unwrap();
            assert_eq!(store.conformance(), Conformance::Guaranteed, "{text}");
        }
        assert_eq!(LakeStore::from_one(Arc::new(InMemory::new())).conformance(), Conformance::Unproven);
    }

    #[test]
    fn options_for_s3_are_for_lakes_on_s3() {
        let options = StoreOptions { s3_region: Some("eu-west-1".to_owned()), ..StoreOptions::default() };
        let on_s3 = LakeLocation::parse("s3://bucket/lake").unwrap();
        assert!(on_s3.with_store_options(&options).is_ok());
        for text in ["/data/lake", "memory://lake"] {
            let location = LakeLocation::parse(text).unwrap();
            assert!(location.clone().with_store_options(&StoreOptions::default()).is_ok(), "{text}");
            let refused = location.with_store_options(&options);
            assert!(matches!(refused, Err(LocationError::Refused { .. })), "{text}");
        }
    }

    #[tokio::test]
    async fn requests_through_both_handles_are_counted_together() {
        let store = LakeStore::from_one(Arc::new(InMemory::new()));
        assert_eq!((store.requests(), store.is_distant()), (None, false));
        let store = store.counted();
        assert!(store.is_distant());
        let key = Path::from("hint/head");
        store.slots().put(&key, "1".into()).await.unwrap();
        store.objects().get(&key).await.unwrap();
        let requests = store.requests().unwrap();
        assert_eq!((requests.puts, requests.gets), (1, 1));
    }

    #[test]
    fn opening_creates_nothing() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("a/b lake");
        let location = LakeLocation::parse(path.to_str().unwrap()).unwrap();
        assert!(matches!(location.open(), Err(LocationError::Missing { .. })));
        assert!(!path.exists());

        location.create_root().unwrap();
        location.create_root().unwrap();
        assert!(path.is_dir());
        location.open().unwrap();
    }
}
