//! Where a debtor's link leads. The page is the same for every link and asks nothing of the database: a preview, a scanner
//! of mail or a curious stranger learns nothing by it and uses nothing up (12 CFR 1006.6(d), 1006.22(f)). Front ends take
//! the link's last part and call `openDebtorLink`.

use axum::{
    http::{HeaderName, header},
    response::IntoResponse,
};

const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow, noarchive">
<title>Personal link</title>
</head>
<body>
<main>
<h1>Personal link</h1>
<p>This link is meant for one person. To go on, open it in the app or on the website of whoever sent it to you, and
show there that it is you. Please do not pass it on.</p>
<p lang="es">Este enlace es para una sola persona. Para continuar, ábralo en la aplicación o el sitio web de quien se lo
envió y demuestre allí que es usted. Por favor, no lo comparta.</p>
</main>
</body>
</html>
"#;

pub(super) async fn page() -> impl IntoResponse {
    (
        [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
            (
                header::CONTENT_SECURITY_POLICY,
                "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            ),
            (
                HeaderName::from_static("x-robots-tag"),
                "noindex, nofollow, noarchive",
            ),
        ],
        PAGE,
    )
}
