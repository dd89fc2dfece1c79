//! Lines between two processes whose weather can be made: late, slow, silent in one direction or both, or torn.
//!
//! A line is a port that leads to another one. It has no idea of what is said on it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    runtime::Runtime,
    sync::watch,
};

use crate::dice::Dice;

/// What a line does to those who talk on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Nothing.
    Clear,
    /// Whatever is said arrives that much later, each way.
    Late(Duration),
    /// A few bytes at a time.
    Slow,
    /// Nothing arrives, both ways, and nobody is told. When it clears what was said goes on, as after a partition.
    Silent,
    /// Questions do not arrive; answers do.
    Deaf,
    /// Questions arrive; answers do not.
    Mute,
    /// Connections that are open stay so, and nothing ever comes of them; new ones work. So does a firewall that has forgotten.
    Forgotten,
    /// Connections are torn, and new ones too.
    Torn,
}

impl Weather {
    /// All but the clear one.
    const ALL: [Self; 7] = [
        Self::Late(Duration::from_millis(120)),
        Self::Slow,
        Self::Silent,
        Self::Deaf,
        Self::Mute,
        Self::Forgotten,
        Self::Torn,
    ];

    pub(crate) fn cast(dice: &mut Dice) -> Self {
        let which = usize::try_from(dice.below(7)).unwrap();
        Self::ALL[which]
    }
}

/// What all connections of a line see.
#[derive(Debug, Clone, Copy)]
struct Sky {
    weather: Weather,
    /// Connections with a lower number were forgotten.
    forgotten: u64,
}

/// One line.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) port: u16,
    sky: watch::Sender<Sky>,
    next: Arc<AtomicU64>,
}

impl Line {
    pub(crate) fn set(&self, weather: Weather) {
        self.sky.send_modify(|sky| {
            sky.weather = weather;
            if weather == Weather::Forgotten {
                sky.forgotten = self.next.load(Ordering::SeqCst);
            }
        });
    }

    /// How many connections were ever made on it.
    pub(crate) fn connections(&self) -> u64 {
        self.next.load(Ordering::SeqCst)
    }
}

/// Lines, and the one thread that works for them: those who are killed and frozen elsewhere do not hold it up.
#[derive(Debug)]
pub(crate) struct Exchange {
    runtime: Option<Runtime>,
}

impl Exchange {
    pub(crate) fn open() -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        Self { runtime: Some(builder.worker_threads(1).enable_all().build().unwrap()) }
    }

    /// A line to this port.
    #[expect(clippy::disallowed_methods, reason = "the runtime ends with the lines")]
    pub(crate) fn line(&self, to: u16) -> Line {
        let runtime = self.runtime.as_ref().unwrap();
        let (sky, seen) = watch::channel(Sky { weather: Weather::Clear, forgotten: 0 });
        let next = Arc::new(AtomicU64::new(0));
        let bound = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        bound.set_nonblocking(true).unwrap();
        let port = bound.local_addr().unwrap().port();
        let numbers = Arc::clone(&next);
        runtime.spawn(async move {
            let listener = TcpListener::from_std(bound).unwrap();
            while let Ok((caller, _)) = listener.accept().await {
                let number = numbers.fetch_add(1, Ordering::SeqCst);
                let to = SocketAddr::from((Ipv4Addr::LOCALHOST, to));
                tokio::spawn(connect(caller, to, number, seen.clone()));
            }
        });
        Line { port, sky, next }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        // From within another runtime too.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// One connection, until an end of it is closed or it is torn.
async fn connect(caller: TcpStream, to: SocketAddr, number: u64, mut seen: watch::Receiver<Sky>) {
    if seen.borrow().weather == Weather::Torn {
        return tear(&caller);
    }
    let Ok(called) = TcpStream::connect(to).await else { return tear(&caller) };
    drop((caller.set_nodelay(true), called.set_nodelay(true)));
    let (from_caller, to_caller) = caller.into_split();
    let (from_called, to_called) = called.into_split();
    let there = pump(from_caller, to_called, number, Way::There, seen.clone());
    let back = pump(from_called, to_caller, number, Way::Back, seen.clone());
    let (mut there, mut back) = (std::pin::pin!(there), std::pin::pin!(back));
    let both = async { tokio::join!(&mut there, &mut back) };
    tokio::select! {
        _ = both => {}
        // What is dropped here with unread bytes is reset.
        _ = seen.wait_for(|sky| sky.weather == Weather::Torn) => {}
    }
}

/// Ends a connection as a broken line does: without a farewell.
fn tear(stream: &TcpStream) {
    drop(stream.set_zero_linger());
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    There,
    Back,
}

/// Carries one way of a connection.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    number: u64,
    way: Way,
    mut seen: watch::Receiver<Sky>,
) -> Option<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await.ok()?;
        passes(number, way, &mut seen).await?;
        let weather = seen.borrow().weather;
        if read == 0 {
            return to.shutdown().await.ok();
        }
        let said = buffer.get(..read)?;
        match weather {
            Weather::Late(time) => tokio::time::sleep(time).await,
            Weather::Slow => {
                for part in said.chunks(48) {
                    to.write_all(part).await.ok()?;
                    tokio::time::sleep(Duration::from_millis(4)).await;
                    passes(number, way, &mut seen).await?;
                }
                continue;
            }
            _ => {}
        }
        passes(number, way, &mut seen).await?;
        to.write_all(said).await.ok()?;
    }
}

/// Waits until something may be carried this way.
async fn passes(number: u64, way: Way, seen: &mut watch::Receiver<Sky>) -> Option<()> {
    let clear = |sky: &Sky| {
        number >= sky.forgotten
            && match sky.weather {
                Weather::Silent => false,
                Weather::Deaf => way == Way::Back,
                Weather::Mute => way == Way::There,
                _ => true,
            }
    };
    seen.wait_for(clear).await.ok().map(drop)
}
