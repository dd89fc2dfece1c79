//! Accounts to try the demo with.

use mesh::Mesh;
use proto::auth as pb;
use tonic::Code;

use crate::patience::patiently;

/// What to type at sign-in. These passwords are public: demo data is refused in production.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Account {
    /// Phone or e-mail address.
    pub login: String,
    /// In clear: it is printed.
    pub password: String,
}

/// One account for each way of using the platform.
#[derive(Debug, Clone, serde::Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Accounts {
    pub shopper: Account,
    pub merchant: Account,
    pub admin: Account,
}

impl Accounts {
    /// The accounts that [`crate::load`] makes.
    pub fn new() -> Self {
        let account = |login: &str, password: &str| Account {
            login: login.to_owned(),
            password: password.to_owned(),
        };
        Self {
            shopper: account("+998901112233", "choy-va-non-2026"),
            // The owner of the first merchant of the catalogue.
            merchant: account("+998900000111", "savdo-barakasi-2026"),
            admin: account("admin@ultramarket.uz", "bozor-egasi-2026"),
        }
    }
}

impl Default for Accounts {
    fn default() -> Self {
        Self::new()
    }
}

pub(crate) async fn create(mesh: &Mesh, accounts: &Accounts) -> anyhow::Result<()> {
    let admin = pb::CreateAdminRequest {
        login: accounts.admin.login.clone(),
        password: accounts.admin.password.clone(),
        name: "Bozor egasi".to_owned(),
    };
    match patiently(async || mesh.auth().create_admin(admin.clone()).await).await {
        Err(status) if status.code() != Code::AlreadyExists => return Err(status.into()),
        _ => {}
    }
    register(mesh, &accounts.shopper, "Dilnoza Karimova").await?;
    Ok(())
}

/// Signs somebody up, or in; the user's id.
pub(crate) async fn register(mesh: &Mesh, account: &Account, name: &str) -> anyhow::Result<String> {
    let request = pb::RegisterRequest {
        phone: account.login.clone(),
        password: account.password.clone(),
        name: name.to_owned(),
        locale: "uz".to_owned(),
        ..Default::default()
    };
    let signed_in = match patiently(async || mesh.auth().register(request.clone()).await).await {
        Err(status) if status.code() == Code::AlreadyExists => {
            let request = pb::LoginRequest {
                login: account.login.clone(),
                password: account.password.clone(),
                ..Default::default()
            };
            patiently(async || mesh.auth().login(request.clone()).await).await
        }
        answer => answer,
    };
    Ok(signed_in?.user.unwrap_or_default().id)
}
