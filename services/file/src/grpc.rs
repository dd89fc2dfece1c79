//! The service on the wire: decode, act, encode. No rules here.

use mesh::Context;
use proto::{
    file::{self as pb, file_service_server::FileService},
    value,
};
use tonic::{Request, Response, Status};

use crate::{
    domain::{File, Form},
    service::{Files, Upload},
};

type Answer<T> = Result<Response<T>, Status>;

/// The service as tonic sees it.
#[derive(Clone)]
pub(crate) struct Api {
    files: Files,
    /// What stands before paths.
    public_url: String,
}

impl Api {
    pub(crate) fn new(files: Files, public_url: &str) -> Self {
        Self { files, public_url: public_url.trim_end_matches('/').to_owned() }
    }

    fn url(&self, file: &File, form: Form) -> String {
        format!("{}/{}", self.public_url, file.path(form))
    }

    fn encode(&self, file: &File) -> pb::File {
        let picture = file.picture.as_ref().map_or_else(
            || value::Picture {
                url: self.url(file, file.form()),
                file_id: file.id.to_string(),
                ..value::Picture::default()
            },
            |picture| value::Picture {
                url: self.url(file, Form::Main),
                width: picture.width,
                height: picture.height,
                small_url: self.url(file, picture.small.into()),
                medium_url: self.url(file, picture.medium.into()),
                large_url: self.url(file, picture.large.into()),
                file_id: file.id.to_string(),
            },
        );
        pb::File {
            id: file.id.to_string(),
            bucket: file.bucket.as_str().to_owned(),
            content_type: file.form().content_type().to_owned(),
            size: file.size,
            picture: Some(picture),
            created_at_ms: file.created_at.millis(),
        }
    }
}

#[tonic::async_trait]
impl FileService for Api {
    async fn upload(&self, request: Request<pb::UploadRequest>) -> Answer<pb::UploadResponse> {
        let request = request.into_inner();
        let upload = Upload {
            name: request.file_name,
            content: request.content,
            bucket: request.bucket,
            merchant: request.merchant_id,
        };
        let file = self.files.upload(&Context::caller(), upload).await?;
        Ok(Response::new(pb::UploadResponse { file: Some(self.encode(&file)) }))
    }

    async fn read(&self, request: Request<pb::ReadRequest>) -> Answer<pb::ReadResponse> {
        let path = request.into_inner().path;
        let (path, content) = self.files.read(&Context::caller(), &path).await?;
        Ok(Response::new(pb::ReadResponse {
            content,
            content_type: path.form.content_type().to_owned(),
            etag: path.digest.as_str().to_owned(),
        }))
    }

    async fn link(&self, request: Request<pb::LinkRequest>) -> Answer<pb::LinkResponse> {
        let path = request.into_inner().path;
        let url = self.files.link(&Context::caller(), &path).await?.unwrap_or_default();
        Ok(Response::new(pb::LinkResponse { url }))
    }

    async fn batch_get_files(
        &self,
        request: Request<pb::BatchGetFilesRequest>,
    ) -> Answer<pb::BatchGetFilesResponse> {
        let files = self.files.batch(&Context::caller(), request.into_inner().ids).await?;
        let files = files.iter().map(|file| self.encode(file)).collect();
        Ok(Response::new(pb::BatchGetFilesResponse { files }))
    }
}
