use super::*;

const NEW: &str = r#"{"manifestVersion":"2024-04-01","byteCount":1024,"blobCount":1,"dataRowCount":3,
 "exportConfig":{"exportName":"act","resourceId":"/providers/Microsoft.Billing/billingAccounts/A:B_2019-05-31/providers/Microsoft.CostManagement/exports/act","dataVersion":"2021-10-01","apiVersion":"2023-07-01-preview","type":"ActualCost","timeFrame":"MonthToDate","granularity":"Daily"},
 "deliveryConfig":{"partitionData":true,"dataOverwriteBehavior":"OverwritePreviousReport","fileFormat":"Csv","compressionMode":"gzip","containerUri":"...","rootFolderPath":"partnerled"},
 "runInfo":{"executionType":"Scheduled","submittedTime":"2025-07-16T15:27:01.1234567Z","runId":"r-1","startDate":"2025-07-01T00:00:00","endDate":"2025-07-16T00:00:00"},
 "blobs":[{"blobName":"partnerled/act/20250701-20250731/r-1/part_0_0001.csv.gz","byteCount":1024,"dataRowCount":3}],
 "somethingNew":[1,{"x":null}]}"#;

const OLD: &str = r#"{"manifestVersion":"2021-01-01","dataFormat":"csv","blobCount":2,"byteCount":30,"dataRowCount":4,
 "blobs":[{"blobName":"a/000001.csv","byteCount":10,"dataRowCount":1,"headerRowCount":1,"contentMD5":"x"},
          {"blobName":"a/000002.csv","byteCount":20,"dataRowCount":"3","headerRowCount":1}]}"#;

#[test]
fn the_new_manifest_is_read() {
    let manifest = ExportManifest::parse("m", NEW.as_bytes()).unwrap();
    assert_eq!(manifest.version.as_deref(), Some("2024-04-01"));
    assert_eq!(manifest.dataset, Some(DatasetType::ActualCost));
    assert_eq!(manifest.month, Some("2025-07".parse().unwrap()));
    assert_eq!(manifest.run_id.as_deref(), Some("r-1"));
    assert_eq!(manifest.data_version.as_deref(), Some("2021-10-01"));
    assert_eq!(manifest.submitted_at_ms, Some(1_752_679_621_123));
    assert_eq!(manifest.format, Some(FileFormat::Csv));
    assert_eq!(manifest.compression_text.as_deref(), Some("gzip"));
    assert_eq!(manifest.blobs.len(), 1);
    assert_eq!(manifest.blobs[0].data_row_count, Some(3));
}

#[test]
fn the_old_manifest_and_a_byte_order_mark_are_read() {
    let mut body = b"\xef\xbb\xbf".to_vec();
    body.extend_from_slice(OLD.as_bytes());
    let manifest = ExportManifest::parse("m", &body).unwrap();
    assert_eq!(manifest.dataset_text, None);
    assert_eq!(manifest.month, None);
    assert_eq!(manifest.blob_count, Some(2));
    assert_eq!(manifest.blobs[1].data_row_count, Some(3));
    assert_eq!(manifest.format, Some(FileFormat::Csv));
}

#[test]
fn other_dataset_types_keep_their_name() {
    let body = NEW.replace("ActualCost", "FocusCost");
    let manifest = ExportManifest::parse("m", body.as_bytes()).unwrap();
    assert_eq!(manifest.dataset, None);
    assert_eq!(manifest.dataset_text.as_deref(), Some("FocusCost"));
}

#[test]
fn broken_manifests_name_themselves() {
    let cut = &NEW.as_bytes()[..NEW.len() / 2];
    let error = ExportManifest::parse("dir/manifest.json", cut).unwrap_err();
    assert!(matches!(error, ManifestError::Json { .. }));
    assert_eq!(error.location().unwrap().blob.as_deref(), Some("dir/manifest.json"));
    for (body, expected) in [
        ("{}", "blobs"),
        ("[]", "blobs"),
        (r#"{"blobs":[{"blobName":"a"},{"byteCount":1}]}"#, "blobs[1].blobName"),
    ] {
        match ExportManifest::parse("m", body.as_bytes()).unwrap_err() {
            ManifestError::Field { field, .. } => assert_eq!(field, expected),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn instants_are_read_with_and_without_zone() {
    let expected = parse_instant_ms("2025-07-16T15:27:01Z").unwrap();
    for same in [
        "2025-07-16T15:27:01",
        "2025-07-16T17:27:01+02:00",
        "2025-07-16T10:57:01-0430",
        "2025-07-16 15:27:01.000z",
        "07/16/2025 15:27:01",
    ] {
        assert_eq!(parse_instant_ms(same), Some(expected), "{same}");
    }
    assert_eq!(parse_instant_ms("2025-07-16T15:27:01.5Z"), Some(expected + 500));
    assert_eq!(parse_instant_ms("1970-01-01T00:00:00Z"), Some(0));
    for bad in ["", "soon", "2025-07-16T25:00:00Z", "2025-07-16T15:27:01.xZ", "2025-07-16T1:1:1+é0"]
    {
        assert_eq!(parse_instant_ms(bad), None, "{bad}");
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(body in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let _ = ExportManifest::parse("m", &body);
    }

    #[test]
    fn no_instant_panics(text in "\\PC{0,40}") {
        let _ = (parse_instant_ms(&text), parse_day(&text));
    }
}
