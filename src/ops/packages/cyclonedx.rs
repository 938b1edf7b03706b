//! `CycloneDX` 1.6 as JSON: <https://cyclonedx.org/schema/bom-1.6.schema.json>.

use serde_json::{Value, json};

use super::bill::{Bill, TOOL, TOOL_VERSION, hex, id};
use crate::layer::path::Escaped;
use crate::ops::installed::InstalledPackage;

/// The document.
pub fn document(bill: &Bill<'_>) -> Value {
    let mut components: Vec<Value> = bill
        .installed
        .os
        .iter()
        .map(|os| {
            let mut component =
                json!({"type": "operating-system", "bom-ref": format!("os-{}", os.distro()), "name": os.id});
            put(&mut component, "version", &os.version_id);
            put(&mut component, "description", &os.pretty_name);
            component
        })
        .collect();
    components.extend(bill.installed.packages.iter().map(component));
    let mut image = json!({"type": "container", "bom-ref": "image", "name": bill.name, "version": bill.digest});
    image["hashes"] = json!([{"alg": "SHA-256", "content": hex(&bill.digest)}]);
    put(&mut image, "purl", bill.purl.as_deref().unwrap_or_default());
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial(&bill.fingerprint()),
        "version": 1,
        "metadata": {
            "timestamp": bill.time(),
            "tools": {"components": [{"type": "application", "name": TOOL, "version": TOOL_VERSION}]},
            "component": image,
        },
        "components": components,
    })
}

fn component(found: &InstalledPackage) -> Value {
    let package = &found.package;
    let mut component = json!({"type": "library", "bom-ref": id(found)});
    let (group, name) = package.group_and_name();
    put(&mut component, "group", group);
    component["name"] = json!(name);
    put(&mut component, "version", &package.version);
    put(&mut component, "purl", found.purl.as_deref().unwrap_or_default());
    if !package.license.is_empty() {
        // By name, as the package says it: whether that is an expression of SPDX is not looked at.
        component["licenses"] = json!([{"license": {"name": package.license, "acknowledgement": "declared"}}]);
    }
    let property = |name: &str, value: String| json!({"name": format!("{TOOL}:{name}"), "value": value});
    let mut properties = vec![property("type", package.kind.to_string())];
    for record in &found.records {
        properties.push(property("record", format!("/{}", Escaped(&record.path))));
        properties.push(property("layer", (record.layer + 1).to_string()));
    }
    component["properties"] = json!(properties);
    component
}

/// Adds a text that is not empty.
fn put(to: &mut Value, key: &str, text: &str) {
    if !text.is_empty() {
        to[key] = json!(text);
    }
}

/// A UUID of version 8, whose bits are ours to choose, from hexadecimal digits.
fn serial(digits: &str) -> String {
    let d = digits;
    format!("urn:uuid:{}-{}-8{}-a{}-{}", &d[..8], &d[8..12], &d[13..16], &d[17..20], &d[20..32])
}
