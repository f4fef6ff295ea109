//! The demo's templates: what an honest business would begin with, in both languages.

use anyhow::Context as _;
use uuid::Uuid;

use super::DemoBusiness;
use crate::{
    platform::{
        context::TenantCtx,
        db::{Db, TenantTx},
    },
    templates::{
        NewTemplate, TemplateLanguage, TemplatePurpose, TemplateType, Use, create_template,
        set_default_template,
    },
};

struct DemoTemplate {
    name: &'static str,
    description: &'static str,
    of: Use,
    subject: Option<&'static str>,
    body: &'static str,
}

const fn of(kind: TemplateType, purpose: TemplatePurpose, language: TemplateLanguage) -> Use {
    Use {
        kind,
        purpose,
        language,
    }
}

/// A collector for others makes itself known in each; `{{collectorDisclosure}}` is left out of a creditor's own.
const TEMPLATES: [DemoTemplate; 6] = [
    DemoTemplate {
        name: "First text (English)",
        description: "Who we are, and where the person can see what it is about.",
        of: of(
            TemplateType::Sms,
            TemplatePurpose::FirstContact,
            TemplateLanguage::En,
        ),
        subject: None,
        body: "Hi {{debtorFirstName}}, this is {{businessName}}. We have a message for you: {{portalLink}} Questions? \
               Just reply. {{collectorDisclosure}} {{optOutNotice}}",
    },
    DemoTemplate {
        name: "First text (Spanish)",
        description: "Who we are, and where the person can see what it is about, in Spanish.",
        of: of(
            TemplateType::Sms,
            TemplatePurpose::FirstContact,
            TemplateLanguage::Es,
        ),
        subject: None,
        body: "Hola {{debtorFirstName}}, somos {{businessName}}. Tenemos un mensaje para usted: {{portalLink}} \
               ¿Preguntas? Responda a este mensaje. {{collectorDisclosure}} {{optOutNotice}}",
    },
    DemoTemplate {
        name: "Offer to talk (English)",
        description: "A later text that asks what would help.",
        of: of(TemplateType::Sms, TemplatePurpose::FollowUp, TemplateLanguage::En),
        subject: None,
        body: "Hi {{debtorFirstName}}, this is {{businessName}} about your account ending in {{accountNumberEnding}}. \
               Would a smaller payment help? Reply and we will look at it together. {{collectorDisclosure}} \
               {{optOutNotice}}",
    },
    DemoTemplate {
        name: "Offer to talk (Spanish)",
        description: "A later text that asks what would help, in Spanish.",
        of: of(TemplateType::Sms, TemplatePurpose::FollowUp, TemplateLanguage::Es),
        subject: None,
        body: "Hola {{debtorFirstName}}, somos {{businessName}}, por su cuenta que termina en {{accountNumberEnding}}. \
               ¿Le ayudaría un pago menor? Responda y lo vemos juntos. {{collectorDisclosure}} {{optOutNotice}}",
    },
    DemoTemplate {
        name: "Account letter (English)",
        description: "A later e-mail with the balance as it stands.",
        of: of(
            TemplateType::Email,
            TemplatePurpose::FollowUp,
            TemplateLanguage::En,
        ),
        subject: Some("A message for {{debtorFirstName}}"),
        body: "Dear {{debtorFirstName}} {{debtorLastName}},\n\nThe balance of your account ending in \
               {{accountNumberEnding}} with {{creditorName}} is {{balance}}. You can see where it comes from, and what you \
               can do, here: {{portalLink}}\n\nIf something is not right, tell us and we will look into it. There is no \
               fee to pay online.\n\n{{businessName}}\n{{businessAddress}}\n\n{{collectorDisclosure}}\n\n{{optOutNotice}}",
    },
    DemoTemplate {
        name: "Account letter (Spanish)",
        description: "A later e-mail with the balance as it stands, in Spanish.",
        of: of(
            TemplateType::Email,
            TemplatePurpose::FollowUp,
            TemplateLanguage::Es,
        ),
        subject: Some("Un mensaje para {{debtorFirstName}}"),
        body: "Hola, {{debtorFirstName}} {{debtorLastName}}:\n\nEl saldo de su cuenta que termina en \
               {{accountNumberEnding}} con {{creditorName}} es {{balance}}. Aquí puede ver de dónde viene y qué puede \
               hacer: {{portalLink}}\n\nSi algo no es correcto, díganoslo y lo revisaremos.\n\n{{businessName}}\n\
               {{businessAddress}}\n\n{{collectorDisclosure}}\n\n{{optOutNotice}}",
    },
];

/// Keeps them, each as the default for its use.
pub(super) async fn write_templates(db: &Db, demo: &DemoBusiness, business: Uuid) -> anyhow::Result<()> {
    let mut tx = db.tenant(&TenantCtx::for_service(business, "seed")).await?;
    for template in &TEMPLATES {
        write(&mut tx, demo, template)
            .await
            .with_context(|| template.name)?;
    }
    tx.commit().await?;
    Ok(())
}

async fn write(tx: &mut TenantTx, demo: &DemoBusiness, template: &DemoTemplate) -> anyhow::Result<()> {
    let body = match demo.role {
        "THIRD_PARTY_COLLECTOR" => template.body.to_owned(),
        _ => template.body.replace("{{collectorDisclosure}}", ""),
    };
    let new = NewTemplate {
        name: template.name.to_owned(),
        description: Some(template.description.to_owned()),
        of: template.of,
        subject: template.subject.map(str::to_owned),
        body: body.replace("  ", " ").replace("\n\n\n\n", "\n\n"),
        is_active: true,
    };
    let refused = |error| anyhow::anyhow!("{error:?}");
    let id = create_template(tx, new, &mut None).await.map_err(refused)?;
    set_default_template(tx, id).await.map_err(refused)
}
