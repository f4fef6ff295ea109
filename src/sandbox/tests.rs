//! Stories about the sandbox, told over real sockets with a fake of our own service at the other end.

mod control;
mod faults;
mod mail;
mod phone;
mod sending;
mod signature;
mod stripe;
mod support;
