//! The JSON Schema of the report, made from the types themselves.

use schemars::generate::SchemaSettings;

use super::Report;

/// The schema of what is written, as text: a field is required wherever it is always there.
pub fn schema() -> String {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let schema = generator.into_root_schema_for::<Report>();
    // `{:#}` of a JSON value is the same as pretty-printing it, which can't fail.
    format!("{:#}\n", schema.to_value())
}
