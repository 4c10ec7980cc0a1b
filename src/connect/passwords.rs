//! Passwords of links: hashed with Argon2id, away from the threads that serve others.

use super::ActionError;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use icu_normalizer::ComposingNormalizerBorrowed;
use tokio::sync::Semaphore;

/// Longest password that is looked at, in bytes.
pub const MAX_PASSWORD_BYTES: usize = 256;
/// Hashes computed at once; each takes 19 MiB.
const AT_ONCE: usize = 4;

static PERMITS: Semaphore = Semaphore::const_new(AT_ONCE);

/// The hash of a password, in PHC format, with a salt of its own.
pub async fn hash(password: String) -> Result<String, ActionError> {
    let password = one_spelling(&password);
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(ActionError::Permanent(format!(
            "password: it is longer than {MAX_PASSWORD_BYTES} bytes"
        )));
    }
    on_a_thread_of_its_own(move || {
        let mut salt = [0u8; 16];
        getrandom::fill(&mut salt).map_err(|error| ActionError::Transient(format!("no random numbers: {error}")))?;
        let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
        hash.map(|hash| hash.to_string())
            .map_err(|error| ActionError::Permanent(format!("password: {error}")))
    })
    .await?
}

/// Whether `password` is the one that `phc` was made of. A hash that cannot be read fits none.
pub async fn verify(password: String, phc: String) -> Result<bool, ActionError> {
    let password = one_spelling(&password);
    if password.len() > MAX_PASSWORD_BYTES {
        return Ok(false);
    }
    on_a_thread_of_its_own(move || {
        PasswordHash::new(&phc).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    })
    .await
}

/// Unicode NFC: one keyboard sends é as one character and the next one as two, and both mean the same.
fn one_spelling(password: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(password).into_owned()
}

async fn on_a_thread_of_its_own<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ActionError> {
    let _permit = PERMITS.acquire().await.expect("the semaphore is never closed");
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ActionError::Transient(format!("hashing the password broke off: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_right_password_fits_and_no_other() {
        let phc = hash("correct horse".to_owned()).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert_eq!(verify("correct horse".to_owned(), phc.clone()).await, Ok(true));
        assert_eq!(verify("correct hors".to_owned(), phc.clone()).await, Ok(false));
        assert_eq!(verify(String::new(), phc.clone()).await, Ok(false));
        assert_ne!(
            phc,
            hash("correct horse".to_owned()).await.unwrap(),
            "every hash has a salt of its own"
        );
    }

    #[tokio::test]
    async fn a_password_has_one_spelling() {
        let (composed, apart) = ("Gr\u{fc}\u{df}e, Andr\u{e9}", "Gru\u{308}\u{df}e, Andre\u{301}");
        for (set, given) in [(composed, apart), (apart, composed)] {
            let phc = hash(set.to_owned()).await.unwrap();
            assert_eq!(verify(given.to_owned(), phc.clone()).await, Ok(true));
            assert_eq!(verify("Grusse, Andre".to_owned(), phc).await, Ok(false));
        }
    }

    #[tokio::test]
    async fn however_many_are_tried_at_once_so_many_hashes_take_memory() {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicUsize, Ordering};
        let (running, most) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let mut tries = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            tries.spawn(on_a_thread_of_its_own(move || {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                // long enough that others would be seen beside it, if they were let in
                (0..1_000).for_each(|_| std::thread::yield_now());
                running.fetch_sub(1, Ordering::SeqCst);
            }));
        }
        for done in tries.join_all().await {
            done.unwrap();
        }
        assert!(most.load(Ordering::SeqCst) <= AT_ONCE, "{most:?}");
    }

    #[tokio::test]
    async fn a_damaged_hash_fits_nothing() {
        assert_eq!(verify("x".to_owned(), "$argon2id$".to_owned()).await, Ok(false));
        assert_eq!(verify(String::new(), String::new()).await, Ok(false));
    }

    #[tokio::test]
    async fn long_passwords_cost_nothing() {
        let longest = "p".repeat(MAX_PASSWORD_BYTES);
        let phc = hash(longest.clone()).await.unwrap();
        assert_eq!(verify(longest.clone(), phc.clone()).await, Ok(true));
        assert!(hash(format!("{longest}p")).await.is_err());
        assert_eq!(verify(format!("{longest}p"), phc).await, Ok(false));
    }
}
