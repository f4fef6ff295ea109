//! Stories about the transports, told against a toy schema over real connections.

mod http;
mod socket;
mod socket_limits;
mod sse;
mod toy;
