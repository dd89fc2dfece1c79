//! Tables that people take out of a provider's cabinet.
//!
//! Cabinets name their columns in the language of whoever looks, and rename them; columns are found by what they are called most
//! often, and the first row may be edited by hand to these names: `id`, `reference`, `amount` (so'm) or `amount_tiyin`, `state`.

use crate::domain::reconciliation::{Standing, Theirs};

/// Rows that are read at most.
const ROWS: usize = 50_000;

/// Why a table cannot be read: the line, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub(crate) struct Unreadable {
    line: usize,
    what: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Id,
    Reference,
    /// So'm.
    Amount,
    Tiyin,
    State,
}

/// Names of columns, in lower case.
const NAMES: &[(Column, &[&str])] = &[
    (
        Column::Id,
        &[
            "id",
            "transaction",
            "transaction id",
            "transaction_id",
            "payment_id",
            "click_paydoc_id",
            "id транзакции",
            "идентификатор",
            "идентификатор транзакции",
            "номер транзакции",
            "номер платежа",
            "tranzaksiya",
            "tranzaksiya id",
            "tranzaksiya raqami",
            "to'lov raqami",
        ],
    ),
    (
        Column::Reference,
        &[
            "reference",
            "order_id",
            "order",
            "merchant_trans_id",
            "заказ",
            "номер заказа",
            "buyurtma",
            "buyurtma raqami",
        ],
    ),
    (Column::Tiyin, &["amount_tiyin", "tiyin"]),
    (
        Column::Amount,
        &["amount", "sum", "сумма", "сумма платежа", "сумма, сум", "summa", "to'lov summasi"],
    ),
    (Column::State, &["state", "status", "статус", "состояние", "holati", "holat"]),
];

/// What the states of providers come to: numbers of Payme's transactions and receipts and of Click's payments, and words.
fn standing(text: &str) -> Option<Standing> {
    let text = text.trim().to_lowercase();
    Some(match text.as_str() {
        "paid"
        | "success"
        | "successful"
        | "performed"
        | "confirmed"
        | "completed"
        | "2"
        | "4"
        | "оплачен"
        | "оплачено"
        | "проведен"
        | "проведён"
        | "успешно"
        | "подтвержден"
        | "подтверждён"
        | "to'langan"
        | "to‘langan"
        | "toʻlangan"
        | "muvaffaqiyatli" => Standing::Paid,
        "open"
        | "created"
        | "pending"
        | "processing"
        | "0"
        | "1"
        | "создан"
        | "в обработке"
        | "ожидает"
        | "ожидает оплаты"
        | "yaratilgan"
        | "kutilmoqda" => Standing::Open,
        "cancelled" | "canceled" | "refunded" | "reversed" | "failed" | "error" | "-1" | "-2"
        | "21" | "50" | "отменен" | "отменён" | "отменено" | "возврат" | "возвращен"
        | "возвращён" | "ошибка" | "bekor qilingan" | "qaytarilgan" | "xato" => {
            Standing::Ended
        }
        _ => return None,
    })
}

/// A sum in so'm as people write it: spaces between thousands, a comma or a point before the hundredths.
fn sum(text: &str) -> Option<i64> {
    let plain: String = text
        .chars()
        .filter(|letter| !letter.is_whitespace() && !"'’_".contains(*letter))
        .map(|letter| if letter == ',' { '.' } else { letter })
        .collect();
    let digits = plain.trim_end_matches(char::is_alphabetic);
    money::parse_decimal(digits).ok()
}

/// The cells of a line; cells in quotes may hold the separator, and quotes twice.
fn cells(line: &str, separator: char) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                cell.push('"');
                letters.next();
            }
            '"' => quoted = !quoted,
            other if other == separator && !quoted => cells.push(std::mem::take(&mut cell)),
            other => cell.push(other),
        }
    }
    cells.push(cell);
    cells.into_iter().map(|cell| cell.trim().to_owned()).collect()
}

fn column(name: &str) -> Option<Column> {
    let name = name.trim().to_lowercase();
    NAMES.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(column, _)| *column)
}

/// Reads a table with a header. Columns that nobody needs may be there.
pub(crate) fn read(table: &str) -> Result<Vec<Theirs>, Unreadable> {
    let unreadable = |line: usize, what: &str| Unreadable { line, what: what.to_owned() };
    let table = table.trim_start_matches('\u{feff}');
    let mut lines = table.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let (_, header) = lines.next().ok_or_else(|| unreadable(1, "the table is empty"))?;
    let separator = [';', '\t', ','].into_iter().find(|it| header.contains(*it)).unwrap_or(',');
    let columns: Vec<Option<Column>> =
        cells(header, separator).iter().map(|name| column(name)).collect();
    let place = |wanted: Column| columns.iter().position(|column| *column == Some(wanted));
    let id_at = place(Column::Id).ok_or_else(|| unreadable(1, "no column is called id"))?;
    let state_at =
        place(Column::State).ok_or_else(|| unreadable(1, "no column is called state"))?;
    let (tiyin_at, amount_at) = (place(Column::Tiyin), place(Column::Amount));
    if tiyin_at.is_none() && amount_at.is_none() {
        return Err(unreadable(1, "no column is called amount or amount_tiyin"));
    }
    let mut rows = Vec::new();
    for (number, line) in lines {
        let number = number + 1;
        if rows.len() == ROWS {
            return Err(unreadable(number, "more than 50,000 rows: take a shorter period"));
        }
        let row = cells(line, separator);
        let cell = |place: usize| row.get(place).map(String::as_str).unwrap_or_default();
        let id = cell(id_at).to_owned();
        if id.is_empty() {
            return Err(unreadable(number, "the id is missing"));
        }
        let state = cell(state_at);
        let standing = standing(state)
            .ok_or_else(|| unreadable(number, &format!("the state {state:?} is not known")))?;
        let amount = match (tiyin_at, amount_at) {
            (Some(place), _) => cell(place).parse().ok(),
            (None, Some(place)) => sum(cell(place)),
            (None, None) => None,
        };
        let amount = amount.ok_or_else(|| unreadable(number, "the amount is no sum"))?;
        let reference = place(Column::Reference).map(cell).unwrap_or_default().to_owned();
        rows.push(Theirs { id, reference, amount: Some(amount), standing });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tables_of_cabinets() {
        let plain = "id,order_id,amount,state\n65f,1000001K,5000.00,paid\n";
        let russian = "\u{feff}Дата;Номер транзакции;Номер заказа;Сумма;Статус\n21.11;65f;1000001K;\"5 000,00 сум\";Оплачен\r\n\n";
        let exact = "id\tstate\tamount_tiyin\torder\n65f\t2\t500000\t1000001K";
        let expected = Theirs {
            id: "65f".to_owned(),
            reference: "1000001K".to_owned(),
            amount: Some(500_000),
            standing: Standing::Paid,
        };
        for table in [plain, russian, exact] {
            assert_eq!(read(table), Ok(vec![expected.clone()]), "{table}");
        }
        let quoted = "id,state,amount,order\n\"a\"\"b\",-2,\"1,50\",\"x,y\"";
        let row = read(quoted).unwrap().remove(0);
        assert_eq!((row.id.as_str(), row.reference.as_str()), ("a\"b", "x,y"));
        assert_eq!((row.amount, row.standing), (Some(150), Standing::Ended));
    }

    #[test]
    fn what_cannot_be_read_says_where() {
        for (table, expected) in [
            ("", "line 1: the table is empty"),
            ("a,b\n", "line 1: no column is called id"),
            ("id,amount\n", "line 1: no column is called state"),
            ("id,state\n", "line 1: no column is called amount or amount_tiyin"),
            ("id,state,amount\n\na,paid,1\nb,odd,1", "line 4: the state \"odd\" is not known"),
            ("id,state,amount\na,paid,1.234", "line 2: the amount is no sum"),
            ("id,state,amount\n,paid,1", "line 2: the id is missing"),
        ] {
            assert_eq!(read(table).unwrap_err().to_string(), expected);
        }
    }

    proptest! {
        #[test]
        fn no_table_breaks_it(table: String) {
            let _ = read(&table);
            let _ = read(&format!("id,state,amount\n{table}"));
        }
    }
}
