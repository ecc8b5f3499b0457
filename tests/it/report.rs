//! Reports as data: what people and programs get to see of them.

#[cfg(unix)]
mod browser;
mod cases;
mod formats;
mod hostile;
mod html;
mod json;
mod people;
mod short;
mod terminal;
mod verdict;
