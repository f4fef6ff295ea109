//! Mails to staff in Spanish.

use super::{Rendered, escaped, moment, notice, plain, unlinked};
use crate::identity::ports::{MailReader, StaffMail};

const NOTICE: [&str; 2] = [
    "Inicie sesión para verlo",
    "Recibe este correo porque lo pidió en sus preferencias de notificación.",
];

pub(super) fn render(reader: MailReader, mail: &StaffMail) -> Rendered {
    match mail {
        StaffMail::VerifyEmail { name, business, link } => {
            verify_email(&unlinked(name), &unlinked(business), link)
        }
        StaffMail::AlreadyRegistered => plain(
            "Usted ya está registrado",
            "Alguien, probablemente usted, se registró en funnelchat con esta dirección. Ya está registrada: solo inicie sesión. \
             Si no fue usted, ignore este correo.",
        ),
        StaffMail::Invitation { business, link } => (
            "Le han invitado a funnelchat",
            format!(
                "{business} le invita a unirse a su equipo en funnelchat.\n\nAbra este enlace para aceptar. Sirve una sola vez, \
                 durante 7 días:\n\n{link}\n\nSi no sabe de quién se trata, ignore este correo."
            ),
            format!(
                "<p>{business} le invita a unirse a su equipo en funnelchat.</p><p><a href=\"{link}\">Acepte la invitación</a> \
                 (el enlace sirve una sola vez, durante 7 días).</p><p>Si no sabe de quién se trata, ignore este correo.</p>",
                business = escaped(business)
            ),
        ),
        StaffMail::Welcome { business, link } => (
            "Bienvenido a funnelchat",
            format!("Ahora es miembro de {business} en funnelchat.\n\nInicie sesión aquí: {link}\n"),
            format!(
                "<p>Ahora es miembro de {business} en funnelchat.</p><p><a href=\"{link}\">Inicie sesión</a></p>",
                business = escaped(business)
            ),
        ),
        StaffMail::PasswordReset { link } => (
            "Elija una nueva contraseña",
            format!(
                "Alguien, probablemente usted, pidió una nueva contraseña en funnelchat.\n\nAbra este enlace para elegirla. Sirve \
                 durante una hora, una sola vez:\n\n{link}\n\nSi no fue usted, ignore este correo: su contraseña no cambia."
            ),
            format!(
                "<p>Alguien, probablemente usted, pidió una nueva contraseña en funnelchat.</p><p><a href=\"{link}\">Elija una \
                 nueva contraseña</a> (el enlace sirve durante una hora, una sola vez).</p><p>Si no fue usted, ignore este \
                 correo: su contraseña no cambia.</p>"
            ),
        ),
        StaffMail::PasswordChanged => plain(
            "Su contraseña fue cambiada",
            "Su contraseña de funnelchat fue cambiada y todas sus sesiones se cerraron. Si no fue usted, pida de inmediato una \
             nueva contraseña y avise a un administrador de su empresa.",
        ),
        StaffMail::LoginFailures => plain(
            "Alguien no logra iniciar sesión con su cuenta",
            "En la última hora alguien falló cinco veces o más al iniciar sesión en funnelchat con su cuenta. Si no fue usted, su \
             cuenta sigue segura: elija una nueva contraseña si usa la misma en otro lugar, y avise a un administrador de su \
             empresa.",
        ),
        StaffMail::MfaReplaced => plain(
            "Su segundo factor fue reemplazado",
            "Su segundo factor en funnelchat es ahora otra aplicación de autenticación, sus códigos de recuperación son nuevos y \
             todas sus demás sesiones se cerraron. Si no fue usted, cambie de inmediato su contraseña y avise a un administrador \
             de su empresa.",
        ),
        StaffMail::MfaReset => plain(
            "Su segundo factor fue retirado",
            "Su segundo factor en funnelchat fue retirado y todas sus sesiones se cerraron: la próxima vez que inicie sesión \
             elegirá otro. Si usted no lo pidió, elija de inmediato una nueva contraseña y avise a un administrador de su \
             empresa.",
        ),
        StaffMail::RecoveryCodesMade => plain(
            "Tiene nuevos códigos de recuperación",
            "Se crearon nuevos códigos de recuperación para usted en funnelchat, y los anteriores ya no sirven. Si no fue usted, \
             cambie de inmediato su contraseña y avise a un administrador de su empresa.",
        ),
        StaffMail::ConfirmEmail { link } => (
            "Confirme su nueva dirección de correo",
            format!(
                "Alguien, probablemente usted, quiere iniciar sesión en funnelchat con esta dirección.\n\nAbra este enlace e \
                 indique su contraseña para confirmarla. Sirve durante 24 horas, una sola vez:\n\n{link}\n\nSi no fue usted, \
                 ignore este correo: sin la contraseña el enlace no sirve de nada."
            ),
            format!(
                "<p>Alguien, probablemente usted, quiere iniciar sesión en funnelchat con esta dirección.</p><p><a \
                 href=\"{link}\">Confirme la dirección</a> con su contraseña (el enlace sirve durante 24 horas, una sola \
                 vez).</p><p>Si no fue usted, ignore este correo: sin la contraseña el enlace no sirve de nada.</p>"
            ),
        ),
        StaffMail::EmailTaken => plain(
            "Usted ya inicia sesión con esta dirección",
            "Alguien, probablemente usted, quiso iniciar sesión en funnelchat con esta dirección. Ya es la dirección de una cuenta, \
             y lo seguirá siendo. Si no fue usted, ignore este correo.",
        ),
        StaffMail::EmailChangeAsked => plain(
            "Su dirección de correo está por cambiar",
            "Alguien que conoce su contraseña, probablemente usted, quiere iniciar sesión en funnelchat con otra dirección. Cuando \
             se abra el enlace que se envió allí, esta dirección ya no servirá. Si no fue usted, elija de inmediato una nueva \
             contraseña, con lo que ese enlace deja de servir, y avise a un administrador de su empresa.",
        ),
        StaffMail::BreakGlass { business, ends } => {
            let rest = format!(
                "fue abierta a un miembro del personal de funnelchat, solo para leer, a más tardar hasta el {}. Quién es y por qué \
                 consta en breakGlassSessions; lo que lea, en su registro de accesos. Un administrador puede ponerle fin de \
                 inmediato con endBreakGlass.",
                moment(reader, *ends)
            );
            (
                "El personal de funnelchat está dentro de su empresa",
                format!("{business} {rest}"),
                format!("<p>{} {rest}</p>", escaped(business)),
            )
        }
        StaffMail::ConversationAssigned { business, link } => notice(
            NOTICE,
            "Se le asignó una conversación",
            "Alguien le asignó una conversación en",
            business,
            link,
        ),
        StaffMail::ConversationEscalated { business, link } => notice(
            NOTICE,
            "Una conversación le espera",
            "Se escaló una conversación que usted puede atender en",
            business,
            link,
        ),
        StaffMail::Mentioned { business, link } => notice(
            NOTICE,
            "Un colega le mencionó",
            "Un colega le mencionó en una nota en",
            business,
            link,
        ),
        StaffMail::ImportFinished { business, link } => notice(
            NOTICE,
            "Su importación terminó",
            "Terminó una importación de cuentas que usted inició en",
            business,
            link,
        ),
        StaffMail::ApiKeyEnds { prefix, ends } => plain(
            "Una clave de API de su empresa termina pronto",
            &format!(
                "La clave de API que comienza con {prefix} termina el {}. Cree una nueva, póngala en lugar de la anterior y revoque \
                 esta: de lo contrario, lo que la usa dejará de funcionar.",
                moment(reader, *ends)
            ),
        ),
        StaffMail::LicenseEnds { state, number, ends } => plain(
            "Una licencia de su empresa termina pronto",
            &format!(
                "La licencia {number} para cobrar en {state} es válida hasta el {ends}. Renuévela y registre su nueva fecha de fin: \
                 desde el día siguiente no se contactará allí a nadie para quien la ley la exija."
            ),
        ),
        StaffMail::CompliancePatterns { patterns, link } => {
            let before = format!(
                "En los últimos siete días, frente a los siete anteriores: {}",
                patterns.join(" ")
            );
            let after = "y decida qué hacer: qué textos, números o personas están detrás. Cada patrón se envía una vez al día mientras \
                         dure; sus preferencias de notificación lo desactivan.";
            (
                "Patrones en las decisiones de cumplimiento de su empresa",
                format!("{before} Véalos en {link} {after}"),
                format!(
                    "<p>{} <a href=\"{}\">Véalos</a> {after}</p>",
                    escaped(&before),
                    escaped(link)
                ),
            )
        }
        StaffMail::AttorneysSilent { holds, days } => plain(
            "Hay retenciones por abogado que pueden revisarse",
            &format!(
                "{holds} de las retenciones de su empresa por tener el deudor un abogado llevan {days} días o más. Siguen \
                 vigentes: nadie se contacta por sí mismo pasando por alto a un abogado. Si se escribió al abogado y no ha \
                 respondido en un plazo razonable, o ya no representa al deudor, una persona con esa autoridad puede levantar \
                 la retención y anotar por qué (12 CFR 1006.6(b)(2)). El registro de auditoría nombra cada una como \
                 hold.review_due. Cada retención se envía una sola vez; sus preferencias de notificación lo desactivan."
            ),
        ),
        StaffMail::KeysStay { prefixes } => plain(
            "Claves de API de su empresa siguen vigentes sin quien las creó",
            &format!(
                "Alguien de su personal fue suspendido o tiene ahora otro rol, y las claves de API que creó siguen vigentes: {}. \
                 Quien conozca una de ellas puede usarla. Revise si cada una hace falta y revoque las demás.",
                prefixes.join(", ")
            ),
        ),
    }
}

/// Anybody can have this mail sent to anybody: it says first who registered, in their words, which are no link.
fn verify_email(name: &str, business: &str, link: &str) -> Rendered {
    let who = |name: &str, business: &str| {
        format!(
            "Alguien que se llama \u{201c}{name}\u{201d} registró la empresa \u{201c}{business}\u{201d} en funnelchat con su \
             dirección de correo."
        )
    };
    let rest = "Si no fue usted, no abra el enlace e ignore este correo: no sirve de nada sin la contraseña que se eligió al \
                registrarse.";
    let (plain, html) = (who(name, business), who(&escaped(name), &escaped(business)));
    (
        "Verifique su dirección de correo",
        format!(
            "{plain}\n\nSi fue usted, abra este enlace e indique la contraseña que eligió. Sirve durante 24 \
             horas:\n\n{link}\n\n{rest}"
        ),
        format!(
            "<p>{html}</p><p>Si fue usted, <a href=\"{link}\">verifique su dirección de correo</a> e indique la contraseña que \
             eligió (el enlace sirve durante 24 horas).</p><p>{rest}</p>"
        ),
    )
}
