//! The demo's merchants: they apply and are approved like any other.

use std::collections::HashMap;

use anyhow::Context as _;
use mesh::{Caller, Context, Mesh};
use proto::auth as pb;
use tonic::Code;

use crate::{
    Account, Accounts, accounts,
    catalogue::{Catalogue, Merchant},
    patience::patiently,
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
    let owner = Context::new(Caller::user(owner.parse()?));
    let applied =
        async || owner.clone().scope(mesh.auth().apply_merchant(application.clone())).await;
    let id = match patiently(applied).await {
        Err(status) if status.code() == Code::AlreadyExists => find(mesh, merchant).await?,
        applied => applied?.merchant.unwrap_or_default().id,
    };
    let approval = pb::DecideMerchantRequest {
        id: id.clone(),
        status: pb::MerchantStatus::Active.into(),
        plan: "professional".to_owned(),
        reason: String::new(),
    };
    patiently(async || mesh.auth().decide_merchant(approval.clone()).await).await?;
    Ok(id)
}

/// The one that applied in a load that was cut off.
async fn find(mesh: &Mesh, merchant: &Merchant) -> anyhow::Result<String> {
    let request = pb::ListMerchantsRequest {
        page: Some(proto::value::PageRequest { limit: 100, ..Default::default() }),
        ..Default::default()
    };
    // Only the platform owner sees all of them.
    let owner = Caller { roles: vec!["admin".to_owned()], ..Caller::user(ids::UserId::new()) };
    let owner = Context::new(owner);
    let list = async || owner.clone().scope(mesh.auth().list_merchants(request.clone())).await;
    let list = patiently(list).await?;
    let found = list.merchants.into_iter().find(|known| known.tin == merchant.tin);
    found.map(|known| known.id).with_context(|| format!("merchant {} is nowhere", merchant.key))
}
