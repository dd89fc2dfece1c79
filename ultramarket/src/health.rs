//! `ultramarket health`: asks as a load balancer would, for containers and scripts that have no client of HTTP.

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use mesh::Role;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{cli::say, config::Config, exit};

/// How long one role may take: its own checks have two seconds.
const PATIENCE: Duration = Duration::from_secs(4);
/// More than any answer.
const ANSWER: u64 = 64 * 1024;
const READY: &str = "/health/ready";

/// Asks one address, or every role that listens where the configuration says. A role whose port is closed runs elsewhere.
pub(crate) async fn run(config: &Config, url: Option<&str>) -> anyhow::Result<()> {
    if let Some(url) = url {
        let (address, path) = split(url).map_err(exit::usage)?;
        let answer = ask(address, path).await.with_context(|| url.to_owned())?;
        return answer.judge(url);
    }
    let mut here = false;
    for role in Role::ALL {
        match ask(&here_at(config, role).to_string(), READY).await {
            Ok(answer) => answer.judge(role.as_str())?,
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => continue,
            Err(error) => return Err(anyhow::Error::new(error).context(role)),
        }
        here = true;
    }
    ensure!(here, "no role answers here");
    Ok(())
}

/// Where a role of this machine is asked.
pub(crate) fn here_at(config: &Config, role: Role) -> SocketAddr {
    let mut listen = config.listen(role);
    if listen.ip().is_unspecified() {
        listen.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    listen
}

/// The role that answers at a URL or at `host:port`; none when nobody of the platform does.
pub(crate) async fn who(address: &str) -> Option<Role> {
    let address = split(address).map_or(address, |(address, _)| address);
    let answer = ask(address, "/health").await.ok()?;
    let told: serde_json::Value = serde_json::from_str(&answer.body).ok()?;
    told.get("role")?.as_str()?.parse().ok()
}

/// Host with port, and path.
fn split(url: &str) -> anyhow::Result<(&str, &str)> {
    let wrong = || format!("--url: {url:?} is not an address such as http://127.0.0.1:3005");
    let rest = url.strip_prefix("http://").with_context(wrong)?;
    let (address, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len())).unzip();
    let address = address.filter(|address| address.contains(':')).with_context(wrong)?;
    Ok((address, path.filter(|path| path.len() > 1).unwrap_or(READY)))
}

struct Answer {
    status: u16,
    body: String,
}

impl Answer {
    fn judge(&self, who: &str) -> anyhow::Result<()> {
        ensure!(self.status == 200, "{who}: {} {}", self.status, self.body);
        say(&format!("{who}: ready"));
        Ok(())
    }
}

async fn ask(address: &str, path: &str) -> std::io::Result<Answer> {
    let asked = tokio::time::timeout(PATIENCE, exchange(address, path)).await;
    asked.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}

async fn exchange(address: &str, path: &str) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut text = Vec::new();
    stream.take(ANSWER).read_to_end(&mut text).await?;
    let text = String::from_utf8_lossy(&text);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or(ErrorKind::InvalidData)?;
    Ok(Answer { status, body: body.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_name_its_path() {
        assert_eq!(split("http://127.0.0.1:3005").unwrap(), ("127.0.0.1:3005", READY));
        assert_eq!(split("http://order:3005/").unwrap(), ("order:3005", READY));
        assert_eq!(split("http://order:3005/health").unwrap(), ("order:3005", "/health"));
        for wrong in ["order:3005", "https://order:3005", "http://order", ""] {
            assert!(split(wrong).is_err(), "{wrong}");
        }
    }
}
