//! The demo's merchants: they apply and are approved like any other.

use std::collections::HashMap;

use mesh::{Caller, Context, Mesh};
use proto::auth as pb;

use crate::{
    Account, Accounts, accounts,
    catalogue::{Catalogue, Merchant},
};

/// Ids by the catalogue's keys.
pub(crate) type Sellers = HashMap<String, String>;

pub(crate) async fn create(
    mesh: &Mesh,
    catalogue: &Catalogue,
    accounts: &Accounts,
) -> anyhow::Result<Sellers> {
    let created = catalogue.merchants.iter().map(|merchant| async {
        let id = create_one(mesh, merchant, &accounts.merchant.password).await?;
        anyhow::Ok((merchant.key.clone(), id))
    });
    futures::future::try_join_all(created).await.map(|sellers| sellers.into_iter().collect())
}

async fn create_one(mesh: &Mesh, merchant: &Merchant, password: &str) -> anyhow::Result<String> {
    let owner = Account { login: merchant.owner_phone.clone(), password: password.to_owned() };
    let owner = accounts::register(mesh, &owner, &merchant.name).await?;
    let application = pb::ApplyMerchantRequest {
        name: merchant.name.clone(),
        legal_name: merchant.legal_name.clone(),
        tin: merchant.tin.clone(),
        phone: merchant.phone.clone(),
        email: merchant.email.clone(),
        ..Default::default()
    };
    let mut auth = mesh.auth();
    let applied =
        Context::new(Caller::user(owner.parse()?)).scope(auth.apply_merchant(application));
    let merchant = applied.await?.into_inner().merchant.unwrap_or_default();
    let approval = pb::DecideMerchantRequest {
        id: merchant.id.clone(),
        status: pb::MerchantStatus::Active.into(),
        plan: "professional".to_owned(),
        reason: String::new(),
    };
    mesh.auth().decide_merchant(approval).await?;
    Ok(merchant.id)
}
