//! The service on the wire: decode, ask, encode. No rules here.

use std::sync::Arc;

use mesh::{Context, detach};
use proto::{
    event::{self as events, event_service_server::EventService},
    search::{self as pb, search_service_server::SearchService},
};
use tonic::{Request, Response, Status};

mod convert;
mod product;

pub(crate) use product::Products;

use crate::service::{Catalogue, Finder, Question};

type Answer<T> = Result<Response<T>, Status>;

/// The service as tonic sees it.
#[derive(Clone)]
pub(crate) struct Api {
    finder: Finder,
    catalogue: Arc<dyn Catalogue>,
}

impl Api {
    pub(crate) fn new(finder: Finder, catalogue: Arc<dyn Catalogue>) -> Self {
        Self { finder, catalogue }
    }
}

/// Rebuilds are for services and the platform owner.
fn require_owner() -> Result<(), Status> {
    let caller = Context::caller();
    if !caller.is_service() {
        caller.require_admin()?;
    }
    Ok(())
}

#[tonic::async_trait]
impl SearchService for Api {
    async fn search(&self, request: Request<pb::SearchRequest>) -> Answer<pb::SearchResponse> {
        let request = request.into_inner();
        let sort = convert::sort(request.sort());
        let page = request.page.unwrap_or_default();
        let question = Question {
            query: request.query,
            filter: convert::filter(request.filter.unwrap_or_default())?,
            sort,
            after: convert::parse_cursor(&page.after, sort)?,
            limit: convert::limit(&page),
            facets: request.facets,
        };
        let found = self.finder.find(&question).await?;
        Ok(Response::new(convert::found(found, sort, page.count)))
    }

    async fn suggest(&self, request: Request<pb::SuggestRequest>) -> Answer<pb::SuggestResponse> {
        let request = request.into_inner();
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let suggestions = self.finder.suggest(&request.query, &request.locale, limit).await?;
        let suggestions = suggestions.into_iter().map(convert::suggestion).collect();
        Ok(Response::new(pb::SuggestResponse { suggestions }))
    }

    async fn rebuild(&self, _: Request<pb::RebuildRequest>) -> Answer<pb::RebuildResponse> {
        require_owner()?;
        // Takes longer than a call may: it goes on when this one is answered.
        let context = Context { deadline: None, ..Context::current() }.as_service("search");
        let Self { finder, catalogue } = self.clone();
        let progress = finder.progress();
        let told = progress.clone();
        let work = context.scope(async move { finder.rebuild(catalogue.as_ref(), &told).await });
        tokio::select! {
            () = progress.begun() => {}
            outcome = detach(work) => drop(outcome??),
        }
        let rebuild = Some(convert::rebuild(progress.now()));
        Ok(Response::new(pb::RebuildResponse { rebuild }))
    }

    async fn get_rebuild(
        &self,
        _: Request<pb::GetRebuildRequest>,
    ) -> Answer<pb::GetRebuildResponse> {
        require_owner()?;
        let rebuild = Some(convert::rebuild(self.finder.rebuilt().await?));
        Ok(Response::new(pb::GetRebuildResponse { rebuild }))
    }
}

#[tonic::async_trait]
impl EventService for Api {
    async fn deliver(
        &self,
        request: Request<events::DeliverRequest>,
    ) -> Answer<events::DeliverResponse> {
        Context::caller().require_service()?;
        let mut response = events::DeliverResponse::default();
        let mut changes = Vec::new();
        for event in request.into_inner().events {
            let id = event.id.clone();
            match convert::change(event) {
                Ok(change) => {
                    changes.extend(change);
                    response.applied.push(id);
                }
                Err(reason) => response.rejected.push(events::Rejection { event_id: id, reason }),
            }
        }
        // Needs no inbox: versions make repeats harmless. One commit for the whole batch.
        self.finder.apply(changes).await?;
        Ok(Response::new(response))
    }
}
