//! Which build this is, for whoever reads a report of it later. `build.rs` finds it out.

/// One line for a report: target, profile, commit, and the compiler.
pub const LINE: &str = concat!(
    env!("HOOP_DOCTOR_TARGET"),
    " ",
    env!("HOOP_DOCTOR_PROFILE"),
    " ",
    env!("HOOP_DOCTOR_COMMIT"),
    " rustc ",
    env!("HOOP_DOCTOR_RUSTC"),
);

/// The version, and below it the same facts a line each.
pub const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\ncommit:  ",
    env!("HOOP_DOCTOR_COMMIT"),
    "\ntarget:  ",
    env!("HOOP_DOCTOR_TARGET"),
    "\nprofile: ",
    env!("HOOP_DOCTOR_PROFILE"),
    "\nrustc:   ",
    env!("HOOP_DOCTOR_RUSTC"),
);

/// The day of the commit, `2026-04-14`; empty where it isn't known.
pub const DATE: &str = env!("HOOP_DOCTOR_DATE");
