//! Addresses of Redis servers.

/// The driver's part of an address, and ours.
pub(crate) struct Address {
    pub(crate) server: String,
    pub(crate) prefix: String,
    /// A file with the certificate of whoever certified the server's.
    pub(crate) authority: Option<String>,
}

pub(crate) fn split(address: &str, prefix: &str) -> anyhow::Result<Address> {
    let mut url = url::Url::parse(address)?;
    let (mut prefix, mut authority) = (prefix.to_owned(), None);
    for (key, value) in url.query_pairs() {
        match &*key {
            "prefix" => prefix = value.into_owned(),
            "ca" => authority = Some(value.into_owned()),
            // A misspelt key would be found out when it is too late.
            _ => anyhow::bail!("an address of Redis has no {key}=, only prefix=, ca="),
        }
    }
    url.set_query(None);
    Ok(Address { server: url.into(), prefix, authority })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Link;

    #[test]
    fn an_address_may_name_the_prefix_and_the_authority() {
        let plain = split("redis://:pw@h:1/2", "um:").unwrap();
        assert_eq!((plain.server.as_str(), plain.prefix.as_str()), ("redis://:pw@h:1/2", "um:"));
        assert_eq!(plain.authority, None);
        let more = split("rediss://h/?prefix=shop:2:&ca=/etc/ca.pem", "um:").unwrap();
        assert_eq!((more.server.as_str(), more.prefix.as_str()), ("rediss://h/", "shop:2:"));
        assert_eq!(more.authority.as_deref(), Some("/etc/ca.pem"));
        assert!(split("redis://h/?prefixx=a", "um:").is_err());
        for wrong in ["redis:", "rediss://h/?ca=/nowhere/ca.pem"] {
            assert!(Link::new(wrong, "um:").is_err(), "{wrong}");
        }
    }
}
