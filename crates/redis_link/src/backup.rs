//! Copies the keys with a prefix while they are written to, and puts a copy back.
//!
//! A copy is a row of records: the length of the key (four bytes, little-endian) and the key without the prefix, the milliseconds it had to
//! live (eight bytes; -1 for ever), the length of the value and the value as `DUMP` gives it. A server as old or newer reads it.

use std::{
    fs::File,
    io::{self, BufReader, Read as _},
    path::Path,
};

use anyhow::Context as _;
use archive::Part;
use redis::{ErrorKind, ServerErrorKind, cmd, pipe};

use crate::{Error, Link};

/// The one file of a copy.
const FILE: &str = "keys.dump";
/// Keys looked at with one call.
const BATCH: usize = 500;
/// The longest key or value that Redis takes.
const LONGEST: u32 = 512 * 1024 * 1024;

struct Record {
    key: Vec<u8>,
    life: i64,
    value: Vec<u8>,
}

impl Link {
    /// Copies every key with the prefix to a part. What is written meanwhile may or may not be in it.
    pub async fn copy(&self, part: &mut Part) -> anyhow::Result<()> {
        let mut sheet = part.sheet(FILE)?;
        let mut count = 0;
        let mut cursor: u64 = 0;
        loop {
            let (next, keys) = self.scan(cursor).await?;
            for record in self.dump(keys).await? {
                let Record { key, life, value } = record;
                sheet.put(&u32::try_from(key.len())?.to_le_bytes())?;
                sheet.put(&key)?;
                sheet.put(&life.to_le_bytes())?;
                sheet.put(&u32::try_from(value.len())?.to_le_bytes())?;
                sheet.put(&value)?;
                count += 1;
            }
            if next == 0 {
                break;
            }
            cursor = next;
        }
        part.keep(sheet)?;
        part.count("keys", count);
        Ok(())
    }

    /// Whether there is a key with the prefix.
    pub async fn is_filled(&self) -> anyhow::Result<bool> {
        let mut cursor = 0;
        loop {
            let (next, keys) = self.scan(cursor).await?;
            if !keys.is_empty() {
                return Ok(true);
            }
            if next == 0 {
                return Ok(false);
            }
            cursor = next;
        }
    }

    /// Whether somebody else has a connection for keys with this prefix. A server that does not say is taken for one that nobody uses.
    pub async fn is_in_use(&self) -> anyhow::Result<bool> {
        let mut look = pipe();
        look.cmd("CLIENT").arg("ID").cmd("CLIENT").arg("LIST");
        let looked: Result<(u64, String), Error> =
            self.ask(|mut connection| async move { look.query_async(&mut connection).await }).await;
        match looked {
            Ok((own, list)) => Ok(is_used(&list, own, &self.name())),
            Err(Error::Redis(error))
                if error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm) =>
            {
                tracing::warn!("Redis does not say who uses it");
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Removes every key with the prefix.
    pub async fn clear(&self) -> anyhow::Result<()> {
        let mut cursor = 0;
        loop {
            let (next, keys) = self.scan(cursor).await?;
            if !keys.is_empty() {
                let mut unlink = cmd("UNLINK");
                for key in keys {
                    unlink.arg(key);
                }
                self.command::<i64>(&unlink).await?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }

    /// Puts the keys of the copy in a folder back. They live as long from now as they had to live then.
    pub async fn load(&self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(FILE);
        let file = File::open(&path).with_context(|| path.display().to_string())?;
        let mut reader = BufReader::new(file);
        let mut ended = false;
        while !ended {
            let mut batch = pipe();
            let mut count = 0;
            while count < BATCH {
                let Some(Record { key, life, value }) = read(&mut reader)? else {
                    ended = true;
                    break;
                };
                let key = [self.prefix().as_bytes(), &key].concat();
                // For RESTORE it is 0 that means for ever.
                let life = if life < 0 { 0 } else { life.max(1) };
                batch.cmd("RESTORE").arg(key).arg(life).arg(value).arg("REPLACE").ignore();
                count += 1;
            }
            if count > 0 {
                let () = self
                    .ask(|mut connection| async move { batch.query_async(&mut connection).await })
                    .await?;
            }
        }
        Ok(())
    }

    /// Some keys with the prefix, perhaps none, and where to go on; 0 at the end. A key may come twice.
    async fn scan(&self, cursor: u64) -> anyhow::Result<(u64, Vec<Vec<u8>>)> {
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(pattern(self.prefix())).arg("COUNT").arg(BATCH);
        Ok(self.command(&scan).await?)
    }

    /// What is still there of these keys.
    async fn dump(&self, keys: Vec<Vec<u8>>) -> anyhow::Result<Vec<Record>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut batch = pipe();
        for key in &keys {
            batch.cmd("PTTL").arg(key).cmd("DUMP").arg(key);
        }
        let answers: Vec<redis::Value> = self
            .ask(|mut connection| async move { batch.query_async(&mut connection).await })
            .await?;
        let mut records = Vec::with_capacity(keys.len());
        for (key, answer) in keys.into_iter().zip(answers.chunks(2)) {
            let [life, value] = answer else { anyhow::bail!("an answer is missing") };
            let life: i64 = redis::from_redis_value_ref(life)?;
            let value: Option<Vec<u8>> = redis::from_redis_value_ref(value)?;
            // Gone since it was seen.
            let Some(value) = value else { continue };
            let key = key.strip_prefix(self.prefix().as_bytes()).unwrap_or(&key).to_vec();
            records.push(Record { key, life, value });
        }
        Ok(records)
    }
}

/// Whether a list of connections has another one of this name on the database of the one that asks.
fn is_used(list: &str, own: u64, name: &str) -> bool {
    let field = |line: &str, key: &str| {
        let mut fields = line.split(' ').filter_map(|field| field.split_once('='));
        fields.find(|(known, _)| *known == key).map(|(_, value)| value.to_owned())
    };
    let own = own.to_string();
    let is_own = |line: &str| field(line, "id").as_ref() == Some(&own);
    let database = list.lines().find(|line| is_own(line)).and_then(|line| field(line, "db"));
    list.lines().any(|line| {
        let same = field(line, "name").as_deref() == Some(name) && field(line, "db") == database;
        same && !is_own(line)
    })
}

/// What SCAN matches: the prefix as it is.
fn pattern(prefix: &str) -> String {
    let mut pattern = String::new();
    for letter in prefix.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '\\' | '^' | '-') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('*');
    pattern
}

fn read(reader: &mut BufReader<File>) -> anyhow::Result<Option<Record>> {
    let mut length = [0; 4];
    match reader.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        outcome => outcome?,
    }
    let key = take(reader, length)?;
    let mut life = [0; 8];
    reader.read_exact(&mut life)?;
    reader.read_exact(&mut length)?;
    let value = take(reader, length)?;
    Ok(Some(Record { key, life: i64::from_le_bytes(life), value }))
}

fn take(reader: &mut BufReader<File>, length: [u8; 4]) -> anyhow::Result<Vec<u8>> {
    let length = u32::from_le_bytes(length);
    anyhow::ensure!(length <= LONGEST, "a record has an impossible length");
    let mut bytes = Vec::new();
    let read = reader.take(u64::from(length)).read_to_end(&mut bytes)?;
    anyhow::ensure!(u32::try_from(read).ok() == Some(length), "a record is cut off");
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_told_by_name_and_database() {
        let list = "id=3 addr=a:1 name=ultramarket/um: age=1 db=0 sub=0\n\
                    id=4 addr=a:2 name=ultramarket/um: age=1 db=1 sub=0\n\
                    id=5 addr=a:3 name= age=1 db=0 sub=0\n\
                    id=6 addr=a:4 name=ultramarket/um: age=1 db=1 sub=0\n";
        assert!(!is_used(list, 3, "ultramarket/um:"), "it is the only one there");
        assert!(is_used(list, 4, "ultramarket/um:"));
        assert!(!is_used(list, 5, "ultramarket/other:"));
    }

    #[test]
    fn a_prefix_is_matched_as_it_is() {
        assert_eq!(pattern("um:cart:"), "um:cart:*");
        assert_eq!(pattern("a*b[c]?"), "a\\*b\\[c\\]\\?*");
    }
}
