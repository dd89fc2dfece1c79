//! Between messages and the domain.

use std::time::Duration;

use clock::Timestamp;
use fault::{Fault, Field};
use mesh::Context;
use proto::{auth as pb, value};
use tonic::Status as Refused;

use crate::{
    domain::{
        Address, ApiKey, Client, Locale, Merchant, Plan, SavedAddress, Session, StaffMember,
        Status, User,
    },
    service::SignedIn,
};

pub(super) fn id<K: ids::Kind>(text: &str) -> Option<ids::Id<K>> {
    text.parse().ok()
}

pub(super) fn client(client: Option<&pb::Client>) -> Client {
    client.map_or_else(Client::default, |client| Client::new(&client.ip, &client.user_agent))
}

/// The language in which the caller is answered.
pub(super) fn locale() -> Locale {
    Locale::parse(&Context::current().locale).unwrap_or_default()
}

pub(super) fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

pub(super) fn user(user: User) -> pb::User {
    let roles = user.roles().into_iter().map(str::to_owned).collect();
    let membership = user.membership;
    pb::User {
        id: user.id.to_string(),
        phone: user.phone.map(|phone| phone.to_string()).unwrap_or_default(),
        email: user.email.map(|email| email.to_string()).unwrap_or_default(),
        name: user.name,
        roles,
        phone_verified: user.phone_verified,
        locale: user.locale.as_str().to_owned(),
        created_at_ms: user.created_at.millis(),
        merchant_id: membership.map(|it| it.merchant.to_string()).unwrap_or_default(),
        merchant_role: membership.map(|it| it.role.as_str().to_owned()).unwrap_or_default(),
    }
}

pub(super) fn signed_in(signed_in: SignedIn) -> pb::SignedInResponse {
    let tokens = pb::Tokens {
        access_token: signed_in.access,
        refresh_token: signed_in.refresh,
        expires_in: seconds(signed_in.expires_in),
    };
    pb::SignedInResponse { user: Some(user(signed_in.user)), tokens: Some(tokens) }
}

pub(super) fn session(session: Session, current: bool) -> pb::Session {
    pb::Session {
        id: session.id.to_string(),
        created_at_ms: session.created_at.millis(),
        last_used_at_ms: session.last_used_at.millis(),
        user_agent: session.client.user_agent,
        ip: session.client.ip,
        current,
    }
}

pub(super) fn merchant(merchant: Merchant) -> pb::Merchant {
    let about = merchant.about;
    let bank =
        about.bank.map(|bank| pb::Bank { account: bank.account, mfo: bank.mfo, name: bank.name });
    pb::Merchant {
        id: merchant.id.to_string(),
        name: about.name,
        legal_name: about.legal_name,
        tin: about.tin.unwrap_or_default(),
        pinfl: about.pinfl.unwrap_or_default(),
        phone: about.phone.to_string(),
        email: about.email.to_string(),
        status: status(merchant.status).into(),
        plan: merchant.plan.map(Plan::as_str).unwrap_or_default().to_owned(),
        owner_user_id: merchant.owner.to_string(),
        created_at_ms: merchant.created_at.millis(),
        reject_reason: merchant.reason,
        version: merchant.version,
        bank,
    }
}

/// What everybody may see of a merchant.
pub(super) fn public_merchant(merchant: Merchant) -> pb::Merchant {
    pb::Merchant {
        id: merchant.id.to_string(),
        name: merchant.about.name,
        status: status(merchant.status).into(),
        created_at_ms: merchant.created_at.millis(),
        ..pb::Merchant::default()
    }
}

fn status(status: Status) -> pb::MerchantStatus {
    match status {
        Status::Pending => pb::MerchantStatus::Pending,
        Status::Active => pb::MerchantStatus::Active,
        Status::Rejected => pb::MerchantStatus::Rejected,
        Status::Suspended => pb::MerchantStatus::Suspended,
    }
}

pub(super) fn parse_status(status: pb::MerchantStatus) -> Option<Status> {
    match status {
        pb::MerchantStatus::Unspecified => None,
        pb::MerchantStatus::Pending => Some(Status::Pending),
        pb::MerchantStatus::Active => Some(Status::Active),
        pb::MerchantStatus::Rejected => Some(Status::Rejected),
        pb::MerchantStatus::Suspended => Some(Status::Suspended),
    }
}

pub(super) fn staff(member: StaffMember) -> pb::StaffMember {
    pb::StaffMember {
        id: member.id.to_string(),
        user_id: member.user.to_string(),
        login: member.login,
        name: member.name,
        role: member.role.as_str().to_owned(),
        created_at_ms: member.created_at.millis(),
    }
}

pub(super) fn api_key(key: ApiKey) -> pb::ApiKey {
    pb::ApiKey {
        id: key.id.to_string(),
        name: key.name,
        scopes: key.scopes,
        hint: key.hint,
        created_at_ms: key.created_at.millis(),
        last_used_at_ms: key.last_used_at.map_or(0, Timestamp::millis),
    }
}

pub(super) fn address(saved: SavedAddress) -> pb::SavedAddress {
    let Address { region, district, street, house, landmark, recipient, phone } = saved.address;
    let phone = phone.to_string();
    pb::SavedAddress {
        id: saved.id.to_string(),
        address: Some(value::Address {
            region,
            district,
            street,
            house,
            landmark,
            recipient,
            phone,
        }),
        is_default: saved.is_default,
    }
}

/// 1 to 100; 20 when nothing is asked for.
pub(super) fn limit(page: &value::PageRequest) -> u32 {
    if page.limit == 0 { 20 } else { page.limit.min(100) }
}

/// The cursor of a list by id is the last id.
pub(super) fn after<K: ids::Kind>(
    page: &value::PageRequest,
) -> Result<Option<ids::Id<K>>, Refused> {
    if page.after.is_empty() {
        return Ok(None);
    }
    let bad = || Fault::invalid(vec![Field::new("after", "INVALID", "not a cursor of this list")]);
    id(&page.after).map(Some).ok_or_else(|| bad().into())
}

/// Cuts one more than the limit off, and says where the next page begins.
pub(super) fn page<T>(
    mut found: Vec<T>,
    limit: u32,
    count: Option<u64>,
    cursor: impl Fn(&T) -> String,
) -> (Vec<T>, value::PageInfo) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(cursor).unwrap_or_default();
    (found, value::PageInfo { next, count })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_page_says_where_the_next_begins() {
        let (cut, info) = page(vec![1, 2, 3], 2, None, i32::to_string);
        assert_eq!((cut, info.next.as_str()), (vec![1, 2], "2"));
        let (all, info) = page(vec![1, 2], 2, Some(2), i32::to_string);
        assert_eq!((all.len(), info.next.as_str(), info.count), (2, "", Some(2)));
    }
}
