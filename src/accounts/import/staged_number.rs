//! A national id among the staged rows, which are sealed as a whole: nowhere else is it written down in clear.

use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

use crate::{accounts::NationalId, platform::secret::Masked};

pub(super) fn serialize<S: Serializer>(
    number: &Option<NationalId>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    number.as_ref().map(NationalId::expose).serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<NationalId>, D::Error> {
    let text = Option::<Masked<String>>::deserialize(deserializer)?;
    Ok(text.map(|text| NationalId::stored(text.expose())))
}
