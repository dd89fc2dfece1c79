//! What is asked of Click's Merchant API beside refunds: questions, which may be asked again.

use fault::Fault;
use reqwest::Method;
use serde::Serialize;

use super::Payments;
use crate::providers::click_api::ClickApi;

impl Payments {
    /// The answer's status and body; none when there was none.
    pub(super) async fn ask_click(
        &self,
        api: &ClickApi,
        url: String,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Option<(u16, Vec<u8>)> {
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let request = self.http.request(method, url).header("accept", "application/json");
        let request = request.header("auth", api.auth(self.clock.now()));
        let request = match body {
            Some(body) => request.json(body),
            None => request.header("content-type", "application/json"),
        };
        let answered = async {
            let answer = request.send().await?;
            let status = answer.status().as_u16();
            Ok::<_, reqwest::Error>((status, answer.bytes().await?.to_vec()))
        };
        match answered.await {
            Ok(answer) => Some(answer),
            Err(error) => {
                let error = Fault::unavailable(error.without_url().to_string());
                tracing::warn!(%error, "Click did not answer");
                None
            }
        }
    }
}
