//! What a file is, whose it is, and where its bytes are found.

use std::{fmt, str::FromStr};

use clock::Timestamp;
use ids::{FileId, MerchantId, UserId};
use serde::{Deserialize, Serialize};

/// Bytes of one upload at most.
pub const MAX_BYTES: usize = 10 * 1024 * 1024;
/// Files answered at once at most.
pub const MAX_BATCH: usize = 100;

/// What files are for; each purpose has its own rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// Pictures of products, of a merchant. Everybody may see them.
    Products,
    /// Pictures of people, of a user. Everybody may see them.
    Avatars,
    /// Papers of a merchant. Only for the merchant and the platform.
    Documents,
}

impl Bucket {
    /// Every bucket.
    pub const ALL: [Self; 3] = [Self::Products, Self::Avatars, Self::Documents];

    /// The name in requests and paths.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Products => "products",
            Self::Avatars => "avatars",
            Self::Documents => "documents",
        }
    }

    /// Reads the name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|bucket| bucket.as_str() == name)
    }

    /// Whether everybody may read what is in it.
    pub const fn is_public(self) -> bool {
        !matches!(self, Self::Documents)
    }

    /// Whether it takes content of this format.
    pub const fn takes(self, format: Format) -> bool {
        !matches!(format, Format::Pdf) || matches!(self, Self::Documents)
    }

    /// Width and height in pixels that the main picture is made to fit. A scanned paper must stay readable.
    pub const fn fit(self) -> (u32, u32) {
        match self {
            Self::Products | Self::Avatars => (800, 600),
            Self::Documents => (2400, 2400),
        }
    }
}

/// What content is, by its first bytes; a name or a declared type says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Format {
    Jpeg,
    Png,
    WebP,
    Gif,
    Pdf,
}

impl Format {
    /// Recognises content; nothing for what is not taken anywhere.
    pub fn sniff(content: &[u8]) -> Option<Self> {
        match content {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'%', b'P', b'D', b'F', b'-', ..] => Some(Self::Pdf),
            _ => None,
        }
    }
}

/// Whose a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A merchant's.
    Merchant(MerchantId),
    /// A person's.
    User(UserId),
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Merchant(id) => id.fmt(f),
            Self::User(id) => id.fmt(f),
        }
    }
}

/// The text names no owner.
#[derive(Debug, Clone, thiserror::Error)]
#[error("expected the id of a merchant or a user")]
pub struct ParseOwnerError;

impl FromStr for Owner {
    type Err = ParseOwnerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let merchant = text.parse().map(Self::Merchant);
        merchant.or_else(|_| text.parse().map(Self::User)).map_err(|_| ParseOwnerError)
    }
}

/// The first 20 bytes of a SHA-256, as 40 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(String);

impl Digest {
    const DIGITS: usize = 40;

    /// Shortens a SHA-256.
    pub fn new(sha256: &[u8]) -> Self {
        let digits = |byte: &u8| format!("{byte:02x}");
        Self(sha256.iter().take(Self::DIGITS / 2).map(digits).collect())
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == Self::DIGITS && text.bytes().all(digit)).then(|| Self(text.to_owned()))
    }
}

/// One of the things that are kept of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Form {
    /// The picture within [`Bucket::fit`].
    Main,
    /// Within 600 x 600.
    Large,
    /// Within 300 x 300.
    Medium,
    /// Within 120 x 120.
    Small,
    /// A document as it came.
    Pdf,
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 5] = [Self::Main, Self::Large, Self::Medium, Self::Small, Self::Pdf];
    /// The thumbnails, each made from the one before, with the side in pixels that they fit.
    pub const THUMBNAILS: [(Self, u32); 3] =
        [(Self::Large, 600), (Self::Medium, 300), (Self::Small, 120)];

    /// How the file's name ends.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Main => "-main.jpg",
            Self::Large => "-large.jpg",
            Self::Medium => "-medium.jpg",
            Self::Small => "-small.jpg",
            Self::Pdf => ".pdf",
        }
    }

    /// What it is served as.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Main | Self::Large | Self::Medium | Self::Small => "image/jpeg",
            Self::Pdf => "application/pdf",
        }
    }
}

/// Where bytes are found: `products/3f/3f...-main.jpg`. It can name nothing else: there is no way to spell a parent folder, an
/// absolute path or another extension.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BlobPath {
    /// The first folder.
    pub bucket: Bucket,
    /// The name, and its first two digits the second folder.
    pub digest: Digest,
    /// How the name ends.
    pub form: Form,
}

impl fmt::Display for BlobPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = self.digest.as_str();
        let folder = digest.get(..2).unwrap_or_default();
        write!(f, "{}/{folder}/{digest}{}", self.bucket.as_str(), self.form.suffix())
    }
}

/// The text is not a path of ours.
#[derive(Debug, Clone, thiserror::Error)]
#[error("not the path of a file")]
pub struct ParsePathError;

impl FromStr for BlobPath {
    type Err = ParsePathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('/');
        let path = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(bucket), Some(_), Some(name), None) => Form::ALL.into_iter().find_map(|form| {
                let digest = Digest::parse(name.strip_suffix(form.suffix())?)?;
                Some(Self { bucket: Bucket::parse(bucket)?, digest, form })
            }),
            _ => None,
        };
        // Only the one spelling that we write ourselves is read.
        path.filter(|path| path.to_string() == text).ok_or(ParsePathError)
    }
}

/// A picture's measures, and which forms are files of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Pixels of the main form.
    pub width: u32,
    /// Pixels of the main form.
    pub height: u32,
    /// Which form stands for the large one: a picture that is not larger than a thumbnail is its own thumbnail.
    pub large: FormName,
    /// Which form stands for the medium one.
    pub medium: FormName,
    /// Which form stands for the small one.
    pub small: FormName,
}

/// A form of a picture as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum FormName {
    Main,
    Large,
    Medium,
    Small,
}

impl From<FormName> for Form {
    fn from(name: FormName) -> Self {
        match name {
            FormName::Main => Self::Main,
            FormName::Large => Self::Large,
            FormName::Medium => Self::Medium,
            FormName::Small => Self::Small,
        }
    }
}

/// What is known of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub id: FileId,
    /// What it is for.
    pub bucket: Bucket,
    /// Whose it is.
    pub owner: Owner,
    /// Of the content as it was uploaded.
    pub digest: Digest,
    /// As the uploader called it; shown, never used as a path.
    pub name: String,
    /// Bytes of the main form.
    pub size: u64,
    /// For pictures; a document has none.
    pub picture: Option<Picture>,
    /// When it was uploaded first.
    pub created_at: Timestamp,
}

impl File {
    /// The form that the file is mainly.
    pub fn form(&self) -> Form {
        if self.picture.is_some() { Form::Main } else { Form::Pdf }
    }

    /// Where one of its forms is found.
    pub fn path(&self, form: Form) -> BlobPath {
        BlobPath { bucket: self.bucket, digest: self.digest.clone(), form }
    }
}

/// A file name fit to be kept: the last part of a path, without control characters, at most 200 bytes.
pub fn clean_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut clean: String = name.chars().filter(|character| !character.is_control()).collect();
    while clean.len() > 200 {
        clean.pop();
    }
    clean
}

#[cfg(test)]
#[path = "domain_tests.rs"]
mod tests;
