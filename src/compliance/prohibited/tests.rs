use super::*;
#[test]
fn embedded() { if let Err(e) = check_embedded() { panic!("{e}"); } }
