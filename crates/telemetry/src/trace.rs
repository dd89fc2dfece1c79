//! Trace context across borders (W3C Trace Context).

use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState},
};
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

pub(crate) fn provider(endpoint: &str) -> anyhow::Result<Option<SdkTracerProvider>> {
    if endpoint.is_empty() {
        return Ok(None);
    }
    let exporter =
        opentelemetry_otlp::SpanExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
    let resource = Resource::builder().with_service_name("ultramarket").build();
    let provider =
        SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    Ok(Some(provider))
}

/// Whether the text is a `traceparent` header of version 00.
pub fn is_traceparent(text: &str) -> bool {
    parse(text).is_some()
}

/// The 32 hexadecimal digits that name the whole trace.
pub fn trace_id(traceparent: &str) -> &str {
    traceparent.get(3..35).unwrap_or_default()
}

/// Makes `span` a child of the span that the header names.
pub fn adopt(span: &tracing::Span, traceparent: &str) {
    if let Some(parent) = parse(traceparent) {
        // Without an exporter there is nobody to tell.
        drop(span.set_parent(Context::new().with_remote_span_context(parent)));
    }
}

/// The header for calls made inside the current span, when spans are exported.
pub fn current() -> Option<String> {
    let context = tracing::Span::current().context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| {
        format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags().to_u8())
    })
}

/// A header for a trace that begins here, from 128 bits that name it.
pub fn begin(id: u128) -> String {
    let span = u64::try_from((id >> 17) & u128::from(u64::MAX)).unwrap_or(1).max(1);
    format!("00-{:032x}-{span:016x}-01", id.max(1))
}

fn parse(text: &str) -> Option<SpanContext> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if version != "00" || trace.len() != 32 || span.len() != 16 || parts.next().is_some() {
        return None;
    }
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(u8::from_str_radix(flags, 16).ok()?),
        true,
        TraceState::default(),
    );
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_header() {
        let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert!(is_traceparent(header));
        assert_eq!(trace_id(header), "4bf92f3577b34da6a3ce929d0e0e4736");
        for wrong in [
            "",
            "00-0-0-0",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-ä",
        ] {
            assert!(!is_traceparent(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_new_trace_has_a_valid_header() {
        assert!(is_traceparent(&begin(1)));
        assert!(is_traceparent(&begin(u128::MAX)));
    }
}
