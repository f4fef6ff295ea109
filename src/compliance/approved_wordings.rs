//! The wordings in which a required statement counts, in English and Spanish: whole sentences, folded to small letters without
//! accents and marks. A new wording is counsel's to approve.

/// Approved wordings of both statements of 12 CFR 1006.18(e)(1) in one sentence.
pub(super) fn whole_disclosure(language: &str) -> &'static [&'static str] {
    match language {
        "es" => &[
            "este es un intento de cobrar una deuda y toda informacion obtenida se utilizara con ese fin",
            "este es un intento de cobrar una deuda y cualquier informacion obtenida se utilizara con ese fin",
            "este es un intento de cobrar una deuda y toda informacion obtenida se usara con ese fin",
            "este es un intento de cobrar una deuda y cualquier informacion obtenida se usara con ese fin",
            "este es un intento de cobrar una deuda y toda informacion obtenida se utilizara para ese fin",
            "este es un intento de cobrar una deuda y cualquier informacion obtenida se utilizara para ese fin",
            "este es un intento de cobro de una deuda y toda informacion obtenida se utilizara con ese fin",
            "este es un intento de cobro de una deuda y cualquier informacion obtenida se utilizara con ese fin",
            "esto es un intento de cobrar una deuda y cualquier informacion obtenida se utilizara para ese proposito",
        ],
        _ => &[
            "this is an attempt to collect a debt and any information obtained will be used for that purpose",
            "this is an attempt to collect a debt any information obtained will be used for that purpose",
            "this is an attempt to collect a debt and all information obtained will be used for that purpose",
            "this is an attempt by a debt collector to collect a debt and any information obtained will be used for that purpose",
            "this communication is an attempt to collect a debt and any information obtained will be used for that purpose",
            "this message is an attempt to collect a debt and any information obtained will be used for that purpose",
            "we are a debt collector attempting to collect a debt and any information obtained will be used for that purpose",
        ],
    }
}

/// The first of the two: that a debt is being collected.
pub(super) fn attempt_to_collect(language: &str) -> &'static [&'static str] {
    match language {
        "es" => &[
            "este es un intento de cobrar una deuda",
            "esto es un intento de cobrar una deuda",
            "este es un intento de cobro de una deuda",
            "estamos intentando cobrar una deuda",
        ],
        _ => &[
            "this is an attempt to collect a debt",
            "this communication is an attempt to collect a debt",
            "this message is an attempt to collect a debt",
            "we are attempting to collect a debt",
            "we are trying to collect a debt",
            "this is an attempt by a debt collector to collect a debt",
        ],
    }
}

/// The second: what becomes of information. The last English one is that of Model Form B-1 to 12 CFR part 1006.
pub(super) fn use_of_information(language: &str) -> &'static [&'static str] {
    match language {
        "es" => &[
            "toda informacion obtenida se utilizara con ese fin",
            "cualquier informacion obtenida se utilizara con ese fin",
            "toda informacion obtenida se usara con ese fin",
            "cualquier informacion obtenida se usara con ese fin",
            "toda informacion obtenida se utilizara para ese fin",
            "cualquier informacion obtenida se utilizara para ese fin",
            "usaremos la informacion que nos proporcione para ayudar a cobrar la deuda",
        ],
        _ => &[
            "any information obtained will be used for that purpose",
            "all information obtained will be used for that purpose",
            "any information you give us will be used for that purpose",
            "any information we obtain will be used for that purpose",
            "we will use any information you give us to help collect the debt",
        ],
    }
}

/// 12 CFR 1006.18(e)(2).
pub(super) fn from_a_collector(language: &str) -> &'static [&'static str] {
    match language {
        "es" => &[
            "esta comunicacion es de un cobrador de deudas",
            "esta comunicacion es de una cobradora de deudas",
            "este mensaje es de un cobrador de deudas",
            "este mensaje es de una cobradora de deudas",
            "este correo es de un cobrador de deudas",
            "esta comunicacion proviene de un cobrador de deudas",
            "este mensaje proviene de un cobrador de deudas",
            "somos un cobrador de deudas",
            "somos una agencia de cobro de deudas",
        ],
        _ => &[
            "this communication is from a debt collector",
            "this message is from a debt collector",
            "this is a message from a debt collector",
            "this is a communication from a debt collector",
            "this text is from a debt collector",
            "this email is from a debt collector",
            "this letter is from a debt collector",
            "this is from a debt collector",
            "we are a debt collector",
            "this is an attempt by a debt collector to collect a debt",
            "this is an attempt by a debt collector to collect a debt and any information obtained will be used for that purpose",
            "we are a debt collector attempting to collect a debt and any information obtained will be used for that purpose",
        ],
    }
}

/// 12 CFR 1006.6(e). A web address is read as the word `weblink`.
pub(super) fn way_out(language: &str) -> &'static [&'static str] {
    match language {
        "es" => &[
            "responda stop para no recibir mas mensajes",
            "responda stop para dejar de recibir mensajes",
            "responda stop para darse de baja",
            "responda stop para cancelar",
            "responda stop para cancelar los mensajes",
            "responda alto para no recibir mas mensajes",
            "responda alto para darse de baja",
            "responda parar para no recibir mas mensajes",
            "responda parar para darse de baja",
            "envie stop para no recibir mas mensajes",
            "envie stop para darse de baja",
            "envie alto para no recibir mas mensajes",
            "para no recibir mas mensajes responda stop",
            "para dejar de recibir mensajes responda stop",
            "para darse de baja responda stop",
            "para darse de baja weblink",
            "darse de baja weblink",
            "cancelar la suscripcion weblink",
            "para cancelar la suscripcion weblink",
        ],
        _ => &[
            "reply stop to opt out",
            "reply stop to opt out of texts",
            "reply stop to opt out of these texts",
            "reply stop to end",
            "reply stop to end texts",
            "reply stop to end messages",
            "reply stop to end these texts",
            "reply stop to stop",
            "reply stop to stop texts",
            "reply stop to stop these texts",
            "reply stop to cancel",
            "reply stop to unsubscribe",
            "reply stop to get no more texts",
            "reply stop to get no more messages",
            "reply stop to receive no more texts",
            "reply stop to receive no more messages",
            "text stop to opt out",
            "text stop to end",
            "text stop to unsubscribe",
            "send stop to opt out",
            "send stop to unsubscribe",
            "to opt out reply stop",
            "to opt out text stop",
            "to unsubscribe reply stop",
            "to stop these texts reply stop",
            "to stop receiving texts reply stop",
            "to stop receiving messages reply stop",
            "unsubscribe weblink",
            "to unsubscribe weblink",
            "unsubscribe here weblink",
            "unsubscribe at weblink",
            "to unsubscribe click weblink",
            "to unsubscribe go to weblink",
            "to unsubscribe visit weblink",
            "to opt out weblink",
            "to opt out visit weblink",
            "to opt out of these emails visit weblink",
        ],
    }
}
