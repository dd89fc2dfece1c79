//! Places that a user has things delivered to.

use ids::AddressId;

use super::{Checks, Phone, Wrong};

/// A place in Uzbekistan, and who waits there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Address {
    pub region: String,
    pub district: String,
    pub street: String,
    pub house: String,
    pub landmark: String,
    pub recipient: String,
    pub phone: Phone,
}

/// An address that a user keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedAddress {
    /// Its name.
    pub id: AddressId,
    /// Where.
    pub address: Address,
    /// Proposed first.
    pub is_default: bool,
}

impl Address {
    /// Reads the form; everything that is wrong at once.
    pub fn parse(
        [region, district, street, house, landmark, recipient, phone]: [&str; 7],
    ) -> Result<Self, Vec<Wrong>> {
        let mut checks = Checks::default();
        let region = checks.text("address.region", region, (1, 64));
        let district = checks.text("address.district", district, (1, 64));
        let street = checks.text("address.street", street, (1, 200));
        let house = checks.text("address.house", house, (0, 64));
        let landmark = checks.text("address.landmark", landmark, (0, 200));
        let recipient = checks.text("address.recipient", recipient, (1, 100));
        let wrong = Wrong::new("address.phone", "INVALID", "expected +998 and nine digits");
        let phone = checks.take(Phone::parse(phone).ok_or(wrong));
        let address = (|| {
            Some(Self {
                region: region?,
                district: district?,
                street: street?,
                house: house?,
                landmark: landmark?,
                recipient: recipient?,
                phone: phone?,
            })
        })();
        checks.finish(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_who_waits_where() {
        let good = ["1726", "1726273", "Amir Temur", "", "", "Ali", "90 123 45 67"];
        assert_eq!(Address::parse(good).unwrap().phone.as_str(), "+998901234567");
        let wrong = Address::parse([""; 7]).unwrap_err();
        let fields: Vec<_> = wrong.iter().map(|wrong| wrong.field).collect();
        assert_eq!(
            fields,
            [
                "address.region",
                "address.district",
                "address.street",
                "address.recipient",
                "address.phone"
            ]
        );
    }
}
