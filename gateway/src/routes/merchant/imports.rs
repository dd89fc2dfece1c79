//! Many products at once: CSV in and out.

use axum::{
    Json,
    body::Body,
    extract::{DefaultBodyLimit, FromRequest as _, Multipart, Path, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use clock::Timestamp;
use futures::stream;
use ids::kind;
use mesh::Context;
use proto::{product as pb, value::PageRequest};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{catalogue, csv, files};
use crate::{
    app::App,
    body,
    params::named,
    problem::Problem,
    reply::{Answer, Made, at, name, within},
};

/// The longest CSV file.
const LIMIT: usize = 8 * 1024 * 1024;
const PAGE: u32 = 100;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(import))
        .layer(DefaultBodyLimit::max(LIMIT + files::FRAME))
        .routes(routes!(export))
        .routes(routes!(job))
}

/// An import and how far it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Job {
    id: String,
    /// `queued`, `running`, `done` or `failed`.
    status: String,
    total: u32,
    imported: u32,
    errors: Vec<JobError>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// A line that was not imported.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobError {
    /// Of the file; the header is line 1.
    line: u32,
    field: String,
    code: String,
    message: String,
}

impl From<pb::Job> for Job {
    fn from(job: pb::Job) -> Self {
        let error = |error: pb::JobError| JobError {
            line: error.line,
            field: error.field,
            code: error.code,
            message: error.message,
        };
        Self {
            status: name(job.status().as_str_name(), "JOB_STATUS_"),
            id: job.id,
            total: job.total,
            imported: job.imported,
            errors: job.errors.into_iter().map(error).collect(),
            created_at: at(job.created_at_ms),
        }
    }
}

/// Starts an import. The CSV comes as a file of a multipart form, or as the body with the type `text/csv`.
#[utoipa::path(post, path = "/v1/merchant/products/import", tag = "merchant catalogue",
    request_body(content_type = "multipart/form-data", content = String), responses((status = 202, body = Job)))]
async fn import(State(app): State<App>, request: Request) -> Made<Job> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let plain = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/csv"));
    let csv = if plain {
        body::read(request.into_body(), LIMIT).await?
    } else {
        let form = Multipart::from_request(request, &()).await;
        files::first_file(form, LIMIT).await?.1
    };
    let request = pb::ImportProductsRequest { csv };
    let answer = within(files::PATIENCE, app.mesh.product().import_products(request)).await?;
    Ok((StatusCode::ACCEPTED, Json(answer.into_inner().job.unwrap_or_default().into())))
}

/// How far an import is.
#[utoipa::path(get, path = "/v1/merchant/jobs/{id}", tag = "merchant catalogue", responses((status = 200, body = Job)))]
async fn job(State(app): State<App>, Path(id): Path<String>) -> Answer<Job> {
    let id = named::<kind::Job>(id, "JOB")?;
    let answer = app.mesh.product().get_job(pb::GetJobRequest { id }).await?.into_inner();
    Ok(Json(answer.job.unwrap_or_default().into()))
}

/// Where an export is.
enum Place {
    Page(String),
    End,
}

async fn rows(app: &App, after: String) -> Result<(String, Place), Problem> {
    let page = PageRequest { limit: PAGE, after, count: false };
    let answer = catalogue::own_page(app, None, page).await?;
    let offers = catalogue::own_offers(app, &answer.products).await?;
    let text = csv::rows(&answer.products, &offers);
    let next = answer.page.map(|page| page.next).unwrap_or_default();
    Ok((text, if next.is_empty() { Place::End } else { Place::Page(next) }))
}

/// All own products as CSV, one line for each variant.
#[utoipa::path(get, path = "/v1/merchant/products/export", tag = "merchant catalogue", responses((status = 200, content_type = "text/csv")))]
async fn export(State(app): State<App>) -> Result<Response, Problem> {
    let (first, place) = rows(&app, String::new()).await?;
    let context = Context::current();
    let rest = stream::unfold(place, move |place| {
        let (app, context) = (app.clone(), Context { deadline: None, ..context.clone() });
        async move {
            let Place::Page(after) = place else { return None };
            match context.scope(rows(&app, after)).await {
                Ok((text, place)) => Some((Ok(text), place)),
                // The answer has begun: it can only break off.
                Err(problem) => Some((Err(problem.0), Place::End)),
            }
        }
    });
    let head = stream::iter([Ok(csv::header()), Ok(first)]);
    let body = Body::from_stream(futures::StreamExt::chain(head, rest));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"products.csv\""),
    ];
    Ok((headers, body).into_response())
}
