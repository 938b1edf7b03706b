//! SPDX 2.3 as JSON: <https://github.com/spdx/spdx-spec/blob/v2.3/schemas/spdx-schema.json>.
//!
//! The document describes the image, a package that contains all others. What packages say of their licences is a comment, as
//! it need not be an expression of SPDX; of the licences themselves nothing is asserted.

use serde_json::{Value, json};

use super::bill::{Bill, TOOL, TOOL_VERSION, hex, id};
use crate::layer::path::Escaped;
use crate::ops::installed::{InstalledPackage, Record};

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const IMAGE: &str = "SPDXRef-Image";

/// The document.
pub fn document(bill: &Bill<'_>) -> Value {
    let packages = &bill.installed.packages;
    let mut described = vec![image(bill)];
    described.extend(packages.iter().map(package));
    let mut relationships = vec![relationship(DOCUMENT, "DESCRIBES", IMAGE)];
    relationships.extend(packages.iter().map(|found| relationship(IMAGE, "CONTAINS", &spdx_id(found))));
    json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": bill.name,
        "documentNamespace": format!("https://spdx.org/spdxdocs/{TOOL}-{}", bill.fingerprint()),
        "creationInfo": {"created": bill.time(), "creators": [format!("Tool: {TOOL}-{TOOL_VERSION}")]},
        "packages": described,
        "relationships": relationships,
    })
}

fn image(bill: &Bill<'_>) -> Value {
    let mut image = common(IMAGE, &bill.name, bill.purl.as_deref());
    image["versionInfo"] = json!(bill.digest);
    image["primaryPackagePurpose"] = json!("CONTAINER");
    image["checksums"] = json!([{"algorithm": "SHA256", "checksumValue": hex(&bill.digest)}]);
    image
}

fn package(found: &InstalledPackage) -> Value {
    let mut described = common(&spdx_id(found), &found.package.name, found.purl.as_deref());
    if !found.package.version.is_empty() {
        described["versionInfo"] = json!(found.package.version);
    }
    if !found.package.license.is_empty() {
        described["licenseComments"] = json!(format!("the package says: {}", found.package.license));
    }
    let at = |record: &Record| format!("/{} (layer {})", Escaped(&record.path), record.layer + 1);
    let records: Vec<String> = found.records.iter().map(at).collect();
    described["sourceInfo"] = json!(format!("{} package, recorded in {}", found.package.kind, records.join(", ")));
    described
}

/// What every package has.
fn common(id: &str, name: &str, purl: Option<&str>) -> Value {
    let mut package = json!({
        "SPDXID": id,
        "name": name,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
    });
    if let Some(purl) = purl {
        let reference =
            json!({"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl});
        package["externalRefs"] = json!([reference]);
    }
    package
}

fn relationship(from: &str, kind: &str, to: &str) -> Value {
    json!({"spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to})
}

fn spdx_id(found: &InstalledPackage) -> String {
    format!("SPDXRef-Package-{}", id(found))
}
