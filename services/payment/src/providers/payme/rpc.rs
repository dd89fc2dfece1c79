//! The envelope: JSON-RPC as Payme speaks it.

use clock::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Digest, credential};
use crate::{
    domain::{fiscal::Kind, payme::Draft},
    providers::RawAnswer,
};

/// A call that can be answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    /// Echoed as it came.
    pub(crate) id: Value,
    pub(crate) method: Method,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Method {
    CheckPerform {
        reference: String,
        amount: i64,
    },
    Create(Draft),
    Perform {
        id: String,
    },
    Cancel {
        id: String,
        reason: i64,
    },
    Check {
        id: String,
    },
    Statement {
        from: Timestamp,
        to: Timestamp,
    },
    SetFiscalData(Fiscal),
    /// What a call with the new key shows; none for one that is missing or blank.
    ChangePassword(Option<Digest>),
}

/// A receipt of the tax office.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fiscal {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    /// JSON as it was received.
    pub(crate) body: String,
}

/// An error of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) code: i64,
    pub(crate) data: Option<String>,
}

impl Problem {
    pub(crate) const NOT_POST: Self = Self::plain(-32300);
    pub(crate) const UNPARSEABLE: Self = Self::plain(-32700);
    pub(crate) const SHAPE: Self = Self::plain(-32600);
    pub(crate) const PARAMS: Self = Self::plain(-32602);
    pub(crate) const RECEIPT: Self = Self::plain(-32001);
    pub(crate) const STRANGER: Self = Self::plain(-32504);
    pub(crate) const OURS: Self = Self::plain(-32400);

    /// ChangePassword without a password.
    pub(crate) fn no_password() -> Self {
        Self { code: -31050, data: Some("password".to_owned()) }
    }

    /// There is no such method.
    pub(crate) fn no_method(name: &str) -> Self {
        Self { code: -32601, data: Some(name.to_owned()) }
    }

    pub(crate) const fn plain(code: i64) -> Self {
        Self { code, data: None }
    }
}

/// A body read as far as it goes: the id is echoed even to strangers.
#[derive(Debug)]
pub(crate) struct Envelope {
    pub(crate) id: Value,
    body: Option<Value>,
}

/// Reads a body, whatever it is.
pub(crate) fn read(body: &[u8]) -> Envelope {
    let body: Option<Value> = serde_json::from_slice(body).ok();
    let id = body.as_ref().and_then(|body| body.get("id")).cloned().unwrap_or(Value::Null);
    Envelope { id, body }
}

impl Envelope {
    /// The call in it: JSON, then the shape, then the method, then its parameters.
    pub(crate) fn call(self) -> Result<Call, Problem> {
        let body = self.body.ok_or(Problem::UNPARSEABLE)?;
        let name = body.get("method").and_then(Value::as_str).ok_or(Problem::SHAPE)?;
        let params = body.get("params").and_then(Value::as_object).ok_or(Problem::SHAPE)?;
        Ok(Call { id: self.id, method: method(name, &Params(params))? })
    }

    /// The method's name if it is one of ours: a label that strangers cannot make up.
    pub(crate) fn label(&self) -> &'static str {
        let name = self.body.as_ref().and_then(|body| body.get("method")).and_then(Value::as_str);
        NAMES.into_iter().find(|known| Some(*known) == name).unwrap_or("unknown")
    }
}

const NAMES: [&str; 8] = [
    "CheckPerformTransaction",
    "CreateTransaction",
    "PerformTransaction",
    "CancelTransaction",
    "CheckTransaction",
    "GetStatement",
    "SetFiscalData",
    CHANGE_PASSWORD,
];

/// Of an older version of the protocol: off unless it is configured. Its password must not stay in a table.
pub(crate) const CHANGE_PASSWORD: &str = "ChangePassword";

fn method(name: &str, params: &Params<'_>) -> Result<Method, Problem> {
    Ok(match name {
        "CheckPerformTransaction" => {
            let amount = params.integer("amount")?;
            Method::CheckPerform { reference: params.account()?.0, amount }
        }
        "CreateTransaction" => {
            let (reference, account) = params.account()?;
            Method::Create(Draft {
                id: params.id()?,
                time: Timestamp::from_millis(params.integer("time")?),
                amount: params.integer("amount")?,
                account,
                reference,
            })
        }
        "PerformTransaction" => Method::Perform { id: params.id()? },
        "CancelTransaction" => {
            Method::Cancel { id: params.id()?, reason: params.integer("reason")? }
        }
        "CheckTransaction" => Method::Check { id: params.id()? },
        "GetStatement" => Method::Statement {
            from: Timestamp::from_millis(params.integer("from")?),
            to: Timestamp::from_millis(params.integer("to")?),
        },
        "SetFiscalData" => Method::SetFiscalData(params.fiscal().ok_or(Problem::PARAMS)?),
        CHANGE_PASSWORD => Method::ChangePassword(params.password()),
        unknown => return Err(Problem::no_method(unknown)),
    })
}

struct Params<'a>(&'a Map<String, Value>);

impl Params<'_> {
    fn integer(&self, name: &str) -> Result<i64, Problem> {
        self.0.get(name).and_then(Value::as_i64).ok_or(Problem::SHAPE)
    }

    fn id(&self) -> Result<String, Problem> {
        let id = self.0.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
        id.map(str::to_owned).ok_or(Problem::SHAPE)
    }

    /// The order's number in the account, empty when it is not there, and the account as it came.
    fn account(&self) -> Result<(String, String), Problem> {
        let account = self.0.get("account").filter(|account| account.is_object());
        let account = account.ok_or(Problem::SHAPE)?;
        let reference = match account.get("order_id") {
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        Ok((reference, account.to_string()))
    }

    /// The receipt's number is a must; what else is there has its type, or is null.
    fn fiscal(&self) -> Option<Fiscal> {
        let kind = Kind::parse(self.0.get("type")?.as_str()?)?;
        let data = self.0.get("fiscal_data")?.as_object()?;
        data.get("receipt_id").filter(|it| it.is_i64() || it.is_u64())?;
        let typed = |names: &[&str], right: fn(&Value) -> bool| {
            names.iter().all(|name| data.get(*name).is_none_or(|it| it.is_null() || right(it)))
        };
        let text = |it: &Value| it.is_string();
        let well = typed(&["status_code"], Value::is_i64)
            && typed(&["message", "qr_code_url"], text)
            && typed(&["terminal_id", "fiscal_sign", "date"], |it| it.is_string() || it.is_i64());
        if !well {
            return None;
        }
        let body = Value::Object(data.clone()).to_string();
        Some(Fiscal { id: self.id().ok()?, kind, body })
    }

    fn password(&self) -> Option<Digest> {
        let password = self.0.get("password").and_then(Value::as_str);
        password.filter(|password| !password.trim().is_empty()).map(credential)
    }
}

#[derive(Serialize)]
struct Answer<'a, T> {
    jsonrpc: &'static str,
    id: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
}

/// The answer on the wire, always with HTTP 200: anything else counts as our failure.
pub(crate) fn answer<T: Serialize>(id: &Value, outcome: Result<T, Problem>) -> RawAnswer {
    let (result, error) = match outcome {
        Ok(result) => (Some(result), None),
        Err(problem) => (None, Some(error(problem))),
    };
    let answer = Answer { jsonrpc: "2.0", id, result, error };
    // Plain fields under plain names: there is nothing that could fail.
    RawAnswer::json(serde_json::to_string(&answer).unwrap_or_default())
}

fn error(problem: Problem) -> Value {
    let [uz, ru, en] = message(problem.code);
    let mut error = json!({
        "code": problem.code,
        "message": { "uz": uz, "ru": ru, "en": en },
    });
    if let (Some(data), Some(error)) = (problem.data, error.as_object_mut()) {
        error.insert("data".to_owned(), Value::String(data));
    }
    error
}

/// What the payer may read: Uzbek, Russian, English.
fn message(code: i64) -> [&'static str; 3] {
    match code {
        -32300 => [
            "Faqat POST so'rovi qabul qilinadi",
            "Принимаются только запросы POST",
            "Only POST requests are accepted",
        ],
        -32700 => ["So'rov JSON emas", "Запрос не является JSON", "The request is not JSON"],
        -32600 => {
            ["So'rov tuzilishi noto'g'ri", "Неверная структура запроса", "The request is malformed"]
        }
        -32601 => ["Bunday metod yo'q", "Метод не найден", "There is no such method"],
        -32602 => ["Parametrlar noto'g'ri", "Неверные параметры", "The parameters are wrong"],
        -32001 => ["Chek topilmadi", "Чек не найден", "There is no such receipt"],
        -32504 => ["Kirishga ruxsat yo'q", "Недостаточно прав", "Access denied"],
        -31001 => ["Summa noto'g'ri", "Неверная сумма", "The amount is wrong"],
        -31003 => {
            ["Tranzaksiya topilmadi", "Транзакция не найдена", "There is no such transaction"]
        }
        -31007 => [
            "Buyurtma topshirilgan, bekor qilib bo'lmaydi",
            "Заказ выполнен, отменить нельзя",
            "The order is delivered and cannot be taken back",
        ],
        -31008 => [
            "Bu amalni bajarib bo'lmaydi",
            "Невозможно выполнить операцию",
            "The operation is not possible now",
        ],
        -31050 => ["Buyurtma topilmadi", "Заказ не найден", "There is no such order"],
        -31051 => ["Buyurtma to'langan", "Заказ уже оплачен", "The order is paid already"],
        -31052 => [
            "Buyurtma bekor qilingan yoki muddati o'tgan",
            "Заказ отменён или просрочен",
            "The order is cancelled or out of time",
        ],
        -31053 => [
            "Buyurtma hozir to'lanmoqda",
            "Заказ сейчас оплачивается",
            "The order is being paid at this moment",
        ],
        _ => [
            "Tizim vaqtincha ishlamayapti",
            "Система временно недоступна",
            "The system is away for a moment",
        ],
    }
}
