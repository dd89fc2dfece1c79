//! A keep-alive HTTP/1.1 connection that costs next to nothing.

use std::{io, net::SocketAddr};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// One connection and what came over it last.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
    body: usize,
}

/// A request as it goes over the wire.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: bench\r\n");
    for (name, value) in headers {
        text.extend([name, ": ", value, "\r\n"]);
    }
    if method != "GET" {
        let typed = headers.iter().any(|(name, _)| *name == "content-type");
        let kind = if typed { "" } else { "content-type: application/json\r\n" };
        text.extend([kind, "content-length: ", &body.len().to_string(), "\r\n"]);
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 64 * 1024], filled: 0, body: 0 })
    }

    /// Sends a request and reads its answer to the end; the status.
    pub(crate) async fn send(&mut self, request: &[u8]) -> io::Result<u16> {
        self.stream.write_all(request).await?;
        self.filled = 0;
        let head = loop {
            self.read().await?;
            if let Some(end) = find(self.seen(), b"\r\n\r\n") {
                break end + 4;
            }
        };
        let (status, length) = read_head(self.seen().get(..head).unwrap_or_default())?;
        self.body = head;
        match length {
            Some(length) => {
                while self.filled < head + length {
                    self.read().await?;
                }
            }
            // Chunks end with an empty one.
            None => {
                while !self.seen().ends_with(b"\r\n0\r\n\r\n") {
                    self.read().await?;
                }
            }
        }
        Ok(status)
    }

    fn seen(&self) -> &[u8] {
        self.buffer.get(..self.filled).unwrap_or_default()
    }

    async fn read(&mut self) -> io::Result<()> {
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
        let count = self.stream.read(room).await?;
        if count == 0 {
            return Err(broken("closed"));
        }
        self.filled += count;
        Ok(())
    }

    /// The body of the last answer as JSON.
    pub(crate) fn json(&self) -> Value {
        let body = self.seen().get(self.body..).unwrap_or_default();
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// Sends a request outside of any measurement; what it answers.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> anyhow::Result<Value> {
        let status = self.send(request).await?;
        let answer = self.json();
        anyhow::ensure!((200..300).contains(&status), "{status}: {answer}");
        Ok(answer)
    }
}

/// Status and length of the body; no length for chunks.
fn read_head(head: &[u8]) -> io::Result<(u16, Option<usize>)> {
    let text = str::from_utf8(head).map_err(|_| broken("head"))?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let status = status.ok_or_else(|| broken("status"))?;
    let mut length = if matches!(status, 204 | 304) { Some(0) } else { None };
    for line in lines {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
    }
    Ok((status, length))
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read() {
        let head = b"HTTP/1.1 201 Created\r\nContent-Length: 17\r\nx: y\r\n\r\n";
        assert_eq!(read_head(head).unwrap(), (201, Some(17)));
        assert_eq!(read_head(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap(), (204, Some(0)));
        assert_eq!(
            read_head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").unwrap(),
            (200, None)
        );
        assert!(read_head(b"nonsense").is_err());
    }

    #[test]
    fn requests_are_whole() {
        let text = String::from_utf8(request("POST", "/x", &[("a", "b")], "{}")).unwrap();
        assert_eq!(
            text,
            "POST /x HTTP/1.1\r\nhost: bench\r\na: b\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
        );
    }
}
