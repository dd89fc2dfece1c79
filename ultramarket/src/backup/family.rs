//! Which engine is behind an address.

/// Engines, as far as backups tell them apart. What one writes, the same one reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Sqlite,
    Postgres,
    Mongodb,
    Redis,
    Folder,
    S3,
    Tantivy,
    Elasticsearch,
}

impl Family {
    /// Of an address; which may hold a password, so that no error repeats it.
    pub(crate) fn of(address: &str) -> anyhow::Result<Self> {
        Ok(match address.split(':').next().unwrap_or_default() {
            "sqlite" => Self::Sqlite,
            "postgres" | "postgresql" => Self::Postgres,
            "mongodb" | "mongodb+srv" => Self::Mongodb,
            "redis" | "rediss" => Self::Redis,
            "file" => Self::Folder,
            "s3" => Self::S3,
            "tantivy" => Self::Tantivy,
            "http" | "https" => Self::Elasticsearch,
            scheme => anyhow::bail!("a store with {scheme:?} cannot be backed up"),
        })
    }

    /// As manifests name it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Mongodb => "mongodb",
            Self::Redis => "redis",
            Self::Folder => "file",
            Self::S3 => "s3",
            Self::Tantivy => "tantivy",
            Self::Elasticsearch => "elasticsearch",
        }
    }

    /// As people know what manifests name.
    pub(crate) fn name_of(kind: &str) -> &str {
        // Manifests write the scheme of an address, but for one.
        if kind == "elasticsearch" { "Elasticsearch" } else { crate::migrate::kind(kind) }
    }

    /// Whether it is read as of the one moment.
    pub(crate) fn is_held(self) -> bool {
        matches!(self, Self::Sqlite | Self::Postgres | Self::Mongodb | Self::Folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_their_engine() {
        for (address, kind, name) in [
            ("sqlite:data/a.db", "sqlite", "SQLite"),
            ("postgresql://u:p@h/d", "postgres", "PostgreSQL"),
            ("mongodb+srv://h/d", "mongodb", "MongoDB"),
            ("rediss://h", "redis", "Redis"),
            ("file:data/files", "file", "the folder of files"),
            ("s3://h", "s3", "S3"),
            ("tantivy:data/search", "tantivy", "tantivy"),
            ("https://h:9200/um", "elasticsearch", "Elasticsearch"),
        ] {
            let family = Family::of(address).unwrap();
            assert_eq!((family.as_str(), Family::name_of(family.as_str())), (kind, name));
        }
        let error = Family::of("papyrus://u:hunter2@h").unwrap_err().to_string();
        assert!(error.contains("papyrus") && !error.contains("hunter2"), "{error}");
    }
}
