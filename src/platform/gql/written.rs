//! Answers that are JSON already when they leave their resolver. A page of accounts with their threads and messages is
//! some two thousand small values; to keep them all in a tree until the end of the operation, only to write them out
//! and drop them, took a third of the time of the request.
//!
//! Such a text travels as [`Value::Binary`], which nothing else in the API produces and which a caller cannot send.

use async_graphql::Value;

/// Whether the objects of lists may be answered as text: data of the request. Not where the document selects one
/// composite field twice, for then the library must merge the two values (GraphQL specification, section 6.4.3).
#[derive(Clone, Copy, Debug)]
pub struct MayWrite(pub bool);

/// Writes a value as JSON, with the texts that it holds as they are.
pub fn write_json(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Binary(text) => out.extend_from_slice(text),
        Value::List(items) => {
            out.push(b'[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write_json(item, out);
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            out.push(b'{');
            for (place, (key, value)) in fields.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write_leaf(key, out);
                out.push(b':');
                write_json(value, out);
            }
            out.push(b'}');
        }
        leaf => write_leaf(leaf, out),
    }
}

fn write_leaf(leaf: &impl serde::Serialize, out: &mut Vec<u8>) {
    serde_json::to_writer(out, leaf).expect("strings, finite numbers and memory always serialize");
}

/// Puts the values in the place of their texts, for whoever must look into an answer.
pub fn read_back(value: &mut Value) {
    match value {
        Value::Binary(text) => *value = serde_json::from_slice(text).unwrap_or_default(),
        Value::List(items) => items.iter_mut().for_each(read_back),
        Value::Object(fields) => fields.values_mut().for_each(read_back),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::value;

    use super::*;

    #[test]
    fn what_is_written_is_what_serde_writes_and_can_be_read_back() {
        let plain =
            value!({ "a\"ä": [1, null, { "b": "x\ny" }], "empty": {}, "none": [], "f": 1.5, "t": true });
        let mut written = plain.clone();
        if let Value::Object(fields) = &mut written {
            for value in fields.values_mut() {
                let mut text = Vec::new();
                write_json(value, &mut text);
                *value = Value::Binary(text.into());
            }
        }
        let mut text = Vec::new();
        write_json(&written, &mut text);
        assert_eq!(
            String::from_utf8(text).unwrap(),
            serde_json::to_string(&plain).unwrap()
        );
        read_back(&mut written);
        assert_eq!(written, plain);
    }
}
