//! Amounts as decimal text: what Click, CSV files and people write.

/// The text is not an amount with at most two decimals.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an amount with at most two decimals, for example 5000 or 5000.50")]
pub struct ParseAmountError;

/// Reads `5000`, `5000.5` or `5000.50` as minor units, exactly. No sign, no exponent, no grouping.
pub fn parse_decimal(text: &str) -> Result<i64, ParseAmountError> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return Err(ParseAmountError);
    }
    // "5000.500" is the same sum as "5000.5"; "5000.505" is none.
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 2 {
        return Err(ParseAmountError);
    }
    let whole: i64 = whole.parse().map_err(|_| ParseAmountError)?;
    let minor: i64 = format!("{fraction:0<2}").parse().map_err(|_| ParseAmountError)?;
    whole.checked_mul(100).and_then(|sum| sum.checked_add(minor)).ok_or(ParseAmountError)
}

/// Writes minor units with two decimals: `500050` as `5000.50`.
pub fn format_decimal(amount: i64) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    let magnitude = amount.unsigned_abs();
    format!("{sign}{}.{:02}", magnitude / 100, magnitude % 100)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_providers_write() {
        assert_eq!(parse_decimal("5000"), Ok(500_000));
        assert_eq!(parse_decimal("5000.5"), Ok(500_050));
        assert_eq!(parse_decimal("5000.50"), Ok(500_050));
        assert_eq!(parse_decimal("5000.500"), Ok(500_050));
        for wrong in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "1 000",
            "1,5",
            "5000.505",
            "99999999999999999999",
        ] {
            assert_eq!(parse_decimal(wrong), Err(ParseAmountError), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn round_trip(amount in 0i64..=i64::MAX / 200) {
            prop_assert_eq!(parse_decimal(&format_decimal(amount)), Ok(amount));
        }
    }
}
