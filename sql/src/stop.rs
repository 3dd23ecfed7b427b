//! Breaking statements off from outside.

use std::sync::Arc;

use tokio::sync::watch;

/// Breaks statements off. Clones are handles of the same one.
///
/// * A statement that is broken off before its commit begins changes nothing; a commit that began is carried through.
/// * Once stopped, it stays so: what is run with it afterwards ends at once.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

impl Stop {
    /// One that nobody has used.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Breaks off what runs with it.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was used.
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is used.
    pub async fn stopped(&self) {
        let mut seen = self.0.subscribe();
        while !*seen.borrow_and_update() {
            if seen.changed().await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_handle_of_a_stop_is_stopped() {
        let stop = Stop::new();
        let other = stop.clone();
        assert!(!other.is_stopped());
        let waiting = tokio::spawn(async move { other.stopped().await });
        stop.stop();
        waiting.await.unwrap();
        assert!(stop.is_stopped());
        stop.stopped().await;
    }
}
