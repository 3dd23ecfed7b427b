//! How far an import has come, on standard error.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long an import runs before its bar appears: a short one shows none.
const APPEARS_AFTER: Duration = Duration::from_millis(500);

/// How often the bar is brought up to date.
const INTERVAL: Duration = Duration::from_millis(100);

const WITH_TOTAL: &str = "{wide_bar} {percent:>3}%  {msg}  {eta} left";
const WITHOUT_TOTAL: &str = "{spinner} {msg}";

/// A bar with rows, rows per second and bytes per second, drawn by a thread of its own.
///
/// * It is drawn on standard error, and only if that is a terminal. Otherwise this does nothing at all.
/// * It has no colours, and takes its line away when it is dropped.
pub(crate) struct ImportProgress {
    /// Dropping it stops the thread.
    stop: Option<Sender<()>>,
    drawer: Option<JoinHandle<()>>,
}

impl ImportProgress {
    /// Starts the bar. `done` gives the bytes and the rows that are imported so far, and is asked ten times a second.
    /// Without a total there is a spinner in the bar's place.
    pub(crate) fn start<F>(bytes_total: Option<u64>, done: F) -> Self
    where
        F: Fn() -> (u64, u64) + Send + 'static,
    {
        if !io::stderr().is_terminal() {
            return Self { stop: None, drawer: None };
        }
        let (stop, stopped) = mpsc::channel::<()>();
        let drawer = thread::Builder::new().name("import-progress".to_owned()).spawn(move || {
            if !matches!(stopped.recv_timeout(APPEARS_AFTER), Err(RecvTimeoutError::Timeout)) {
                return;
            }
            let bar = new_bar(bytes_total);
            loop {
                show(&bar, done());
                if !matches!(stopped.recv_timeout(INTERVAL), Err(RecvTimeoutError::Timeout)) {
                    break;
                }
            }
            bar.finish_and_clear();
        });
        // An import does not fail for want of a bar.
        Self { stop: Some(stop), drawer: drawer.ok() }
    }
}

impl Drop for ImportProgress {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(drawer) = self.drawer.take() {
            // A panic in the thread cost a bar and nothing else.
            let _ = drawer.join();
        }
    }
}

fn new_bar(bytes_total: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(bytes_total, ProgressDrawTarget::stderr()).with_elapsed(APPEARS_AFTER);
    let template = if bytes_total.is_some() { WITH_TOTAL } else { WITHOUT_TOTAL };
    // The templates are constant; a default style is no worse than none.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style)
}

fn show(bar: &ProgressBar, (bytes, rows): (u64, u64)) {
    bar.set_message(rates(bytes, rows, bar.elapsed()));
    bar.set_position(bytes);
    bar.tick();
}

/// `1,200,000 rows, 400,000 rows/s, 38.15 MiB/s`
fn rates(bytes: u64, rows: u64, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64().max(0.001);
    let per_second = |count: u64| (count as f64 / seconds) as u64;
    format!("{} rows, {} rows/s, {}/s", HumanCount(rows), HumanCount(per_second(rows)), HumanBytes(per_second(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_over_the_whole_time() {
        assert_eq!(rates(80_000_000, 1_200_000, Duration::from_secs(2)), "1,200,000 rows, 600,000 rows/s, 38.15 MiB/s");
    }

    #[test]
    fn the_first_moment_divides_by_no_zero() {
        assert_eq!(rates(0, 0, Duration::ZERO), "0 rows, 0 rows/s, 0 B/s");
    }
}
