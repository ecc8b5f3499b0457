//! The JSON Schema of the report: what is published, and what the types have to agree with.

/// The schema of what is written, as text.
///
/// It is kept rather than made, because what makes it would be a quarter of a megabyte of the program.
pub const SCHEMA: &str = include_str!("../../docs/schema/report-1.json");

#[cfg(test)]
mod tests {
    use std::env;
    use std::fs;
    use std::path::Path;

    use schemars::generate::SchemaSettings;

    use super::SCHEMA;
    use crate::report::Report;

    #[test]
    fn the_published_schema_is_that_of_the_types() {
        // A field is required wherever it is always there.
        let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
        let schema = generator.into_root_schema_for::<Report>();
        let schema = format!("{:#}\n", schema.to_value());
        if env::var_os("UPDATE_CASES").is_some() {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/report-1.json");
            fs::write(file, &schema).unwrap();
            return;
        }
        assert!(
            schema == SCHEMA,
            "docs/schema/report-1.json is out of date: UPDATE_CASES=1 cargo test --lib schema"
        );
    }
}
