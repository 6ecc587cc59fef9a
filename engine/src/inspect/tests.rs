use super::*;

#[test]
fn months_are_told_as_ranges() {
    let months: Vec<BillingMonth> =
        ["2026-01", "2026-02", "2026-03", "2026-07"].map(|text| text.parse().unwrap()).into();
    assert_eq!(ranges(&months), "2026-01..2026-03, 2026-07");
}

#[test]
fn spans_are_told_in_days_or_hours() {
    for (ms, text) in [
        (0, "less than an hour"),
        (HOUR_MS, "1 hour"),
        (DAY_MS + HOUR_MS, "25 hours"),
        (2 * DAY_MS, "2 days"),
    ] {
        assert_eq!(span(ms), text);
    }
}

#[test]
fn a_scope_may_hold_another() {
    let scope = |text: &str| text.parse::<Scope>().unwrap();
    let account = scope("/providers/Microsoft.Billing/billingAccounts/A:B");
    let profile = scope("/providers/microsoft.billing/billingaccounts/a:b/billingProfiles/P");
    let sibling = scope("/providers/Microsoft.Billing/billingAccounts/A:B/billingProfiles/PX");
    let customer = scope("/providers/Microsoft.Billing/billingAccounts/A:B/customers/C");
    let stranger = scope("/providers/Microsoft.Billing/billingAccounts/A:C/customers/C");
    for (ours, theirs, told) in [
        (&profile, &account, Some("has a scope that holds this one")),
        (&account, &profile, Some("has a scope within this one")),
        (&account, &account, Some("has the same scope")),
        (&profile, &customer, Some("is of the same billing account")),
        (&customer, &profile, Some("is of the same billing account")),
        (&profile, &sibling, None),
        (&profile, &stranger, None),
    ] {
        let found = relation(ours, theirs).map(|relation| relation.split(':').next().unwrap());
        assert_eq!(found, told, "{ours:?} {theirs:?}");
    }
}

#[test]
fn a_sas_token_is_judged_by_what_it_says() {
    let verdict = |text: &str, now_ms| {
        let finding = sas_finding(&crate::source::SasToken::parse(text), now_ms);
        (finding.verdict, finding.what)
    };
    let token = "sp=rl&st=1970-01-02&se=1970-03-01&sig=x";
    assert_eq!(verdict(token, 5 * DAY_MS).0, Verdict::Ok);
    assert_eq!(
        verdict(token, 50 * DAY_MS),
        (Verdict::Warning, "the SAS token expires in 9 days".to_owned())
    );
    assert_eq!(
        verdict(token, 60 * DAY_MS),
        (Verdict::Failed, "the SAS token expired 24 hours ago".to_owned())
    );
    assert_eq!(verdict(token, 0).0, Verdict::Failed);
    assert_eq!(verdict("sp=rl", 0).0, Verdict::Failed);
    let lacking = verdict("sp=r&sig=x", 0).1;
    assert_eq!(lacking, "the SAS token does not allow to list (sp lacks l)");
    for (scope, told) in [
        ("ss=bf&srt=sco", None),
        ("sr=c", None),
        ("sr=d&sdd=1", None),
        ("sr=b", Some("is for a single blob (sr)")),
        ("sr=s", Some("is for file shares (sr)")),
        ("ss=q&srt=sco", Some("is not for the blob service (ss)")),
        ("ss=b&srt=s", Some("is not for containers and objects (srt)")),
        ("ss=b&srt=o", Some("is not for containers and objects (srt)")),
    ] {
        let (verdict, what) = verdict(&format!("sp=rl&sig=x&{scope}"), 0);
        assert_eq!(verdict == Verdict::Failed, told.is_some(), "{scope}: {what}");
        assert!(what.ends_with(told.unwrap_or_default()), "{scope}: {what}");
    }
}
