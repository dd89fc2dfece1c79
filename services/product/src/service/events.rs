//! What other services tell.

use ids::ProductId;

use super::Catalogue;
use crate::{domain::OfferState, error::Error};

impl Catalogue {
    /// Notes what a product costs. Something older than what is known changes nothing, so this needs no inbox.
    pub(crate) async fn offers_changed(
        &self,
        product: ProductId,
        offers: &OfferState,
        version: i64,
    ) -> Result<(), Error> {
        self.store.set_offers(product, offers, version).await?;
        Ok(())
    }

    /// Adds pieces sold, once for each event.
    pub(crate) async fn sold(
        &self,
        event: &str,
        pieces: Vec<(ProductId, i64)>,
    ) -> Result<(), Error> {
        Ok(self.store.sold(event, pieces, self.clock.now()).await?)
    }
}
