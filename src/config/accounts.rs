//! People and their tokens as they are now: both files are read again when they change.
//!
//! Invariant: what does not read well is never taken over; the last good state stays, and the
//! log says why.

use super::tokens::{self, TokenLine, hash_token};
use super::{ConfigError, people};
use crate::base::LocalAccess;
use crate::base::Timestamp;
use crate::people::registry::removes_many;
use crate::people::{Directory, Person};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

/// How long a look at the files is good for.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// Why accounts cannot be opened.
pub type AccountsError = ConfigError;

/// People and tokens.
#[derive(Debug)]
pub struct Accounts {
    people: PathBuf,
    tokens: PathBuf,
    directory: Arc<RwLock<Arc<Directory>>>,
    tokens_by_hash: RwLock<BTreeMap<String, TokenLine>>,
    last_used: Mutex<BTreeMap<String, Timestamp>>,
    owners: RwLock<Owners>,
    /// A directory that removes so many people that somebody must confirm it.
    held: Mutex<Option<Directory>>,
    admitted: RwLock<BTreeMap<String, Admitted>>,
    /// Whether there may be tokens that are not bound to a person.
    has_unbound: AtomicBool,
    seen: Mutex<Seen>,
}

/// Whose tokens are whose, over time. A token is bound to the id of a person when a server sees it first; one that no
/// server has seen belongs to whoever had its user name when it was made.
#[derive(Debug, Default)]
struct Owners {
    /// The id of the person who has each user name now. Empty where nobody follows people.
    current: BTreeMap<String, String>,
    /// Up to when what was made for a user name belongs to an earlier person.
    earlier: BTreeMap<String, Timestamp>,
    /// The person of each bound token, by the ids of both.
    bound: BTreeMap<String, String>,
}

impl Owners {
    /// Whether a token belongs to the person who has its user name now.
    fn owns(&self, line: &TokenLine) -> bool {
        match self.bound.get(&line.id()) {
            Some(person) => self.current.is_empty() || self.current.get(&line.user) == Some(person),
            None => self.earlier.get(&line.user).is_none_or(|until| line.created > *until),
        }
    }
}

/// Whom a token lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The user name, as `anna`.
    pub user: String,
    /// Their entry in the directory.
    pub person: Person,
    /// The operating system account that acts as them, if a command opened the data folder
    /// directly.
    pub local: Option<LocalAccess>,
}

/// What the files looked like when they were read, and when they were last looked at.
#[derive(Debug)]
struct Seen {
    at: Instant,
    people: Stamp,
    tokens: Stamp,
}

/// Changes when a file does.
type Stamp = Option<(SystemTime, u64)>;

impl Accounts {
    /// Reads `people` and the `tokens.yaml` beside it. Either may be missing.
    pub fn open(people: &Path) -> Result<Self, AccountsError> {
        let tokens = tokens_beside(people);
        let seen = Seen {
            at: Instant::now(),
            people: stamp(people),
            tokens: stamp(&tokens),
        };
        let directory = people::read(people)?;
        let lines = tokens::read(&tokens)?;
        Ok(Self {
            people: people.to_owned(),
            directory: Arc::new(RwLock::new(Arc::new(directory))),
            tokens_by_hash: RwLock::new(by_hash(lines)),
            last_used: Mutex::default(),
            owners: RwLock::default(),
            held: Mutex::default(),
            admitted: RwLock::default(),
            has_unbound: AtomicBool::new(true),
            seen: Mutex::new(seen),
            tokens,
        })
    }

    /// The directory, replaced as a whole when the file changes.
    pub fn directory(&self) -> Arc<RwLock<Arc<Directory>>> {
        Arc::clone(&self.directory)
    }

    /// A token for `person` that this process alone knows and that ends with it: for a command that
    /// serves itself.
    pub fn admit(&self, user: &str, person: Person, local: LocalAccess, now: Timestamp) -> String {
        let (token, line) = tokens::new_token(user, None, now);
        let mut admitted = self.admitted.write().unwrap_or_else(PoisonError::into_inner);
        let admitted_as = Admitted {
            user: user.to_owned(),
            person,
            local: Some(local),
        };
        admitted.insert(line.sha256, admitted_as);
        token
    }

    /// Whose token this is: user name and person. `None` where the token is unknown or its user
    /// is no longer in the directory. Found by hash, so how long it takes tells nothing of a token.
    pub fn person_with(&self, token: &str) -> Option<Admitted> {
        let hash = hash_token(token);
        let admitted = self
            .admitted
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&hash)
            .cloned();
        if admitted.is_some() {
            return admitted;
        }
        let owner = self.line_of(&hash)?;
        if !self.is_of_person_now(&owner) {
            return None;
        }
        let directory = self.now_in_force();
        let person = directory.users.get(&owner.user)?.clone();
        Some(Admitted {
            user: owner.user,
            person,
            local: None,
        })
    }

    /// Whether a token belongs to the person who has its user name now, as far as people are followed.
    pub fn is_of_person_now(&self, line: &TokenLine) -> bool {
        self.owners.read().unwrap_or_else(PoisonError::into_inner).owns(line)
    }

    /// The id of the person that a token is bound to; nothing where it is not bound yet.
    pub fn bound_to(&self, token: &str) -> Option<String> {
        let owners = self.owners.read().unwrap_or_else(PoisonError::into_inner);
        owners.bound.get(token).cloned()
    }

    /// Takes over who has each user name now, by the id of the person, and up to when what was made for a user name
    /// belongs to an earlier person.
    pub fn follow(&self, current: BTreeMap<String, String>, earlier: BTreeMap<String, Timestamp>) {
        let mut owners = self.owners.write().unwrap_or_else(PoisonError::into_inner);
        (owners.current, owners.earlier) = (current, earlier);
        self.has_unbound.store(true, Ordering::Release);
    }

    /// Binds tokens to persons: the id of each token, and that of its person.
    pub fn bind(&self, tokens: impl IntoIterator<Item = (String, String)>) {
        let mut owners = self.owners.write().unwrap_or_else(PoisonError::into_inner);
        owners.bound.extend(tokens);
    }

    /// Pairs of the id of a token that is not bound yet and the id of the person who has its user name now. Empty unless
    /// tokens or people have changed since the last call.
    pub fn to_bind(&self) -> Vec<(String, String)> {
        if !self.has_unbound.swap(false, Ordering::AcqRel) {
            return Vec::new();
        }
        let owners = self.owners.read().unwrap_or_else(PoisonError::into_inner);
        let tokens = self.tokens_by_hash.read().unwrap_or_else(PoisonError::into_inner);
        let unbound = tokens.values().filter(|line| !owners.bound.contains_key(&line.id()));
        let owned = unbound.filter(|line| owners.owns(line));
        owned
            .filter_map(|line| Some((line.id(), owners.current.get(&line.user)?.clone())))
            .collect()
    }

    /// Lets the tokens be bound once more, after that has failed.
    pub fn bind_again(&self) {
        self.has_unbound.store(true, Ordering::Release);
    }

    /// Number of people that the held change of the directory removes; `None` if no change is held.
    pub fn held(&self) -> Option<usize> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().map(|held| removed(&self.now_in_force(), held))
    }

    /// Applies the held change if it removes exactly `removes` people. Returns whether it was
    /// applied.
    pub fn confirm(&self, removes: usize) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = held
            .as_ref()
            .is_some_and(|held| removed(&self.now_in_force(), held) == removes);
        match held.take_if(|_| fits) {
            Some(directory) => {
                *self.directory.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(directory);
                true
            }
            None => false,
        }
    }

    /// Keeps `before` in force if the directory that was read removes many people and must be
    /// confirmed. The file may have been changed while no server ran.
    pub fn hold_to(&self, before: Directory) {
        if stamp(&self.people).is_none() && !before.users.is_empty() {
            tracing::error!(
                file = %self.people.display(),
                people = before.users.len(),
                "the file of people is missing, so people stay as they were: put it back, or write `users: {{}}` into it"
            );
            *self.directory.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(before);
            return;
        }
        let now = self.now_in_force();
        if removes_many(&before, &now) {
            *self.directory.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(before);
            self.take_over((*now).clone());
        }
    }

    fn now_in_force(&self) -> Arc<Directory> {
        Arc::clone(&self.directory.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a directory in force, or holds it until somebody confirms it.
    fn take_over(&self, directory: Directory) {
        let before = self.now_in_force();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if removes_many(&before, &directory) {
            tracing::error!(
                removes = removed(&before, &directory),
                people = before.users.len(),
                "people.yaml removes many people and is not in force: `gatefold people confirm` puts it in force"
            );
            *held = Some(directory);
            return;
        }
        *held = None;
        *self.directory.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(directory);
        tracing::info!(file = %self.people.display(), "people were read again");
    }

    /// The token's line in the file; `None` for a token made by this process.
    pub fn token(&self, token: &str) -> Option<TokenLine> {
        self.line_of(&hash_token(token))
    }

    fn line_of(&self, hash: &str) -> Option<TokenLine> {
        let tokens = self.tokens_by_hash.read().unwrap_or_else(PoisonError::into_inner);
        tokens.get(hash).cloned()
    }

    /// All tokens, sorted by user and creation time.
    pub fn tokens(&self) -> Vec<TokenLine> {
        let tokens = self.tokens_by_hash.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<TokenLine> = tokens.values().cloned().collect();
        all.sort_by(|one, other| {
            (&one.user, one.created, &one.sha256).cmp(&(&other.user, other.created, &other.sha256))
        });
        all
    }

    /// Records the use of a token. Returns when it was used before, if this process knows.
    pub fn note_use(&self, id: &str, now: Timestamp) -> Option<Timestamp> {
        let mut last_used = self.last_used.lock().unwrap_or_else(PoisonError::into_inner);
        last_used.insert(id.to_owned(), now)
    }

    /// When each token was last used, by token id, as far as this process knows.
    pub fn last_used(&self) -> BTreeMap<String, Timestamp> {
        self.last_used.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it is time to look at the files again, or somebody does just now.
    pub fn is_stale(&self) -> bool {
        let seen = self.seen.try_lock();
        seen.map_or(true, |seen| seen.at.elapsed() >= FRESH_FOR)
    }

    /// Looks at the files, at most once a second, and takes changes over. Blocks while it reads.
    pub fn refresh(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.at.elapsed() >= FRESH_FOR {
            seen.at = Instant::now();
            self.reload(&mut seen);
        }
    }

    /// Looks at the files now.
    pub fn refresh_now(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.at = Instant::now();
        self.reload(&mut seen);
    }

    fn reload(&self, seen: &mut Seen) {
        let (people, tokens) = (stamp(&self.people), stamp(&self.tokens));
        if people != seen.people {
            let read = people::read(&self.people);
            if is_settled(&read) {
                seen.people = people;
            }
            match read {
                Ok(_) if people.is_none() => tracing::error!(
                    file = %self.people.display(),
                    "the file of people is missing, so people stay as they were: put it back, or write `users: {{}}` into it"
                ),
                Ok(directory) => self.take_over(directory),
                Err(error) => tracing::error!(%error, "people stay as they were"),
            }
        }
        if tokens != seen.tokens {
            let read = tokens::read(&self.tokens);
            if is_settled(&read) {
                seen.tokens = tokens;
            }
            match read {
                Ok(lines) => {
                    *self.tokens_by_hash.write().unwrap_or_else(PoisonError::into_inner) = by_hash(lines);
                    self.has_unbound.store(true, Ordering::Release);
                    tracing::info!(file = %self.tokens.display(), "tokens were read again");
                }
                Err(error) => tracing::error!(%error, "tokens stay as they were"),
            }
        }
    }
}

/// The tokens' file: it lies beside the people's.
pub fn tokens_beside(people: &Path) -> PathBuf {
    people.with_file_name("tokens.yaml")
}

/// Whether a file need not be read again before it changes. Where the disk failed, it is read at the next look: nothing
/// about the file changes when the disk, or the permission to read it, is mended.
fn is_settled<T>(read: &Result<T, ConfigError>) -> bool {
    !read.as_ref().is_err_and(|error| error.is_of_disk)
}

fn by_hash(lines: Vec<TokenLine>) -> BTreeMap<String, TokenLine> {
    lines.into_iter().map(|line| (line.sha256.clone(), line)).collect()
}

/// Number of people in `before` who are not in `after`.
fn removed(before: &Directory, after: &Directory) -> usize {
    before
        .users
        .keys()
        .filter(|user| !after.users.contains_key(*user))
        .count()
}

fn stamp(file: &Path) -> Stamp {
    let data = std::fs::metadata(file).ok()?;
    Some((data.modified().ok()?, data.len()))
}
