//! One-off commands: the auth role alone, in this process, on the configured store.

use std::io::Read as _;

use anyhow::Context as _;
use mesh::Role;
use proto::auth::CreateAdminRequest;

use crate::{
    cli::{AdminCommand, say},
    config::Config,
    exit, platform,
};

/// Passwords are longer than this, and shorter than this.
const PASSWORD: std::ops::RangeInclusive<usize> = 8..=128;

pub(crate) async fn run(mut config: Config, command: &AdminCommand) -> anyhow::Result<()> {
    let AdminCommand::Create { login, name } = command;
    let password = read_password()?;
    // Beside a platform that runs: any free port, the same store.
    config.auth.listen = ([127, 0, 0, 1], 0).into();
    let sockets = platform::bind(&config, &[Role::Auth])?;
    let auth = platform::start(config, &[Role::Auth], sockets).await?;
    let request = CreateAdminRequest { login: login.clone(), password, name: name.clone() };
    let mut client = auth.mesh.auth();
    let created = mesh::Context::service("command line").scope(client.create_admin(request)).await;
    auth.running.until(std::future::ready(())).await;
    match created {
        Ok(answer) => {
            let user = answer.into_inner().user.unwrap_or_default();
            say(&format!("{login} is an administrator ({})", user.id));
            Ok(())
        }
        Err(status) => {
            let fault = fault::Fault::from(status);
            Err(exit::usage(anyhow::anyhow!("{}", fault.message)))
        }
    }
}

fn read_password() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().take(1024).read_to_string(&mut text).context("standard input")?;
    let password = text.trim_end_matches(['\r', '\n']).to_owned();
    if !PASSWORD.contains(&password.chars().count()) {
        return Err(exit::usage(anyhow::anyhow!(
            "give a password of {} to {} characters on standard input",
            PASSWORD.start(),
            PASSWORD.end()
        )));
    }
    Ok(password)
}
