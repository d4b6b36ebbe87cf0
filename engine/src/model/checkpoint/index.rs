//! The index of a checkpoint that is spread over several files: tensor name to file name.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::model::mistaken::{mistaken, tolerant_json};

/// Reads `*.safetensors.index.json`: file names with the tensors that they hold, both sorted.
///
/// # Errors
/// What is wrong, with the key. File names may not lead out of the folder.
pub fn parse(text: &[u8]) -> Result<BTreeMap<String, Vec<String>>, String> {
    if let Some(words) = mistaken(text) {
        return Err(words);
    }
    let index: Map<String, Value> = serde_json::from_str(&tolerant_json(text))
        .map_err(|error| format!("the index is not a JSON object: {error}"))?;
    let Some(map) = index.get("weight_map").and_then(Value::as_object) else {
        return Err("`weight_map`: expected an object of tensor names and file names".into());
    };
    if map.is_empty() {
        return Err("`weight_map`: found no tensors".into());
    }
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, file) in map {
        let plain = |it: &&str| !it.contains(['/', '\\', '\0']) && it.ends_with(".safetensors");
        let Some(file) = file.as_str().filter(plain) else {
            return Err(format!(
                "`weight_map`: tensor `{name}` lies in {file}, expected the name of a .safetensors file"
            ));
        };
        files.entry(file.to_owned()).or_default().push(name.clone());
    }
    files.values_mut().for_each(|names| names.sort());
    Ok(files)
}
