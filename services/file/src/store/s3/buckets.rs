//! The buckets: whether they are there, and making them so.

use anyhow::Context as _;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use bytes::Bytes;

use super::{
    REGION, S3Store,
    error::Error,
    objects::{Object, PATIENCE},
    records,
};
use crate::domain::Bucket;

impl S3Store {
    /// Whether the server answers and every bucket is there.
    pub(super) async fn check(&self) -> Result<(), Error> {
        let checks = Bucket::ALL.map(|bucket| self.is_there(self.bucket(bucket)));
        futures::future::try_join_all(checks).await.map(drop)
    }

    async fn is_there(&self, name: String) -> Result<(), Error> {
        let look = self.objects.client.head_bucket().bucket(&name).send();
        match self.objects.ask(PATIENCE, look).await {
            Err(error) if error.is(404) => Err(Error::Missing(name)),
            other => other.map(drop),
        }
    }

    /// Makes the buckets and says who may read them.
    pub(super) async fn prepare(&self) -> anyhow::Result<()> {
        for bucket in Bucket::ALL {
            let name = self.bucket(bucket);
            self.make(&name).await.with_context(|| format!("file.store: the bucket {name:?}"))?;
            let opened = if bucket.is_public() {
                self.publish(&name).await
            } else {
                self.close_off(&name).await
            };
            opened.with_context(|| {
                format!(
                    "file.store: the bucket {name:?} cannot be given its policy (Amazon: Block Public Access \
                     must let public policies be)"
                )
            })?;
        }
        self.require_conditions().await
    }

    async fn make(&self, name: &str) -> Result<(), Error> {
        let place = (self.region != REGION).then(|| {
            let place = BucketLocationConstraint::from(self.region.as_str());
            CreateBucketConfiguration::builder().location_constraint(place).build()
        });
        let make = self.objects.client.create_bucket().bucket(name);
        let make = make.set_create_bucket_configuration(place).send();
        match self.objects.ask(PATIENCE, make).await {
            Ok(_) => Ok(()),
            // It was there, or somebody is making it. Else the first error says why it cannot be.
            Err(error) => self.is_there(name.to_owned()).await.map_err(|_| error),
        }
    }

    /// Everybody may read what they know the name of; nobody may list.
    async fn publish(&self, name: &str) -> Result<(), Error> {
        let policy = serde_json::json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "AWS": ["*"] },
                "Action": ["s3:GetObject"],
                "Resource": [format!("arn:aws:s3:::{name}/*")],
            }],
        });
        let put = self.objects.client.put_bucket_policy().bucket(name).policy(policy.to_string());
        self.objects.ask(PATIENCE, put.send()).await.map(drop)
    }

    /// Only who has the keys may read.
    async fn close_off(&self, name: &str) -> Result<(), Error> {
        let remove = self.objects.client.delete_bucket_policy().bucket(name);
        self.objects.ask(PATIENCE, remove.send()).await.map(drop)
    }

    /// That a file is one file rests on conditional writes, which not every server knows.
    async fn require_conditions(&self) -> anyhow::Result<()> {
        let probe = Object {
            content: Bytes::from_static(b"{}"),
            content_type: records::CONTENT_TYPE,
            cache: records::CACHE,
            disposition: None,
        };
        let home = self.home();
        let context = "file.store: a conditional write";
        self.objects.put(&home, records::PROBE, &probe).await.context(context)?;
        let again = self.objects.put(&home, records::PROBE, &probe).await.context(context)?;
        anyhow::ensure!(
            !again,
            "file.store: the server overwrites in spite of If-None-Match: it cannot keep files apart"
        );
        Ok(())
    }
}
