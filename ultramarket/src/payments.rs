//! `ultramarket payments check`: whether providers are connected rightly.

use payment::{check::State, domain::Provider};
use serde_json::json;

use crate::{cli::say, config::Config, exit};

/// Looks at one provider, or at all that have keys.
pub(crate) async fn check(
    config: &Config,
    provider: Option<Provider>,
    json: bool,
) -> anyhow::Result<()> {
    let providers = match provider {
        Some(provider) => vec![provider],
        None => payment::check::configured(&config.payment),
    };
    if providers.is_empty() {
        return Err(exit::usage(anyhow::anyhow!(
            "no payment provider has keys: see docs/payments.md"
        )));
    }
    let (mut worst, mut lines) = (State::Good, Vec::new());
    for provider in providers {
        let found =
            payment::check::check(&config.payment, &config.gateway.public_url, provider).await?;
        for finding in found {
            worst = worst.max(finding.state);
            let (name, state) = (provider.as_str(), finding.state.as_str());
            lines.push(if json {
                json!({ "provider": name, "what": finding.what, "state": state, "text": finding.text })
                    .to_string()
            } else {
                format!("{state:<8}{name:<8}{:<10}{}", finding.what, finding.text)
            });
        }
    }
    if json {
        let good = worst != State::Bad;
        say(&format!("{{\"ok\":{good},\"findings\":[{}]}}", lines.join(",")));
    } else {
        say(&lines.join("\n"));
    }
    anyhow::ensure!(worst != State::Bad, "payments would not work");
    Ok(())
}
