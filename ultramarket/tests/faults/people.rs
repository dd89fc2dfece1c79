//! People who buy while a test does something else.

use std::{sync::Arc, thread::JoinHandle};

use crate::market::Market;

/// They go on until the market closes, or a test has failed.
pub(crate) struct People<T> {
    market: Arc<Market>,
    thread: Option<JoinHandle<T>>,
}

impl People<()> {
    /// A few, each of whom buys again and again.
    pub(crate) fn buy(market: &Arc<Market>) -> Self {
        Self::begin(market, async |market| market.run().await)
    }
}

impl People<u64> {
    /// So many come each second; how many could not be let in.
    pub(crate) fn arrive(market: &Arc<Market>, per_second: u32) -> Self {
        Self::begin(market, async move |market| market.arrive(per_second).await)
    }
}

impl<T: Send + 'static> People<T> {
    /// On a thread of their own: nothing that is waited for elsewhere holds them up.
    fn begin(market: &Arc<Market>, work: impl AsyncFnOnce(&Market) -> T + Send + 'static) -> Self {
        let (runtime, shared) = (tokio::runtime::Handle::current(), Arc::clone(market));
        let thread = std::thread::spawn(move || runtime.block_on(work(&shared)));
        Self { market: Arc::clone(market), thread: Some(thread) }
    }

    /// Closes the market, and waits until everybody has finished what they had begun.
    pub(crate) fn go_home(mut self) -> T {
        self.market.close();
        let thread = self.thread.take().unwrap();
        tokio::task::block_in_place(|| thread.join().unwrap())
    }
}

impl<T> Drop for People<T> {
    fn drop(&mut self) {
        self.market.close();
    }
}
