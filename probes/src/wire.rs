//! Bytes in, values out: what came over the wire becomes typed marks here, once.
//!
//! No sockets, no time. Any bytes are parsed or refused; "not enough yet" and "malformed" are different answers.

pub mod connect;
pub mod frame;
pub mod header;
pub mod hello;
pub mod opening;
pub mod page;
pub mod server_info;
pub mod status;
pub mod text;
