//! For people.
use crate::report::Report;
/// How much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The verdict alone.
    Verdict,
    /// The verdict and the ladder.
    Normal,
    /// Every probe too.
    Probes,
}
/// The report as text.
pub fn render(report: &Report, _detail: Detail, _paint: bool, _width: usize) -> String {
    let mut out = format!("{:?}\n", report.verdict);
    for finding in &report.findings {
        out.push_str(&format!(
            "{} {:?} {} -> {}\n",
            finding.code, finding.severity, finding.message, finding.remedy.text
        ));
    }
    for endpoint in &report.endpoints {
        out.push_str(&format!(
            "{} {:?}\n",
            endpoint.id,
            endpoint.proxy.as_ref().map(|proxy| (proxy.name, &proxy.marks))
        ));
        for layer in &endpoint.layers {
            out.push_str(&format!(
                "  {:?} {:?} {:?} {:?}\n",
                layer.layer, layer.status, layer.why, layer.duration_ms
            ));
        }
    }
    out
}
